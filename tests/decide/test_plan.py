from dataclasses import replace
from datetime import UTC, datetime

import pytest

from reconciler.decide.rules_in_force import RefusedRule
from reconciler.decide.standing import HeldEvent, Standing
from reconciler.model.declared import Limit, MalformedApproval, Withdrawal
from reconciler.model.events import Named
from reconciler.model.plan import ORDER, AccessChange, Waiting
from reconciler.model.words import CommitId, Problem
from tests.decide.passes import plan_of
from tests.support.declared import (
    APPROVED,
    NOW,
    PAYMENTS,
    PUBLIC,
    backing,
    commit,
    desired,
    event,
    file,
    found,
    identity,
    person,
    published,
    rules,
    stock,
    stranger,
)
from tests.support.declared import approval as approval_of

PKG = identity()
BAD = Withdrawal(action="quarantine", reason="Steals credentials.", since=None)
GRANT = AccessChange(change="grant", user="ada", task="administer", feeds=(), line="x:1")


def said(plan):
    return [(c.kind, c.identity.package) for c in plan.changes]


def key(one):
    return PUBLIC, one.declared.identity.package


def drift(plan):
    return [(d.kind, d.package, d.version, d.detail) for d in plan.drift]


# --- changes ------------------------------------------------------------------------------------------------------------------------


def test_a_promotion_says_what_from_where_and_on_whose_word():
    plan = plan_of(one := desired("a", "b"))
    assert one.standing.backing is not None
    (change,) = plan.changes
    assert (change.kind, change.identity, change.source, change.upstream) == ("promote", PKG, PUBLIC, "./public")
    assert change.files == (file("a"), file("b"))
    assert change.release is not None
    assert [f.name for f in change.release.files] == ["a", "b"]
    assert change.author == Named(name="Ada", email="ada@example.org", assurance="claimed")
    assert (change.approvers, change.landing, change.author_commit) == (
        (),
        one.standing.backing.landing,
        one.standing.backing.author_commit,
    )
    assert (plan.outcome, plan.holds, plan.drift, plan.valid_until) == ("changes", (), (), None)


def test_approvers_are_named():
    one = desired("a")
    (change,) = plan_of(replace(one, standing=replace(one.standing, backing=backing(commit(7, person("ada")), "grace")))).changes
    assert [p.name for p in change.approvers] == ["Grace"]


@pytest.mark.parametrize("kind", ["relist", "unlist", "adopt"])
def test_what_needs_no_bytes_asks_no_upstream(kind):
    one = desired("a", state="expired" if kind == "unlist" else "approved")
    held = {
        "relist": stock({"pkg": [published("1.0", "a", state="unlisted")]}),
        "unlist": stock({"pkg": [published("1.0", "a")]}),
        "adopt": stock(strangers=(stranger("a"),)),
    }[kind]
    (change,) = plan_of(one, stocks=[held], catalog={}).changes
    assert (change.kind, change.release, change.upstream) == (kind, None, "")


def test_an_extension_and_a_repair_bring_their_own_files_only():
    held = stock({"pkg": [published("1.0", "a")]})
    (extension,) = plan_of(desired("a", "b"), stocks=[held]).changes
    assert (extension.kind, extension.files) == ("extend", (file("b"),))
    (repair,) = plan_of(desired("a", "b"), stocks=[replace(held, damaged={PKG: ("a is missing",)})]).changes
    assert (repair.kind, repair.files) == ("repair", (file("a"),))


def test_changes_are_sorted_by_kind_then_by_identity():
    letters = {"quarantine": "h", "unlist": "a", "repair": "b", "promote": "c", "extend": "d", "adopt": "e"}
    names = letters | {"release": "g", "relist": "f", "mark": "a0"}
    of = {kind: identity(name) for kind, name in names.items()}
    held = stock(
        {
            "a": [published("1.0", "a")],
            "b": [published("1.0", "a")],
            "d": [published("1.0", "a")],
            "f": [published("1.0", "a", state="unlisted")],
            "g": [published("1.0", "a", state="quarantined")],
            "h": [published("1.0", "a")],
            "a0": [published("1.0", "a", deprecated="Old.")],
        },
        damaged={of["repair"]: ("gone",)},
        strangers=(stranger("a", of=of["adopt"]),),
    )
    wanted = [
        desired("a", of=of["mark"]),
        desired("a", of=of["relist"]),
        desired("a", of=of["release"]),
        desired("a", of=of["quarantine"], state="withdrawn", withdrawn=BAD),
        desired("a", of=of["adopt"]),
        desired("a", "b", of=of["extend"]),
        desired("a", of=identity("cc")),
        desired("a", of=of["promote"]),
        desired("a", of=of["repair"]),
        desired("a", state="expired", of=of["unlist"]),
    ]
    plan = plan_of(*wanted, stocks=[held], accepted=True)
    assert said(plan) == [
        ("quarantine", "h"),
        ("unlist", "a"),
        ("repair", "b"),
        ("promote", "c"),
        ("promote", "cc"),
        ("extend", "d"),
        ("adopt", "e"),
        ("release", "g"),
        ("relist", "f"),
        ("mark", "a0"),
    ]
    assert list(dict.fromkeys(kind for kind, _ in said(plan))) == list(ORDER)


# --- holds --------------------------------------------------------------------------------------------------------------------------


def test_nothing_wanted_and_nothing_there_is_done():
    plan = plan_of()
    assert (plan.changes, plan.holds, plan.drift, plan.outcome, plan.valid_until) == ((), (), (), "done", None)


def test_what_the_upstream_does_not_deliver_is_held_and_the_rest_goes_on():
    lost, there = desired("a", of=identity("lost")), desired("a", of=identity("there"))
    plan = plan_of(lost, there, catalog={key(lost): Waiting(reason="timed out"), key(there): found({"1.0": ["a"]}, name="there")})
    assert said(plan) == [("promote", "there")]
    assert [(h.package, h.kind, h.waiting) for h in plan.holds] == [("lost", "upstream", True)]


def test_a_void_approval_is_held_by_authority():
    held = HeldEvent(event=event(1, "mallory", None, approval_of("a")), reason="nobody may", line=None, candidates=())
    one = replace(desired("a", state="void"), standing=Standing(pending={"file:a": held}))
    plan = plan_of(one)
    assert (said(plan), [h.kind for h in plan.holds], plan.outcome) == ([], ["authority"], "done")


def test_an_extension_that_is_held_leaves_the_rest_to_be_promoted():
    one = desired("a")
    held = HeldEvent(event=event(2, "mallory", approval_of("a"), approval_of("a", "b")), reason="nobody may", line=None, candidates=())
    plan = plan_of(replace(one, standing=replace(one.standing, pending={"file:b": held})))
    assert (said(plan), [h.kind for h in plan.holds]) == ([("promote", "pkg")], ["authority"])


def test_fewer_files_than_recorded_is_malformed_and_takes_nothing_away():
    plan = plan_of(desired("a"), stocks=[stock({"pkg": [published("1.0", "a", "b")]})])
    (hold,) = plan.holds
    assert (said(plan), hold.kind, hold.path) == ([], "malformed", "approvals/approved/pkg/1.yaml")
    assert "names fewer files than the feed holds" in hold.reason


def test_a_malformed_file_freezes_its_package_and_is_reported():
    problem = Problem(path="approvals/approved/pkg/2.yaml", line=3, key="files", found="", expected="a mapping")
    broken = MalformedApproval(path=problem.path, identity=identity(version="2.0"), problems=(problem,))
    held = stock({"pkg": [published("0.9", "a")]})
    plan = plan_of(desired("a", state="malformed"), desired("a", of=identity("else")), malformed=[broken], stocks=[held])
    assert said(plan) == [("promote", "else")]
    assert [(h.kind, h.path, h.line) for h in plan.holds] == [("malformed", problem.path, 3)]
    assert drift(plan) == []


def test_a_rule_file_that_is_not_in_force_is_held():
    refused = RefusedRule(path="policies/permissions.yaml", commit=CommitId("0123456789abcdef"), reason="nobody may", remedy="adopt it")
    (hold,) = plan_of(refused=(refused,)).holds
    assert (hold.feed, hold.package, hold.version, hold.kind, hold.path) == ("", "", "", "authority", "policies/permissions.yaml")
    assert (hold.reason, hold.remedy) == ("not in force: nobody may (commit 0123456789ab)", "adopt it")


def test_holds_are_sorted_and_each_is_told_once():
    wanted = [desired("a", of=identity(name, feed=feed)) for name in ("z", "a") for feed in (PAYMENTS, APPROVED)]
    plan = plan_of(*wanted, catalog={})
    assert [(h.feed, h.package) for h in plan.holds] == [("approved", "a"), ("approved", "z"), ("payments", "a"), ("payments", "z")]
    problem = Problem(path="x.yaml", line=1, key="", found="", expected="one file")
    twice = MalformedApproval(path="x.yaml", identity=None, problems=(problem, problem))
    assert len(plan_of(malformed=[twice]).holds) == 1


# --- limits -------------------------------------------------------------------------------------------------------------------------


def test_a_limit_refuses_and_accepting_the_digest_lifts_it():
    tight = replace(rules(), settings=replace(rules().settings, withdrawals=Limit(count=0)))
    one, held = desired("a", state="expired"), stock({"pkg": [published("1.0", "a")]})
    refused = plan_of(one, stocks=[held], rules=tight)
    accepted = plan_of(one, stocks=[held], rules=tight, accepted=True)
    assert (said(refused), [h.kind for h in refused.holds], refused.outcome) == ([], ["limit"], "done")
    assert (said(accepted), accepted.holds, accepted.outcome) == ([("unlist", "pkg")], (), "changes")
    assert refused.digest == accepted.digest, "the digest that a person names is that of what they ask for"


# --- drift --------------------------------------------------------------------------------------------------------------------------


def test_an_orphan_stays_and_the_report_says_how_to_explain_it():
    plan = plan_of(stocks=[stock({"Pkg": [published("1.0", "a")]})])
    assert drift(plan) == [
        (
            "orphan",
            "Pkg",
            "1.0",
            (
                "published, but no approval in force names it; it stays. Either approve it again: "
                "`reconciler approve approved Pkg 1.0 -m REASON`; or take it back: `reconciler withdraw approved Pkg 1.0 -m REASON`"
            ),
        )
    ]
    assert (said(plan), plan.outcome) == ([], "done")


def test_an_alien():
    plan = plan_of(stocks=[stock(strangers=(stranger("a"), stranger("b")))])
    assert drift(plan) == [("alien", "pkg", "1", "in feed storage, but nobody approved or recorded it: files/pkg/1/a, files/pkg/1/b")]


def test_an_alien_beside_recorded_files():
    plan = plan_of(desired("a"), stocks=[stock({"pkg": [published("1.0", "a")]}, strangers=(stranger("evil"),))])
    assert drift(plan) == [("alien", "pkg", "1", "in feed storage, but nobody approved or recorded it: files/pkg/1/evil")]
    assert plan.outcome == "done"


@pytest.mark.parametrize(
    ("held", "where"),
    [
        (stock({"pkg": [published("1.0", file("a", "else"))]}), ""),
        (stock(strangers=(stranger("a", "else"),)), " (files/pkg/1/a)"),
    ],
)
def test_other_bytes_are_an_integrity_error_and_stay(held, where):
    plan = plan_of(desired("a"), desired("a", of=identity("else")), stocks=[held])
    assert drift(plan) == [("differing", "pkg", "1", f"the feed holds other bytes than the approval names{where}; nothing is overwritten")]
    assert said(plan) == [("promote", "else")]
    assert plan.outcome == "integrity"


@pytest.mark.parametrize(
    ("state", "files", "kinds"),
    [
        ("approved", ["a"], ["missing"]),
        ("approved", ["a", "b"], ["missing"]),
        ("malformed", ["a"], ["missing"]),
        ("expired", ["a"], ["missing"]),
        ("void", ["a"], ["orphan", "missing"]),
        ("approved", [file("a", "else")], ["differing", "missing"]),
    ],
)
def test_what_is_missing_is_always_told(state, files, kinds):
    held = stock({"pkg": [published("1.0", *files)]}, damaged={PKG: ("a is missing", "a.metadata is missing")})
    plan = plan_of(desired("a", state=state), stocks=[held])
    assert [d.kind for d in plan.drift] == kinds
    unless = "" if state == "approved" else " (nothing fetches it again while it is not approved)"
    assert plan.drift[-1].detail == f"a is missing; a.metadata is missing{unless}"


# --- the rest -----------------------------------------------------------------------------------------------------------------------


def test_the_plan_is_valid_until_the_first_approval_in_force_expires():
    def day(n):
        return datetime(2027, 1, n, tzinfo=UTC)

    wanted = [
        desired("a", of=identity("late"), expires=day(9)),
        desired("a", of=identity("soon"), expires=day(5)),
        desired("a", of=identity("never")),
        desired("a", of=identity("void"), state="void", expires=day(2)),
        desired("a", of=identity("frozen"), state="malformed", expires=day(3)),
        desired("a", of=identity("over"), state="expired", expires=datetime(2026, 1, 1, tzinfo=UTC)),
    ]
    assert plan_of(*wanted).valid_until == day(5)
    assert plan_of(*wanted[2:]).valid_until is None


def test_the_plan_carries_what_it_was_made_from():
    plan = plan_of(access=(GRANT,))
    assert (plan.commit, plan.clock, plan.rules, plan.access) == ("c0ffee", NOW, rules(), (GRANT,))
    assert plan.outcome == "changes", "a right that changes is a change"


def test_integrity_comes_before_changes():
    held = stock({"pkg": [published("1.0", file("a", "else"))]})
    assert plan_of(desired("a"), desired("a", of=identity("else")), stocks=[held], access=(GRANT,)).outcome == "integrity"
