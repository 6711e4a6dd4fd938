"""Lineages as rows of the file that `landed.py` keeps, and rows as lineages again."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final

from reconciler.declare.lineage import Lineage
from reconciler.declare.load import is_rule_file
from reconciler.model.declared import APPROVALS_FOLDER
from reconciler.model.events import PathChange

UNCHANGED: Final = (None, None, "")
"""Of a path that only inner commits touch: no blob, no mode."""


def differences(parts: Sequence[tuple[str, Sequence[Any]]]) -> tuple[tuple[PathChange, ...], ...]:
    """Of each parent in turn, what differs at the paths."""
    return tuple(
        tuple(
            PathChange(path=path, before=change[0], after=change[1], mode=change[2])
            for (path, _), change in zip(parts, of_parent, strict=True)
            if change is not None
        )
        for of_parent in zip(*(diffs for _, diffs in parts), strict=True)
    )


def rows_of(lineage: Lineage) -> tuple[list[tuple[Any, ...]], set[int]]:
    """A row for each path under `approvals/` that changes, and the inner commits, by number, that touch one of them.

    What a branch wrote and removed again does not land, but may say who wrote what it was moved to.
    """
    inner: defaultdict[str, list[tuple[int, list[Any]]]] = defaultdict(list)
    for number, commit in enumerate(lineage.inner):
        of_parents = [{change.path: (change.before, change.after, change.mode) for change in diff} for diff in commit.diffs]
        for path in dict.fromkeys(path for diff in of_parents for path in diff):
            inner[path].append((number, [diff.get(path) for diff in of_parents]))
    landed = {change.path: (change.before, change.after, change.mode) for change in lineage.landing.changes}
    rows, used = [], set()
    for path in sorted(path for path in landed.keys() | inner.keys() if path.startswith(f"{APPROVALS_FOLDER}/")):
        text = json.dumps(inner[path], separators=(",", ":")) if path in inner else ""
        used |= {number for number, _ in inner.get(path, ())}
        rows.append((lineage.landing.position, path, *landed.get(path, UNCHANGED), text))
    return rows, used


def rule_row(lineage: Lineage) -> dict[str, Any]:
    """A lineage cut down to rule files, as JSON."""

    def rows(diff: Iterable[PathChange]) -> list[Any]:
        return [(c.path, c.before, c.after, c.mode) for c in diff if is_rule_file(c.path)]

    return {
        "position": lineage.landing.position,
        "commit": lineage.landing.commit.id,
        "changes": rows(lineage.landing.changes),
        "inner": [(one.commit.id, diffs) for one in lineage.inner if any(diffs := [rows(diff) for diff in one.diffs])],
    }


def changes_of(rows: Iterable[Any]) -> tuple[PathChange, ...]:
    """Differences as they were before they became rows."""
    return tuple(PathChange(path=path, before=before, after=after, mode=mode) for path, before, after, mode in rows)
