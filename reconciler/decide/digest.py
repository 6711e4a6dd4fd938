"""The plan's digest: what a person names who has looked at it. Covers everything but the clock; pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from reconciler.model.plan import Change, Plan, Stock
from reconciler.model.words import FeedName


def of_plan(plan: Plan, stocks: Mapping[FeedName, Stock]) -> str:
    """SHA-256, in hexadecimal, of the plan's commit, catalog roots, advisories, changes, access, holds, alerts, warnings and drift."""
    content: dict[str, Any] = {
        "commit": plan.commit,
        "catalogs": {feed: stock.catalog for feed, stock in sorted(stocks.items())},
        "changes": [_change(change) for change in plan.changes],
        "access": plan.access,
        "holds": plan.holds,
        "drift": plan.drift,
        "snapshot": plan.snapshot.digest if plan.snapshot else "",
        "alerts": plan.alerts,
        "warnings": plan.warnings,
        "evictions": [[row.feed, row.file.path, row.file.sha256] for row in plan.evictions],
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=_values)
    return hashlib.sha256(text.encode()).hexdigest()


def _values(row: Any) -> list[Any]:
    """The values of a dataclass in the order of its fields."""
    return [getattr(row, field.name) for field in fields(row)]


def _change(change: Change) -> list[Any]:
    release = (
        [change.release.deprecated, [[f.name, f.yanked] for f in change.release.files]] if change.release and change.kind == "mark" else []
    )
    return [
        change.kind,
        change.identity,
        change.source,
        change.files,
        change.declared.blob,
        change.landing.id,
        change.author_commit.id,
        release,
    ]
