"""How much one pass may change in one feed (`limits:` in feeds.yaml); pure.

A class of changes over its limit is refused as a whole, since nobody can say which of them were meant; the other class goes on.
`--accept DIGEST` names the plan that a person has looked at.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final

from reconciler.model.declared import Limit, Settings
from reconciler.model.plan import TAKES_BACK, Change, Hold, Stock
from reconciler.model.words import FeedName

WITHDRAWALS: Final = TAKES_BACK
PROMOTIONS: Final = frozenset({"promote", "extend", "relist", "release"})


def within(changes: Iterable[Change], settings: Settings, stocks: Mapping[FeedName, Stock]) -> tuple[tuple[Change, ...], tuple[Hold, ...]]:
    """The changes that the limits allow, and one hold for each class of one feed that they refuse."""
    kept = tuple(changes)
    holds: list[Hold] = []
    for feed, stock in sorted(stocks.items()):
        for name, kinds, limit in (("withdrawals", WITHDRAWALS, settings.withdrawals), ("promotions", PROMOTIONS, settings.promotions)):
            others = tuple(c for c in kept if c.identity.feed != feed or c.kind not in kinds)
            wanted, allowed = len(kept) - len(others), _allowed(limit, stock)
            if allowed is not None and wanted > allowed:
                kept = others
                holds.append(_hold(feed, name, wanted, allowed))
    return kept, tuple(holds)


def _allowed(limit: Limit | None, stock: Stock) -> int | None:
    if limit is None:
        return None
    if limit.count is not None:
        return limit.count
    listed = sum(v.state == "listed" for p in stock.packages.values() for v in p.versions)
    return max(1, math.ceil((limit.share or 0) * listed))


def _hold(feed: FeedName, name: str, wanted: int, allowed: int) -> Hold:
    return Hold(
        feed=feed,
        package="",
        version="",
        kind="limit",
        rule=f"limits.{name}",
        reason=f"{wanted} {name} in one pass, allowed are {allowed}: none of them is carried out",
        remedy="look at `reconciler plan`; if it is right, `reconciler apply --accept DIGEST` with the plan's digest",
        path="feeds.yaml",
        line=1,
    )
