"""Which facts of each approval have an entitled person behind them; pure.

Events are folded in landing order. An event whose author or a witness might promote (from, to) under the rules before its landing
commit moves its facts; any other keeps the earlier value (none: the approval is void) and is held. Taking facts away altogether
(the file is deleted) needs no authority: absence is never deletion. An endorsement by an entitled person authorises the file as it
stands: its first author stays the author, the endorser becomes approver, and the endorsement's landing commit is the record's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from reconciler.decide.people import entitled, others, user_of
from reconciler.decide.rights import Ask, who_may
from reconciler.decide.rules_in_force import RulesInForce
from reconciler.model.declared import Line, Rules
from reconciler.model.events import Commit, Event, Person
from reconciler.model.words import FeedName, Identity


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldEvent:
    """An event that moved nothing, and why: `line` is the line that says no (None: no line says yes)."""

    event: Event
    reason: str
    line: Line | None
    candidates: tuple[str, ...]
    """Who could make or endorse it, by the rules now: user ids, "everyone"."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What of one approval is authorised, and the people behind it.

    `facts` are the authorised ones; `author`, `approvers`, `landing` belong to the event that last moved a file, the source,
    or endorsed; `held` are events that moved nothing and are still asked for.
    """

    facts: Mapping[str, str] = field(default_factory=dict)
    author: Person | None = None
    author_commit: Commit | None = None
    approvers: tuple[Person, ...] = ()
    landing: Commit | None = None
    line: Line | None = None
    held: tuple[HeldEvent, ...] = ()


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
    """Judges all events of all approvals."""
    standings: dict[Identity, Standing] = {}
    judged: list[Judged] = []
    for event in events:
        before = standings.get(event.identity, Standing())
        held = _held(event, before, rules)
        approvers = others(rules.before(event.position).permissions, event.author.author, event.witnesses)
        judged.append(Judged(event=event, approvers=approvers, held=held))
        standings[event.identity] = _moved(before, event, held, rules)
    return Authority(standings=standings, judged=tuple(judged))


def _held(event: Event, before: Standing, rules: RulesInForce) -> HeldEvent | None:
    if event.approval is None:
        return None
    past = rules.before(event.position)
    ask = _ask(event, before, past)
    people = (event.author.author, *event.witnesses)
    rights = [entitled(past.permissions, person, ask) for person in people]
    if any(right.allowed for right in rights):
        return None
    now = rules.now
    names = ", ".join(dict.fromkeys(f"{p.name} <{p.email}>" for p in people))
    return HeldEvent(
        event=event,
        reason=f"nobody behind this approval ({names}) may promote from {ask.source or 'any feed'} to {ask.target}",
        line=next((right.line for right in rights if right.line), None),
        candidates=who_may(now.permissions, _ask(event, before, now)),
    )


def _ask(event: Event, before: Standing, rules: Rules) -> Ask:
    feed = event.identity.feed
    approval = event.approval
    source = approval.source if approval else None
    declared = rules.settings.feeds.get(feed)
    if source is None and declared is not None and len(declared.promotes_from) == 1:
        source = declared.promotes_from[0]
    if source is None and "from" in before.facts:
        source = FeedName(before.facts["from"])
    return Ask(task="promote-packages", source=source, target=feed)


def _moved(before: Standing, event: Event, held: HeldEvent | None, rules: RulesInForce) -> Standing:
    if event.approval is None:
        return Standing()
    if held is not None:
        still = tuple(h for h in before.held if not h.event.moved.keys() & event.moved.keys())
        return replace(before, held=(*still, held))
    past = rules.before(event.position)
    facts = dict(before.facts)
    endorsed = _endorsed(event, past)
    moved = _facts_as_they_stand(event, before) if endorsed else event.moved
    for fact, value in moved.items():
        if value is None:
            facts.pop(fact, None)
        else:
            facts[fact] = value
    held_still = tuple(h for h in before.held if not h.event.moved.keys() & moved.keys())
    standing = replace(before, facts=facts, held=held_still)
    names_people = any(fact == "from" or fact.startswith("file:") for fact in moved)
    return _attributed(standing, before, event, past, endorsed=endorsed) if names_people else standing


def _attributed(standing: Standing, before: Standing, event: Event, past: Rules, *, endorsed: bool) -> Standing:
    """The standing with the people of this event; an endorsement keeps the author of what it endorses."""
    original = next((h.event.author for h in before.held), before.author_commit) if endorsed else None
    author = original or event.author
    people = (event.author.author, *event.witnesses) if endorsed else event.witnesses
    ask = _ask(event, before, past)
    lines = (entitled(past.permissions, person, ask).line for person in (event.author.author, *event.witnesses))
    return replace(
        standing,
        author=author.author,
        author_commit=author,
        approvers=others(past.permissions, author.author, people),
        landing=event.landing,
        line=next((line for line in lines if line), None),
    )


def _endorsed(event: Event, past: Rules) -> bool:
    """Whether the event adds an endorsement `by` somebody who is author or witness of it."""
    if event.approval is None or event.moved.get("endorsed") is None:
        return False
    ids = {user_of(past.permissions, p) for p in (event.author.author, *event.witnesses)} - {None}
    addresses = {p.email.casefold() for p in (event.author.author, *event.witnesses)}
    return any(e.by in ids or e.by.casefold() in addresses for e in event.approval.endorsed)


def _facts_as_they_stand(event: Event, before: Standing) -> Mapping[str, str | None]:
    """All facts of the file after the event: what an endorsement authorises."""
    pending: dict[str, str | None] = {}
    for held in before.held:
        pending |= held.event.moved
    return pending | dict(event.moved)
