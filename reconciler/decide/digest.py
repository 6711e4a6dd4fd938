"""The plan's digest: what a person names who has looked at it. Covers everything but the clock; pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import astuple
from typing import Any

from reconciler.model.plan import Change, Plan, Stock
from reconciler.model.words import FeedName


def of_plan(plan: Plan, stocks: Mapping[FeedName, Stock]) -> str:
    """SHA-256, in hexadecimal, of the plan's commit, catalog roots, advisories, changes, access, holds, alerts, warnings and drift."""
    content: dict[str, Any] = {
        "commit": plan.commit,
        "catalogs": {feed: stock.catalog for feed, stock in sorted(stocks.items())},
        "changes": [_change(change) for change in plan.changes],
        "access": [astuple(row) for row in plan.access],
        "holds": [astuple(hold) for hold in plan.holds],
        "drift": [astuple(row) for row in plan.drift],
        "snapshot": plan.snapshot.digest if plan.snapshot else "",
        "alerts": [astuple(one) for one in plan.alerts],
        "warnings": [astuple(one) for one in plan.warnings],
        "evictions": [[row.feed, row.file.path, row.file.sha256] for row in plan.evictions],
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _change(change: Change) -> list[Any]:
    files = [astuple(file) for file in change.files]
    release = (
        [change.release.deprecated, [[f.name, f.yanked] for f in change.release.files]] if change.release and change.kind == "mark" else []
    )
    return [
        change.kind,
        astuple(change.identity),
        change.source,
        files,
        change.declared.blob,
        change.landing.id,
        change.author_commit.id,
        release,
    ]
