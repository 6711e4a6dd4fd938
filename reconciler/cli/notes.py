"""`apply --notes`: what the ledgers say, as notes on the landing commits, for `git log --notes=promotions`.

Level-based: made from all records of all feeds that ever were declared, so that a run makes up for those that did without, and one with
nothing to tell writes nothing. The commit of the notes names neither the git user nor this run: who applied is in each line, and the same
ledgers are to give the same notes wherever they are made. A line that no record explains was put there by somebody else. To keep it would
be to vouch for it, to drop it might lose somebody's text: nothing is written, and the report says how to move it away.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from reconciler.cli.records import read_records
from reconciler.cli.session import Session
from reconciler.declaration import Declaration
from reconciler.declare.revision import Entry, Notes, set_aside
from reconciler.errors import IntegrityError, NotesRefused, ReconcilerError
from reconciler.model.events import Person
from reconciler.show.contract import NotesRow
from reconciler.show.notes import REF, notes_of, unexplained
from reconciler.stores.interface import Store

BY: Final = Person(name="reconciler", email="reconciler@localhost")
MESSAGE: Final = "Notes of what was applied, from the ledgers\n"
DONE: Final = "the apply itself is complete; its notes are not written: "


def write_notes(session: Session, declaration: Declaration, store: Store) -> NotesRow:
    """Brings the notes up to date, after an apply that is complete. NotesRefused, which says so, where that cannot be done;
    IntegrityError where a ledger is not as it was written."""
    try:
        return _write(session, declaration, store)
    except IntegrityError:
        raise
    except ReconcilerError as error:
        message = f"{DONE}{error}"
        raise NotesRefused(message, remedy=error.remedy) from error


def _write(session: Session, declaration: Declaration, store: Store) -> NotesRow:
    feeds = {name for step in declaration.rules.steps for name in step.rules.settings.approved()}
    records = [record for feed in sorted(feeds) for record in read_records(store, feed)[1]]
    told = notes_of(records)
    notes = Notes(session.repository.root, REF)
    known = notes.read({commit: len(text) for commit, text in told.items()})
    if found := unexplained(known.texts, told):
        commit, line = found
        message = f"on commit {commit[:12]}, {REF} says what no ledger does: {line!r}"
        raise NotesRefused(message, remedy=set_aside(REF))
    changed = sum(known.texts.get(commit) != text for commit, text in told.items())
    if not changed:
        return NotesRow(ref=REF, commit=known.tip, notes=len(told), written=0)
    newest = max(datetime.fromisoformat(record["applied_at"]) for record in records)
    tip = notes.write(known, told, Entry(by=BY, at=newest, message=MESSAGE))
    return NotesRow(ref=REF, commit=tip, notes=len(told), written=changed)
