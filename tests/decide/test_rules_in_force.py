"""Landing commits that change the rules: which of them are in force. Each is told as who lands what; texts are read by the real loader."""

from dataclasses import replace
from hashlib import sha1

import pytest

from reconciler.decide.rights import Ask, decide_right
from reconciler.decide.rules_in_force import RefusedRule, rules_in_force
from reconciler.declaration import KINDS
from reconciler.declare.load import load_rules
from reconciler.errors import DeclarationInvalid
from reconciler.model.events import FileAuthor, RuleChange
from reconciler.model.words import BlobId
from tests.support.declared import APPROVED, FEEDS, PAYMENTS, PUBLIC, commit, permissions_yaml, person

FEEDS_FILE, PERMISSIONS_FILE = "feeds.yaml", "policies/permissions.yaml"
MAY_PROMOTE = Ask(task="promote-packages", source=PUBLIC, target=APPROVED)
OWNERS = ("allow: administer, user: ada", "allow: manage-feed, user: grace")
FROM_MALLORY = (*OWNERS, "allow: promote-packages, user: everyone")
MORE_FEEDS = FEEDS.replace("./public", "./mirror")


class Chain:
    """The first-parent chain of a repository's rule files, one landing commit after the other."""

    def __init__(self, *lines, by="ada"):
        self.texts, self.changes = {}, []
        self.land(by, permissions=lines, feeds=FEEDS)

    def land(self, author, *, permissions=None, feeds=None, adopts=(), landed_by="", text=None):
        """`permissions` are lines, `text` is the whole file instead; `landed_by` are the witnesses where the author is none of them."""
        new = {FEEDS_FILE: feeds, PERMISSIONS_FILE: text if permissions is None else permissions_yaml(*permissions)}
        changed = {path: words for path, words in new.items() if words is not None and words != self.texts.get(path)}
        self.texts |= changed
        witnesses = tuple(person(name) for name in landed_by.split()) or (person(author),)
        position = len(self.changes)
        wrote = commit(position, person(author))
        change = RuleChange(
            position=position,
            commit=commit(position, witnesses[0]),
            files={path: BlobId(sha1(words.encode(), usedforsecurity=False).hexdigest()) for path, words in self.texts.items()},
            parsed=self._parsed(),
            changed=tuple(FileAuthor(path=path, author=wrote, contributors=(wrote.author,)) for path in changed),
            adopts=frozenset(adopts),
            witnesses=witnesses,
        )
        self.changes.append(change)
        return self

    def _parsed(self):
        try:
            return load_rules({path: words.encode() for path, words in self.texts.items()}, KINDS)
        except DeclarationInvalid as error:
            return error.problems

    def lines_in_force(self):
        return len(self.result().now.permissions.permissions)

    def result(self):
        return rules_in_force(self.changes)


def refused(chain):
    return [(row.path, chain.changes.index(next(c for c in chain.changes if c.commit.id == row.commit))) for row in chain.result().refused]


# --- the trust anchor -------------------------------------------------------------------------------------------------------------


def test_without_any_valid_rules_there_is_none():
    assert rules_in_force([]) is None
    broken = Chain(*OWNERS)
    broken.changes.clear()
    assert broken.land("ada", text="permissions: [").result() is None


def test_the_first_valid_rules_are_the_trust_anchor_whoever_wrote_them():
    chain = Chain("allow: promote-packages, user: alan", by="mallory")
    assert chain.result().refused == ()
    assert [step.position for step in chain.result().steps] == [0]


def test_invalid_rules_before_the_anchor_are_no_rules_and_hold_nothing():
    chain = Chain("allow: nonsense, user: ada").land("mallory", permissions=OWNERS)
    assert [step.position for step in chain.result().steps] == [1]
    assert chain.result().refused == ()
    assert chain.result().after(0) is None


def test_a_commit_is_judged_by_the_rules_before_it():
    chain = Chain(*OWNERS).land("ada", permissions=FROM_MALLORY).land("ada", permissions=("allow: administer, user: grace",))
    rules = chain.result()
    lines = [len(rules.before(position).permissions.permissions) for position in range(5)]
    assert lines == [2, 2, 3, 1, 1], "the anchor is judged by itself"
    assert [len(r.permissions.permissions) for p in range(4) if (r := rules.after(p))] == [2, 3, 1, 1]
    assert rules.now == rules.after(2)


def test_what_lies_between_two_changes_has_the_rules_of_the_earlier_one():
    chain = Chain(*OWNERS).land("ada", permissions=FROM_MALLORY)
    far_apart = rules_in_force([replace(change, position=10 * (change.position + 1)) for change in chain.changes])
    assert far_apart is not None
    assert [len(far_apart.before(position).permissions.permissions) for position in (0, 10, 11, 15, 20, 21, 99)] == [2, 2, 2, 2, 2, 3, 3]
    after = [far_apart.after(position) for position in (0, 9, 10, 19, 20, 99)]
    assert [len(rules.permissions.permissions) if rules else None for rules in after] == [None, None, 2, 2, 3, 3]


# --- who may change what ----------------------------------------------------------------------------------------------------------


def test_who_administers_may_change_everything():
    chain = Chain(*OWNERS).land("ada", permissions=FROM_MALLORY, feeds=MORE_FEEDS)
    assert chain.lines_in_force() == 3
    assert chain.result().refused == ()


def test_a_right_granted_by_the_change_itself_does_not_count():
    chain = Chain(*OWNERS).land("mallory", permissions=(*OWNERS, "allow: administer, user: everyone"))
    assert chain.lines_in_force() == 2
    assert chain.result().refused == (
        RefusedRule(
            path=PERMISSIONS_FILE,
            commit=chain.changes[1].commit.id,
            reason="nobody behind this change (Mallory <mallory@example.org>) may administer by the rules before it",
            remedy="somebody who may administer lands a commit with the trailer `Adopts: policies/permissions.yaml`, or takes the change back",
        ),
    )


def test_a_right_granted_one_commit_earlier_by_nobody_entitled_does_not_count_either():
    grab = (*OWNERS, "allow: administer, user: everyone")
    chain = Chain(*OWNERS).land("mallory", permissions=grab).land("mallory", permissions=(*grab, "allow: promote-packages, user: everyone"))
    assert chain.lines_in_force() == 2
    assert not decide_right(chain.result().now.permissions, None, MAY_PROMOTE).allowed
    assert refused(chain) == [(PERMISSIONS_FILE, 2)]


@pytest.mark.parametrize("landed_by", ["ada", "mallory ada", "github ada"])
def test_a_witness_may_stand_for_the_author(landed_by):
    chain = Chain(*OWNERS).land("mallory", permissions=FROM_MALLORY, landed_by=landed_by)
    assert chain.lines_in_force() == 3


def test_the_author_inside_a_branch_counts_though_somebody_else_merges():
    assert Chain(*OWNERS).land("ada", permissions=FROM_MALLORY, landed_by="mallory").lines_in_force() == 3


def test_manage_feed_is_enough_for_feeds_but_not_for_permissions():
    chain = Chain(*OWNERS).land("grace", feeds=MORE_FEEDS)
    assert chain.result().now.settings.feeds[PUBLIC].connectors[0].upstream == "./mirror"
    assert chain.result().refused == ()
    assert refused(chain.land("grace", permissions=FROM_MALLORY)) == [(PERMISSIONS_FILE, 2)]


@pytest.mark.parametrize(
    ("line", "new", "in_force"),
    [
        ("allow: manage-feed, user: alan, feeds: public", MORE_FEEDS, True),
        ("allow: manage-feed, user: alan, feeds: public", "# A remark moves all lines.\n" + MORE_FEEDS, True),
        ("allow: manage-feed, user: alan, feeds: approved", MORE_FEEDS, False),
        ("allow: manage-feed, user: alan, feeds: public", MORE_FEEDS + "store: ./elsewhere\n", False),
        ("allow: manage-feed, user: alan, feeds: public", MORE_FEEDS + 'limits: {withdrawals: "100%"}\n', False),
        ("allow: manage-feed, user: alan, feeds: public", FEEDS + "# A remark.\n", False),
        (
            "allow: manage-feed, user: alan, feeds: public",
            MORE_FEEDS + "  more: {type: pypi, usage: approved, promotes_from: [public]}\n",
            False,
        ),
        ("allow: manage-feed, user: alan", MORE_FEEDS, True),
        ("allow: manage-feed, user: alan", FEEDS + "# A remark.\n", True),
    ],
)
def test_a_right_to_manage_some_feeds_covers_the_change_of_these_feeds_only(line, new, in_force):
    chain = Chain("allow: administer, user: ada", line).land("alan", feeds=new)
    assert (len(chain.result().steps) == 2) is in_force
    assert refused(chain) == ([] if in_force else [(FEEDS_FILE, 1)])


def test_a_deny_for_one_feed_holds_a_change_of_it_and_no_other():
    lines = (*OWNERS, "deny: manage-feed, user: grace, feeds: payments")
    assert refused(Chain(*lines).land("grace", feeds=MORE_FEEDS)) == []
    assert refused(Chain(*lines).land("grace", feeds=FEEDS.replace("[public, other]", "[public]"))) == [(FEEDS_FILE, 1)]
    without = "".join(line for line in FEEDS.splitlines(keepends=True) if PAYMENTS not in line)
    assert refused(Chain(*OWNERS, "deny: manage-feed, user: grace, feeds: approved").land("grace", feeds=without)) == []


def test_rules_come_into_force_together_and_both_files_are_held():
    chain = Chain(*OWNERS).land("grace", feeds=MORE_FEEDS, permissions=FROM_MALLORY)
    assert refused(chain) == [(FEEDS_FILE, 1), (PERMISSIONS_FILE, 1)]
    feeds, permissions = chain.result().refused
    assert feeds.reason == "rules come into force together, and something is wrong with policies/permissions.yaml"
    assert (
        feeds.remedy
        == "somebody who may manage-feed lands a commit with the trailer `Adopts: feeds.yaml` (together with `Adopts: policies/permissions.yaml`), or takes the change back"
    )
    assert permissions.reason.startswith("nobody behind this change (Grace <grace@example.org>)")


# --- what slipped in --------------------------------------------------------------------------------------------------------------


def slipped_in():
    return Chain(*OWNERS).land("mallory", permissions=FROM_MALLORY)


def test_a_foreign_line_is_not_legalised_by_the_next_who_passes_by():
    chain = slipped_in().land("ada", feeds=MORE_FEEDS)
    assert chain.result().now.settings.feeds[PUBLIC].connectors[0].upstream == "./public"
    assert refused(chain) == [(FEEDS_FILE, 2), (PERMISSIONS_FILE, 1)], "each with the commit that last touched it"


def test_nor_by_an_edit_of_the_same_file_that_leaves_it_in():
    chain = slipped_in().land("ada", permissions=(*FROM_MALLORY, "allow: view-and-download, user: everyone"))
    assert chain.lines_in_force() == 2
    assert refused(chain) == [(PERMISSIONS_FILE, 2)]
    assert chain.result().refused[0].reason.startswith("an earlier change of this file is not in force")


def test_a_foreign_change_that_is_taken_back_holds_nothing_any_more():
    chain = slipped_in().land("ada", permissions=OWNERS)
    assert chain.lines_in_force() == 2
    assert chain.result().refused == ()
    assert chain.land("ada", feeds=MORE_FEEDS).result().now.settings.feeds[PUBLIC].connectors[0].upstream == "./mirror"


def test_whoever_slipped_it_in_may_take_it_back():
    chain = slipped_in().land("mallory", permissions=OWNERS)
    assert chain.result().refused == ()
    assert chain.lines_in_force() == 2


@pytest.mark.parametrize(("author", "lines"), [("ada", 3), ("mallory", 2), ("grace", 2)])
def test_a_foreign_change_is_adopted_by_somebody_entitled_only(author, lines):
    chain = slipped_in().land(author, adopts=[PERMISSIONS_FILE])
    assert chain.lines_in_force() == lines
    assert refused(chain) == ([] if lines == 3 else [(PERMISSIONS_FILE, 2)])


def test_adopting_together_with_a_change_of_ones_own():
    chain = slipped_in().land("ada", feeds=MORE_FEEDS, adopts=[PERMISSIONS_FILE])
    assert chain.lines_in_force() == 3
    assert chain.result().now.settings.feeds[PUBLIC].connectors[0].upstream == "./mirror"


def test_two_foreign_files_are_adopted_by_one_commit_that_names_both():
    chain = Chain(*OWNERS).land("mallory", permissions=FROM_MALLORY, feeds=MORE_FEEDS)
    assert refused(chain.land("ada", adopts=[FEEDS_FILE])) == [(FEEDS_FILE, 2), (PERMISSIONS_FILE, 1)]
    assert refused(chain.land("ada", adopts=[PERMISSIONS_FILE])) == [(FEEDS_FILE, 2), (PERMISSIONS_FILE, 3)]
    assert "(together with `Adopts: feeds.yaml`)" in chain.result().refused[1].remedy
    assert refused(chain.land("ada", adopts=[FEEDS_FILE, PERMISSIONS_FILE])) == []
    assert chain.lines_in_force() == 3


def test_adopting_what_is_no_rule_file_is_idle_talk():
    chain = Chain(*OWNERS).land("grace", feeds=MORE_FEEDS, adopts=["README.md", "policies/none.yaml"])
    assert len(chain.result().steps) == 2
    assert chain.result().refused == ()


# --- broken files -----------------------------------------------------------------------------------------------------------------


def test_broken_rules_leave_the_earlier_ones_in_force():
    chain = Chain(*OWNERS).land("ada", text="permissions: [{allow: nonsense, user: ada}, {allow: more, user: ada}]\n")
    assert chain.lines_in_force() == 2
    (row,) = chain.result().refused
    assert row.path == PERMISSIONS_FILE
    assert row.reason.startswith("is not valid: policies/permissions.yaml:1: permissions[0].allow: found 'nonsense'")


def test_broken_rules_hold_what_landed_with_them():
    chain = Chain(*OWNERS).land("ada", text="permissions: [{allow: nonsense, user: ada}]\n", feeds=MORE_FEEDS)
    assert refused(chain) == [(FEEDS_FILE, 1), (PERMISSIONS_FILE, 1)]


def test_a_broken_file_that_is_put_back_as_it_was_is_repaired():
    chain = Chain(*OWNERS).land("ada", text="permissions: [\n").land("ada", permissions=OWNERS)
    assert chain.result().refused == ()
    assert chain.land("ada", permissions=FROM_MALLORY).lines_in_force() == 3


def test_a_broken_file_that_is_repaired_otherwise_has_to_be_adopted():
    chain = Chain(*OWNERS).land("ada", text="permissions: [\n").land("ada", permissions=FROM_MALLORY)
    assert chain.lines_in_force() == 2, "nobody can say what of the broken text was whose"
    assert refused(chain) == [(PERMISSIONS_FILE, 2)]
    assert refused(chain.land("ada", adopts=[PERMISSIONS_FILE])) == []
    assert chain.lines_in_force() == 3


def test_an_administrator_who_is_replaced_has_no_say_any_more():
    chain = Chain(*OWNERS).land("ada", permissions=("allow: administer, user: grace",))
    assert chain.lines_in_force() == 1
    assert refused(chain.land("ada", permissions=OWNERS)) == [(PERMISSIONS_FILE, 2)]
