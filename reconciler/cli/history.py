"""`history`: who promoted what, when, from where, to where and why; from git, joined with the ledgers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypedDict, Unpack

import click

from reconciler.cli.arguments import known_feed
from reconciler.cli.session import format_option, open_session, ref_option
from reconciler.decide.authority import Judged
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.model.events import Event
from reconciler.model.words import CommitId, FeedName, Identity
from reconciler.reconcile import Declaration, declare
from reconciler.show.contract import HistoryRow, history_json
from reconciler.show.history import Told, history_rows, history_text
from reconciler.stores import ledger
from reconciler.stores.head import Head, read_head
from reconciler.stores.interface import Store


class HistoryOptions(TypedDict):
    """The options of `history`, as click passes them."""

    feed: str | None
    author: str | None
    since: datetime | None
    ref: str
    form: str


@click.command()
@click.argument("package", required=False)
@click.option("--feed", help="Only this feed.")
@click.option("--author", help="Only approvals of this author: a part of the name or address.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only what was approved on that day (UTC) or later.")
@ref_option
@format_option
@click.pass_obj
def history(folder: Path, package: str | None, **options: Unpack[HistoryOptions]) -> None:
    """Show who promoted what, when, from where, to where and why.

    \b
    Example:
      reconciler history Newtonsoft.Json
      reconciler history --feed approved-pypi --since 2026-01-01 --format json
    """
    session = open_session(folder)
    declaration = declare(session.repository, session.repository.resolve(options["ref"]))
    if options["feed"] is not None:
        known_feed(declaration.rules.now.settings, options["feed"])
    rows = read_history(declaration, session.store(declaration.rules.now.settings))
    chosen = [row for row in rows if _matches(declaration, row, package) and _fits(row, options)]
    if options["form"] == "json":
        click.echo(history_json(chosen), nl=False)
    elif not chosen:
        click.echo("Nothing was approved that fits.")
    else:
        click.echo("\n".join(history_text(chosen)))


def read_history(declaration: Declaration, store: Store) -> list[HistoryRow]:
    """All rows; the ledgers are checked against their chains while they are read."""
    feeds = [name for name, feed in declaration.rules.now.settings.feeds.items() if feed.usage == "approved"]
    heads: dict[FeedName, Head] = {feed: found[0] for feed in feeds if (found := read_head(store, feed)) is not None}
    records: Mapping[FeedName, Sequence[Mapping[str, Any]]] = {
        feed: tuple(ledger.read(store, feed, head.ledger)) for feed, head in heads.items()
    }
    return history_rows(_told(declaration, heads), records)


def _told(declaration: Declaration, heads: Mapping[FeedName, Head]) -> Iterator[Told]:
    position = {commit: number for number, commit in enumerate(declaration.chain)}
    held = {_key(held.event) for standing in declaration.authority.standings.values() for held in standing.held}
    for judged in declaration.authority.judged:
        event = judged.event
        head = heads.get(event.identity.feed)
        package, version = _spelled(declaration, judged)
        yield Told(
            event=event,
            source=_source(declaration, judged),
            package=package,
            version=version,
            approvers=judged.approvers,
            held=_key(event) in held,
            gone=event.identity not in declaration.approvals.valid,
            seen=head is not None and position.get(head.commit, -1) >= event.position,
        )


def _key(event: Event) -> tuple[Identity, CommitId, CommitId]:
    return event.identity, event.landing.id, event.author.id


def _spelled(declaration: Declaration, judged: Judged) -> tuple[str, str]:
    declared = declaration.approvals.valid.get(judged.event.identity)
    if declared is not None:
        return declared.package, declared.version
    return str(judged.event.identity.package), str(judged.event.identity.version)


def _source(declaration: Declaration, judged: Judged) -> str:
    approval = judged.event.approval
    if approval is not None and approval.source is not None:
        return approval.source
    return next(iter(declaration.rules.now.settings.feeds[judged.event.identity.feed].promotes_from), "")


# --- choosing ---------------------------------------------------------------------------------------------------------------------


def _matches(declaration: Declaration, row: HistoryRow, package: str | None) -> bool:
    if package is None:
        return True
    ecosystem = ECOSYSTEMS[declaration.rules.now.settings.feeds[FeedName(row.feed)].type]
    try:
        return ecosystem.normalize_name(package) == ecosystem.normalize_name(row.package)
    except ValueError:
        return False


def _fits(row: HistoryRow, options: HistoryOptions) -> bool:
    feed, author, since = options["feed"], options["author"], options["since"]
    by = author is None or author.casefold() in f"{row.author.name} <{row.author.email}>".casefold()
    return feed in {None, row.feed} and by and (since is None or row.authored_at >= since.replace(tzinfo=UTC))
