"""`drift`: what feed storage holds and nothing declared or recorded explains."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO, NoReturn, TypedDict, Unpack

import click
from rich.console import Console

from reconciler.cli import EXIT_CODES
from reconciler.cli.arguments import chosen_feeds, identity_in
from reconciler.cli.session import format_option, open_session, public_url_option, ref_option
from reconciler.errors import NotFound, Unreachable
from reconciler.model.declared import Connector, Feed, Settings
from reconciler.model.packages import RemoteFile
from reconciler.model.plan import Drift
from reconciler.model.verification import ChangeRecord, parse_record
from reconciler.model.words import FeedName, Identity
from reconciler.observe.archives import Archives
from reconciler.observe.upstreams import Upstream
from reconciler.reconcile import Options, Planned, Surroundings, plan_pass
from reconciler.show.contract import to_json
from reconciler.show.drift import Explained, drift_text, drift_v1, outcome_of
from reconciler.stores import ledger

DRIFTED = 2


class DriftOptions(TypedDict):
    """The options of `drift`, as click passes them."""

    feeds: tuple[str, ...]
    deep: bool
    ref: str
    public_url: str | None
    form: str
    detailed_exitcode: bool


class _NotAsked:
    """An upstream that nobody asks: what is adrift shows in feed storage alone, and also while upstream is down."""

    name = "upstream"

    def discover(self, package_name: str) -> NoReturn:
        message = f"{package_name} was not looked up"
        raise Unreachable(message)

    def fetch(self, file: RemoteFile, sink: BinaryIO, *, max_bytes: int) -> NoReturn:
        del sink, max_bytes
        self.discover(file.name)

    def fetch_companion(self, file: RemoteFile, suffix: str) -> NoReturn:
        self.discover(file.name + suffix)


@click.command()
@click.argument("feeds", nargs=-1)
@click.option("--deep", is_flag=True, help="Read every package file, instead of comparing sizes.")
@ref_option
@public_url_option
@format_option
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 if anything is adrift.")
@click.pass_obj
def drift(folder: Path, **options: Unpack[DriftOptions]) -> int:
    """List what lies in feed storage and no record or approval explains; writes nothing, asks no upstream.

    Orphans (published, no longer declared), aliens (never recorded), files that are missing or have other bytes than recorded, and
    pages that were changed. Exits with 9 if bytes differ, since nothing but a person can settle that.

    \b
    Example:
      reconciler drift
      reconciler drift approved-nuget --deep --format json
    """
    session = open_session(folder)
    declaration = session.declare(options["ref"])
    settings = declaration.rules.now.settings
    feeds = chosen_feeds(settings, options["feeds"])
    nobody = Surroundings(
        store_of=session.store, upstreams_of=lambda _: _not_asked, ask=lambda _forge, _commit: "drift asks nobody", archives=Archives()
    )
    how = Options(now=session.now, public_url=options["public_url"], listed=True, accept="", deep=options["deep"])
    with Console(stderr=True).status("Comparing feed storage ...") if sys.stderr.isatty() else nullcontext():
        planned = plan_pass(session.reader, declaration, nobody, how)
    rows = [row for row in planned.plan.drift if row.feed in feeds]
    if options["form"] == "json":
        click.echo(to_json(drift_v1(planned.plan, rows)), nl=False)
    else:
        explained = _explained(rows, settings, _last_records(rows, planned))
        click.echo("\n".join(drift_text(explained, feeds, planned.plan.reanchored, deep=options["deep"])))
    outcome = outcome_of(rows)
    return DRIFTED if outcome == "changes" and options["detailed_exitcode"] else EXIT_CODES[outcome]


def _not_asked(feed: Feed, connector: Connector) -> Upstream:
    del feed, connector
    return _NotAsked()


def _last_records(rows: Iterable[Drift], planned: Planned) -> dict[Identity, ChangeRecord]:
    """The last record of every version of the feeds that drifted."""
    found: dict[Identity, ChangeRecord] = {}
    for feed in sorted({FeedName(row.feed) for row in rows}):
        head = planned.states[feed].head
        for record in map(parse_record, ledger.read(planned.store, feed, head.ledger)) if head else ():
            if isinstance(record, ChangeRecord):
                found[record.of(feed)] = record
    return found


def _explained(rows: Iterable[Drift], settings: Settings, records: Mapping[Identity, ChangeRecord]) -> list[Explained]:
    return [Explained(drift=row, record=records.get(identity) if (identity := _identity(row, settings)) else None) for row in rows]


def _identity(row: Drift, settings: Settings) -> Identity | None:
    """What a row is about; None for pages, and for what is named as nothing can be."""
    try:
        return identity_in(settings.feeds[FeedName(row.feed)], row.package, row.version)
    except NotFound:
        return None
