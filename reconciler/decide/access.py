"""Who gains or loses which right between two commits; pure. It takes effect when a pass completes."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.decide.rights import ANONYMOUS, Ask, Right, asks_of, decide_right
from reconciler.model.declared import Rules
from reconciler.model.plan import AccessChange

EVERYONE = "everyone"


def access_changes(before: Rules | None, after: Rules) -> tuple[AccessChange, ...]:
    """The rights that differ; `before` is None where nothing was applied yet. A user is left out where it goes with everyone."""
    asks = dict.fromkeys((*_asks(after), *(_asks(before) if before else ())))
    found: list[AccessChange] = []
    for ask in asks:
        general = _difference(before, after, EVERYONE, ask)
        found += general
        for user in sorted({ANONYMOUS, *after.permissions.users, *(before.permissions.users if before else ())}):
            found += [row for row in _difference(before, after, user, ask) if not any(row.change == g.change for g in general)]
    return tuple(sorted(found, key=lambda row: (row.feeds, row.task, row.user, row.change)))


def _asks(rules: Rules) -> Iterable[Ask]:
    return asks_of((feed.name, feed.promotes_from) for feed in rules.settings.feeds.values())


def _difference(before: Rules | None, after: Rules, user: str, ask: Ask) -> list[AccessChange]:
    then = _right(before, user, ask) if before else Right(allowed=False, line=None)
    now = _right(after, user, ask)
    if then.allowed == now.allowed:
        return []
    feeds = tuple(feed for feed in (ask.source, ask.target, ask.feed) if feed is not None)
    line = str(now.line) if now.line else ""
    return [AccessChange(change="grant" if now.allowed else "revoke", user=user, task=ask.task, feeds=feeds, line=line)]


def _right(rules: Rules, user: str, ask: Ask) -> Right:
    return decide_right(rules.permissions, None if user == EVERYONE else user, ask)
