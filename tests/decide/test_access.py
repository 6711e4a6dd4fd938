import pytest

from reconciler.decide.access import access_changes
from reconciler.model.declared import Rules
from reconciler.model.permissions import Permissions
from tests.support.declared import FEEDS, rules

VIEW = "allow: view-and-download, feeds: approved"


def told(before, after):
    return [f"{row.change} {row.user} {row.task} {' '.join(row.feeds)}".strip() for row in access_changes(before, after)]


def test_nothing_differs_from_itself():
    some = rules("allow: administer, user: ada", f"{VIEW}, user: everyone", "deny: promote-packages, user: alan")
    assert access_changes(some, some) == ()
    assert access_changes(None, rules()) == ()


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([], [f"{VIEW}, user: ada"], ["grant ada view-and-download approved"]),
        ([f"{VIEW}, user: ada"], [], ["revoke ada view-and-download approved"]),
        (
            [f"{VIEW}, user: ada"],
            [f"{VIEW}, user: grace"],
            ["revoke ada view-and-download approved", "grant grace view-and-download approved"],
        ),
        ([f"{VIEW}, user: ada"], [f"{VIEW}, group: administrators"], []),
        ([], [f"{VIEW}, group: seniors"], ["grant ada view-and-download approved", "grant grace view-and-download approved"]),
        ([], [f"{VIEW}, user: everyone"], ["grant everyone view-and-download approved"]),
        ([f"{VIEW}, user: everyone"], [], ["revoke everyone view-and-download approved"]),
        ([], [f"{VIEW}, user: anonymous"], ["grant anonymous view-and-download approved"]),
        (
            [],
            [f"{VIEW}, user: everyone", f"{VIEW}, user: anonymous"],
            ["grant anonymous view-and-download approved", "grant everyone view-and-download approved"],
        ),
        (
            [f"{VIEW}, user: ada"],
            [f"{VIEW}, user: everyone", "deny: view-and-download, feeds: approved, user: ada"],
            ["revoke ada view-and-download approved", "grant everyone view-and-download approved"],
        ),
        ([], ["allow: promote-packages, user: ada, to: payments, from: other"], ["grant ada promote-packages other payments"]),
        (
            [],
            ["allow: promote-packages, user: ada, from: public"],
            ["grant ada promote-packages public approved", "grant ada promote-packages public payments"],
        ),
        ([], ["allow: manage-tokens, user: ada"], ["grant ada manage-tokens"]),
    ],
)
def test_who_gains_and_who_loses(before, after, expected):
    assert sorted(told(rules(*before), rules(*after))) == sorted(expected)


def test_administering_brings_every_right_and_the_line_is_named():
    rows = access_changes(None, rules("allow: administer, user: ada"))
    assert {row.user for row in rows} == {"ada"}
    assert {row.task for row in rows} == {
        "administer", "manage-feed", "manage-tokens", "promote-packages", "publish-packages", "view-and-download",
    }  # fmt: skip
    assert {row.line for row in rows} == {"policies/permissions.yaml:10"}


def test_the_line_that_takes_a_right_away():
    deny = "deny: view-and-download, user: ada"
    (by_line,) = access_changes(
        rules(f"{VIEW}, user: ada"), rules(f"{VIEW}, group: seniors", f"{deny}, feeds: approved", "deny: administer, user: grace")
    )[:1]
    assert (by_line.user, by_line.line) == ("ada", "policies/permissions.yaml:11")
    (silently,) = access_changes(rules(f"{VIEW}, user: ada"), rules())
    assert silently.line == ""


def test_a_new_feed_is_a_new_right_under_an_old_line():
    more = FEEDS + "  second: {type: pypi, usage: approved, promotes_from: [public]}\n"
    lines = ["allow: view-and-download, user: everyone", "allow: promote-packages, user: ada"]
    grants = ["grant ada promote-packages public second", "grant everyone view-and-download second"]
    assert sorted(told(rules(*lines), rules(*lines, feeds=more))) == grants
    assert sorted(told(rules(*lines, feeds=more), rules(*lines))) == [row.replace("grant", "revoke") for row in grants]


def test_a_new_source_is_a_new_right_under_an_old_line():
    more = FEEDS.replace("promotes_from: [public]}", "promotes_from: [public, other]}")
    assert told(rules("allow: promote-packages, user: ada"), rules("allow: promote-packages, user: ada", feeds=more)) == [
        "grant ada promote-packages other approved"
    ]


def test_a_user_who_is_declared_no_more():
    before, after = rules(f"{VIEW}, user: ada", f"{VIEW}, user: everyone"), rules(f"{VIEW}, user: everyone")
    without = after.permissions.users.keys() - {"ada"}
    permissions = Permissions(users={u: after.permissions.users[u] for u in without}, groups={}, permissions=())
    assert told(before, after) == []
    gone = Rules(settings=after.settings, permissions=permissions)
    assert told(before, gone) == ["revoke everyone view-and-download approved"]
    assert told(rules(f"{VIEW}, user: ada"), gone) == ["revoke ada view-and-download approved"]


def test_rows_are_sorted_by_feed_task_and_user():
    rows = access_changes(None, rules("allow: administer, group: seniors", "allow: view-and-download, user: anonymous"))
    assert list(rows) == sorted(rows, key=lambda row: (row.feeds, row.task, row.user, row.change))
