"""`history`: who promoted what, when, from where, to where and why; from git, joined with the ledgers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, TypedDict, Unpack

import click

from reconciler.cli.arguments import known_feed, packages_named
from reconciler.cli.contents import tell_contents
from reconciler.cli.records import place_of, places, read_records
from reconciler.cli.session import open_session, ref_option
from reconciler.decide.people import user_of
from reconciler.decide.standing import Judged
from reconciler.declaration import Declaration
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.model.declared import POLICIES_FOLDER
from reconciler.model.events import Event, Person
from reconciler.model.permissions import Permissions
from reconciler.model.words import CommitId, FeedName, Identity
from reconciler.show.contract import HistoryRow, history_json
from reconciler.show.csv_table import csv_table
from reconciler.show.history import Told, history_rows, history_text, newest
from reconciler.show.in_toto import Policies, statements
from reconciler.show.rows import PersonRow
from reconciler.stores.head import Head
from reconciler.stores.interface import Store

FORMS: Final = ("text", "json", "csv", "in-toto")
REANCHOR: Final = "reanchor"
NOT_OF_CONTENTS: Final = ("feed", "author", "approver", "since", "until", "limit")


class HistoryOptions(TypedDict):
    """The options of `history`, as click passes them."""

    feed: str | None
    author: str | None
    approver: str | None
    since: datetime | None
    until: datetime | None
    limit: int | None
    contents: str | None
    at: str | None
    ref: str
    form: str


@click.command()
@click.argument("package", required=False)
@click.option("--feed", help="Only this feed.")
@click.option("--author", help="Only approvals of this author: a part of the name or address, or the id of a declared user.")
@click.option("--approver", help="Only what this person approved besides the author, likewise.")
@click.option("--since", metavar="DAY", type=click.DateTime(["%Y-%m-%d"]), help="Only what was approved on that day (UTC) or later.")
@click.option("--until", metavar="DAY", type=click.DateTime(["%Y-%m-%d"]), help="Only what was approved on that day (UTC) or earlier.")
@click.option("--limit", type=click.IntRange(min=1), help="Only the newest so many.")
@click.option("--contents", metavar="FEED", help="Instead: what this feed held, from its ledger.")
@click.option("--at", metavar="MOMENT", help="With --contents: a day (to its end), a time (both UTC), or a landing commit; else now.")
@ref_option
@click.option("--format", "form", type=click.Choice(FORMS), default="text", show_default=True, help="How to report.")
@click.pass_obj
def history(folder: Path, package: str | None, **options: Unpack[HistoryOptions]) -> None:
    """Show who promoted what, when, from where, to where and why; or, with --contents, what a feed held.

    csv is for spreadsheets; json has all texts as they are. in-toto is one unsigned in-toto statement a line for each change that was
    recorded.

    \b
    Example:
      reconciler history Newtonsoft.Json
      reconciler history --feed approved-pypi --since 2026-01-01 --format json
      reconciler history --approver grace --limit 20
      reconciler history --contents approved-nuget --at 2026-06-30 --format csv
    """
    _check(options)
    session = open_session(folder)
    rules = session.rules(options["ref"])
    if options["contents"] is not None:
        tell_contents(session, rules, feed=options["contents"], at=options["at"], package=package, form=options["form"])
        return
    if options["feed"] is not None:
        known_feed(rules.rules.now.settings, options["feed"])
    declaration = session.reader.widened(rules, packages_named(rules.rules.now.settings, package) if package is not None else None)
    rows = read_history(declaration, session.store(declaration.rules.now.settings))
    chosen = _chosen(declaration, rows, package, options)
    shown = newest(chosen, options["limit"]) if options["limit"] is not None else chosen
    policies_of = _policies(declaration, [row for row in rows if row.change == REANCHOR])
    _tell(shown, options["form"], policies_of, older=len(chosen) - len(shown))


def _check(options: HistoryOptions) -> None:
    given = [name for name in NOT_OF_CONTENTS if options[name] is not None]
    if options["contents"] is None and options["at"] is not None:
        message = "--at belongs to --contents FEED"
        raise click.UsageError(message)
    if options["contents"] is not None and given:
        message = f"--contents tells what a feed held: --{given[0]} chooses from the history"
        raise click.UsageError(message)
    if options["contents"] is not None and options["form"] == "in-toto":
        message = "in-toto statements are about changes: --contents has text, json and csv"
        raise click.UsageError(message)


def _tell(rows: list[HistoryRow], form: str, policies_of: Callable[[HistoryRow], Policies], *, older: int) -> None:
    match form:
        case "json":
            click.echo(history_json(rows), nl=False)
        case "csv":
            click.echo(csv_table(HistoryRow, rows), nl=False)
        case "in-toto":
            for line in statements(rows, policies_of):
                click.echo(line)
        case _ if not rows:
            click.echo("Nothing was approved that fits.")
        case _:
            click.echo("\n".join(history_text(rows, older=older)))


def _policies(declaration: Declaration, reanchored: Sequence[HistoryRow]) -> Callable[[HistoryRow], Policies]:
    """The files of policies/ by which the landing commit of a row was judged: those in force before it (`RulesInForce.before`); none of
    what landed in a history that was left, which nobody can read any more."""
    chain, steps = places(declaration), declaration.rules.steps

    def policies_of(row: HistoryRow) -> Policies:
        if row.commit not in chain and any((one.seq or 0) > (row.seq or 0) for one in reanchored if one.feed == row.feed):
            return {}
        place = place_of(row.commit, chain, feed=row.feed, record=row.seq or 0)
        step = next((step for step in reversed(steps) if step.position < place), steps[0])
        return {path: blob for path, blob in step.files.items() if path.startswith(f"{POLICIES_FOLDER}/")}

    return policies_of


def read_history(declaration: Declaration, store: Store) -> list[HistoryRow]:
    """All rows; the ledgers are checked against their chains while they are read."""
    feeds = [name for name, feed in declaration.rules.now.settings.feeds.items() if feed.usage == "approved"]
    read = {feed: read_records(store, feed) for feed in feeds}
    heads = {feed: head for feed, (head, _) in read.items() if head is not None}
    records: Mapping[FeedName, Sequence[Mapping[str, Any]]] = {feed: read[feed][1] for feed in heads}
    return history_rows(_told(declaration, heads), records)


def _told(declaration: Declaration, heads: Mapping[FeedName, Head]) -> Iterator[Told]:
    position = places(declaration)
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
            author=judged.author,
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


def _chosen(declaration: Declaration, rows: Sequence[HistoryRow], package: str | None, options: HistoryOptions) -> list[HistoryRow]:
    """The rows that fit. Of one package: also where the feeds that it is in were anchored to another history."""
    matching = [row for row in rows if row.change != REANCHOR and _matches(declaration, row, package)]
    feeds = {row.feed for row in matching} if package is not None else {row.feed for row in rows}
    found = {id(row) for row in matching}
    mine = (row for row in rows if id(row) in found or (row.change == REANCHOR and row.feed in feeds))
    return [row for row in mine if _fits(declaration, row, options)]


def _matches(declaration: Declaration, row: HistoryRow, package: str | None) -> bool:
    if package is None:
        return True
    ecosystem = ECOSYSTEMS[declaration.rules.now.settings.feeds[FeedName(row.feed)].type]
    try:
        return ecosystem.normalize_name(package) == ecosystem.normalize_name(row.package)
    except ValueError:
        return False


def _fits(declaration: Declaration, row: HistoryRow, options: HistoryOptions) -> bool:
    permissions = declaration.rules.now.permissions
    return (
        options["feed"] in {None, row.feed}
        and _among(permissions, options["author"], [row.author])
        and _among(permissions, options["approver"], row.approvers)
        and _day(options["since"], date.min) <= row.authored_at.astimezone(UTC).date() <= _day(options["until"], date.max)
    )


def _day(given: datetime | None, otherwise: date) -> date:
    return given.date() if given is not None else otherwise


def _among(permissions: Permissions, text: str | None, people: Sequence[PersonRow]) -> bool:
    """Whether one of these people is meant: by a part of name or address, or as the user with this id, at any address of theirs."""
    if text is None:
        return True
    return any(
        text.casefold() in f"{person.name} <{person.email}>".casefold()
        or user_of(permissions, Person(name=person.name, email=person.email)) == text
        for person in people
    )
