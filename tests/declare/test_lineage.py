import time
from datetime import UTC, datetime

import pytest

from reconciler.declare.lineage import adopted, author_of, read_lineages, trailers, witnesses
from reconciler.declare.revision import Repository
from reconciler.model.events import Commit, Person
from reconciler.model.words import CommitId
from tests.support.repositories import ADA, Repo

GRACE = Person(name="Grace Hopper", email="grace@example.org")
ALAN = Person(name="Alan Turing", email="alan@example.org")
MERGER = Person(name="Merger", email="merger@example.org")
FORGE = Person(name="GitHub", email="noreply@github.com")
PATH = "approvals/x"


@pytest.fixture
def repo(tmp_path):
    """A repository whose first commit, by the merger, has a feeds.yaml and nothing else."""
    repo = Repo(tmp_path / "r")
    repo.commit({"feeds.yaml": ""}, by=MERGER)
    return repo


def lineages(repo, branch="main"):
    repo.close()
    repository = Repository(repo.path)
    return tuple(read_lineages(repository, repository.chain(repo.tip(branch))))


def has(path, blob):
    def found(diff):
        for change in diff:
            if change.path == path:
                return change.before == blob, change.after == blob
        return True, True

    return found


def who(repo, path=PATH):
    """Names of (author, landing author) for what the newest landing commit made of a path."""
    last = lineages(repo)[-1]
    change = next(change for change in last.landing.changes if change.path == path)
    return author_of(last, has(path, change.after)).author.name.split()[0], last.landing.commit.author.name.split()[0]


def test_a_direct_commit_is_its_authors(repo):
    repo.commit({PATH: "1"}, by=ADA, committer=GRACE)
    assert who(repo) == ("Ada", "Ada")


def test_a_merge_is_the_inner_authors(repo):
    repo.branch("topic")
    repo.commit({PATH: "1"}, by=ADA, on="topic")
    repo.commit({"README.md": "1"}, by=GRACE, on="topic")
    repo.merge("topic", by=MERGER)
    assert who(repo) == ("Ada", "Merger")


def test_the_last_one_who_made_the_state_is_its_author(repo):
    repo.branch("topic")
    repo.commit({PATH: "1"}, by=ADA, on="topic")
    repo.commit({PATH: "2"}, by=GRACE, on="topic")
    repo.merge("topic", by=MERGER)
    assert who(repo) == ("Grace", "Merger")


def test_a_state_that_was_made_taken_back_and_made_again(repo):
    repo.branch("topic")
    for content, person in (("1", ADA), (None, GRACE), ("1", ALAN), ("2", GRACE), ("1", ADA)):
        repo.commit({PATH: content}, by=person, on="topic")
    repo.merge("topic", by=MERGER)
    assert who(repo) == ("Ada", "Merger")
    lineage = lineages(repo)[-1]
    assert author_of(lineage, has(PATH, None)).author == GRACE


def test_a_squash_is_the_squashing_authors(repo):
    repo.branch("topic")
    repo.commit({PATH: "1"}, by=ADA, on="topic")
    repo.commit({PATH: "2"}, by=ALAN, on="topic")
    repo.squash("topic", by=GRACE, committer=FORGE)
    assert who(repo) == ("Grace", "Grace")


def test_each_commit_of_a_rebase_lands_by_itself(repo):
    repo.branch("topic")
    repo.commit({PATH: "1"}, by=ADA, on="topic")
    repo.commit({PATH: "2"}, by=GRACE, on="topic")
    repo.commit({"feeds.yaml": "2"}, by=MERGER)
    repo.rebase_merge("topic", committer=FORGE)
    landed = [(lineage.landing.position, lineage.landing.commit.author, lineage.inner) for lineage in lineages(repo)]
    assert landed[-2:] == [(2, ADA, ()), (3, GRACE, ())]
    assert who(repo) == ("Grace", "Grace")


def test_an_octopus(repo):
    for name, person in (("a", ADA), ("b", GRACE), ("c", ALAN)):
        repo.branch(name)
        repo.commit({f"approvals/{name}": "1"}, by=person, on=name)
    repo.merge("a", "b", "c", by=MERGER)
    assert [who(repo, f"approvals/{name}")[0] for name in "abc"] == ["Ada", "Grace", "Alan"]
    assert len(lineages(repo)[-1].inner) == 3


def test_what_an_evil_merge_adds_is_the_mergers(repo):
    repo.branch("topic")
    repo.commit({PATH: "1"}, by=ADA, on="topic")
    repo.merge("topic", by=MERGER, also={"approvals/evil": "1"})
    assert who(repo) == ("Ada", "Merger")
    assert who(repo, "approvals/evil") == ("Merger", "Merger")


def test_what_an_evil_merge_alters_is_the_mergers(repo):
    repo.branch("topic")
    repo.commit({PATH: "1"}, by=ADA, on="topic")
    repo.merge("topic", by=MERGER, also={PATH: "2"})
    assert who(repo) == ("Merger", "Merger")


def test_a_merge_of_main_inside_the_branch_introduces_nothing(repo):
    repo.branch("topic")
    repo.commit({PATH: "1"}, by=ADA, on="topic")
    repo.commit({"approvals/main": "1"}, by=GRACE)
    repo.merge("main", into="topic", by=ALAN)
    repo.merge("topic", by=MERGER)
    last = lineages(repo)[-1]
    assert [change.path for change in last.landing.changes] == [PATH]
    assert [inner.commit.author for inner in last.inner] == [ALAN, ADA]
    assert who(repo) == ("Ada", "Merger")


def test_an_evil_merge_inside_the_branch_introduces_what_none_of_its_parents_has(repo):
    repo.branch("topic")
    repo.commit({PATH: "1"}, by=ADA, on="topic")
    repo.branch("other", at="topic")
    repo.commit({"approvals/other": "1"}, by=ADA, on="other")
    repo.commit({"README.md": "1"}, by=ADA, on="topic")
    repo.merge("other", into="topic", by=ALAN, also={PATH: "2", "approvals/evil": "1"})
    repo.merge("topic", by=MERGER)
    assert who(repo) == ("Alan", "Merger")
    assert who(repo, "approvals/evil") == ("Alan", "Merger")
    assert who(repo, "approvals/other") == ("Ada", "Merger")


def test_one_state_from_two_branches_has_one_of_their_authors(repo):
    repo.branch("a")
    repo.branch("b")
    repo.commit({PATH: "1"}, by=ADA, on="a")
    repo.commit({PATH: "1", "README.md": "another commit"}, by=GRACE, on="b")
    repo.merge("b", into="a", by=ALAN)
    repo.merge("a", by=MERGER)
    assert who(repo)[0] in {"Ada", "Grace"}
    assert who(repo) == who(repo)


def test_the_last_one_is_told_by_ancestry_and_not_by_dates(repo):
    """Dates are claims: whoever sets a clock back must not become, or make somebody else, the author."""
    repo.branch("topic")
    repo.commit({PATH: "1"}, by=ADA, on="topic")
    repo.commit({PATH: None}, by=ADA, on="topic")
    repo.branch("back", at="topic")
    repo.now -= 10**8
    repo.commit({PATH: "1"}, by=ALAN, on="back")
    repo.now += 10**8
    repo.commit({"README.md": "1"}, by=GRACE, on="topic")
    repo.merge("back", into="topic", by=GRACE)
    repo.merge("topic", by=MERGER)
    assert who(repo) == ("Alan", "Merger")


def test_a_line_of_history_of_its_own_is_merged(repo):
    repo.commit({PATH: "1"}, by=ADA, on="unrelated")
    repo.merge("unrelated", by=MERGER)
    assert who(repo) == ("Ada", "Merger")


def test_what_an_old_commit_of_main_brings_back_is_the_mergers(repo):
    """The branch introduces nothing: the state was there before it was made, and has been taken back since."""
    added = repo.commit({PATH: "1"}, by=ADA)
    repo.commit({PATH: None}, by=GRACE)
    repo.move("old", added)
    repo.commit({"README.md": "1"}, by=ALAN, on="old")
    repo.merge("old", by=MERGER, also={PATH: "1"})
    assert who(repo) == ("Merger", "Merger")


def test_a_merge_that_takes_nothing_from_the_branch_is_no_lineage(repo):
    repo.branch("topic")
    repo.commit({PATH: "1"}, by=ADA, on="topic")
    repo.merge("topic", by=MERGER, also={PATH: None})
    assert len(lineages(repo)) == 1


def test_a_foxtrot_merge_changes_which_commits_land(repo):
    """Main is merged into a branch, and the branch becomes main: what had landed is now merged."""
    repo.branch("topic")
    inner = repo.commit({PATH: "1"}, by=ADA, on="topic")
    landed = repo.commit({"approvals/main": "1"}, by=GRACE)
    repo.close()
    before = Repository(repo.path).chain(repo.tip())
    fox = repo.merge("main", into="topic", by=ALAN)
    repo.move("main", fox)
    found = lineages(repo)
    assert landed in before
    assert [lineage.landing.commit.id for lineage in found][1:] == [inner, fox]
    assert [change.path for change in found[-1].landing.changes] == ["approvals/main"]
    assert who(repo, "approvals/main") == ("Grace", "Alan")


def test_merges_within_what_a_foxtrot_merge_brings(repo):
    repo.branch("topic")
    repo.commit({PATH: "1"}, by=ADA, on="topic")
    repo.branch("feature")
    repo.commit({"approvals/feature": "1"}, by=GRACE, on="feature")
    repo.merge("feature", by=MERGER)
    repo.merge("main", into="topic", by=ALAN)
    repo.move("main", repo.tip("topic"))
    assert who(repo, "approvals/feature") == ("Grace", "Alan")


def test_each_commit_is_merged_by_the_first_landing_commit_that_reaches_it(repo):
    repo.branch("a")
    first = repo.commit({"approvals/a": "1"}, on="a")
    repo.branch("b", at="a")
    second = repo.commit({"approvals/b": "1"}, on="b")
    repo.merge("a", by=MERGER)
    repo.merge("b", by=MERGER)
    assert [[inner.commit.id for inner in lineage.inner] for lineage in lineages(repo)] == [[], [first], [second]]


def test_the_same_inner_commits_as_git_finds(repo):
    """A tangle: each landing commit's inner commits are those that `rev-list C ^C1` lists, children first."""
    for number in range(12):
        name = f"t{number}"
        repo.branch(name, at=f"t{number - 3}" if number % 3 == 0 and number else "main")
        repo.commit({f"approvals/{number}": "1"}, on=name)
        if number % 2:
            repo.merge("main", into=name)
        if number % 4 == 1:
            repo.merge(f"t{number - 1}", into=name)
        repo.merge(name)
    for lineage in lineages(repo)[1:]:
        commit = lineage.landing.commit
        listed = repo.git("rev-list", commit.id, f"^{commit.parents[0]}").split()
        found = [inner.commit.id for inner in lineage.inner]
        assert sorted((commit.id, *found)) == sorted(listed)
        order = {sha: place for place, sha in enumerate(found)}
        parents = [(inner.commit.id, parent) for inner in lineage.inner for parent in inner.commit.parents if parent in order]
        assert all(order[child] < order[parent] for child, parent in parents)


def test_only_landing_commits_that_change_or_adopt_something_count(repo):
    repo.commit({"README.md": "1"}, "Readme")
    repo.commit({"README.md": "2"}, "Take over\n\nAdopts: policies/permissions.yaml")
    repo.commit({"policies/permissions.yaml": "1"}, "Permissions")
    assert [lineage.landing.position for lineage in lineages(repo)] == [0, 2, 3]


def test_changes_of_the_root_are_against_nothing(repo):
    assert [change.path for change in lineages(repo)[0].landing.changes] == ["feeds.yaml"]


# --- what a message says ------------------------------------------------------------------------------------------------------


def said(message, author=ADA, committer=ADA):
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return Commit(
        id=CommitId("0" * 40),
        parents=(),
        author=author,
        authored_at=now,
        committer=committer,
        committed_at=now,
        message=message,
        signature="",
        claimed_key="",
    )


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ("Subject\n\nA: b", [("a", "b")]),
        ("Subject\n\nApproved-By : Ada <a@b>  \nX-y:\t z\n", [("approved-by", "Ada <a@b>"), ("x-y", "z")]),
        ("Subject\n\nFirst: no\n\nLast: yes\n\n\n", [("last", "yes")]),
        ("Subject\n\nLast: yes\n \t\n", [("last", "yes")]),
        ("Subject\r\n\r\nBody: no\r\n\r\nLast: yes\r\nAnd: this\r\n", [("last", "yes"), ("and", "this")]),
        ("Subject\n\nLast: no\n\nThe end.", []),
        ("Subject\n\nwords, then\nA: b\n  C: folded\n-d: e\n1f: g\nh i: j\nk\n: l\n", [("a", "b")]),
        ("Adopts: everything", []),
        ("Subject\nAdopts: everything", []),
        ("\n\n\nAdopts: everything\n", []),
        ("Subject\n\nEmpty:\nSame: 1\nSame: 2", [("empty", ""), ("same", "1"), ("same", "2")]),
        ("Subject\n\nUrl: https://host.example/a:b", [("url", "https://host.example/a:b")]),
        ("", []),
        ("\n", []),
        ("Subject\n\n\x00\x1b[31m: x\nÄ: y", []),
    ],
)
def test_trailers(message, found):
    assert list(trailers(said(message))) == found


@pytest.mark.parametrize(
    "message",
    [
        "Subject\n\n" + "Approved-by: Ada Lovelace <ada@example.org>\n" * 10_000,
        "Subject\n\n" + "\n \t" * 100_000 + "x",
        "Subject\n\n" + "A" * 1_000_000,
        "Subject\n\n" + "A" + " " * 1_000_000,
        "Subject\n\nApproved-by: " + "<" * 500_000 + ">" * 500_000,
        "Subject\n\nApproved-by: " + "<a" * 500_000,
        "\n" * 1_000_000,
    ],
)
def test_messages_made_to_keep_the_reader_busy(message):
    started = time.perf_counter()
    assert len(witnesses(said(message))) == 1
    assert time.perf_counter() - started < 2


def test_adopted_files():
    message = "Subject\n\nAdopts: feeds.yaml\nADOPTS:  policies/permissions.yaml \nAdopted: x\nAdopts: feeds.yaml"
    assert adopted(said(message)) == {"feeds.yaml", "policies/permissions.yaml"}
    assert adopted(said("Adopts: feeds.yaml")) == frozenset()


def test_witnesses_are_author_committer_and_who_the_trailers_name():
    message = (
        "Subject\n\nApproved-by: Grace Hopper <grace@example.org>\nreviewed-by:Alan Turing<alan@example.org>\n"
        "Signed-off-by: Mallory <m@example.org>\nCo-authored-by: Mallory <m@example.org>\nApproved-by: Grace Hopper <grace@example.org>\n"
        "Approved-by: nobody\nApproved-by: Mallory <m@example.org> (on the phone)\nApproved-by: <>\nApproved-by: Mallory <m @example.org>\n"
        "Reviewed-by: <only@example.org>\n"
    )
    assert witnesses(said(message, committer=MERGER)) == (ADA, MERGER, GRACE, ALAN, Person(name="", email="only@example.org"))


@pytest.mark.parametrize("email", ["noreply@github.com", "NoReply@GitHub.com", "noreply@gitlab.com"])
def test_a_forges_own_address_is_nobody(email):
    forge = Person(name="Forge", email=email)
    assert witnesses(said("Merge", committer=forge)) == (ADA,)
    assert witnesses(said(f"Merge\n\nApproved-by: Forge <{email}>", author=forge, committer=forge)) == ()


def test_a_forges_address_of_a_person_is_that_person():
    grace = Person(name="Grace", email="4711+grace@users.noreply.github.com")
    assert witnesses(said("Merge", author=grace, committer=FORGE)) == (grace,)
