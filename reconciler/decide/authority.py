"""Which facts of each approval have an entitled person behind them; pure.

Events are folded in landing order. An event whose author or an approver might promote (from, to) under the rules before its landing
commit, and which satisfies every `review` policy of those rules, moves its facts; any other keeps the earlier value (none: the approval
is void) and is held. Taking facts away altogether (the file is deleted) needs no authority: absence is never deletion. An endorsement by
an entitled person authorises the file as it stands: its first author stays the author, the endorser becomes approver, and the
endorsement's landing commit is the record's.

What of one version lands in one commit is let in together or not at all: a merge that alters one digest, or drops the expiry, of what
somebody entitled wrote on its branch lets in nothing, since nobody entitled said what is left of it.

What lets something in (files, a source, a later expiry, the end of a withdrawal) waits for reviews; what takes back does not. Where the
rules name a forge and it has not answered, nothing of a landing commit is let in, whatever its headers say; nor of later ones, where it
has not said whether the rules that would judge them are in force.

Who takes a version back, or gives it a date, has not looked at its files: behind `withdrawn`, `deprecated` and `expires` stand the
people of the event that last changed the authorised value of that fact, apart from those behind the files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final, TypeAlias

from reconciler.decide.case import Case, lets_in
from reconciler.decide.rules.review import REVIEW
from reconciler.decide.rules_in_force import RulesInForce
from reconciler.decide.standing import Authority, HeldEvent, Judged, Standing
from reconciler.decide.voices import answers
from reconciler.model.declared import Rules
from reconciler.model.events import Event
from reconciler.model.proofs import NOTHING, Proofs
from reconciler.model.words import Identity

NO_CONDITION: Final = frozenset({"deprecated", "endorsed"})
"""Facts that say nothing about what may be let in: where they are held, the rest need not be."""

Told: TypeAlias = tuple[Case, HeldEvent | None, Standing]
"""An event before its judge, the verdict (None: it counts), and what stands after it."""


def authorise(events: Iterable[Event], rules: RulesInForce, proofs: Proofs = NOTHING) -> Authority:
    """Judges all events of all approvals, given in landing order."""
    standings: dict[Identity, Standing] = {}
    judged: list[Judged] = []
    for case, held, after in cases(events, rules, proofs):
        author, *approvers = [voice.named for voice in case.heard.voices]
        judged.append(Judged(event=case.event, author=author, approvers=tuple(approvers), held=held))
        standings[case.event.identity] = after
    return Authority(standings=standings, judged=tuple(judged))


def cases(events: Iterable[Event], rules: RulesInForce, proofs: Proofs) -> Iterator[Told]:
    """Each event before its judge, with the verdict (None: it counts) and what stands after it. Those of one approval need no others.

    Of one landing commit endorsements come last: they are about the rest.
    """
    standings: dict[Identity, Standing] = {}
    for (position, _, identity), group in groupby(sorted(events, key=_turn), key=_turn):
        landed, before = tuple(group), standings.get(identity, Standing())
        bench = _Bench(past=rules.before(position), now=rules.now, proofs=proofs, unsettled=rules.unsettled_before(position))
        told = bench.together(landed, before, None)
        spoils = next((held for case, held, _ in told if held and case.event.moved.keys() - NO_CONDITION), None)
        if spoils is not None and any(held is None for _, held, _ in told):
            told = bench.together(landed, before, spoils)
        standings[identity] = told[-1][2]
        yield from told


def _turn(event: Event) -> tuple[int, bool, Identity]:
    return event.position, "endorsed" in event.moved, event.identity


@dataclass(frozen=True, kw_only=True, slots=True)
class _Bench:
    """By what the events of one landing commit are judged."""

    past: Rules
    now: Rules
    proofs: Proofs
    unsettled: bool

    def together(self, events: Iterable[Event], before: Standing, beside: HeldEvent | None) -> list[Told]:
        """What lands of one approval in one commit; `beside` is a part of it that is held, so that nothing else of it is let in."""
        standing, found = before, list[Told]()
        for whole in events:
            for event in _parts(whole, standing, self.past, mixed=beside is not None):
                case, held = self._judge(event, standing)
                held = held or (case.held_with(beside, self.now) if beside else None)
                standing = case.moved(held)
                found.append((case, held, standing))
        return found

    def _judge(self, event: Event, before: Standing) -> tuple[Case, HeldEvent | None]:
        """An event by the first answer of the forge with which it is authorised; where there is none, by the newest."""
        judged = []
        for said in answers(self.proofs, event.landing.id):
            case = Case.of(event, before, self.past, self.proofs, said=said, unsettled=self.unsettled)
            judged.append((case, case.held(self.now)))
        return next((one for one in judged if one[1] is None), judged[-1])


def again(authority: Authority, events: Iterable[Event], touched: AbstractSet[Identity], rules: RulesInForce, proofs: Proofs) -> Authority:
    """The same, with the approvals in `touched` judged anew: each stands for itself."""
    anew = authorise((event for event in events if event.identity in touched), rules, proofs)
    kept = (judged for judged in authority.judged if judged.event.identity not in touched)
    judged = sorted((*kept, *anew.judged), key=lambda one: _turn(one.event))
    return Authority(standings={**authority.standings, **anew.standings}, judged=tuple(judged))


def _parts(event: Event, before: Standing, past: Rules, *, mixed: bool) -> Iterator[Event]:
    """An event, or two: what it lets in is judged apart from what it takes back, where more is asked of the one than of the other."""
    inside = {fact for fact in event.moved if lets_in(fact, event, before)}
    strict = mixed or past.forge is not None or any(policy.rule == REVIEW for policy in past.policies)
    if not strict or event.approval is None or not before.facts or not inside or len(inside) == len(event.moved):
        yield event
        return
    yield replace(event, moved={fact: value for fact, value in event.moved.items() if fact not in inside})
    yield replace(event, moved={fact: value for fact, value in event.moved.items() if fact in inside})
