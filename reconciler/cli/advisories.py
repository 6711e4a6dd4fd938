"""`advisories`: fetch what is known of bad versions, and show what there is."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path

import click
from rich.console import Console

from reconciler.cli.session import Session, format_option, open_session, open_wire, ref_option
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.errors import RevisionConflict, Theirs
from reconciler.model.advisories import Current
from reconciler.model.declared import Settings
from reconciler.observe.osv.gather import gather, require_as_many
from reconciler.show.advisories import UpdateOutcome, advisories_text, advisories_v1
from reconciler.show.contract import to_json
from reconciler.stores.advisories import find_current, read_current, write_snapshot
from reconciler.stores.interface import Store

AGAIN = "look at the source, and update again"
LAST_STAYS = "the last good snapshot stays in use, and the rule `vulnerability` lets nothing new in once it is too old"


@click.group()
def advisories() -> None:
    """Fetch known vulnerabilities and malware (OSV), and show how old and how complete they are.

    \b
    Example:
      reconciler advisories update
      reconciler advisories status --format json
    """


@advisories.command()
@ref_option
@format_option
@click.option("--accept-fewer", is_flag=True, help="Also a dump with less than half of the records of the last one.")
@click.pass_obj
def update(folder: Path, ref: str, form: str, *, accept_fewer: bool) -> None:
    """Fetch the advisories for the ecosystems of all feeds, and put them in use as one snapshot.

    They come from `advisories: {source: ...}` in feeds.yaml: osv.dev (the default), an address or a folder that has NuGet/all.zip,
    PyPI/all.zip, npm/all.zip. A source that cannot be reached (exit code 6), or that is damaged, empty, wrong in more than one record of
    a hundred, or has lost more than half of its records (9), changes nothing.

    \b
    Example:
      reconciler advisories update
      reconciler advisories update --format json
    """
    session = open_session(folder)
    settings = session.rules(ref).rules.now.settings
    store = session.store(settings)
    outcome = _update(session, settings, store, accept_fewer=accept_fewer)
    _show(read_current(store), settings, session, form=form, outcome=outcome)


@advisories.command()
@ref_option
@format_option
@click.pass_obj
def status(folder: Path, ref: str, form: str) -> None:
    """Show which advisories are in use: their source, digest and age, how many there are, and what could not be used.

    \b
    Example:
      reconciler advisories status
    """
    session = open_session(folder)
    settings = session.rules(ref).rules.now.settings
    _show(read_current(session.store(settings)), settings, session, form=form)


def _update(session: Session, settings: Settings, store: Store, *, accept_fewer: bool) -> UpdateOutcome:
    before = find_current(store)
    same_source = before.current is not None and before.current.snapshot.source == settings.advisories
    with open_wire() as wire, Console(stderr=True).status("Fetching advisories ...") if sys.stderr.isatty() else nullcontext():
        try:
            used = [ECOSYSTEMS[type_] for type_ in sorted({feed.type for feed in settings.feeds.values()})]
            draft, dumps = gather(settings.advisories, used, wire=wire, base=session.repository.root)
            if same_source and before.current is not None and not accept_fewer:
                require_as_many(dumps, before.current.dumps)
        except Theirs as error:
            if before.current is not None:
                error.remedy = f"{(error.remedy or AGAIN).rstrip('.')}; {LAST_STAYS}"
            raise
        try:
            written = write_snapshot(store, draft, dumps, fetched_at=session.now, source=settings.advisories, before=before)
        except RevisionConflict:
            return "overtaken"
    old = before.current
    return "unchanged" if old is not None and old.snapshot.digest == written.current.snapshot.digest else "new"


def _show(current: Current | None, settings: Settings, session: Session, *, form: str, outcome: UpdateOutcome | None = None) -> None:
    known = {dump.ecosystem for dump in current.dumps} if current else set()
    missing = sorted({ECOSYSTEMS[feed.type].osv_ecosystem for feed in settings.feeds.values()} - known)
    if form == "json":
        click.echo(to_json(advisories_v1(current, missing, session.now, outcome)), nl=False)
        return
    match outcome:
        case "overtaken":
            click.echo("Another update was finished meanwhile; its snapshot stays in use.")
        case "unchanged":
            click.echo("Nothing has changed since the last update; the snapshot is fresh again.")
        case "new" | None:
            pass
    click.echo("\n".join(advisories_text(current, missing, session.now)))
