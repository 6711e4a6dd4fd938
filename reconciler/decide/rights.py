"""Who may do what, by `policies/permissions.yaml`; pure.

The most specific line decides: a user before a group before everyone; then more feed dimensions named before fewer; then deny
before allow. Who may `administer` may do everything and is denied nothing. Nothing said means no.

| caller            | matches lines for                                    |
|-------------------|------------------------------------------------------|
| a declared user   | that user, the user's groups, `everyone`             |
| an unlisted one   | `everyone` (a git author at reconcile; None as user) |
| `anonymous`       | `anonymous` only                                     |
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from reconciler.model.permissions import Line, Permission, Permissions, Task
from reconciler.model.words import FeedName

ANONYMOUS: Final = "anonymous"
RANK: Final = {"user": 0, "group": 1, "everyone": 2, "anonymous": 2}


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """What somebody wants to do: promoting names a source and a target, the other tasks one feed or none at all."""

    task: Task
    source: FeedName | None = None
    target: FeedName | None = None
    feed: FeedName | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Right:
    """The answer, with the line that decided (None: nothing is said, so no)."""

    allowed: bool
    line: Line | None


def decide_right(permissions: Permissions, user: str | None, ask: Ask) -> Right:
    """Whether a user (an id; None for somebody unlisted) may do what is asked, and by which line."""
    found: Right | None = permissions.decided.get((user, ask))
    if found is None:
        found = permissions.decided[user, ask] = _decide(permissions, user, ask)
    return found


def _decide(permissions: Permissions, user: str | None, ask: Ask) -> Right:
    administers = _strongest(permissions, user, Ask(task="administer"))
    if administers is not None and administers.allow:
        return Right(allowed=True, line=administers.where)
    line = _strongest(permissions, user, ask)
    return Right(allowed=line is not None and line.allow, line=line.where if line else None)


def who_may(permissions: Permissions, ask: Ask) -> tuple[str, ...]:
    """Everybody who may do what is asked: user ids, and "everyone" where any git author may."""
    everyone = ("everyone",) if decide_right(permissions, None, ask).allowed else ()
    return (*everyone, *(user for user in sorted(permissions.users) if decide_right(permissions, user, ask).allowed))


def _strongest(permissions: Permissions, user: str | None, ask: Ask) -> Permission | None:
    lines = [line for line in permissions.permissions if line.task == ask.task and _covers(line, ask) and _names(permissions, line, user)]
    return min(lines, key=lambda line: (RANK[line.kind], -_dimensions(line), line.allow), default=None)


def _names(permissions: Permissions, line: Permission, user: str | None) -> bool:
    match line.kind:
        case "anonymous":
            return user == ANONYMOUS
        case "everyone":
            return user != ANONYMOUS
        case "group":
            return user is not None and user in permissions.groups.get(line.principal, frozenset())
        case "user":
            return user == line.principal


def _covers(line: Permission, ask: Ask) -> bool:
    asked = ((line.source, ask.source), (line.target, ask.target), (line.feeds, ask.feed))
    return all(said is None or wanted in said for said, wanted in asked)


def _dimensions(line: Permission) -> int:
    return sum(said is not None for said in (line.source, line.target, line.feeds))


def asks_of(feeds: Iterable[tuple[FeedName, tuple[FeedName, ...]]]) -> tuple[Ask, ...]:
    """Everything that can be asked about feeds, given with what each promotes from: the rows of a table of rights."""
    asks: list[Ask] = [Ask(task="administer"), Ask(task="manage-tokens")]
    for feed, sources in feeds:
        asks += [Ask(task=task, feed=feed) for task in ("manage-feed", "publish-packages", "view-and-download")]
        asks += [Ask(task="promote-packages", source=source, target=feed) for source in sources]
    return tuple(asks)
