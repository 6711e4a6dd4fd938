"""Reports for people, as whole texts: what a change of a line looks like is seen in the diff of this file."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconciler.model.advisories import Snapshot
from reconciler.model.events import Named
from reconciler.model.findings import Cure, Finding
from reconciler.model.plan import AccessChange, Applied, Change, Drift, Failure, Hold, Plan
from reconciler.model.words import CommitId, FeedName, Sha256
from reconciler.show.text import applied_text, plan_text
from tests.decide.rules.policies import policy_of
from tests.support.declared import approval, commit, declared, identity, person, rules

ADA = Named(name="Ada Lovelace", email="ada@example.org", assurance="claimed")
GRACE = Named(name="Grace\x1b[1m Hopper", email="grace@example.org", assurance="signed")
LANDED = commit(0, person("ada"))


def change(kind="promote", **more) -> Change:
    text = replace(approval("a.whl"), reason="asked for\nby billing")
    fields: dict[str, Any] = {
        "kind": kind, "declared": declared(identity(), text), "source": FeedName("public"), "files": text.files, "author": ADA,
        "approvers": (GRACE,), "landing": LANDED, "author_commit": LANDED, "release": None, "upstream": "", "reason": "asked for by billing",
    }  # fmt: skip
    return Change(**(fields | more))


def hold(**more) -> Hold:
    fields: dict[str, Any] = {
        "feed": "approved", "package": "pkg", "version": "1.0", "kind": "authority", "rule": "", "reason": "nobody may",
        "remedy": "ask ada", "path": "approvals/approved/pkg/1.0.yaml", "line": 3,
    }  # fmt: skip
    return Hold(**(fields | more))


PLAN = Plan(
    commit=CommitId("c" * 40),
    rules=rules("allow: administer, user: everyone"),
    clock=datetime(2026, 11, 22, tzinfo=UTC),
    valid_until=datetime(2027, 1, 1, tzinfo=UTC),
    digest="d" * 64,
    outcome="changes",
    changes=(change(), change("unlist")),
    access=(
        AccessChange(change="grant", user="ada", task="administer", feeds=(), line="policies/permissions.yaml:3"),
        AccessChange(change="grant", user="ada", task="manage-feed", feeds=(FeedName("approved"),), line="policies/permissions.yaml:3"),
        AccessChange(change="revoke", user="alan", task="view-and-download", feeds=(FeedName("approved"),), line=""),
        AccessChange(change="revoke", user="alan", task="view-and-download", feeds=(FeedName("public"),), line=""),
    ),
    holds=(hold(rule="denied by policies/permissions.yaml:9"), hold(kind="upstream", reason="no answer", remedy="wait", waiting=True)),
    drift=(Drift(kind="orphan", feed="approved", package="old", version="1", detail="published, not declared"),),
)


def test_a_plan():
    size = change().files[0].size
    assert (
        "\n".join(plan_text(PLAN))
        == f"""\
Plan for commit cccccccccccc: 2 to change, 1 held, 1 waiting, 1 drifted

Changes
  + promote pkg 1: public -> approved (1 file, {size} bytes)
      by Ada Lovelace <ada@example.org> (claimed), approved by Grace\\x1b[1m Hopper <grace@example.org> (signed): asked for by billing
  - unlist pkg 1: in approved (1 file, {size} bytes)
      by Ada Lovelace <ada@example.org> (claimed), approved by Grace\\x1b[1m Hopper <grace@example.org> (signed): asked for by billing

Access
  + ada may administer, policies/permissions.yaml:3
  - alan may no longer view-and-download (approved, public)

Held
  ? pkg 1.0 in approved: nobody may
      approvals/approved/pkg/1.0.yaml:3 [denied by policies/permissions.yaml:9]
      to do: ask ada

Waiting for an upstream or the forge
  ? pkg 1.0 in approved: no answer
      approvals/approved/pkg/1.0.yaml:3
      to do: wait

Drift
  ! orphan old 1 in approved: published, not declared

Valid until 2027-01-01T00:00:00Z, when an approval expires or a verdict changes by itself.
Digest {"d" * 64}"""
    )


def test_nothing_to_do():
    empty = replace(PLAN, changes=(), access=(), holds=(), drift=(), valid_until=None)
    assert "\n".join(plan_text(empty)) == f"Plan for commit cccccccccccc: nothing to do\n\nDigest {'d' * 64}"


QUIET = replace(PLAN, changes=(), access=(), holds=(), drift=(), valid_until=None)


def alert(**more) -> Finding:
    fields: dict[str, Any] = {
        "feed": "approved", "package": "pkg", "version": "1.0", "rule": "vulnerability", "level": "hold", "reason": "GHSA-0000, high: bad",
        "remedy": "approve 2.0", "action": "unlist", "path": "policies/v.yaml", "line": 2, "author": ADA, "approvers": (GRACE,),
        "commit": "c" * 40, "cure": Cure(rule="vulnerability", id="GHSA-0000", feed="approved", package="pkg", version="1.0", owner="ada"),
    }  # fmt: skip
    return Finding(**(fields | more))


def test_an_alert_is_counted_and_says_what_follows_who_approved_it_and_both_ways_out():
    assert (
        "\n".join(plan_text(replace(QUIET, alerts=(alert(),))))
        == f"""\
Plan for commit cccccccccccc: 0 to change, 0 held, 0 waiting, 0 drifted, 1 alert

Alerts
  ! pkg 1.0 in approved: GHSA-0000, high: bad
      policies/v.yaml:2 [vulnerability]: it is unlisted (on_existing: unlist)
      approved by Ada Lovelace <ada@example.org> (claimed), approved by Grace\\x1b[1m Hopper <grace@example.org> (signed), commit cccccccccccc
      to do: approve 2.0
      or waive it, in policies/waivers/pkg-1.0-vulnerability-ghsa-0000.yaml:
          rule: vulnerability
          id: GHSA-0000
          feed: approved
          package: pkg
          versions: ["1.0"]
          owner: ada
          reason:  # why it may be used all the same
          expires: 2027-02-20

Digest {"d" * 64}"""
    )


def test_the_advisories_are_told_with_their_age_or_that_there_are_none_where_a_policy_asks_for_them():
    snapshot = Snapshot(digest=Sha256("e" * 64), fetched_at=PLAN.clock - timedelta(days=3), source="osv.dev")
    assert "Advisories eeeeeeeeeeee, fetched 2026-11-19T00:00:00Z, 3 days ago, from osv.dev" in plan_text(replace(QUIET, snapshot=snapshot))
    fresh = replace(snapshot, fetched_at=PLAN.clock)
    assert "Advisories eeeeeeeeeeee, fetched 2026-11-22T00:00:00Z from osv.dev" in plan_text(replace(QUIET, snapshot=fresh))
    none = "Advisories: none, so nothing is known of vulnerabilities; `reconciler advisories update` fetches them"
    asked = replace(QUIET, rules=replace(QUIET.rules, policies=(policy_of("vulnerability"),)))
    assert none in plan_text(asked)
    assert none not in plan_text(QUIET)


def test_what_was_applied():
    plan = replace(PLAN, access=(), holds=(), drift=())
    applied = Applied(
        plan=plan, applied=(change(),), failed=(Failure(change=change(), error="cut\noff", integrity=False),), outcome="partial"
    )
    assert (
        "\n".join(applied_text(applied))
        == """
Failed
  ! promote pkg 1 in approved: cut off

Commit cccccccccccc: 1 applied, 1 failed, 0 held, 0 waiting: partial"""
    )


@pytest.mark.parametrize(
    ("size", "shown"), [(0, "0 bytes"), (999, "999 bytes"), (2_447_235, "2.4 MB"), (12_500, "12.5 kB"), (3 * 10**9, "3.0 GB")]
)
def test_sizes(size, shown):
    (file,) = change().files
    sized = change(files=(replace(file, size=size),))
    assert f"(1 file, {shown})" in "\n".join(plan_text(replace(PLAN, changes=(sized,))))
    assert "(2 files, " in "\n".join(plan_text(replace(PLAN, changes=(change(files=(file, file)),))))
