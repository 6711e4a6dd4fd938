"""Who gains or loses which right between two commits; pure. It takes effect when a pass completes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from reconciler.decide.rights import ANONYMOUS, Ask, Right, asks_of, decide_right
from reconciler.model.declared import Rules
from reconciler.model.permissions import Permissions
from reconciler.model.plan import AccessChange

EVERYONE: Final = "everyone"
NO: Final = Right(allowed=False, line=None)
NOBODY: Final = Permissions(users={}, groups={}, permissions=())


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rights:
    """The permissions of one commit, and all that can be asked there: a right to what is not declared is none."""

    permissions: Permissions
    asks: frozenset[Ask]

    def of(self, user: str, ask: Ask) -> Right:
        if ask not in self.asks:
            return NO
        return decide_right(self.permissions, None if user == EVERYONE else user, ask)


def access_changes(before: Rules | None, after: Rules) -> tuple[AccessChange, ...]:
    """The rights that differ; `before` is None where nothing was applied yet. A user is left out where it goes with everyone."""
    then = _rights(before) if before else _Rights(permissions=NOBODY, asks=frozenset())
    now = _rights(after)
    users = sorted({*then.permissions.users, *now.permissions.users})
    found: list[AccessChange] = []
    for ask in then.asks | now.asks:
        general = _difference(then, now, EVERYONE, ask)
        told = {row.change for row in general}
        found += general
        found += _difference(then, now, ANONYMOUS, ask)  # whom everyone does not cover
        found += [row for user in users for row in _difference(then, now, user, ask) if row.change not in told]
    return tuple(sorted(found, key=lambda row: (row.feeds, row.task, row.user, row.change)))


def _rights(rules: Rules) -> _Rights:
    asks = asks_of((feed.name, feed.promotes_from) for feed in rules.settings.feeds.values())
    return _Rights(permissions=rules.permissions, asks=frozenset(asks))


def _difference(before: _Rights, after: _Rights, user: str, ask: Ask) -> list[AccessChange]:
    then, now = before.of(user, ask), after.of(user, ask)
    if then.allowed == now.allowed:
        return []
    feeds = tuple(feed for feed in (ask.source, ask.target, ask.feed) if feed is not None)
    line = str(now.line) if now.line else ""
    return [AccessChange(change="grant" if now.allowed else "revoke", user=user, task=ask.task, feeds=feeds, line=line)]
