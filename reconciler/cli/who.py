"""`who`: everybody who may do what with a feed, and the lines that say so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from reconciler.cli.arguments import known_feed
from reconciler.cli.session import format_option, open_session, ref_option
from reconciler.decide.rights import ANONYMOUS, Ask, asks_of, decide_right
from reconciler.model.declared import Rules
from reconciler.model.permissions import Permissions, Task
from reconciler.model.words import FeedName
from reconciler.show.contract import to_json
from reconciler.show.who import EVERYONE, CallerRow, TaskRow, WhoV1, who_text

ORDER: Final[tuple[Task, ...]] = (
    "promote-packages",
    "manage-feed",
    "publish-packages",
    "view-and-download",
    "administer",
    "manage-tokens",
)
"""What a feed is for comes first."""


@click.command()
@click.argument("feed")
@ref_option
@format_option
@click.pass_obj
def who(folder: Path, feed: str, ref: str, form: str) -> None:
    """List everybody who may do what with FEED, by the rules in force, and by which line.

    "everyone" is any git author; the text leaves out users for whom the same line decides. "denied" is who may not only because a line
    says so.

    \b
    Example:
      reconciler who approved-nuget
      reconciler who public-nuget --format json
    """
    session = open_session(folder)
    declaration = session.rules(ref)
    rules = declaration.rules.now
    found = known_feed(rules.settings, feed)
    report = WhoV1(
        feed=found.name,
        commit=declaration.commit,
        rules=declaration.rules.steps[-1].commit,
        tasks=[_task(rules.permissions, ask) for ask in _asks(rules, found.name)],
        not_in_force=[refused.path for refused in declaration.rules.refused],
    )
    click.echo(to_json(report) if form == "json" else "\n".join(who_text(report)), nl=form != "json")


def _asks(rules: Rules, feed: FeedName) -> list[Ask]:
    """What concerns a feed: what is asked of it alone, promotions into it and out of it, and what is asked of no feed."""
    asks = asks_of((other.name, other.promotes_from) for other in rules.settings.feeds.values())
    near = [ask for ask in asks if feed in {ask.feed, ask.source, ask.target} or (ask.feed, ask.target) == (None, None)]
    return sorted(near, key=lambda ask: (ORDER.index(ask.task), ask.target != feed, ask.source or "", ask.target or ""))


def _task(permissions: Permissions, ask: Ask) -> TaskRow:
    granting = replace(permissions, permissions=tuple(line for line in permissions.permissions if line.allow))
    allowed: list[CallerRow] = []
    denied: list[CallerRow] = []
    for name, user in _callers(permissions):
        right = decide_right(permissions, user, ask)
        if right.line is not None and (right.allowed or decide_right(granting, user, ask).allowed):
            (allowed if right.allowed else denied).append(CallerRow(user=name, line=str(right.line)))
    return TaskRow(task=ask.task, source=ask.source, target=ask.target, allowed=allowed, denied=denied)


def _callers(permissions: Permissions) -> Iterator[tuple[str, str | None]]:
    """Everybody who can be told apart by the rules: a name, and who that is for them."""
    yield EVERYONE, None
    yield ANONYMOUS, ANONYMOUS
    yield from ((user, user) for user in sorted(permissions.users))
