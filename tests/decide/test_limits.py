from dataclasses import replace
from fractions import Fraction

import pytest

from reconciler.decide.limits import within
from reconciler.model.declared import Limit
from reconciler.model.events import Named
from reconciler.model.plan import Change
from tests.support.declared import APPROVED, PAYMENTS, PUBLIC, desired, identity, published, rules, stock


def change(kind, package, feed=APPROVED):
    one = desired("a", of=identity(package, feed=feed))
    assert one.standing.backing is not None
    commit = one.standing.backing.landing
    return Change(
        kind=kind,
        declared=one.declared,
        source=PUBLIC,
        files=one.files,
        author=Named(name="Ada", email="ada@example.org", assurance="claimed"),
        approvers=(),
        landing=commit,
        author_commit=commit,
        release=None,
        upstream="",
        reason="",
    )


def changes(kind, count, feed=APPROVED):
    return tuple(change(kind, f"{kind}{number}", feed) for number in range(count))


def settings(withdrawals=None, promotions=None):
    return replace(rules().settings, withdrawals=withdrawals or Limit(share=Fraction(1, 10)), promotions=promotions)


def listed(count, *, unlisted=0, feed=APPROVED):
    versions = [published(str(n), "a") for n in range(count)] + [published(str(count + n), "a", state="unlisted") for n in range(unlisted)]
    return {feed: stock({"pkg": versions}, feed=feed)}


@pytest.mark.parametrize(
    ("limit", "stock_listed", "allowed"),
    [
        (Limit(count=0), 100, 0),
        (Limit(count=3), 100, 3),
        (Limit(count=3), 1, 3),
        (Limit(share=Fraction(1, 10)), 0, 1),
        (Limit(share=Fraction(1, 10)), 1, 1),
        (Limit(share=Fraction(1, 10)), 10, 1),
        (Limit(share=Fraction(1, 10)), 11, 2),
        (Limit(share=Fraction(1, 10)), 20, 2),
        (Limit(share=Fraction(7, 100)), 100, 7),
        (Limit(share=Fraction(1)), 30, 30),
        (Limit(), 30, 1),
    ],
)
def test_a_limit_is_a_count_or_a_share_rounded_up_and_at_least_one(limit, stock_listed, allowed):
    stocks, just, over = listed(stock_listed), changes("unlist", allowed), changes("unlist", allowed + 1)
    assert within(just, settings(limit), stocks) == (just, ())
    kept, (hold,) = within(over, settings(limit), stocks)
    assert kept == (), "the class is refused as a whole"
    assert (hold.feed, hold.package, hold.kind, hold.rule) == ("approved", "", "limit", "limits.withdrawals")
    told, _, names = hold.reason.partition(" (")
    assert told == f"{allowed + 1} withdrawals in one pass, allowed are {allowed}: none of them is carried out"
    assert names.startswith("unlist unlist0 1")
    assert names.endswith(f", and {allowed - 19} more)") == (allowed >= 20)
    assert "--accept DIGEST" in hold.remedy


def test_only_listed_versions_are_shared_out():
    kept, holds = within(changes("unlist", 2), settings(), listed(10, unlisted=90))
    assert (kept, len(holds)) == ((), 1)


def test_promotions_are_unlimited_unless_said():
    many = changes("promote", 50)
    assert within(many, settings(), listed(0)) == (many, ())
    kept, (hold,) = within(many, settings(promotions=Limit(count=49)), listed(0))
    assert (kept, hold.rule) == ((), "limits.promotions")


def test_promotions_extensions_and_relistings_are_one_class():
    mixed = (*changes("promote", 1), *changes("extend", 1), *changes("relist", 1))
    assert within(mixed, settings(promotions=Limit(count=3)), listed(0)) == (mixed, ())
    assert within(mixed, settings(promotions=Limit(count=2)), listed(0))[0] == ()


def test_repairing_and_recording_are_never_limited():
    harmless = (*changes("repair", 5), *changes("adopt", 5))
    assert within(harmless, settings(Limit(count=0), Limit(count=0)), listed(0)) == (harmless, ())


def test_the_classes_are_independent():
    promoted, withdrawn = changes("promote", 2), changes("unlist", 2)
    assert within((*promoted, *withdrawn), settings(Limit(count=1), Limit(count=2)), listed(0))[0] == promoted
    assert within((*promoted, *withdrawn), settings(Limit(count=2), Limit(count=1)), listed(0))[0] == withdrawn
    kept, holds = within((*promoted, *withdrawn), settings(Limit(count=1), Limit(count=1)), listed(0))
    assert (kept, [h.rule for h in holds]) == ((), ["limits.withdrawals", "limits.promotions"])


def test_the_feeds_are_independent():
    here, there = changes("unlist", 2), changes("unlist", 1, PAYMENTS)
    kept, holds = within((*here, *there), settings(Limit(count=1)), {**listed(1), **listed(1, feed=PAYMENTS)})
    assert (kept, [h.feed for h in holds]) == (there, ["approved"])


@pytest.mark.parametrize(
    ("state", "kind", "counted"),
    [
        ("listed", "unlist", True),
        ("listed", "quarantine", True),
        ("unlisted", "quarantine", True),
        ("unlisted", "unlist", False),  # another reason
        ("quarantined", "unlist", False),  # exact pins get it back
        ("quarantined", "quarantine", False),
    ],
)
def test_what_takes_nothing_from_clients_is_no_withdrawal_that_counts(state, kind, counted):
    versions = {f"{kind}{number}": [published("1.0", "a", state=state)] for number in range(3)}
    kept, holds = within(changes(kind, 3), settings(withdrawals=Limit(count=2)), {APPROVED: stock(versions)})
    assert (len(kept), len(holds)) == ((0, 1) if counted else (3, 0))
