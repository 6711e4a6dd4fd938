"""About which landing commits a forge is to be asked, and which of its answers have decided something; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from reconciler.decide.plan import CHANGES
from reconciler.decide.rows import Row
from reconciler.decide.rules.review import REVIEW
from reconciler.decide.rules_in_force import RulesInForce
from reconciler.decide.standing import Authority, HeldEvent, Standing
from reconciler.decide.stands import backing_of
from reconciler.model.evidence import Evidence
from reconciler.model.plan import TAKES_BACK
from reconciler.model.proofs import Proofs
from reconciler.model.words import CommitId


def wanted_of_rules(rules: RulesInForce, proofs: Proofs) -> frozenset[CommitId]:
    """The landing commits whose reviews might bring rules into force; once all of HEAD is in force, only those never heard of."""
    return rules.wanted if rules.refused else rules.wanted - proofs.evidence.keys()


def wanted_evidence(authority: Authority, rows: Iterable[Row], proofs: Proofs) -> Iterator[CommitId]:
    """The landing commits of what is held, and of what would be let in and of which nothing is frozen. Taking back waits for nobody."""
    for standing in authority.standings.values():
        yield from standing.waiting
    for row in rows:
        kind = CHANGES.get(row.action)
        if row.desired is not None and kind is not None and kind not in TAKES_BACK:
            backing = backing_of(kind, row.desired)
            yield from {backing.landing.id, *backing.endorsed} - proofs.evidence.keys()


def unasked(standing: Standing, rules: RulesInForce, proofs: Proofs) -> Standing:
    """The same, but what is held waits for the forge where that could say more and nobody has asked it."""

    def told(held: HeldEvent) -> HeldEvent:
        landing, forge = held.event.landing.id, rules.before(held.event.position).forge
        if forge is None or landing in proofs.evidence or landing in proofs.unanswered:
            return held
        return replace(held, reason="the forge has not been asked yet who reviewed it", line=forge.where, rule=REVIEW, waiting=True)

    now = {id(held): told(held) for held in standing.held}  # one event stays one, however many facts wait for it
    return replace(standing, pending={fact: now[id(held)] for fact, held in standing.pending.items()})


def decided(authority: Authority, rules: RulesInForce, fresh: Mapping[CommitId, Evidence]) -> tuple[Evidence, ...]:
    """The answers with which something was authorised, or rules are in force or are not: what they decided must stay so without the forge.

    Whatever else of such a landing commit is still held is asked about again, and may be decided by a later answer.
    """
    landings = {judged.event.landing.id for judged in authority.judged if judged.held is None}
    landings |= {step.commit for step in rules.steps} | rules.wanted
    standings = authority.standings.values()
    landings |= {commit for one in standings for backing in (one.backing, *one.moved_by.values()) if backing for commit in backing.endorsed}
    return tuple(evidence for commit, evidence in sorted(fresh.items()) if commit in landings)
