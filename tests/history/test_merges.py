"""Evil merges, octopus, foxtrot, squash and rebase: the shape of what lands moves no approval to another person."""

from __future__ import annotations

import pytest

from tests.history.stories import (
    ADA,
    EVIL,
    GRACE,
    LEAF,
    MALLORY,
    PERMISSIONS_FILE,
    SAMPLE,
    Place,
    approve,
    begin_merge,
    behind,
    edit,
    explained,
    merge,
    other_digest,
    packages,
    planned,
    published,
    records,
    row,
    rows,
    switch,
    text,
    verified,
)

NOBODY = ("Nobody", "nobody@example.org")


# --- evil merge -------------------------------------------------------------------------------------------------------------------


def test_an_evil_merge_that_adds_an_approval_is_the_mergers(place):
    switch(place, "request", new=True)
    approve(place, "leaf", by=GRACE)
    switch(place, "main")
    begin_merge(place, "request")
    approve(place, "sample", by=MALLORY, message="Merge")
    assert behind(row(place, "leaf")) == (GRACE[1], [MALLORY[1]])
    assert behind(row(place, "sample")) == (MALLORY[1], [])
    done = place.run("apply", "--format", "json")
    assert (done.code, packages(done.json["applied"]), packages(done.json["holds"])) == (5, ["leaf"], ["sample"])
    assert published(place) == ["leaf-1.2-py3-none-any.whl", "leaf-1.2.tar.gz"]
    assert row(place, "sample")["outcome"] == "held"
    assert "may promote from public-pypi" in explained(place, "sample", "1.0")
    verified(place)


def test_an_evil_merge_that_changes_a_digest_lets_nothing_of_the_version_in(place):
    switch(place, "request", new=True)
    approve(place, "leaf", by=ADA)
    switch(place, "main")
    begin_merge(place, "request")
    other_digest(place)
    place.commit("Merge", by=MALLORY)
    done = place.run("apply", "--format", "json")
    assert (done.code, done.json["applied"], published(place)) == (5, [], [])
    assert {hold["kind"] for hold in done.json["holds"]} == {"authority"}
    assert any(f"{MALLORY[0]} <{MALLORY[1]}>" in hold["reason"] for hold in done.json["holds"])
    told = rows(place, "leaf")
    assert (sorted(behind(found) for found in told), {found["outcome"] for found in told}) == (
        [(ADA[1], [MALLORY[1]]), (MALLORY[1], [])],
        {"held"},
    )
    assert place.run("endorse", "approved-pypi", "leaf", "1.2", "-m", "Both files", "--commit").code == 0
    assert "announces other content than was approved" in place.run("apply").out
    assert published(place) == []


def test_a_digest_that_an_evil_merge_by_somebody_entitled_changes_is_that_mergers(place):
    place.offer_wheel("leaf", "1.3")
    switch(place, "request", new=True)
    approve(place, "leaf", by=MALLORY)
    path = "approvals/approved-pypi/leaf/1.3.yaml"
    right = text(place, path)
    other_digest(place, path)
    place.commit("A wrong digest", by=MALLORY)
    switch(place, "main")
    begin_merge(place, "request")
    place.write(path, right)
    place.commit("Merge", by=GRACE)
    assert place.run("apply").code == 0
    (record,) = [record for record in records(place) if record["change"] == "promote"]
    assert behind(record) == (MALLORY[1], [GRACE[1]]), "the first commit of the branch has that digest already"
    assert published(place) == ["leaf-1.3-py3-none-any.whl"]
    verified(place)


def test_an_evil_merge_that_adds_a_rule_brings_nothing_into_force(place):
    switch(place, "request", new=True)
    edit(place, PERMISSIONS_FILE, "[ada, grace]", "[grace, ada]")
    place.commit("Sort", by=ADA)
    switch(place, "main")
    begin_merge(place, "request")
    edit(place, PERMISSIONS_FILE, "permissions:\n", "permissions:\n  - {allow: promote-packages, user: everyone}\n")
    place.commit("Merge", by=MALLORY)
    approve(place, "leaf", by=MALLORY)
    plan = planned(place)
    assert plan["changes"] == []
    assert {hold["path"] for hold in plan["holds"]} == {PERMISSIONS_FILE, LEAF}
    told = next(hold for hold in plan["holds"] if hold["path"] == PERMISSIONS_FILE)
    assert "nobody behind this change (Mallory <mallory@example.org>) may administer" in told["reason"]
    assert place.run("apply").code == 5
    assert published(place) == []
    assert place.run("can", "everyone", "promote-packages", "--from", "public-pypi").code == 5


def _without_the_wheel(approval: str) -> str:
    return "".join(line for line in approval.splitlines(keepends=True) if ".whl" not in line)


def _without_the_date(approval: str) -> str:
    return approval.replace("expires: 2030-01-01\n", "")


def _with_another_date(approval: str) -> str:
    return approval.replace("2030-01-01", "2099-01-01")


@pytest.mark.parametrize("alter", [_without_the_wheel, _without_the_date, _with_another_date])
@pytest.mark.parametrize("where", ["in the merge", "on the branch"])
def test_what_somebody_not_entitled_drops_from_an_approval_on_its_way_to_main_lets_nothing_in(place, alter, where):
    switch(place, "request", new=True)
    assert place.run("approve", "approved-pypi", "leaf", "-m", "for now").code == 0
    place.write(LEAF, text(place, LEAF) + "expires: 2030-01-01\n")
    place.commit("Approve leaf for some years", by=ADA)
    if where == "on the branch":
        place.write(LEAF, alter(text(place, LEAF)))
        place.commit("Tidy up", by=MALLORY)
    switch(place, "main")
    begin_merge(place, "request")
    place.write(LEAF, alter(text(place, LEAF)))
    place.commit("Merge", by=MALLORY)
    done = place.run("apply", "--format", "json")
    assert (done.code, done.json["applied"], published(place)) == (5, [], [])
    reasons = [hold["reason"] for hold in done.json["holds"]]
    assert all("nobody behind this approval (Mallory <mallory@example.org>) may promote" in reason for reason in reasons)
    assert sorted(reason.startswith("what landed together with it is held: ") for reason in reasons) == [False, True]
    assert "denied by" not in explained(place, "leaf", "1.2")
    assert place.run("endorse", "approved-pypi", "leaf", "1.2", "-m", "as it is now", "--commit").code == 0
    assert place.run("apply").code == 0
    (record,) = [record for record in records(place) if record["change"] == "promote"]
    assert record["author"]["email"] == ADA[1]
    verified(place)


@pytest.mark.parametrize("alter", [_without_the_wheel, _without_the_date])
def test_what_somebody_entitled_drops_in_the_merge_is_theirs_to_decide(place, alter):
    switch(place, "request", new=True)
    assert place.run("approve", "approved-pypi", "leaf", "-m", "for now").code == 0
    place.write(LEAF, text(place, LEAF) + "expires: 2030-01-01\n")
    place.commit("Approve leaf for some years", by=ADA)
    switch(place, "main")
    begin_merge(place, "request")
    place.write(LEAF, alter(text(place, LEAF)))
    place.commit("Merge", by=GRACE)
    assert place.run("apply").code == 0
    (record,) = [record for record in records(place) if record["change"] == "promote"]
    assert behind(record) == (ADA[1], [GRACE[1]])
    verified(place)


def test_a_limit_that_main_dropped_while_the_branch_was_open_is_dropped_by_nobody_else(place):
    """The branch still has the date, and says nothing about it: who merges it drops nothing."""
    assert place.run("approve", "approved-pypi", "leaf", "--file", "*.whl", "-m", "for now").code == 0
    place.write(LEAF, text(place, LEAF) + "expires: 2030-01-01\n")
    place.commit("Approve the wheel for some years", by=ADA)
    switch(place, "request", new=True)
    place.commit("On the branch", by=GRACE)
    switch(place, "main")
    edit(place, LEAF, "expires: 2030-01-01\n", "")
    place.commit("For good", by=ADA)
    switch(place, "request")
    edit(place, LEAF, "reason: for now", "reason: for some time")
    place.commit("Only words", by=GRACE)
    place.git("merge", "-q", "--no-ff", "-X", "theirs", "-m", "main is newer", "main", by=GRACE)
    switch(place, "main")
    merge(place, "request", by=MALLORY)
    assert "expires" not in text(place, LEAF)
    assert place.run("apply").code == 0
    assert published(place) == ["leaf-1.2-py3-none-any.whl"]


def test_what_a_merge_leaves_out_and_somebody_brings_in_later_is_that_persons(place):
    """`merge -s ours` lands nothing of a branch, and yet makes all of its commits part of main."""
    switch(place, "request", new=True)
    approve(place, "leaf", by=ADA)
    switch(place, "main")
    place.git("merge", "-q", "--no-ff", "-s", "ours", "-m", "Merge", "request", by=ADA)
    assert rows(place) == []
    place.git("checkout", "request", "--", LEAF)
    place.commit("Bring it back", by=MALLORY)
    assert behind(row(place, "leaf")) == (MALLORY[1], [])
    assert place.run("apply").code == 5
    assert published(place) == []


def test_what_was_taken_back_by_a_revert_is_not_brought_back_by_the_revert_of_it(place):
    approve(place, "leaf", by=ADA)
    place.git("revert", "--no-edit", "HEAD", by=ADA)
    place.git("revert", "--no-edit", "HEAD", by=MALLORY)
    assert (place.root / LEAF).exists()
    done = place.run("apply", "--format", "json")
    assert (done.code, done.json["applied"], packages(done.json["holds"])) == (5, [], ["leaf"])


# --- octopus ----------------------------------------------------------------------------------------------------------------------


def test_an_octopus_gives_each_approval_to_who_wrote_it(place):
    for branch, package, by in (("one", "leaf", GRACE), ("two", "sample", MALLORY)):
        switch(place, branch, new=True)
        approve(place, package, by=by)
        switch(place, "main")
    switch(place, "three", new=True)
    approve(place, "Leaf", by=GRACE, feed="approved-nuget")
    switch(place, "main")
    place.commit("main goes on", by=ADA)
    landing = merge(place, "one", "two", "three", by=NOBODY, message="Octopus")
    assert len(place.git("rev-list", "--parents", "-1", "HEAD").split()) == 5
    told = {(found["feed"], found["package"].lower()): found for found in rows(place)}
    assert behind(told["approved-pypi", "leaf"]) == (GRACE[1], [NOBODY[1]])
    assert behind(told["approved-pypi", "sample"]) == (MALLORY[1], [NOBODY[1]])
    assert behind(told["approved-nuget", "leaf"]) == (GRACE[1], [NOBODY[1]])
    assert {found["commit"] for found in told.values()} == {landing}
    done = place.run("apply", "--format", "json")
    assert (done.code, packages(done.json["holds"])) == (5, ["sample"])
    verified(place)


# --- foxtrot ----------------------------------------------------------------------------------------------------------------------


def _foxtrot(place: Place) -> str:
    """The applied main becomes the second parent of a merge on a branch, and main is moved there."""
    approve(place, "leaf", by=ADA)
    assert place.run("apply").code == 0
    place.git("switch", "-q", "-c", "feature", "HEAD~1")
    approve(place, "sample", by=MALLORY)
    landing = merge(place, "main", by=MALLORY, message="Merge branch 'main' into feature")
    place.git("branch", "-q", "-f", "main", "feature")
    switch(place, "main")
    return landing


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_a_foxtrot_is_named_before_anything_else_and_writes_nothing(place, command):
    landing = _foxtrot(place)
    place.write("approvals/approved-pypi/leaf/9.yaml", "neither YAML: [nor anything")
    place.commit("And a malformed approval", by=MALLORY)
    before = place.store_bytes()
    done = place.run(command)
    assert (done.code, done.out) == (3, "")
    assert f"the foxtrot merge {landing[:12]} has the old main as its second parent" in done.err
    assert "reset main to the commit before it" in done.err
    assert place.store_bytes() == before


def test_a_foxtrot_that_is_merged_the_other_way_round_goes_on(place):
    _foxtrot(place)
    place.git("reset", "-q", "--hard", "HEAD^2")
    merge(place, "feature^1", by=GRACE)
    done = place.run("apply", "--format", "json")
    assert (done.code, [behind(change) for change in done.json["applied"]]) == (0, [(MALLORY[1], [GRACE[1]])])
    verified(place)


def test_a_foxtrot_before_the_first_apply_still_takes_every_name_from_its_commit(place):
    place.git("switch", "-q", "-c", "feature")
    place.commit("Something else", by=MALLORY)
    switch(place, "main")
    approve(place, "leaf", by=GRACE)
    switch(place, "feature")
    merge(place, "main", by=MALLORY)
    place.git("branch", "-q", "-f", "main", "feature")
    assert behind(row(place, "leaf")) == (GRACE[1], [MALLORY[1]])


# --- squash and rebase ------------------------------------------------------------------------------------------------------------


def _squashed(place: Place, message: str, *, by: tuple[str, str]) -> str:
    place.git("merge", "-q", "--squash", "request")
    return place.commit(message, by=by)


def test_a_squash_with_co_authors_names_nobody_of_them_as_an_approver(place):
    switch(place, "request", new=True)
    approve(place, "leaf", by=MALLORY)
    switch(place, "main")
    _squashed(place, f"Approve leaf (#7)\n\nCo-authored-by: {ADA[0]} <{ADA[1]}>\nCo-authored-by: {GRACE[0]} <{GRACE[1]}>", by=MALLORY)
    assert behind(row(place, "leaf")) == (MALLORY[1], [])
    done = place.run("apply", "--format", "json")
    assert (done.code, done.json["applied"]) == (5, [])
    (hold,) = done.json["holds"]
    assert "(Mallory <mallory@example.org>)" in hold["reason"]


def test_a_squash_with_co_authors_counts_them_among_those_who_had_a_hand_in_it(place):
    place.write("policies/review.yaml", "rule: review\nparams: {rule_files: false}\n")
    place.commit("Somebody else must look at it", by=ADA)
    switch(place, "request", new=True)
    approve(place, "leaf", by=MALLORY)
    switch(place, "main")
    trailers = f"Co-authored-by: {GRACE[0]} <{GRACE[1]}>\nApproved-by: {GRACE[0]} <{GRACE[1]}>"
    _squashed(place, f"Approve leaf (#7)\n\n{trailers}", by=MALLORY)
    (hold,) = planned(place)["holds"]
    assert "Grace Hopper (had a hand in it)" in hold["reason"]
    assert place.run("apply").code == 5
    place.git("commit", "-q", "--amend", "-m", f"Approve leaf (#7)\n\n{trailers}\nReviewed-by: {ADA[0]} <{ADA[1]}>", by=MALLORY)
    place.git("reset", "-q", "--soft", "HEAD~1")
    place.commit(f"Approve leaf (#7)\n\n{trailers}\nReviewed-by: {ADA[0]} <{ADA[1]}>", by=MALLORY)
    # the plan before was applied at the first squash: main was rewritten, which is told rather than believed
    assert place.run("apply").code == 3


def test_a_squash_is_the_squashing_authors_and_not_that_of_the_branch(place):
    switch(place, "request", new=True)
    approve(place, "leaf", by=GRACE)
    switch(place, "main")
    _squashed(place, "Approve leaf (#8)", by=MALLORY)
    assert behind(row(place, "leaf")) == (MALLORY[1], [])
    assert place.run("apply").code == 5


def test_a_rebase_merge_keeps_each_author_and_names_who_landed_it(place):
    switch(place, "request", new=True)
    approve(place, "leaf", by=GRACE)
    approve(place, "sample", by=MALLORY)
    switch(place, "main")
    place.commit("main goes on", by=ADA)
    switch(place, "request")
    place.git("rebase", "-q", "main", by=NOBODY)  # the committer is whoever rebases
    switch(place, "main")
    place.git("merge", "-q", "--ff-only", "request")
    assert behind(row(place, "leaf")) == (GRACE[1], [NOBODY[1]])
    assert behind(row(place, "sample")) == (MALLORY[1], [NOBODY[1]])
    done = place.run("apply", "--format", "json")
    assert (done.code, packages(done.json["applied"]), packages(done.json["holds"])) == (5, ["leaf"], ["sample"])
    verified(place)


def test_a_digest_that_was_never_on_the_branch_cannot_hide_in_a_rebase(place):
    switch(place, "request", new=True)
    approve(place, "leaf", by=GRACE)
    switch(place, "main")
    place.git("cherry-pick", "--no-commit", "request")
    other_digest(place)
    place.commit("Approve", by=MALLORY)
    assert EVIL in text(place, LEAF)
    assert behind(row(place, "leaf")) == (MALLORY[1], [])
    assert place.run("apply").code == 5
    assert published(place) == []
    assert not (place.root / SAMPLE).exists()
