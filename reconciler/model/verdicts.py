"""What a rule says of something: allow, warn, hold or deny, and why. The worst of several verdicts wins."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from reconciler.model.declared import OnViolation
from reconciler.model.permissions import Line

Level: TypeAlias = Literal["allow", "warn", "hold", "deny"]
LEVELS: Final[tuple[Level, ...]] = ("allow", "warn", "hold", "deny")
"""From the mildest to the worst."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What one rule says; `reason` is "" only where it allows."""

    level: Level
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unmet:
    """Why a policy can be satisfied by nobody: what there is, and what there must be, in the words of a problem."""

    found: str
    expected: str


ALLOW: Final = Verdict(level="allow")


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """A verdict, and the policy file that asked for it."""

    rule: str
    policy: Line
    verdict: Verdict

    @property
    def stops(self) -> bool:
        """Whether what was judged may not go on."""
        return self.verdict.level in {"hold", "deny"}


def violation(on_violation: OnViolation, reason: str) -> Verdict:
    """The verdict on what breaks a rule, as its policy wants it."""
    return Verdict(level=on_violation, reason=reason)


def worst(judgements: Iterable[Judgement]) -> Judgement | None:
    """The one with the worst verdict, the first of several; None for none."""
    return max(judgements, key=lambda judgement: LEVELS.index(judgement.verdict.level), default=None)
