"""On whose word a change is made, and why: the event behind the fact that asks for it; pure.

Who promoted a version need not be who withdrew it, and the record of each names its own.
"""

from __future__ import annotations

from reconciler.decide.desired import Desired
from reconciler.decide.standing import Backing
from reconciler.model.plan import ChangeKind


def backing_of(kind: ChangeKind, desired: Desired) -> Backing:
    """The people and commits behind a change of an approval that is not void."""
    standing = desired.standing
    facts = _facts_behind(kind, desired)
    moves = [backing for fact, backing in standing.moved_by.items() if fact in facts]
    backing = moves[-1] if moves else standing.backing
    assert backing is not None, "an approval with authorised files has somebody behind them"  # noqa: S101 - void ones make no change
    return backing


def _facts_behind(kind: ChangeKind, desired: Desired) -> frozenset[str]:
    match kind:
        case "quarantine" | "release":
            return frozenset({"withdrawn"} if desired.withdrawn or kind == "release" else ())
        case "unlist":
            return frozenset({"withdrawn"} if desired.withdrawn else {"expires"} if desired.state == "expired" else ())
        case "relist":
            return frozenset({"withdrawn", "expires"})
        case "mark":
            return frozenset({"deprecated"})
        case "promote" | "repair" | "extend" | "adopt":
            return frozenset()


def reason_of(kind: ChangeKind, desired: Desired) -> str:
    """Why, in the words that clients and the ledger get."""
    match kind:
        case "quarantine" | "unlist" if desired.withdrawn:
            return desired.withdrawn.reason
        case "quarantine" | "unlist" if desired.denied("listed") and desired.judged.taker:
            return desired.judged.taker.verdict.reason
        case "unlist" if desired.expires:
            return f"the approval expired on {desired.expires:%Y-%m-%d}"
        case "mark" if desired.deprecated:
            return desired.deprecated.message
        case _:
            return desired.declared.approval.reason
