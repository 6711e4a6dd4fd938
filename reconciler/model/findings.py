"""What rules say of versions as a plan tells it: warnings and alerts, the waivers that are there and those that would help."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model.declared import OnExisting
from reconciler.model.events import Named
from reconciler.model.verdicts import Level
from reconciler.model.waivers import Waiver


@dataclass(frozen=True, kw_only=True, slots=True)
class Cure:
    """The waiver that would let something in: its `id` ("" for none), the version's names, and a declared user who may own it."""

    rule: str
    id: str
    feed: str
    package: str
    version: str
    owner: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What a rule says of a version that is let in, or published, all the same: a warning, or an alert.

    `path` and `line` are the policy's. `action` is what that wants of what is published already; `cure` the waiver that would end it.
    Author, approvers and commit are those of the approval.
    """

    feed: str
    package: str
    version: str
    rule: str
    level: Level
    reason: str
    remedy: str
    action: OnExisting
    path: str
    line: int
    author: Named | None
    approvers: tuple[Named, ...]
    commit: str
    cure: Cure | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class WaiverUse:
    """A waiver at an instant: how many verdicts it covers, days until it ends, rounded down (below 0: it has ended), whether it holds.

    One that has days left and does not hold ends more than a year ahead.
    """

    waiver: Waiver
    used: int
    days_left: int
    holds: bool
