"""Which facts of each approval have an entitled person behind them; pure.

Events are folded in landing order. An event whose author or a witness might promote (from, to) under the rules before its landing
commit moves its facts; any other keeps the earlier value (none: the approval is void) and is held. Taking facts away altogether
(the file is deleted) needs no authority: absence is never deletion. An endorsement by an entitled person authorises the file as it
stands: its first author stays the author, the endorser becomes approver, and the endorsement's landing commit is the record's.

Who takes a version back, or gives it a date, has not looked at its files: behind `withdrawn`, `deprecated` and `expires` stand the
people of the event that last changed the authorised value of that fact, apart from those behind the files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from reconciler.decide.people import entitled, others, same_person, user_of
from reconciler.decide.rights import Ask, who_may
from reconciler.decide.rules_in_force import RulesInForce
from reconciler.model.declared import Endorsement, Line, Rules
from reconciler.model.events import Commit, Event, Person
from reconciler.model.facts import FILE, Facts, facts_of
from reconciler.model.words import FeedName, Identity

LIFECYCLE: Final = frozenset({"withdrawn", "deprecated", "expires"})
"""Facts that have people of their own behind them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldEvent:
    """An event that moved nothing, and why: `line` is the line that says no (None: no line says yes)."""

    event: Event
    reason: str
    line: Line | None
    candidates: tuple[str, ...]
    """Who could make or endorse it, by the rules now: user ids, "everyone"."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Backing:
    """The people behind something authorised: `line` is the line that entitles one of them, `landing` where it became so."""

    author: Person
    author_commit: Commit
    approvers: tuple[Person, ...]
    landing: Commit
    line: Line | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What of one approval is authorised, and the people behind it.

    `facts` are the authorised ones; `author`, `approvers`, `landing` belong to the event that last moved a file, the source,
    or endorsed, and `line` is the line that entitles them. `moved_by` has, for each fact of `LIFECYCLE` whose authorised value was
    ever moved (to none, too), the people of the event that last moved it. `pending` are the facts that the file says without authority, each with
    the event that last moved it; `endorsed` is what the file says of endorsements, authorised or not.
    """

    facts: Facts = field(default_factory=dict)
    author: Person | None = None
    author_commit: Commit | None = None
    approvers: tuple[Person, ...] = ()
    landing: Commit | None = None
    line: Line | None = None
    moved_by: Mapping[str, Backing] = field(default_factory=dict)
    pending: Mapping[str, HeldEvent] = field(default_factory=dict)
    endorsed: tuple[Endorsement, ...] = ()

    @property
    def backing(self) -> Backing | None:
        """The people behind files and source; None where nobody entitled stands behind them."""
        if self.author is None or self.author_commit is None or self.landing is None:
            return None
        return Backing(author=self.author, author_commit=self.author_commit, approvers=self.approvers, landing=self.landing, line=self.line)

    def behind(self, fact: str) -> Backing | None:
        """The people behind the authorised value of a fact; where it was never moved, those behind the files."""
        return self.moved_by.get(fact) or self.backing

    @property
    def held(self) -> tuple[HeldEvent, ...]:
        """The events that moved nothing and are still asked for, in landing order."""
        found: list[HeldEvent] = []
        for held in self.pending.values():
            if not any(held is known for known in found):
                found.append(held)
        return tuple(sorted(found, key=lambda held: held.event.position))


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """An event with its verdict."""

    event: Event
    approvers: tuple[Person, ...]
    held: HeldEvent | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Authority:
    """The verdict on every event, in landing order, and what they add up to."""

    standings: Mapping[Identity, Standing]
    judged: tuple[Judged, ...]


def authorise(events: Iterable[Event], rules: RulesInForce) -> Authority:
    """Judges all events of all approvals, given in landing order. Of one landing commit endorsements come last: they are about the rest."""
    standings: dict[Identity, Standing] = {}
    judged: list[Judged] = []
    for event in sorted(events, key=lambda event: (event.position, "endorsed" in event.moved)):
        before = standings.get(event.identity, Standing())
        past = rules.before(event.position)
        endorsers = _endorsers(event, before, past)
        held = None if endorsers else _held(event, before, rules)
        judged.append(Judged(event=event, approvers=others(past.permissions, event.author.author, event.witnesses), held=held))
        standings[event.identity] = _moved(before, event, held, endorsers=endorsers, past=past)
    return Authority(standings=standings, judged=tuple(judged))


def _people(event: Event) -> tuple[Person, ...]:
    return (event.author.author, *event.witnesses)


def _held(event: Event, before: Standing, rules: RulesInForce) -> HeldEvent | None:
    if event.approval is None:
        return None
    past, now = rules.before(event.position), rules.now
    ask = _ask(event.identity, _source(event, before), past)
    people = _people(event)
    rights = [entitled(past.permissions, person, ask) for person in people]
    if any(right.allowed for right in rights):
        return None
    names = ", ".join(dict.fromkeys(f"{p.name} <{p.email}>" for p in people))
    return HeldEvent(
        event=event,
        reason=f"nobody behind this approval ({names}) may promote from {ask.source or 'any feed'} to {ask.target}",
        line=next((right.line for right in rights if right.line), None),
        candidates=who_may(now.permissions, _ask(event.identity, _source(event, before), now)),
    )


def _source(event: Event, before: Standing) -> FeedName | None:
    """Where the approval promotes from once the event has moved its facts; None where nothing says so.

    It is not always what the file says: a `from:` that is itself held entitles nobody who comes later.
    """
    written = event.approval.source if event.approval else None
    said = event.moved["from"] if "from" in event.moved else before.facts.get("from", written)
    return FeedName(said) if said is not None else None


def _ask(identity: Identity, source: FeedName | None, rules: Rules) -> Ask:
    declared = rules.settings.feeds.get(identity.feed)
    if source is None and declared is not None and len(declared.promotes_from) == 1:
        source = declared.promotes_from[0]
    return Ask(task="promote-packages", source=source, target=identity.feed)


def _moved(before: Standing, event: Event, held: HeldEvent | None, *, endorsers: tuple[Person, ...], past: Rules) -> Standing:
    if event.approval is None:
        return Standing()
    endorsed = event.approval.endorsed if "endorsed" in event.moved else before.endorsed
    pending = {fact: other for fact, other in before.pending.items() if fact not in event.moved}
    if held is not None:
        pending |= {fact: held for fact, value in event.moved.items() if before.facts.get(fact) != value}
        return replace(before, pending=pending, endorsed=endorsed)
    if endorsers:
        standing = replace(before, facts=facts_of(event.approval), pending={}, endorsed=endorsed)
        return _endorsed(standing, before, event, endorsers=endorsers, past=past)
    facts = {fact: value for fact, value in {**before.facts, **event.moved}.items() if value is not None}
    ask = _ask(event.identity, _source(event, before), past)
    backing = Backing(
        author=event.author.author,
        author_commit=event.author,
        approvers=others(past.permissions, event.author.author, event.witnesses),
        landing=event.landing,
        line=_entitling(_people(event), ask, past),
    )
    new = dict.fromkeys(sorted(_lifecycle(before.facts, facts)), backing)
    moved_by = {fact: old for fact, old in before.moved_by.items() if fact not in new} | new  # the last to move comes last
    standing = replace(before, facts=facts, moved_by=moved_by, pending=pending, endorsed=endorsed)
    return _backed(standing, backing) if any(map(_names_people, event.moved)) else standing


def _backed(standing: Standing, by: Backing) -> Standing:
    return replace(standing, author=by.author, author_commit=by.author_commit, approvers=by.approvers, landing=by.landing, line=by.line)


def _lifecycle(before: Facts, after: Facts) -> frozenset[str]:
    """The facts with people of their own whose authorised value changes: who repeats or restores a value has moved nothing."""
    return frozenset(fact for fact in LIFECYCLE if before.get(fact) != after.get(fact))


def _names_people(fact: str) -> bool:
    return fact == "from" or fact.startswith(FILE)


def _entitling(people: Iterable[Person], ask: Ask, past: Rules) -> Line | None:
    rights = (entitled(past.permissions, person, ask) for person in people)
    return next((right.line for right in rights if right.allowed), None)


# --- endorsements ---------------------------------------------------------------------------------------------------------------


def _endorsers(event: Event, before: Standing, past: Rules) -> tuple[Person, ...]:
    """The people behind the event whom an endorsement that it adds is `by`, and who may promote what the file says."""
    if event.approval is None or event.moved.get("endorsed") is None:
        return ()
    added = [e for e in event.approval.endorsed if e not in before.endorsed]
    ask = _ask(event.identity, event.approval.source, past)
    return tuple(
        person
        for person in dict.fromkeys(_people(event))
        if any(_is_by(endorsement, person, past) for endorsement in added) and entitled(past.permissions, person, ask).allowed
    )


def _is_by(endorsement: Endorsement, person: Person, past: Rules) -> bool:
    by = endorsement.by
    return by == user_of(past.permissions, person) or same_person(past.permissions, person, Person(name="", email=by))


def _endorsed(standing: Standing, before: Standing, event: Event, *, endorsers: tuple[Person, ...], past: Rules) -> Standing:
    """The standing of an approval as it is endorsed: authors stay, that of the files is the first whose files or source had no authority."""
    line = _entitling(endorsers, _ask(event.identity, _source(event, standing), past), past)

    def backing(author: Commit, earlier: tuple[Person, ...]) -> Backing:
        approvers = others(past.permissions, author.author, (*earlier, *endorsers, *event.witnesses))
        return Backing(author=author.author, author_commit=author, approvers=approvers, landing=event.landing, line=line)

    writers = {fact: held.event.author for fact, held in before.pending.items()} | dict.fromkeys(event.moved, event.author)
    moved = {fact: backing(writers.get(fact, event.author), ()) for fact in sorted(_lifecycle(before.facts, standing.facts))}
    standing = replace(standing, moved_by={fact: old for fact, old in before.moved_by.items() if fact not in moved} | moved)
    waiting = [one.author for one in (*(held.event for held in before.held), event) if any(map(_names_people, one.moved))]
    if waiting:
        return _backed(standing, backing(waiting[0], ()))
    return _backed(standing, backing(before.author_commit or event.author, before.approvers))
