"""`history --contents`: what a feed held at a moment, from its ledger and the chain of landing commits alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any, Final

import click

from reconciler.cli.arguments import approved_feed
from reconciler.cli.records import place_of, places, read_records
from reconciler.cli.session import Session
from reconciler.declaration import Declaration
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.errors import NotFound
from reconciler.model.declared import Feed
from reconciler.model.words import CommitId, FeedName
from reconciler.show.contents import ContentsV1, HeldRow, contents_text, held
from reconciler.show.contract import to_json
from reconciler.show.csv_table import csv_table

DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
TIMESTAMP: Final = re.compile(rf"{DAY.pattern}[Tt ][0-9]{{2}}:[0-9]{{2}}.*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """A time (aware), or a landing commit."""

    at: datetime | None
    commit: CommitId | None


def tell_contents(session: Session, declaration: Declaration, *, feed: str, at: str | None, package: str | None, form: str) -> None:
    """Prints what a feed held, as text, JSON or CSV; of one package, where one is named."""
    found = _feed(declaration, feed)
    moment = moment_of(session, declaration, at)
    _, records = read_records(session.store(declaration.rules.now.settings), found.name)
    chain = places(declaration)
    anchors = [(record["seq"], record["commit"]) for record in records if record["change"] == "reanchor"]
    chosen = [record for record in records if _precedes(record, moment, chain, anchors)]
    contents = ContentsV1(
        feed=found.name,
        at=moment.at,
        commit=moment.commit,
        records=len(chosen),
        versions=list(_of(package, found, held(chosen))),
    )
    match form:
        case "json":
            click.echo(to_json(contents), nl=False)
        case "csv":
            click.echo(csv_table(HeldRow, contents.versions), nl=False)
        case _:
            click.echo("\n".join(contents_text(contents)))


def moment_of(session: Session, declaration: Declaration, at: str | None) -> Moment:
    """What `--at` means: a day is meant to its end, in UTC; a time without a zone is in UTC; anything else names a commit."""
    if at is None:
        return Moment(at=session.now, commit=None)
    try:
        if DAY.fullmatch(at):
            return Moment(at=datetime.combine(datetime.fromisoformat(at), time(23, 59, 59), UTC), commit=None)
        if TIMESTAMP.fullmatch(at):
            when = datetime.fromisoformat(at)
            return Moment(at=when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC), commit=None)
    except (ValueError, OverflowError):
        message = f"{at!r} is no day (YYYY-MM-DD) and no time (YYYY-MM-DDThh:mm:ssZ) of the calendar"
        raise click.UsageError(message) from None
    return Moment(at=None, commit=_landing(session, declaration, at))


def _landing(session: Session, declaration: Declaration, ref: str) -> CommitId:
    try:
        commit = session.repository.resolve(ref)
    except NotFound as error:
        raise NotFound(str(error), remedy="name a day (YYYY-MM-DD), a time (YYYY-MM-DDThh:mm:ssZ) or a commit") from error
    if commit not in declaration.chain:
        head = declaration.commit[:12]
        message = f"{ref!r} is commit {commit[:12]}, which is not on the first-parent chain of {head}: it was never applied itself"
        remedy = "name the commit that merged it (`git log --first-parent` lists them), or a day or time; --ref names another branch"
        raise NotFound(message, remedy=remedy)
    return commit


def _feed(declaration: Declaration, name: str) -> Feed:
    """The approved feed of this name, also one that is no longer declared: its ledger is still there."""
    steps: Sequence[Mapping[FeedName, Feed]] = [step.rules.settings.feeds for step in reversed(declaration.rules.steps)]
    known = (feeds[FeedName(name)] for feeds in steps if FeedName(name) in feeds)
    return next((feed for feed in known if feed.usage == "approved"), None) or approved_feed(declaration.rules.now.settings, name)


def _precedes(record: Mapping[str, Any], moment: Moment, chain: Mapping[str, int], anchors: Sequence[tuple[int, str]]) -> bool:
    """Whether a record was written by then. One of version 0.1 does not say at which commit: it counts from its landing commit on."""
    if moment.commit is None:
        return moment.at is not None and datetime.fromisoformat(record["applied_at"]) <= moment.at
    commit = record.get("head", record["commit"])
    return place_of(commit, chain, feed=record["feed"], record=record["seq"], anchors=anchors) <= chain[moment.commit]


def _of(package: str | None, feed: Feed, rows: Sequence[HeldRow]) -> Iterator[HeldRow]:
    """The rows of a package, however its name is spelled; all rows where none is named."""
    normalize = ECOSYSTEMS[feed.type].normalize_name
    try:
        wanted = normalize(package) if package is not None else None
    except ValueError as error:
        raise NotFound(str(error)) from error
    yield from (row for row in rows if wanted is None or normalize(row.package) == wanted)
