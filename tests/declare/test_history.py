import json
import time
from pathlib import Path

import pytest

from reconciler.declare.history import approval_events, identifier, rule_changes
from reconciler.declare.landed import Landed
from reconciler.declare.load import load_rules
from reconciler.declare.revision import Repository
from reconciler.model.declared import Rules
from reconciler.model.events import Person
from tests.declare.ecosystems import ECOSYSTEMS, KINDS
from tests.support.reading import declaration_of
from tests.support.repositories import ADA, START, Repo, executable, submodule, symlink

GRACE = Person(name="Grace Hopper", email="grace@example.org")
ALAN = Person(name="Alan Turing", email="alan@example.org")
MERGER = Person(name="Merger", email="merger@example.org")
FORGE = Person(name="GitHub", email="noreply@github.com")
FEEDS = """\
feeds:
  public: {type: numbers, usage: proxy, connectors: [{upstream: x}]}
  other: {type: numbers, usage: proxy, connectors: [{upstream: x}]}
  approved: {type: numbers, usage: approved, promotes_from: [public, other]}
"""
PERMISSIONS = "permissions: [{allow: promote-packages, user: everyone, to: approved}]\n"
RULES = {"feeds.yaml": FEEDS, "policies/permissions.yaml": PERMISSIONS}
PATH = "approvals/approved/Foo/1.0.yaml"
OTHER_SPELLING = "approvals/approved/foo/1.00.yaml"
A, B = "ab" * 32, "cd" * 32
BAD, BAD_FACT = "{action: quarantine, reason: Bad., since: 2026-11-20}", '["quarantine", "2026-11-20", "Bad."]'


def approval(reason="Fine.", files=(("a.zip", A),), **more):
    lines = [f"{key}: {value}" for key, value in more.items()]
    listed = [f"  {name}: {{size: 1, sha256: {sha256}}}" for name, sha256 in files]
    return "\n".join([*lines, f"reason: {reason}", "files:", *listed]) + "\n"


@pytest.fixture
def repo(tmp_path):
    """A repository with rules."""
    repo = Repo(tmp_path / "r")
    repo.commit(RULES, by=MERGER)
    return repo


def read(repo):
    repo.close()
    repository = Repository(repo.path)
    settings = load_rules({path: text.encode() for path, text in RULES.items()}, KINDS).settings
    landed = Landed(repository, repository.resolve("main"), None)
    return approval_events(repository, landed, settings, ECOSYSTEMS)


def told(repo):
    """Each event as (position, author, facts that it moves); digests are shortened."""
    return [
        (
            event.position,
            event.author.author.name.split()[0],
            {fact: text and text.replace(A, "A").replace(B, "B").strip() for fact, text in event.moved.items()},
        )
        for event in read(repo)
    ]


# --- what is an event ---------------------------------------------------------------------------------------------------------


def test_a_promotion(repo):
    commit = repo.commit({PATH: approval(ticket="X-1", **{"from": "public"}), "README.md": "1"}, by=ADA, committer=GRACE)
    (event,) = read(repo)
    assert (event.identity.feed, event.identity.package, event.identity.version) == ("approved", "foo", "1.0")
    assert (event.position, event.landing.id, event.author.id) == (1, commit, commit)
    assert (event.path, event.blob) == (PATH, repo.git("rev-parse", f"main:{PATH}"))
    assert event.moved == {"file:a.zip": f"1 {A} ", "from": "public"}
    assert event.approval is not None
    assert event.approval.ticket == "X-1"
    assert event.first
    assert event.witnesses == (ADA, GRACE)


@pytest.mark.parametrize(
    ("after", "moved"),
    [
        (approval(files=(("a.zip", A), ("b.zip", B))), {"file:b.zip": "1 B"}),
        (approval(files=(("b.zip", A),)), {"file:a.zip": None, "file:b.zip": "1 A"}),
        (approval(files=(("a.zip", B),)), {"file:a.zip": "1 B"}),
        (approval(expires="2027-01-01"), {"expires": "2027-01-01"}),
        (approval(**{"from": "other"}), {"from": "other"}),
        (approval(endorsed="[{by: grace, reason: Read it.}]"), {"endorsed": "grace\tRead it."}),
        (approval(withdrawn=BAD), {"withdrawn": BAD_FACT}),
        (approval(deprecated="{reason: Old., use: b 2}"), {"deprecated": '["Old.", "b 2"]'}),
    ],
    ids=["extended", "other file", "other digest", "expires", "other source", "endorsed", "withdrawn", "deprecated"],
)
def test_facts_that_change_and_change_back(repo, after, moved):
    repo.commit({PATH: approval()}, by=GRACE)
    repo.commit({PATH: after}, by=ADA)
    repo.commit({PATH: approval()}, by=ALAN)
    back = {fact: "1 A" if fact == "file:a.zip" else None for fact in moved}
    assert told(repo) == [(1, "Grace", {"file:a.zip": "1 A"}), (2, "Ada", moved), (3, "Alan", back)]
    assert [event.first for event in read(repo)] == [True, False, False]


@pytest.mark.parametrize(
    "after",
    [
        approval(reason="Another reason."),
        approval(ticket="X-2"),
        "# a comment\n" + approval().replace("\n", "\r\n"),
        approval().replace("Fine.", '"Fine."').replace("{size: 1, sha256: ", '{"size": "1", "sha256": ').replace("}", " }"),
        approval().replace(A, A.upper()),
        "\ufeff" + approval(),
        executable(approval()),
    ],
    ids=["reason", "ticket", "comment", "quotes", "case of digest", "byte order mark", "mode"],
)
def test_text_that_changes_without_a_fact_is_no_event(repo, after):
    repo.commit({PATH: approval()}, by=GRACE)
    repo.commit({PATH: after}, by=ADA)
    repo.commit({PATH: approval()}, by=ALAN)
    assert told(repo) == [(1, "Grace", {"file:a.zip": "1 A"})]


def test_removal_and_a_new_beginning(repo):
    repo.commit({PATH: approval()}, by=GRACE)
    repo.commit({PATH: None}, by=ADA)
    repo.commit({PATH: approval()}, by=ALAN)
    assert told(repo) == [(1, "Grace", {"file:a.zip": "1 A"}), (2, "Ada", {"file:a.zip": None}), (3, "Alan", {"file:a.zip": "1 A"})]
    _, removal, again = read(repo)
    assert (removal.path, removal.blob, removal.approval, removal.first) == (PATH, None, None, False)
    assert again.first


def test_a_move_within_one_identity_in_one_commit_is_no_event(repo):
    repo.commit({PATH: approval()}, by=GRACE)
    repo.commit({PATH: None, OTHER_SPELLING: approval()}, by=ADA)
    repo.commit({OTHER_SPELLING: approval(expires="2027-01-01")}, by=ALAN)
    assert told(repo) == [(1, "Grace", {"file:a.zip": "1 A"}), (3, "Alan", {"expires": "2027-01-01"})]
    assert read(repo)[-1].path == OTHER_SPELLING


def test_a_move_within_one_identity_in_two_commits_is_an_approval_of_whoever_moves(repo):
    repo.commit({PATH: approval()}, by=GRACE)
    repo.commit({PATH: None}, by=ADA)
    repo.commit({OTHER_SPELLING: approval()}, by=ADA)
    assert told(repo)[1:] == [(2, "Ada", {"file:a.zip": None}), (3, "Ada", {"file:a.zip": "1 A"})]


def test_a_move_to_another_version_is_a_removal_and_a_promotion(repo):
    repo.commit({PATH: approval()}, by=GRACE)
    repo.commit({PATH: None, "approvals/approved/Foo/2.yaml": approval()}, by=ADA)
    assert [(e.identity.version, e.author.author, e.approval is None) for e in read(repo)[1:]] == [("1.0", ADA, True), ("2", ADA, False)]


def test_two_packages_in_one_commit_come_in_order(repo):
    repo.commit({f"approvals/approved/{name}/1.yaml": approval() for name in ("c", "a", "b")}, by=ADA)
    assert [event.identity.package for event in read(repo)] == ["a", "b", "c"]


# --- what cannot be read ------------------------------------------------------------------------------------------------------

UNREADABLE = [
    "no approval",
    "",
    b"\xff",
    b"\x00" * 10,
    "[" * 100_000,
    symlink("2.0.yaml"),
    symlink(approval(files=(("a.zip", B),))),
    submodule("1" * 40),
]
NAMES = ["scalar", "empty", "not UTF-8", "zero bytes", "deep", "symlink", "symlink with an approval as its target", "submodule"]


@pytest.mark.parametrize("content", UNREADABLE, ids=NAMES)
def test_what_cannot_be_read_is_no_event(repo, content):
    repo.commit({PATH: content}, by=ADA)
    assert told(repo) == []


@pytest.mark.parametrize("content", UNREADABLE, ids=NAMES)
def test_the_next_readable_state_is_compared_with_the_last_one(repo, content):
    repo.commit({PATH: approval()}, by=GRACE)
    repo.commit({PATH: content}, by=ADA)
    repo.commit({PATH: approval(reason="Repaired.")}, by=ALAN)
    assert told(repo) == [(1, "Grace", {"file:a.zip": "1 A"})]
    repo.commit({PATH: content}, by=ADA)
    repo.commit({PATH: approval(files=(("a.zip", B),))}, by=ALAN)
    assert told(repo)[1:] == [(5, "Alan", {"file:a.zip": "1 B"})]
    repo.commit({PATH: content}, by=ADA)
    repo.commit({PATH: None}, by=GRACE)
    assert told(repo)[2:] == [(7, "Grace", {"file:a.zip": None})]


@pytest.mark.parametrize("content", UNREADABLE, ids=NAMES)
def test_whoever_makes_an_approval_readable_on_the_branch_is_its_author(repo, content):
    repo.branch("topic")
    repo.commit({PATH: content}, by=ADA, on="topic")
    repo.commit({PATH: approval()}, by=ALAN, on="topic")
    repo.merge("topic", by=MERGER)
    assert told(repo) == [(1, "Alan", {"file:a.zip": "1 A"})]


def test_a_link_that_becomes_a_file_of_the_same_text(repo):
    """git stores a link's target as text: only the mode says that it was no approval before."""
    repo.branch("topic")
    repo.commit({PATH: symlink(approval())}, by=ADA, on="topic")
    repo.commit({PATH: approval()}, by=ALAN, on="topic")
    repo.merge("topic", by=MERGER)
    assert told(repo) == [(1, "Alan", {"file:a.zip": "1 A"})]


def test_two_files_of_one_identity_make_no_event_until_one_is_gone(repo):
    repo.commit({PATH: approval()}, by=GRACE)
    repo.commit({OTHER_SPELLING: approval(files=(("a.zip", B),))}, by=ADA)
    repo.commit({OTHER_SPELLING: approval(files=(("b.zip", B),))}, by=ADA)
    assert len(told(repo)) == 1
    repo.branch("one")
    repo.commit({OTHER_SPELLING: None}, by=ALAN)
    assert len(told(repo)) == 1
    repo.move("main", repo.tip("one"))
    repo.commit({PATH: None}, by=ALAN)
    assert told(repo)[1:] == [(4, "Alan", {"file:a.zip": None, "file:b.zip": "1 B"})]
    repo.commit({OTHER_SPELLING: None}, by=ALAN)
    assert told(repo)[2:] == [(5, "Alan", {"file:b.zip": None})]


def test_who_resolves_a_doubled_identity_on_a_branch_is_the_events_author(repo):
    repo.commit({PATH: approval()}, by=GRACE)
    repo.commit({OTHER_SPELLING: approval(files=(("a.zip", B),))}, by=ADA)
    repo.branch("topic")
    repo.commit({PATH: None}, by=ALAN, on="topic")
    repo.commit({"README.md": "1"}, by=ADA, on="topic")
    repo.merge("topic", by=MERGER)
    assert told(repo)[1:] == [(3, "Alan", {"file:a.zip": "1 B"})]


def test_an_evil_merge_that_moves_what_the_branch_removes_is_the_mergers(repo):
    repo.commit({PATH: approval()}, by=GRACE)
    repo.branch("topic")
    repo.commit({PATH: None}, by=ALAN, on="topic")
    repo.merge("topic", by=MERGER, also={OTHER_SPELLING: approval(files=(("a.zip", B),))})
    assert told(repo)[1:] == [(2, "Merger", {"file:a.zip": "1 B"})]


def test_an_evil_merge_that_resolves_a_doubled_identity_is_the_mergers(repo):
    repo.commit({PATH: approval()}, by=GRACE)
    repo.commit({OTHER_SPELLING: approval(files=(("a.zip", B),))}, by=ADA)
    repo.branch("topic")
    repo.commit({PATH: approval(reason="Other.")}, by=ALAN, on="topic")
    repo.merge("topic", by=MERGER, also={PATH: None})
    assert told(repo)[1:] == [(3, "Merger", {"file:a.zip": "1 B"})]


def test_two_files_of_one_identity_that_go_together(repo):
    repo.commit({PATH: approval(), OTHER_SPELLING: approval()}, by=ADA)
    repo.commit({PATH: None, OTHER_SPELLING: None}, by=ADA)
    assert told(repo) == []


def test_a_file_that_grows_too_large(repo):
    repo.commit({PATH: approval()}, by=GRACE)
    repo.commit({PATH: approval(files=(("a.zip", B),)) + "#" * (2 << 20)}, by=ADA)
    assert len(told(repo)) == 1


@pytest.mark.parametrize(
    "path",
    [
        "approvals/nowhere/Foo/1.0.yaml",
        "approvals/public/Foo/1.0.yaml",
        "approvals/approved/Foo/1.0.yml",
        "approvals/approved/Foo/one.yaml",
        "approvals/approved/F%6Fo/1.0.yaml",
        "approvals/approved/Foo bar/1.0.yaml",
        "approvals/approved/1.0.yaml",
        "approvals/approved/Foo/README.md",
        "approvals/approved/Foo/.1.0.yaml",
        "approvals/x",
        "elsewhere/approved/Foo/1.0.yaml",
    ],
)
def test_a_file_at_no_approvals_place_is_no_event(repo, path):
    repo.commit({path: approval()}, by=ADA)
    repo.commit({path: None}, by=ADA)
    assert told(repo) == []


def test_the_folder_becomes_a_link(repo):
    repo.commit({PATH: approval()}, by=GRACE)
    repo.commit({PATH: None, "approvals": symlink("elsewhere")}, by=ADA)
    assert told(repo)[1:] == [(2, "Ada", {"file:a.zip": None})]


# --- whose event it is --------------------------------------------------------------------------------------------------------


def test_the_author_of_a_merged_approval_wrote_it(repo):
    repo.branch("topic")
    written = repo.commit({PATH: approval()}, by=ADA, on="topic")
    repo.commit({PATH: approval(reason="A better one.")}, by=ALAN, on="topic")
    merged = repo.merge("topic", by=MERGER, committer=FORGE, message="Merge\n\nReviewed-by: Grace Hopper <grace@example.org>")
    (event,) = read(repo)
    assert (event.author.id, event.landing.id, event.witnesses) == (written, merged, (MERGER, GRACE))


def test_two_authors_in_one_merge_make_two_events(repo):
    repo.branch("topic")
    repo.commit({PATH: approval(files=(("a.zip", A), ("b.zip", A)))}, by=ADA, on="topic")
    repo.commit({PATH: approval(files=(("a.zip", A), ("b.zip", B)))}, by=ALAN, on="topic")
    repo.merge("topic", by=MERGER, also={PATH: approval(files=(("a.zip", A), ("b.zip", B)), expires="2027-01-01")})
    assert told(repo) == [(1, "Merger", {"expires": "2027-01-01"}), (1, "Ada", {"file:a.zip": "1 A"}), (1, "Alan", {"file:b.zip": "1 B"})]
    assert {event.first for event in read(repo)} == {True}
    assert len({event.approval for event in read(repo)}) == 1


def test_reformatting_on_the_branch_takes_nobodys_place(repo):
    repo.branch("topic")
    repo.commit({PATH: approval()}, by=ADA, on="topic")
    repo.commit({PATH: "# tidy\n" + approval()}, by=ALAN, on="topic")
    repo.commit({PATH: None, OTHER_SPELLING: approval()}, by=ALAN, on="topic")
    repo.merge("topic", by=MERGER)
    assert told(repo) == [(1, "Ada", {"file:a.zip": "1 A"})]


def test_a_removal_on_a_branch_is_its_authors(repo):
    repo.commit({PATH: approval()}, by=GRACE)
    repo.branch("topic")
    repo.commit({PATH: None}, by=ADA, on="topic")
    repo.merge("topic", by=MERGER)
    assert told(repo)[1:] == [(2, "Ada", {"file:a.zip": None})]


def test_a_fact_that_is_added_removed_and_added_again(repo):
    repo.branch("topic")
    for person, expires in ((ADA, "2027-01-01"), (GRACE, None), (ALAN, "2027-01-01"), (GRACE, "2028-01-01"), (ADA, "2027-01-01")):
        repo.commit({PATH: approval(**({"expires": expires} if expires else {}))}, by=person, on="topic")
    repo.merge("topic", by=MERGER)
    assert told(repo) == [(1, "Ada", {"expires": "2027-01-01"}), (1, "Ada", {"file:a.zip": "1 A"})]
    assert len({event.author.id for event in read(repo)}) == 2


def test_what_an_evil_merge_adds_is_the_mergers(repo):
    repo.branch("topic")
    repo.commit({PATH: approval()}, by=ADA, on="topic")
    repo.merge("topic", by=MERGER, also={"approvals/approved/evil/1.yaml": approval()})
    assert [(e.identity.package, e.author.author.name) for e in read(repo)] == [("evil", "Merger"), ("foo", "Ada Lovelace")]


def test_a_merge_of_main_into_the_branch_moves_nothing(repo):
    repo.branch("topic")
    repo.commit({PATH: approval()}, by=ADA, on="topic")
    repo.commit({"approvals/approved/main/1.yaml": approval()}, by=GRACE)
    repo.merge("main", into="topic", by=ALAN)
    repo.merge("topic", by=MERGER)
    assert told(repo) == [(1, "Grace", {"file:a.zip": "1 A"}), (2, "Ada", {"file:a.zip": "1 A"})]


def test_a_parent_that_only_the_text_of_a_commit_names_moves_no_approval(repo):
    """A line "parent" below the author is none for git; it must not make an approval look as old as that commit."""
    added = repo.commit({PATH: approval()}, by=GRACE)
    gone = repo.commit({PATH: None}, by=GRACE)
    tree = repo.tree_id(added)
    who = "Mallory <mallory@example.org> 1767225600 +0000"
    forged = repo.raw_commit(f"tree {tree}\nparent {gone}\nauthor {who}\nparent {added}\ncommitter {who}\n\nAdd\n".encode(), on="topic")
    merge = f"tree {tree}\nparent {gone}\nparent {forged}\nauthor Merger <merger@example.org> 1767225600 +0000\ncommitter {who}\n\nMerge\n"
    repo.raw_commit(merge.encode(), on="main")
    assert told(repo)[-1] == (3, "Mallory", {"file:a.zip": "1 A"})


# --- taking back --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{action: unlist, reason: Bad.}", "{action: quarantine, reason: Bad.}"),
        ("{action: unlist, reason: Bad.}", "{action: unlist, reason: Worse.}"),
        ("{action: unlist, reason: Bad.}", "{action: unlist, reason: Bad., since: 2026-11-20}"),
    ],
)
def test_every_part_of_a_withdrawal_is_part_of_the_fact(repo, before, after):
    repo.commit({PATH: approval(withdrawn=before)}, by=GRACE)
    repo.commit({PATH: approval(withdrawn=after)}, by=ADA)
    assert [list(moved) for _, _, moved in told(repo)] == [["file:a.zip", "withdrawn"], ["withdrawn"]]


def test_a_withdrawal_that_is_only_written_otherwise_is_no_event(repo):
    repo.commit({PATH: approval(withdrawn=BAD)}, by=GRACE)
    block = "\n  since: '2026-11-20'\n  # why\n  reason: \"Bad.\"\n  action: quarantine"
    repo.commit({PATH: approval(withdrawn=block)}, by=ADA)
    assert told(repo) == [(1, "Grace", {"file:a.zip": "1 A", "withdrawn": BAD_FACT})]


def test_who_withdraws_is_the_author_of_that_and_of_nothing_else(repo):
    repo.branch("topic")
    repo.commit({PATH: approval()}, by=ADA, on="topic")
    taken = repo.commit({PATH: approval(withdrawn=BAD)}, by=GRACE, on="topic")
    repo.commit({PATH: approval(reason="A better one.", withdrawn=BAD)}, by=ALAN, on="topic")
    repo.merge("topic", by=MERGER)
    assert told(repo) == [(1, "Ada", {"file:a.zip": "1 A"}), (1, "Grace", {"withdrawn": BAD_FACT})]
    assert read(repo)[1].author.id == taken


@pytest.mark.parametrize("way", ["merge", "squash", "rebase"])
def test_who_withdraws_and_who_gives_back_by_way_of_landing(repo, way):
    def land(branch):
        match way:
            case "merge":
                repo.merge(branch, by=MERGER)
            case "squash":
                repo.squash(branch, by=MERGER)
            case _:
                repo.rebase_merge(branch, committer=MERGER)

    repo.commit({PATH: approval()}, by=ADA)
    repo.branch("bad")
    repo.commit({PATH: approval(withdrawn=BAD)}, by=GRACE, on="bad")
    land("bad")
    repo.branch("good")
    repo.commit({PATH: approval(reason="It was another package.")}, by=ALAN, on="good")
    land("good")
    grace, alan = ("Merger", "Merger") if way == "squash" else ("Grace", "Alan")
    assert told(repo)[1:] == [(2, grace, {"withdrawn": BAD_FACT}), (3, alan, {"withdrawn": None})]
    taken, back = read(repo)[1:]
    assert (taken.witnesses, back.witnesses) == (((GRACE, MERGER), (ALAN, MERGER)) if way == "rebase" else ((MERGER,), (MERGER,)))
    assert back.approval is not None
    assert (back.approval.withdrawn, back.approval.reason, back.first) == (None, "It was another package.", False)


def test_a_withdrawal_that_a_merge_adds_is_the_mergers(repo):
    repo.commit({PATH: approval()}, by=ADA)
    repo.branch("topic")
    repo.commit({PATH: approval(expires="2027-01-01")}, by=GRACE, on="topic")
    repo.merge("topic", by=MERGER, also={PATH: approval(expires="2027-01-01", withdrawn=BAD)})
    assert told(repo)[1:] == [(2, "Grace", {"expires": "2027-01-01"}), (2, "Merger", {"withdrawn": BAD_FACT})]


def test_a_withdrawal_that_was_removed_on_the_branch_and_comes_back_is_its_last_writers(repo):
    repo.commit({PATH: approval()}, by=ADA)
    repo.branch("topic")
    for person, more in ((GRACE, {"withdrawn": BAD}), (ADA, {}), (ALAN, {"withdrawn": BAD})):
        repo.commit({PATH: approval(**more)}, by=person, on="topic")
    repo.merge("topic", by=MERGER)
    assert told(repo)[1:] == [(2, "Alan", {"withdrawn": BAD_FACT})]


def test_an_approval_that_is_deleted_and_written_again_withdrawn_is_one_event(repo):
    repo.commit({PATH: approval()}, by=ADA)
    repo.commit({PATH: None}, by=ALAN)
    repo.commit({PATH: approval(withdrawn=BAD)}, by=GRACE)
    assert told(repo)[1:] == [(2, "Alan", {"file:a.zip": None}), (3, "Grace", {"file:a.zip": "1 A", "withdrawn": BAD_FACT})]


def test_a_withdrawal_in_a_file_that_cannot_be_read_is_none_yet(repo):
    repo.commit({PATH: approval()}, by=ADA)
    repo.commit({PATH: approval(withdrawn="{action: delete, reason: Bad.}")}, by=GRACE)
    repo.commit({PATH: approval(withdrawn=BAD)}, by=ALAN)
    assert told(repo)[1:] == [(3, "Alan", {"withdrawn": BAD_FACT})]


# --- rules --------------------------------------------------------------------------------------------------------------------


def authors(change):
    return [(file.path, file.author.author) for file in change.changed]


def rules(repo):
    repo.close()
    repository = Repository(repo.path)
    return rule_changes(repository, Landed(repository, repository.resolve("main"), None), KINDS)


def test_changes_of_rules(repo):
    repo.commit({PATH: approval()}, by=ADA)
    repo.commit({"README.md": "1", "policies/notes.txt": "no rule"}, by=ADA)
    repo.commit(
        {"policies/permissions.yaml": "permissions: []\n"}, by=GRACE, message="Nobody\n\nApproved-by: Alan Turing <alan@example.org>"
    )
    repo.commit({"feeds.yaml": "feeds: [\n"}, by=ADA)
    repo.commit({"policies/permissions.yaml": None}, by=ADA)
    first, second, third, fourth = rules(repo)
    assert [change.position for change in (first, second, third, fourth)] == [0, 3, 4, 5]
    assert set(first.files) == set(RULES)
    assert authors(first) == [("feeds.yaml", MERGER), ("policies/permissions.yaml", MERGER)]
    assert isinstance(first.parsed, Rules)
    assert len(first.parsed.permissions.permissions) == 1
    assert isinstance(second.parsed, Rules)
    assert second.parsed.permissions.permissions == ()
    assert second.files["feeds.yaml"] == first.files["feeds.yaml"]
    assert second.files["policies/permissions.yaml"] != first.files["policies/permissions.yaml"]
    assert authors(second) == [("policies/permissions.yaml", GRACE)]
    assert second.witnesses == (GRACE, ALAN)
    assert [problem.path for problem in third.parsed if not isinstance(third.parsed, Rules)] == ["feeds.yaml"]
    assert set(fourth.files) == {"feeds.yaml"}
    assert first.commit.id != second.commit.id


def test_a_commit_that_only_adopts(repo):
    repo.commit({"README.md": "1"}, "Take over\n\nAdopts: feeds.yaml\nAdopts: policies/x.yaml", by=ADA)
    _, change = rules(repo)
    assert (change.position, change.changed, change.adopts) == (1, (), {"feeds.yaml", "policies/x.yaml"})
    assert isinstance(change.parsed, Rules)


def test_each_rule_file_of_a_merge_has_its_own_author(repo):
    repo.branch("topic")
    repo.commit({"feeds.yaml": FEEDS + "# 1\n"}, by=ADA, on="topic")
    repo.commit({"policies/permissions.yaml": PERMISSIONS + "# 1\n"}, by=GRACE, on="topic")
    repo.commit({"policies/more.yaml": "x"}, by=GRACE, on="topic")
    repo.commit({"policies/permissions.yaml": PERMISSIONS + "# 2\n"}, by=ALAN, on="topic")
    repo.merge("topic", by=MERGER, also={"policies/evil.yml": "x"})
    found = {path: who.name.split()[0] for path, who in authors(rules(repo)[-1])}
    assert found == {"feeds.yaml": "Ada", "policies/evil.yml": "Merger", "policies/more.yaml": "Grace", "policies/permissions.yaml": "Alan"}


def test_the_author_of_a_rule_files_removal(repo):
    repo.commit({"policies/more.yaml": "x"}, by=GRACE)
    repo.branch("topic")
    repo.commit({"policies/more.yaml": None}, by=ADA, on="topic")
    repo.merge("topic", by=MERGER)
    assert authors(rules(repo)[-1]) == [("policies/more.yaml", ADA)]


@pytest.mark.parametrize("content", [symlink(PERMISSIONS), submodule("1" * 40)], ids=["symlink", "submodule"])
def test_a_rule_that_is_no_regular_file_is_invalid_and_forgotten_when_it_is_gone(repo, content):
    for _ in range(2):
        repo.commit({"policies/permissions.yaml": content}, by=ADA)
        repo.commit({"policies/permissions.yaml": None}, by=ADA)
        repo.commit({"policies/permissions.yaml": PERMISSIONS}, by=GRACE)
    found = rules(repo)
    assert [isinstance(change.parsed, Rules) for change in found] == [True, False, False, True, False, False, True]
    assert authors(found[-1]) == [("policies/permissions.yaml", GRACE)]


@pytest.mark.parametrize(
    ("states", "author"),
    [
        ([symlink(PERMISSIONS), PERMISSIONS], "Alan"),
        ([executable(PERMISSIONS)], "Ada"),
        ([executable(PERMISSIONS), PERMISSIONS + "# 1\n", executable(PERMISSIONS)], "Ada"),
        ([PERMISSIONS + "# 1\n", PERMISSIONS, executable(PERMISSIONS)], "Ada"),
    ],
    ids=["link, then file", "mode", "mode, text, both back", "text there and back, mode"],
)
def test_modes_of_rule_files_have_authors_too(repo, states, author):
    repo.commit({"policies/permissions.yaml": None})
    repo.commit({"policies/permissions.yaml": PERMISSIONS if len(states) != 2 else "x"})
    repo.branch("topic")
    for state, person in zip(states, [ADA, ALAN, ADA], strict=False):
        repo.commit({"policies/permissions.yaml": state}, by=person, on="topic")
    repo.merge("topic", by=MERGER)
    assert [who.name.split()[0] for _, who in authors(rules(repo)[-1])] == [author]


def test_the_mode_that_an_evil_merge_gives_a_rule_file_is_the_mergers(repo):
    repo.branch("topic")
    repo.commit({"policies/more.yaml": "x"}, by=ADA, on="topic")
    repo.merge("topic", by=MERGER, also={"policies/more.yaml": executable("x")})
    assert authors(rules(repo)[-1]) == [("policies/more.yaml", MERGER)]


# --- what an identity is ------------------------------------------------------------------------------------------------------


def test_identities_of_paths():
    settings = load_rules({path: text.encode() for path, text in RULES.items()}, KINDS).settings
    identify = identifier(settings, ECOSYSTEMS)
    one, other = identify(PATH), identify(OTHER_SPELLING)
    assert one is not None
    assert (one.feed, one.package, one.version) == ("approved", "foo", "1.0")
    assert identify("approvals/approved/@a/b_c/1.yaml") != one
    assert identify("approvals/approved/FOO/1.000.yaml") == one == other
    assert identify("approvals/approved/Foo/1.yaml") != one
    assert [identify(p) for p in ("", "approvals", "approvals/public/Foo/1.yaml", "approvals/approved/Foo/x.yaml", "feeds.yaml")] == [
        None
    ] * 5


# --- the cost -----------------------------------------------------------------------------------------------------------------

PYPI_RULES = {
    "feeds.yaml": "feeds:\n  public: {type: pypi, usage: proxy, connectors: [{upstream: x}]}\n"
    "  approved: {type: pypi, usage: approved, promotes_from: [public]}\n",
    "policies/permissions.yaml": PERMISSIONS,
}


def grown(path, *, merges, commits, approvals):
    """A history in which every merge brings a branch, and every tenth landing commit changes the rules."""
    with Repo(path) as repo:
        repo.commit(PYPI_RULES)
        for merge in range(merges):
            repo.branch("topic")
            for commit in range(commits):
                names = [f"approvals/approved/p{merge}-{commit}-{n}/1.yaml" for n in range(approvals)]
                repo.commit({name: approval(files=((f"{n}.whl", A),)) for n, name in enumerate(names)}, on="topic", by=ADA)
            repo.merge("topic", by=MERGER)
            repo.commit({"policies/permissions.yaml": PERMISSIONS + f"# {merge}\n"}, by=GRACE)
    return repo


def commands(trace):
    """The git commands that a trace2 event file names, in order."""
    events = [json.loads(line) for line in Path(trace).read_text().splitlines()]
    return [event["argv"][1] for event in events if event["event"] == "start" and "rev-parse" not in event["argv"]]


def declared(repo, trace, monkeypatch):
    monkeypatch.setenv("GIT_TRACE2_EVENT", str(trace))
    declaration = declaration_of(repo.path)
    monkeypatch.delenv("GIT_TRACE2_EVENT")
    return declaration, commands(trace)


def test_git_is_asked_as_often_for_a_long_history_as_for_a_short_one(tmp_path, monkeypatch):
    long, asked = declared(grown(tmp_path / "long", merges=20, commits=10, approvals=10), tmp_path / "long.json", monkeypatch)
    short, asked_of_short = declared(grown(tmp_path / "short", merges=1, commits=1, approvals=1), tmp_path / "short.json", monkeypatch)
    assert asked == asked_of_short
    assert len(asked) <= 12
    assert (len(long.approvals.valid), len(short.approvals.valid)) == (2000, 1)
    assert len(long.authority.judged) == 2000
    assert {standing.backing.author.email for standing in long.authority.standings.values() if standing.backing} == {ADA.email}
    assert not any(judged.held for judged in long.authority.judged)


def test_one_merged_commit_with_thousands_of_approvals(tmp_path):
    """Each approval asks only for its own changes: the time grows with their number, not with its square."""
    names = [f"approvals/approved/p{n}/1.yaml" for n in range(2000)]
    with Repo(tmp_path / "r") as repo:
        repo.commit(RULES)
        repo.branch("topic")
        repo.commit(dict.fromkeys(names, approval()), on="topic", by=ADA)
        repo.merge("topic", by=MERGER)
        repo.commit(dict.fromkeys(names))
    started = time.process_time()
    events = read(repo)
    assert len(events) == 4000
    assert {event.author.author for event in events[:2000]} == {ADA}
    assert time.process_time() - started < 20


def test_a_whole_declaration_is_read_with_its_people(tmp_path):
    with Repo(tmp_path / "r", now=START) as repo:
        repo.commit(PYPI_RULES, by=MERGER)
        repo.branch("topic")
        repo.commit({"approvals/approved/Foo/1.0.yaml": approval(files=(("foo.whl", A),))}, by=ADA, on="topic")
        repo.merge("topic", by=MERGER)
    declaration = declaration_of(repo.path)
    ((identity, standing),) = declaration.authority.standings.items()
    assert identity in declaration.approvals.valid
    assert standing.backing is not None
    assert [person.email for person in (standing.backing.author, *standing.backing.approvers)] == [ADA.email, MERGER.email]
    assert standing.backing.landing.id == repo.tip()
