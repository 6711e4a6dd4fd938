"""Whole dumps -> what a snapshot is made of, or the reason why there is none: a dump is taken as a whole or not at all.

A dump that is empty, cut off or damaged, or in which more than one record in a hundred cannot be used, is refused: half of the advisories
would look like all of them, and let in what the other half is about. Single bad records are left out, counted, and told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from reconciler.ecosystems.interface import Ecosystem
from reconciler.errors import DumpRefused
from reconciler.model.advisories import Dump
from reconciler.observe.osv.members import MAX_RECORD_BYTES, MAX_RECORDS, MAX_UNPACKED_BYTES
from reconciler.observe.osv.record import Broken, Naming, read_record
from reconciler.observe.osv.sources import OpenDump, open_dump
from reconciler.stores.advisories import Draft
from reconciler.wire import Wire

MAX_KEPT_BYTES: Final = 2 * 1024**3
"""Of all ecosystems; what is kept of npm's 200,000 records has less than 100 MB."""
MAX_NOTES: Final = 20
FEWEST_COMPARED: Final = 100
"""Of fewer records than these, half may well be gone by right."""

_PER_CENT: Final = 100


def gather(source: str, ecosystems: Iterable[Ecosystem], *, wire: Wire, base: Path) -> tuple[Draft, tuple[Dump, ...]]:
    """Reads the dumps of these ecosystems. Raises what `open_dump` raises, and DumpRefused."""
    draft, dumps = Draft(), []
    for ecosystem in sorted(ecosystems, key=lambda ecosystem: ecosystem.osv_ecosystem):
        naming = Naming(osv=ecosystem.osv_ecosystem, normalize_name=ecosystem.normalize_name)
        with open_dump(source, naming.osv, wire=wire, base=base) as opened:
            dumps.append(_read(opened, naming, draft))
    return draft, tuple(dumps)


def require_as_many(dumps: Iterable[Dump], before: Iterable[Dump]) -> None:
    """DumpRefused where a dump has less than half of the usable records of the one before from the same source.

    Databases grow. One that has lost most of what it knew was cut at its origin, and valid all the same: it would say that all is clean.
    """
    known = {dump.ecosystem: dump.records - dump.skipped for dump in before}
    for dump in dumps:
        now, last = dump.records - dump.skipped, known.get(dump.ecosystem, 0)
        if last >= FEWEST_COMPARED and now * 2 < last:
            message = f"the dump of {dump.ecosystem} has {now} records, and the last one had {last}"
            raise DumpRefused(message, remedy="If that is right, say --accept-fewer.")


def _read(opened: OpenDump, naming: Naming, draft: Draft) -> Dump:
    count: Counter[str] = Counter()
    notes: list[str] = []
    for member in opened.members:
        count["records"] += 1
        count["bytes"] += MAX_RECORD_BYTES if member.data is None else len(member.data)
        if count["records"] > MAX_RECORDS or count["bytes"] > MAX_UNPACKED_BYTES or draft.size > MAX_KEPT_BYTES:
            message = f"{opened.name} has more than can be read: {count['records']} records, {count['bytes']} bytes so far"
            raise DumpRefused(message)
        try:
            if member.data is None:
                message = f"it has more than {MAX_RECORD_BYTES} bytes"
                raise Broken(message)  # noqa: TRY301 - one way to leave a record out
            read = read_record(member.data, naming)
        except Broken as error:
            count["skipped"] += 1
            if len(notes) < MAX_NOTES:
                notes.append(f"{member.name[:200]!a}: {error}")
            continue
        count["withdrawn"] += read.withdrawn
        count["strange"] += read.strange
        for key, advisory in read.advisories.items():
            draft.add(naming.osv, key, advisory)
    advisories, packages = draft.counts(naming.osv)
    dump = Dump(
        ecosystem=naming.osv,
        advisories=advisories,
        packages=packages,
        notes=tuple(notes),
        **{name: count[name] for name in ("records", "withdrawn", "skipped", "strange")},
    )
    _check(opened.name, dump)
    return dump


def _check(name: str, dump: Dump) -> None:
    """Refuses a dump that cannot be all that there is."""
    if dump.skipped * _PER_CENT > dump.records:
        message = (
            f"{name}: {dump.skipped} of {dump.records} records cannot be used, more than one in a hundred; the first is {dump.notes[0]}"
        )
        raise DumpRefused(message)
    if not dump.advisories:
        what = "has no records" if not dump.records else f"says nothing about any package of {dump.ecosystem}"
        message = f"{name} {what}"
        raise DumpRefused(message)
