"""How much one pass may change in one feed (`limits:` in feeds.yaml); pure.

A class of changes over its limit is refused as a whole, since nobody can say which of them were meant; the other class goes on.
What tells another reason, or makes a quarantined version available to exact pins again, takes nothing away and is not counted.
`--accept DIGEST` names the plan that a person has looked at.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from reconciler.model.declared import Limit, Settings
from reconciler.model.plan import TAKES_BACK, Change, Hold, Stock
from reconciler.model.words import FeedName

PROMOTIONS: Final = frozenset({"promote", "extend", "relist", "release"})
SHOWN: Final = 20
"""How many changes a refusal names."""


def within(changes: Iterable[Change], settings: Settings, stocks: Mapping[FeedName, Stock]) -> tuple[tuple[Change, ...], tuple[Hold, ...]]:
    """The changes that the limits allow, and one hold for each class of one feed that they refuse."""
    kept = tuple(changes)
    holds: list[Hold] = []
    for feed, stock in sorted(stocks.items()):
        for name, kinds, limit in (("withdrawals", TAKES_BACK, settings.withdrawals), ("promotions", PROMOTIONS, settings.promotions)):
            wanted = [c for c in kept if c.identity.feed == feed and c.kind in kinds and not _only_told(c, stock)]
            allowed = _allowed(limit, stock)
            if allowed is not None and len(wanted) > allowed:
                refused = {c.identity for c in wanted}
                kept = tuple(c for c in kept if c.identity not in refused)
                holds.append(_hold(feed, name, wanted, allowed))
    return kept, tuple(holds)


def _only_told(change: Change, stock: Stock) -> bool:
    """Whether a withdrawal takes nothing from clients that they had: it gives another reason, or gives back an exact pin."""
    if change.kind not in TAKES_BACK:
        return False
    package = stock.packages.get(change.identity.package)
    before = next((v.state for v in package.versions if v.version.key == change.identity.version), None) if package else None
    return before == "quarantined" or (before == "unlisted" and change.kind == "unlist")


def _allowed(limit: Limit | None, stock: Stock) -> int | None:
    if limit is None:
        return None
    if limit.count is not None:
        return limit.count
    listed = sum(v.state == "listed" for p in stock.packages.values() for v in p.versions)
    return max(1, math.ceil((limit.share or 0) * listed))


def _hold(feed: FeedName, name: str, refused: Sequence[Change], allowed: int) -> Hold:
    """With the changes by name: they are in the plan no more, and whoever accepts them must know them."""
    shown = [f"{change.kind} {change.declared.package} {change.declared.version}" for change in refused[:SHOWN]]
    names = ", ".join([*shown, *([f"and {len(refused) - SHOWN} more"] if len(refused) > SHOWN else [])])
    return Hold(
        feed=feed,
        package="",
        version="",
        kind="limit",
        rule=f"limits.{name}",
        reason=f"{len(refused)} {name} in one pass, allowed are {allowed}: none of them is carried out ({names})",
        remedy="look at `reconciler plan`; if it is right, `reconciler apply --accept DIGEST` with the plan's digest",
        path="feeds.yaml",
        line=1,
    )
