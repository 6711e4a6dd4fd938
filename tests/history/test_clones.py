"""Clones that lack something, and branches that were rewritten: over real HTTP, as CI fetches them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.history.stories import (
    ADA,
    GRACE,
    MALLORY,
    Place,
    approve,
    behind,
    edit,
    merge,
    other_digest,
    packages,
    planned,
    row,
    switch,
    verified,
)
from tests.support.git_server import GitServer


@pytest.fixture
def server(tmp_path) -> Iterator[GitServer]:
    (tmp_path / "served").mkdir()
    with GitServer(tmp_path / "served") as running:
        yield running


@pytest.fixture
def origin(place: Place, server: GitServer) -> str:
    """The address of a history with a merge in it, of which nothing is applied."""
    switch(place, "request", new=True)
    approve(place, "leaf", by=MALLORY)
    switch(place, "main")
    approve(place, "sample", by=ADA)
    merge(place, "request", by=GRACE)
    edit(place, "approvals/approved-pypi/leaf/1.2.yaml", "asked for by billing", "asked for by everybody")
    place.commit("Another reason", by=GRACE)
    return server.publish(place.root, "place.git")


def clone(place: Place, url: str, *options: str) -> Place:
    """A clone, with the upstreams and the feeds of the place, which are in no repository."""
    copy = Place(place.root.with_name("clone"))
    place.git("clone", "-q", *options, url, str(copy.root))
    copy.git("config", "user.name", ADA[0])
    copy.git("config", "user.email", ADA[1])
    for folder in ("upstream", ".feeds"):
        if (place.root / folder).exists():
            shutil.copytree(place.root / folder, copy.root / folder)
    return copy


# --- shallow ----------------------------------------------------------------------------------------------------------------------

READERS = [
    ("plan",),
    ("apply",),
    ("history",),
    ("explain", "approved-pypi", "leaf", "1.2"),
    ("verify",),
    ("who", "approved-pypi"),
    ("drift",),
]


@pytest.mark.parametrize("arguments", READERS, ids=lambda given: given[0])
def test_a_shallow_clone_is_refused_with_the_remedy_by_all_that_reads_history(place, origin, arguments):
    shallow = clone(place, origin, "--depth=1")
    done = shallow.run(*arguments)
    assert (done.code, done.out) == (3, "")
    assert "the clone is shallow" in done.err
    assert "git fetch --unshallow" in done.err
    assert not (shallow.root / ".feeds").exists()


def test_a_shallow_clone_that_is_deepened_as_the_remedy_says_is_as_good_as_a_full_one(place, origin):
    shallow = clone(place, origin, "--depth=1")
    assert shallow.run("plan").code == 3
    shallow.git("fetch", "-q", "--unshallow")
    assert shallow.run("history", "--format", "json").out == place.run("history", "--format", "json").out


def test_a_full_clone_made_shallow_is_refused(place, origin):
    """One `git fetch --depth=1` cuts off the history of a clone that has all of it, and says nothing."""
    full = clone(place, origin)
    assert full.run("apply").code == 0
    before = full.store_bytes()
    full.git("fetch", "-q", "--depth=1", "origin", "main")
    assert full.git("rev-list", "--count", "HEAD") == "1", "to git, ada never was"
    for command in ("plan", "apply", "history", "verify"):
        done = full.run(command)
        assert (done.code, "the clone is shallow" in done.err) == (3, True)
    assert full.store_bytes() == before
    full.git("fetch", "-q", "--unshallow", "origin")
    assert full.run("apply").code == 0
    verified(full)


def test_a_shallow_clone_of_another_branch_in_the_same_clone_is_refused_too(place, origin):
    """Git keeps one list of cut edges for a whole clone, so a cut anywhere may be one of ours."""
    full = clone(place, origin)
    place.git("switch", "-q", "--orphan", "elsewhere")
    place.commit("Another beginning", by=MALLORY)
    place.commit("And more", by=MALLORY)
    place.git("push", "-q", origin, "elsewhere")
    full.git("fetch", "-q", "--depth=1", "origin", "elsewhere")
    assert full.run("plan").code == 3


# --- partial ----------------------------------------------------------------------------------------------------------------------


def test_a_partial_clone_without_blobs_fetches_what_it_reads(place, origin, server):
    partial = clone(place, origin, "--filter=blob:none")
    assert "?" in partial.git("rev-list", "--objects", "--all", "--missing=print"), "some objects are not there"
    asked = len(server.asked)
    assert partial.run("history", "--format", "json").out == place.run("history", "--format", "json").out
    assert partial.run("apply").code == 0
    assert len(server.asked) > asked
    verified(partial)


def test_a_partial_clone_whose_server_is_down_says_what_is_missing_and_writes_nothing(place, origin, server):
    edit(place, "policies/permissions.yaml", "[ada, grace]", "[grace, ada]")
    place.commit("Sort", by=ADA)
    place.git("push", "-q", "-f", origin, "main")
    partial = clone(place, origin, "--filter=blob:none")
    server.down = True
    for command in ("plan", "apply", "history"):
        done = partial.run(command)
        assert (done.code, done.out) == (3, "")
        assert "missing" in done.err or "promisor" in done.err or "503" in done.err
        assert "To do: " in done.err
    assert not (partial.root / ".feeds").exists()


def test_a_partial_clone_without_trees_fetches_what_it_reads(place, origin):
    partial = clone(place, origin, "--filter=tree:0")
    assert partial.run("history", "--format", "json").out == place.run("history", "--format", "json").out


# --- rewritten --------------------------------------------------------------------------------------------------------------------


def test_a_force_push_is_named_and_nothing_is_written(place, origin):
    runner = clone(place, origin)
    assert runner.run("apply").code == 0
    applied = runner.git("rev-parse", "HEAD")
    before = runner.store_bytes()
    place.git("reset", "-q", "--hard", "HEAD~1")
    other_digest(place, "approvals/approved-pypi/sample/1.0.yaml")
    place.commit("Approve something else", by=ADA)
    place.git("push", "-q", "--force", origin, "main")
    runner.git("fetch", "-q", "origin")
    runner.git("reset", "-q", "--hard", "origin/main")
    for command in ("plan", "apply"):
        done = runner.run(command)
        assert (done.code, done.out) == (3, "")
        assert f"was last applied at commit {applied[:12]}" in done.err
        assert "the branch was rewritten (force-pushed)" in done.err
    assert runner.store_bytes() == before


def test_a_force_push_is_noticed_by_a_fresh_clone_that_never_saw_the_old_branch(place, origin):
    assert place.run("apply").code == 0
    place.git("reset", "-q", "--hard", "HEAD~1")
    place.commit("Something else", by=ADA)
    place.git("push", "-q", "--force", origin, "main")
    fresh = clone(place, origin)
    done = fresh.run("apply")
    assert (done.code, "not in this clone at all" in done.err) == (3, True)


def test_a_force_push_that_is_taken_back_goes_on(place, origin):
    assert place.run("apply").code == 0
    old = place.git("rev-parse", "HEAD")
    place.git("reset", "-q", "--hard", "HEAD~1")
    place.commit("Something else", by=ADA)
    assert place.run("apply").code == 3
    place.git("reset", "-q", "--hard", old)
    before = place.store_bytes()
    assert place.run("apply").code == 0
    assert place.store_bytes() == before


def test_an_amended_message_is_a_rewritten_history_too(place):
    approve(place, "leaf", by=MALLORY)
    assert place.run("apply").code == 5
    place.git("commit", "-q", "--amend", "-m", f"Approve\n\nApproved-by: {ADA[0]} <{ADA[1]}>", by=MALLORY)
    done = place.run("apply")
    assert (done.code, "force-pushed" in done.err) == (3, True)


def test_an_older_commit_after_a_newer_apply_is_refused(place):
    """`apply` of an older commit would undo nothing, but it would let the heads go backwards."""
    older = approve(place, "leaf", by=ADA)
    approve(place, "sample", by=ADA)
    assert place.run("apply").code == 0
    before = place.store_bytes()
    for command in ("plan", "apply"):
        done = place.run(command, "--ref", older)
        assert (done.code, done.out) == (3, "")
        assert "not on the first-parent chain" in done.err
        assert "the branch was set back to an earlier commit" in done.err
        assert "force-pushed" not in done.err
    assert place.store_bytes() == before
    assert packages(planned(place)["changes"]) == []
    verified(place)


def test_a_ref_that_is_not_head_is_read_as_it_is(place):
    approve(place, "leaf", by=ADA)
    place.git("tag", "release")
    approve(place, "sample", by=MALLORY)
    assert [change["package"] for change in planned(place, "--ref", "release")["changes"]] == ["leaf"]
    place.git("update-ref", "refs/heads/proxy", "release")
    place.git("symbolic-ref", "refs/heads/via", "refs/heads/proxy")
    assert place.run("apply", "--ref", "refs/heads/via").code == 0
    assert place.run("apply", "--ref", "main").code == 5
    assert behind(row(place, "leaf")) == (ADA[1], [])
