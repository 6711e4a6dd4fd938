"""Of random small histories: attribution does not depend on how, and in how many passes, they are read.

Branches, merges of all shapes (of several, evil, of main into a branch), squashes, edits, reformatting, deletions and changes of who may.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from reconciler.declaration import Declaration
from reconciler.model.events import Person
from reconciler.model.facts import files_of
from tests.cli.place import FEEDS, PERMISSIONS
from tests.support.reading import reader_of
from tests.support.repositories import ADA, Repo

GRACE, MALLORY = Person(name="Grace Hopper", email="grace@example.org"), Person(name="Mallory", email="mallory@example.org")
WITHOUT_GRACE: Final = PERMISSIONS.replace("[ada, grace]", "[ada]")
BRANCHES: Final = ("main", "one", "two")

FILE = st.sampled_from(["leaf-1.2.tar.gz", "leaf-1.2-py3-none-any.whl"])
FORMS: Final = (
    "from: public-pypi\nreason: x\n{expires}files:\n{files}",
    "# tidy\nreason: y\nfiles:\n{files}{expires}from: public-pypi\n",
    "from: public-pypi\nreason: ' x'\nfiles:\n{files}{expires}",
    "reason: [ {files}",
)
APPROVAL = st.builds(
    lambda files, digest, expires, form: form.format(
        expires="expires: 2030-01-01\n" if expires else "",
        files="".join(f"  {name}: {{size: 1, sha256: {digest * 64}}}\n" for name in sorted(files)),
    ),
    st.sets(FILE, min_size=1),
    st.sampled_from("ab"),
    st.booleans(),
    st.sampled_from((*FORMS[:3], *FORMS)),
)
LEAF, SPELLED, SAMPLE = (f"approvals/approved-pypi/{name}.yaml" for name in ("leaf/1.2", "Leaf/1.2", "sample/1.0"))
APPROVALS = st.tuples(st.sampled_from([LEAF, LEAF, LEAF, SAMPLE, SAMPLE, SPELLED]), APPROVAL)
CHANGE = st.one_of(
    APPROVALS,
    APPROVALS,
    APPROVALS,
    st.tuples(st.sampled_from([LEAF, SPELLED, SAMPLE]), st.none()),
    st.tuples(st.just("policies/permissions.yaml"), st.sampled_from([PERMISSIONS, WITHOUT_GRACE])),
    st.tuples(st.just("README"), st.sampled_from(["1", "2"])),
)
CHANGES = st.lists(CHANGE, min_size=1, max_size=2).map(dict)
BRANCH, WHO = st.sampled_from(BRANCHES), st.sampled_from([ADA, GRACE, MALLORY])
MESSAGE = st.sampled_from(["x", "x\n\nApproved-by: Ada Lovelace <ada@example.org>", "x\n\nAdopts: policies/permissions.yaml"])
STEP = st.one_of(
    st.tuples(st.just("commit"), BRANCH, WHO, CHANGES, MESSAGE),
    st.tuples(st.just("merge"), BRANCH, WHO, st.lists(BRANCH, min_size=1, max_size=2, unique=True), st.none() | CHANGES),
    st.tuples(st.just("squash"), BRANCH, WHO, BRANCH, MESSAGE),
)
STEPS = st.lists(STEP, min_size=8, max_size=16)


def built(folder: Path, steps: list[Any]) -> Repo:
    """A repository in which the steps were taken; those that mean nothing are left out."""
    repo = Repo(folder)
    repo.commit({"feeds.yaml": FEEDS, "policies/permissions.yaml": PERMISSIONS}, by=ADA)
    for branch in BRANCHES[1:]:
        repo.branch(branch)
    for kind, branch, who, what, more in steps:
        if kind == "commit":
            repo.commit(what, more, by=who, on=branch)
        elif kind == "merge" and (others := [other for other in what if other != branch]):
            repo.merge(*others, into=branch, by=who, also=more)
        elif kind == "squash" and what != branch:
            repo.squash(what, into=branch, by=who, message=more)
    repo.merge("one", "two", by=MALLORY)
    repo.close()
    return repo


def attribution(declaration: Declaration) -> tuple[object, ...]:
    rules = [(step.position, step.commit, step.files) for step in declaration.rules.steps]
    return declaration.events, declaration.changes, declaration.authority, declaration.approvals, rules, declaration.rules.refused


def read(repo: Repo, kept: Path | None, commit: str = "main") -> tuple[object, ...]:
    reader = reader_of(repo.path, kept=kept)
    return attribution(reader.read(reader.repository.resolve(commit)))


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(STEPS, st.data())
def test_a_history_read_in_one_go_commit_by_commit_and_packed_has_the_same_people(steps, data):
    with TemporaryDirectory() as name:
        repo = built(Path(name) / "r", steps)
        chain = reader_of(repo.path).repository.chain(reader_of(repo.path).repository.resolve("main"))
        expected = read(repo, None)
        event(f"{min(len(expected[0]), 6)} events")  # type: ignore[arg-type]
        for commit in data.draw(st.lists(st.sampled_from(chain), max_size=4), label="read before"):
            assert read(repo, Path(name) / "kept", commit) == read(repo, None, commit)
        assert read(repo, Path(name) / "kept") == expected, "brought up step by step, forwards and backwards"
        repo.git("pack-refs", "--all")
        repo.git("repack", "-q", "-a", "-d")
        repo.git("commit-graph", "write", "--reachable", "--changed-paths")
        assert not list((repo.git_dir / "refs/heads").iterdir())
        assert read(repo, None) == expected, "packed"
        assert read(repo, Path(name) / "kept") == expected


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(STEPS)
def test_no_version_comes_in_as_nobody_entitled_wrote_or_landed_it(steps):
    """Whatever mallory merges and drops: digests and dates that count were said by a file with ada's or grace's name on it."""
    with TemporaryDirectory() as name:
        reader = reader_of(built(Path(name) / "r", steps).path)
        declaration = reader.read(reader.repository.resolve("main"))
        for standing in declaration.authority.standings.values():
            assert not files_of(standing.facts) or standing.backing is not None
            if standing.backing is not None:
                people = {person.email for person in (standing.backing.author, *standing.backing.approvers)}
                assert people & {ADA.email, GRACE.email}
