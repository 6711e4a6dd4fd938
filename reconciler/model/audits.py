"""How the versions of a project stand with a feed: what `audit` tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

AuditState: TypeAlias = Literal["approved", "held", "malformed", "expired", "withdrawn", "differs", "unknown", "unpinned", "foreign"]
AUDIT_STATES: Final[tuple[AuditState, ...]] = (
    "withdrawn",
    "differs",
    "expired",
    "malformed",
    "held",
    "unknown",
    "unpinned",
    "foreign",
    "approved",
)
"""The worst first. `held`: written down, and nobody entitled stands behind it; `differs`: approved, with other bytes than the lock file
names; `unknown`: no approval; `unpinned` and `foreign`: no version that a feed could have."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Audited:
    """One entry of a lock file. `version` is None where it names none, `reason` "" where it is approved, `path` None without an approval."""

    package: str
    version: str | None
    state: AuditState
    reason: str
    path: str | None
    place: str
