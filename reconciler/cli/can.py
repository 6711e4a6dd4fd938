"""`can`: may somebody do something, and which line says so."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict, Unpack

import click

from reconciler.cli.arguments import known_feed
from reconciler.cli.session import format_option, open_session, ref_option
from reconciler.decide.rights import ANONYMOUS, Ask, decide_right, who_may
from reconciler.errors import NotFound
from reconciler.model.declared import Settings
from reconciler.model.permissions import TASKS, Permissions, Task
from reconciler.model.words import FeedName
from reconciler.show.contract import CanV1, to_json

NO = 5


class CanOptions(TypedDict):
    """The options of `can`, as click passes them."""

    source: str | None
    target: str | None
    feed: str | None
    ref: str
    form: str


@click.command()
@click.argument("user")
@click.argument("task", type=click.Choice(TASKS))
@click.option("--from", "source", help="The proxy feed that is promoted from.")
@click.option("--to", "target", help="The approved feed that is promoted to.")
@click.option("--feed", help="The feed, for the other tasks.")
@ref_option
@format_option
@click.pass_obj
def can(folder: Path, user: str, task: Task, **options: Unpack[CanOptions]) -> int:
    """Tell whether USER (an id of policies/permissions.yaml, "everyone" or "anonymous") may do TASK, and by which line.

    Exits with 0 for yes and 5 for no.

    \b
    Example:
      reconciler can ada promote-packages --from public-nuget --to approved-nuget
    """
    session = open_session(folder)
    rules = session.rules(options["ref"]).rules.now
    source, target, feed = (_feed(rules.settings, options[name]) for name in ("source", "target", "feed"))
    ask = Ask(task=task, source=source, target=target, feed=feed)
    right = decide_right(rules.permissions, _known(rules.permissions, user), ask)
    line = str(right.line) if right.line else ""
    others = who_may(rules.permissions, ask)
    if options["form"] == "json":
        click.echo(to_json(CanV1(user=user, task=task, allowed=right.allowed, line=line, who_may=list(others))), nl=False)
    else:
        click.echo(f"{'yes' if right.allowed else 'no'}: {line or 'no line of policies/permissions.yaml says so'}")
        if not right.allowed:
            click.echo(f"who may: {', '.join(others) or 'nobody'}")
    return 0 if right.allowed else NO


def _feed(settings: Settings, name: str | None) -> FeedName | None:
    return known_feed(settings, name).name if name is not None else None


def _known(permissions: Permissions, user: str) -> str | None:
    if user == "everyone":
        return None
    if user != ANONYMOUS and user not in permissions.users:
        message = f"policies/permissions.yaml declares no user {user!r}"
        raise NotFound(message, remedy=f"users: {', '.join(sorted(permissions.users)) or 'none'}; or everyone, anonymous")
    return user
