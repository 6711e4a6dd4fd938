"""Every rule of specificity, as a table: lines, who asks what, and which line (counted from 0) decides with what."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.decide.rights import ANONYMOUS, Ask, Right, asks_of, decide_right, who_may
from reconciler.model.permissions import TASKS, Line, Permission, Permissions, User
from tests.support.declared import APPROVED, OTHER, PAYMENTS, PUBLIC, rules

FIRST_LINE = 10
PROMOTE = Ask(task="promote-packages", source=PUBLIC, target=APPROVED)
TO_PAYMENTS = Ask(task="promote-packages", source=PUBLIC, target=PAYMENTS)
FROM_OTHER = Ask(task="promote-packages", source=OTHER, target=PAYMENTS)
VIEW = Ask(task="view-and-download", feed=APPROVED)
ADMINISTER = Ask(task="administer")

CASES = {
    "nothing said is no": ([], "ada", PROMOTE, None),
    "a line for the user": (["allow: promote-packages, user: ada"], "ada", PROMOTE, 0),
    "a line for another user": (["allow: promote-packages, user: ada"], "grace", PROMOTE, None),
    "a line for another task": (["allow: publish-packages, user: ada"], "ada", PROMOTE, None),
    "a line for a group": (["allow: promote-packages, group: seniors"], "grace", PROMOTE, 0),
    "a group inside a group": (["allow: promote-packages, group: developers"], "grace", PROMOTE, 0),
    "not a member of the group": (["allow: promote-packages, group: seniors"], "alan", PROMOTE, None),
    "everyone is a declared user": (["allow: promote-packages, user: everyone"], "alan", PROMOTE, 0),
    "everyone is an unlisted git author": (["allow: promote-packages, user: everyone"], None, PROMOTE, 0),
    "everyone is not anonymous": (["allow: view-and-download, user: everyone"], ANONYMOUS, VIEW, None),
    "anonymous": (["allow: view-and-download, user: anonymous"], ANONYMOUS, VIEW, 0),
    "anonymous is nobody else": (["allow: view-and-download, user: anonymous"], "ada", VIEW, None),
    "anonymous is no unlisted author": (["allow: view-and-download, user: anonymous"], None, VIEW, None),
    "an unlisted author has no user line": (["allow: promote-packages, user: ada"], None, PROMOTE, None),
    "an unlisted author has no group line": (["allow: promote-packages, group: seniors"], None, PROMOTE, None),
    "user before group": (["deny: promote-packages, group: seniors", "allow: promote-packages, user: ada"], "ada", PROMOTE, 1),
    "user before group, to the worse": (["allow: promote-packages, group: seniors", "deny: promote-packages, user: ada"], "ada", PROMOTE, 1),
    "user before a group with more feeds": (
        ["deny: promote-packages, group: seniors, from: public, to: approved", "allow: promote-packages, user: ada"], "ada", PROMOTE, 1,
    ),
    "group before everyone": (["allow: promote-packages, user: everyone", "deny: promote-packages, group: seniors"], "grace", PROMOTE, 1),
    "group before everyone with more feeds": (
        ["deny: promote-packages, user: everyone, from: public, to: approved", "allow: promote-packages, group: seniors"], "grace", PROMOTE, 1,
    ),
    "two feeds before one": (
        ["deny: promote-packages, user: ada, to: approved", "allow: promote-packages, user: ada, from: public, to: approved"], "ada", PROMOTE, 1,
    ),
    "one feed before none": (["deny: promote-packages, user: ada", "allow: promote-packages, user: ada, from: public"], "ada", PROMOTE, 1),
    "source and target weigh the same, so no": (
        ["allow: promote-packages, user: ada, from: public", "deny: promote-packages, user: ada, to: approved"], "ada", PROMOTE, 1,
    ),
    "a list counts as one dimension": (
        ["allow: promote-packages, user: ada, from: [public, other]", "deny: promote-packages, user: ada, to: approved"], "ada", PROMOTE, 1,
    ),
    "deny before allow": (["allow: promote-packages, user: ada", "deny: promote-packages, user: ada"], "ada", PROMOTE, 1),
    "deny of one group before allow of another": (
        ["allow: promote-packages, group: seniors", "deny: promote-packages, group: developers"], "grace", PROMOTE, 1,
    ),
    "another target": (["allow: promote-packages, user: ada, to: approved"], "ada", TO_PAYMENTS, None),
    "another source": (["allow: promote-packages, user: ada, from: public"], "ada", FROM_OTHER, None),
    "a list of sources": (["allow: promote-packages, user: ada, from: [public, other]"], "ada", FROM_OTHER, 0),
    "a list of targets": (["deny: promote-packages, user: ada, to: [approved, payments]", "allow: promote-packages, user: ada"], "ada", PROMOTE, 0),
    "a list of feeds": (["allow: view-and-download, user: ada, feeds: [payments, approved]"], "ada", VIEW, 0),
    "a list without the feed": (["allow: view-and-download, user: ada, feeds: [payments, public]"], "ada", VIEW, None),
    "no feed named is any feed": (["allow: view-and-download, user: ada"], "ada", VIEW, 0),
    "a line for some feeds says nothing in general": (["allow: manage-feed, user: ada, feeds: approved"], "ada", Ask(task="manage-feed"), None),
    "a promotion from somewhere unknown": (["allow: promote-packages, user: ada, from: public"], "ada", Ask(task="promote-packages", target=APPROVED), None),
    "who administers may promote": (["allow: administer, user: ada"], "ada", PROMOTE, 0),
    "who administers is denied nothing": (["deny: promote-packages, user: ada, from: public, to: approved", "allow: administer, group: seniors"], "ada", PROMOTE, 1),
    "everyone may administer": (["allow: administer, user: everyone", "deny: promote-packages, user: everyone"], None, PROMOTE, 0),
    "who is denied to administer": (["allow: administer, group: seniors", "deny: administer, user: ada"], "ada", PROMOTE, None),
    "who is denied to administer, and asks for it": (["allow: administer, group: seniors", "deny: administer, user: ada"], "ada", ADMINISTER, 1),
    "who is denied to administer may still promote": (
        ["deny: administer, user: ada", "allow: promote-packages, user: ada"], "ada", PROMOTE, 1,
    ),
    "administering as anonymous": (["allow: administer, user: anonymous"], ANONYMOUS, VIEW, 0),
}  # fmt: skip


@pytest.mark.parametrize(("lines", "user", "ask", "decides"), CASES.values(), ids=CASES)
def test_the_most_specific_line_decides(lines, user, ask, decides):
    right = decide_right(rules(*lines).permissions, user, ask)
    assert right.allowed == (decides is not None and lines[decides].startswith("allow"))
    assert right.line == (None if decides is None else Line(path="policies/permissions.yaml", line=FIRST_LINE + decides))


@pytest.mark.parametrize("task", TASKS)
def test_administering_implies_every_task(task):
    permissions = rules("allow: administer, user: grace", *(f"deny: {t}, user: grace" for t in TASKS if t != "administer")).permissions
    assert decide_right(permissions, "grace", Ask(task=task, feed=APPROVED)).allowed
    assert not decide_right(permissions, "alan", Ask(task=task, feed=APPROVED)).allowed


def test_who_may_names_users_and_everyone():
    permissions = rules("allow: promote-packages, group: seniors", "deny: promote-packages, user: ada, to: payments").permissions
    assert who_may(permissions, PROMOTE) == ("ada", "grace")
    assert who_may(permissions, TO_PAYMENTS) == ("grace",)
    everyone = rules("allow: promote-packages, user: everyone", "deny: promote-packages, user: alan").permissions
    assert who_may(everyone, PROMOTE) == ("everyone", "ada", "grace")
    assert who_may(rules().permissions, PROMOTE) == ()


def test_what_can_be_asked_about_feeds():
    assert asks_of([(PUBLIC, ()), (PAYMENTS, (PUBLIC, OTHER))]) == (
        Ask(task="administer"),
        Ask(task="manage-tokens"),
        Ask(task="manage-feed", feed=PUBLIC),
        Ask(task="publish-packages", feed=PUBLIC),
        Ask(task="view-and-download", feed=PUBLIC),
        Ask(task="manage-feed", feed=PAYMENTS),
        Ask(task="publish-packages", feed=PAYMENTS),
        Ask(task="view-and-download", feed=PAYMENTS),
        Ask(task="promote-packages", source=PUBLIC, target=PAYMENTS),
        Ask(task="promote-packages", source=OTHER, target=PAYMENTS),
    )


# --- properties -------------------------------------------------------------------------------------------------------------------

SOME = settings(max_examples=40, deadline=None)
USERS = {id_: User(id=id_, name=id_, emails=frozenset(), github=None) for id_ in ("ada", "grace", "alan")}
GROUPS = {"seniors": frozenset({"ada", "grace"}), "developers": frozenset({"ada", "grace", "alan"})}
PRINCIPALS = [*(("user", u) for u in USERS), *(("group", g) for g in GROUPS), ("everyone", "everyone"), ("anonymous", "anonymous")]
FEED_SETS = st.none() | st.sets(st.sampled_from([PUBLIC, OTHER, APPROVED, PAYMENTS]), min_size=1).map(frozenset)


@st.composite
def lines_of_permissions(draw):
    kind, principal = draw(st.sampled_from(PRINCIPALS))
    task = draw(st.sampled_from(["administer", "promote-packages", "promote-packages", "view-and-download"]))
    promotes, views = task == "promote-packages", task == "view-and-download"
    return Permission(
        allow=draw(st.booleans()),
        task=task,
        kind=kind,
        principal=principal,
        source=draw(FEED_SETS) if promotes else None,
        target=draw(FEED_SETS) if promotes else None,
        feeds=draw(FEED_SETS) if views else None,
        where=Line(path="policies/permissions.yaml", line=draw(st.integers(1, 99))),
    )


TABLES = st.lists(lines_of_permissions(), max_size=6).map(lambda lines: Permissions(users=USERS, groups=GROUPS, permissions=tuple(lines)))
CALLERS = st.sampled_from([None, ANONYMOUS, *USERS])
ASKS = st.sampled_from([PROMOTE, TO_PAYMENTS, FROM_OTHER, VIEW, ADMINISTER])


@SOME
@given(TABLES, CALLERS, ASKS, st.randoms(use_true_random=False))
def test_the_order_of_lines_means_nothing(permissions, user, ask, random):
    shuffled = replace(permissions, permissions=tuple(random.sample(permissions.permissions, len(permissions.permissions))))
    assert decide_right(permissions, user, ask).allowed == decide_right(shuffled, user, ask).allowed


@SOME
@given(TABLES, CALLERS, ASKS)
def test_whoever_may_do_something_is_allowed_it_by_a_line(permissions, user, ask):
    right = decide_right(permissions, user, ask)
    deciding = [line for line in permissions.permissions if line.where == right.line]
    assert right == Right(allowed=False, line=None) if not deciding else any(line.allow == right.allowed for line in deciding)


@SOME
@given(TABLES, st.sampled_from(sorted(USERS)), ASKS)
def test_who_is_not_denied_to_administer_and_allowed_it_may_do_anything(permissions, user, ask):
    if decide_right(permissions, user, ADMINISTER).allowed:
        assert decide_right(permissions, user, ask).allowed


@SOME
@given(TABLES, st.sampled_from(sorted(USERS)), ASKS)
def test_a_deny_of_the_user_with_all_feeds_named_beats_everything_but_administering(permissions, user, ask):
    feeds = {"source": ask.source, "target": ask.target, "feeds": ask.feed}
    named = {key: None if feed is None else frozenset({feed}) for key, feed in feeds.items()}
    deny = Permission(allow=False, task=ask.task, kind="user", principal=user, where=Line(path="x", line=1), **named)
    told = replace(permissions, permissions=(*permissions.permissions, deny))
    assert decide_right(told, user, ask).allowed == decide_right(told, user, ADMINISTER).allowed
