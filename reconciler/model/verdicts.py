"""What a rule says of something: allow, warn, hold or deny, and why. The worst of several verdicts wins."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias

from reconciler.model.declared import OnExisting
from reconciler.model.permissions import Line

Level: TypeAlias = Literal["allow", "warn", "hold", "deny"]
LEVELS: Final[tuple[Level, ...]] = ("allow", "warn", "hold", "deny")
"""From the mildest to the worst."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """One thing that a rule has to say; `reason` is "" only where it allows."""

    level: Level
    reason: str = ""
    ids: tuple[str, ...] = ()
    """What it is about, as a waiver may name it: an advisory and its aliases, a license."""
    remedy: str = ""
    """What would cure it, a waiver apart; "" where nothing else would."""
    until: datetime | None = None
    """The first instant at which time alone changes it (aware UTC): of a `hold`, when it ends by itself or something is known; else when it
    turns worse."""
    unknown: bool = False
    """Whether it only says that something is not known: that lets nothing in, and takes nothing back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unmet:
    """Why a policy can be satisfied by nobody: what there is, and what there must be, in the words of a problem."""

    found: str
    expected: str


ALLOW: Final = Verdict(level="allow")


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """A verdict, the policy file that asked for it, and the waiver that covers it (None: none does)."""

    rule: str
    policy: Line
    verdict: Verdict
    waiver: Line | None = None
    action: OnExisting = "alert"
    """What the policy wants of what is published already."""

    @property
    def level(self) -> Level:
        """What it comes to: what a waiver covers is allowed."""
        return "allow" if self.waiver is not None else self.verdict.level

    @property
    def stops(self) -> bool:
        """Whether what was judged may not go on."""
        return self.level in {"hold", "deny"}


def missing(reason: str, *, remedy: str = "", ids: tuple[str, ...] = ()) -> Verdict:
    """The verdict of a rule that lacks a fact, whatever its policy wants of violations."""
    return Verdict(level="hold", reason=reason, remedy=remedy, ids=ids, unknown=True)


def worst(judgements: Iterable[Judgement]) -> Judgement | None:
    """The one with the worst verdict, the first of several; None for none."""
    return max(judgements, key=lambda judgement: LEVELS.index(judgement.level), default=None)
