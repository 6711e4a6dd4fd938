"""What is kept of a history between passes: the same as reading all of it again, whatever lies in the file."""

import os
import sqlite3

import pytest

from reconciler.declare.history import approval_events, rule_changes
from reconciler.declare.landed import Landed
from reconciler.declare.load import load_rules
from reconciler.declare.revision import Repository
from reconciler.model.words import FeedName, PackageKey
from tests.declare.ecosystems import ECOSYSTEMS, KINDS
from tests.declare.test_history import ALAN, GRACE, MERGER, RULES, approval
from tests.support.repositories import ADA, Repo

SETTINGS = load_rules({path: text.encode() for path, text in RULES.items()}, KINDS).settings


@pytest.fixture
def repo(tmp_path):
    repo = Repo(tmp_path / "r")
    repo.commit(RULES, by=MERGER)
    grow(repo, 0)
    return repo


def grow(repo, number):
    """A direct commit, a merge of two commits, a change of the rules, a removal."""
    repo.commit({f"approvals/approved/Foo/{number}.1.yaml": approval()}, by=ADA)
    repo.branch("topic")
    repo.commit({f"approvals/approved/Foo/{number}.2.yaml": approval()}, by=GRACE, on="topic")
    repo.commit(
        {f"approvals/approved/Bar/{number}.yaml": approval(), f"approvals/approved/Foo/{number}.2.yaml": "# \n" + approval()},
        by=ALAN,
        on="topic",
    )
    repo.merge("topic", by=MERGER)
    repo.commit({"policies/permissions.yaml": RULES["policies/permissions.yaml"] + f"# {number}\n"}, by=GRACE)
    repo.commit({f"approvals/approved/Foo/{number}.1.yaml": None}, by=ALAN)


def told(repo, folder, ref="main"):
    """All that is read of a history."""
    repo.close()
    repository = Repository(repo.path)
    landed = Landed(repository, repository.resolve(ref), folder)
    return rule_changes(repository, landed, KINDS), approval_events(repository, landed, SETTINGS, ECOSYSTEMS), list(landed.touched())


def file_in(folder):
    (file,) = folder.glob("*.sqlite")
    return file


def test_reading_on_is_the_same_as_reading_anew(repo, tmp_path):
    for number in range(1, 4):
        assert told(repo, tmp_path / "kept") == told(repo, None)
        grow(repo, number)
    assert told(repo, tmp_path / "kept") == told(repo, None)
    assert len(told(repo, None)[1]) == 16


def test_an_older_commit_than_the_last_time(repo, tmp_path):
    older = repo.tip()
    grow(repo, 1)
    told(repo, tmp_path / "kept")
    assert told(repo, tmp_path / "kept", older) == told(repo, None, older)
    assert told(repo, tmp_path / "kept") == told(repo, None)


def test_a_history_that_was_rewritten_is_read_anew(repo, tmp_path):
    older = repo.tip()
    grow(repo, 1)
    told(repo, tmp_path / "kept")
    repo.move("main", older)
    grow(repo, 2)
    assert told(repo, tmp_path / "kept") == told(repo, None)


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(b"no database"),
        lambda file: file.write_bytes(file.read_bytes()[:5000]),
        lambda file: sqlite3.connect(file).executescript("UPDATE known SET format = 99"),
        lambda file: sqlite3.connect(file).executescript("UPDATE known SET tip = 'x'"),
        lambda file: sqlite3.connect(file).executescript("DELETE FROM known"),
        lambda file: sqlite3.connect(file).executescript("DROP TABLE touches"),
        lambda file: file.write_bytes(file.read_bytes()[:8192] + b"\xff" * 8192 + file.read_bytes()[16384:]),
        lambda file: (file.unlink(), file.mkdir()),
    ],
    ids=["empty", "garbage", "cut", "another format", "another history", "nothing known", "half of it", "pages", "a folder"],
)
def test_what_is_damaged_is_read_anew(repo, tmp_path, damage):
    told(repo, tmp_path / "kept")
    damage(file_in(tmp_path / "kept"))
    grow(repo, 1)
    assert told(repo, tmp_path / "kept") == told(repo, None)
    assert told(repo, tmp_path / "kept") == told(repo, None)


def test_a_folder_that_cannot_be_made_is_done_without(repo, tmp_path):
    (tmp_path / "file").write_text("")
    assert told(repo, tmp_path / "file" / "kept") == told(repo, None)


def test_another_pass_that_writes_meanwhile_changes_nothing(repo, tmp_path):
    repo.close()
    repository = Repository(repo.path)
    mine = Landed(repository, repository.resolve("main"), tmp_path / "kept")
    expected = told(repo, None)[1]
    grow(repo, 1)
    told(repo, tmp_path / "kept")
    assert approval_events(repository, mine, SETTINGS, ECOSYSTEMS) == expected
    assert told(repo, tmp_path / "kept") == told(repo, None)


def test_only_some_packages(repo):
    repo.close()
    repository = Repository(repo.path)
    landed = Landed(repository, repository.resolve("main"), None)
    everything = approval_events(repository, landed, SETTINGS, ECOSYSTEMS)
    bar = (FeedName("approved"), PackageKey("bar"))
    assert approval_events(repository, landed, SETTINGS, ECOSYSTEMS, {bar}) == tuple(e for e in everything if e.identity.package == "bar")
    assert approval_events(repository, landed, SETTINGS, ECOSYSTEMS, set()) == ()
    assert landed.paths({bar}) == {"approvals/approved/Bar/0.yaml"}
    assert landed.landed_since(1) == {bar, (FeedName("approved"), PackageKey("foo"))}
    assert landed.landed_since(len(landed.chain) - 1) == frozenset()


def test_other_feeds_give_paths_other_meanings(repo, tmp_path):
    told(repo, tmp_path / "kept")
    feeds = RULES["feeds.yaml"].replace("approved:", "renamed:")
    other = load_rules({"feeds.yaml": feeds.encode(), "policies/permissions.yaml": b"permissions: []\n"}, KINDS).settings
    repository = Repository(repo.path)
    landed = Landed(repository, repository.resolve("main"), tmp_path / "kept")
    assert approval_events(repository, landed, other, ECOSYSTEMS) == ()
    assert told(repo, tmp_path / "kept") == told(repo, None)


def test_what_killed_passes_have_left_is_removed_and_what_others_write_is_not(repo, tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir()
    old, young = kept / ".new-old", kept / ".new-young"
    for file in (old, young):
        file.write_bytes(b"half")
    os.utime(old, (0, 0))
    told(repo, kept)
    assert sorted(file.name for file in kept.iterdir() if file.name.startswith(".new-")) == [young.name]


def test_a_folder_that_others_may_write_to_is_not_used(repo, tmp_path):
    kept = tmp_path / "kept"
    told(repo, kept)
    assert kept.stat().st_mode & 0o777 == 0o700
    before = file_in(kept).read_bytes()
    kept.chmod(0o777)
    grow(repo, 1)
    assert told(repo, kept) == told(repo, None)
    assert file_in(kept).read_bytes() == before
