"""What of an approval is authorised, what is held, and the people behind either: what `authority.py` comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from reconciler.model.declared import Endorsement
from reconciler.model.events import Assurance, Commit, Event, Named, Voice
from reconciler.model.facts import Facts
from reconciler.model.permissions import Line
from reconciler.model.proofs import NO_GROUNDS, Grounds
from reconciler.model.words import CommitId, Identity

LIFECYCLE: Final = frozenset({"withdrawn", "deprecated", "expires"})
"""Facts that have people of their own behind them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldEvent:
    """An event that moved nothing, and why: `line` is the line that says no (None: no line says yes).

    `rule` is the rule that stops it ("": the rights do), then `line` is that of its policy; `waiting`: the forge has not answered.
    `voices` are those behind it, `grounds` what is known of them.
    """

    event: Event
    reason: str
    line: Line | None
    candidates: tuple[str, ...]
    """Who could make or endorse it, by the rules now: user ids, "everyone". Of the rule `review`, those who do not count yet."""
    known: Assurance = "claimed"
    """How well they must be known."""
    rule: str = ""
    waiting: bool = False
    voices: tuple[Voice, ...] = ()
    grounds: Grounds = NO_GROUNDS


@dataclass(frozen=True, kw_only=True, slots=True)
class Backing:
    """The people behind something authorised, and the grounds; `landing` is where it became so, `endorsed` are the landing commits of
    what was held until then, and of earlier endorsements of it."""

    author: Named
    author_commit: Commit
    approvers: tuple[Named, ...]
    landing: Commit
    grounds: Grounds = NO_GROUNDS
    endorsed: tuple[CommitId, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What of one approval is authorised, and the people behind it.

    `facts` are the authorised ones; `backing` belongs to the event that last moved a file or the source, or endorsed (None: nobody
    entitled stands behind them). `moved_by` has, for each fact of `LIFECYCLE` whose authorised value was ever moved (to none, too), the
    people of the event that last moved it. `pending` are the facts that the file says without authority, each with the event that last
    moved it; `endorsers` stand for them already, though not enough of them, by the events `endorsements`; `endorsed` is what the file says
    of endorsements.
    """

    facts: Facts = field(default_factory=dict)
    backing: Backing | None = None
    moved_by: Mapping[str, Backing] = field(default_factory=dict)
    pending: Mapping[str, HeldEvent] = field(default_factory=dict)
    endorsers: tuple[Voice, ...] = ()
    endorsements: tuple[HeldEvent, ...] = ()
    endorsed: tuple[Endorsement, ...] = ()

    def behind(self, fact: str) -> Backing | None:
        """The people behind the authorised value of a fact; where it was never moved, those behind the files."""
        return self.moved_by.get(fact) or self.backing

    @property
    def objections(self) -> tuple[str, ...]:
        """Why good signatures on commits behind it, or behind what is held, do not count; each once."""
        grounds = [one.grounds for one in (self.backing, *self.moved_by.values(), *self.held) if one is not None]
        return tuple(dict.fromkeys(text for one in grounds for text in one.objections))

    @property
    def waiting(self) -> tuple[CommitId, ...]:
        """The landing commits of what is held, and of what endorses it."""
        return tuple(dict.fromkeys(held.event.landing.id for held in (*self.held, *self.endorsements)))

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
    author: Named
    approvers: tuple[Named, ...]
    held: HeldEvent | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Authority:
    """The verdict on every event, in landing order, and what they add up to."""

    standings: Mapping[Identity, Standing]
    judged: tuple[Judged, ...]
