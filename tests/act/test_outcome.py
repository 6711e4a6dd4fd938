"""How a pass ends: the first of its kind, as DESIGN 11 has them, and what the head keeps of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import pytest

from reconciler.model.plan import Hold, HoldKind, Outcome, Plan
from tests.act.offers import EXPIRY, offer_wheel
from tests.support.world import PUBLIC_URL, PYPI, World


@pytest.fixture
def world(tmp_path) -> World:
    return World(tmp_path)


# --- outcomes ---------------------------------------------------------------------------------------------------------------------


def hold(kind: HoldKind, *, waiting: bool = False) -> Hold:
    return Hold(
        feed=PYPI,
        package="p",
        version="1",
        kind=kind,
        rule="",
        reason=kind,
        remedy="",
        path="",
        line=1,
        waiting=waiting,
    )


HOLDS: Final = {
    "limit": hold("limit"),
    "malformed": hold("malformed"),
    "authority": hold("authority"),
    "rule": hold("rule"),
    "closure": hold("closure"),
    "upstream": hold("upstream"),
    "waiting": hold("upstream", waiting=True),
    "time": hold("time"),
}


def with_holds(plan: Plan, kinds: str, *, integrity: bool) -> Plan:
    return replace(plan, holds=tuple(HOLDS[kind] for kind in kinds.split()), outcome="integrity" if integrity else plan.outcome)


def cases() -> Iterator[tuple[str, bool, bool, Outcome]]:
    """Holds, whether something fails, whether the plan shows a conflict; the outcome: the first of its kind in DESIGN 11."""
    yield "", False, False, "done"
    yield "time", False, False, "done"
    yield "waiting", False, False, "waiting"
    yield "waiting time", False, False, "waiting"
    for held in ("authority", "rule", "closure", "upstream"):
        yield held, False, False, "held"
        yield f"{held} waiting time", False, False, "held"
        yield held, True, False, "partial"
        yield f"malformed {held}", True, False, "invalid"
    yield "waiting", True, False, "partial"
    yield "malformed waiting", False, False, "invalid"
    yield "limit malformed authority waiting", True, False, "limit"
    yield "limit malformed authority waiting", True, True, "integrity"
    yield "", False, True, "integrity"


@pytest.mark.parametrize(("kinds", "fails", "integrity", "outcome"), list(cases()))
def test_the_outcome_is_the_first_of_its_kind(world, kinds, fails, integrity, outcome):
    offer_wheel(world, "base")
    world.commit()
    planned = world.plan()
    if fails:
        world.shelves["pypi"].down = True
    applied = world.carry_out(replace(planned, plan=with_holds(planned.plan, kinds, integrity=integrity)))
    assert applied.outcome == outcome
    assert world.state(PYPI).head.outcome == outcome


def test_a_malformed_approval_is_told_after_the_rest_was_applied(world):
    offer_wheel(world, "base")
    world.write(f"approvals/{PYPI}/broken/1.0.yaml", "files: nothing\n")
    world.commit()
    applied = world.apply()
    assert (applied.outcome, [change.declared.package for change in applied.applied]) == ("invalid", ["base"])


def test_the_head_says_what_the_next_pass_must_know(world):
    offer_wheel(world, "base", expires=EXPIRY)
    commit = world.commit()
    world.apply()
    head = world.state(PYPI).head
    assert (head.revision, head.commit, head.outcome, head.public_url) == (1, commit, "done", PUBLIC_URL)
    assert sorted(head.pages) == ["simple/index.html", "simple/index.json"]
    assert head.ledger.records == 2
