"""What the advisories about a package say of one of its versions: OSV's evaluation (https://ossf.github.io/osv-schema/#evaluation); pure.

A version is affected if it is among `versions`, or inside one of the ranges. Events are compared in the ecosystem's own order. Records of
different databases about one flaw name each other as aliases; they are told as one, and one of them is enough to affect a version: where
GitHub and a vendor disagree about the bounds, nobody here can say who is right.

What cannot be read is taken for affecting, and said: a range one end of which is no version here might end anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol, TypeAlias

from reconciler.model.advisories import SEVERITIES, Advisory, Affecting, EventKind, Matched, Range, Severity, Snapshot
from reconciler.model.words import Version, VersionKey

BEGINNING: Final = ("introduced", "0")
"""The event that is before every version."""
ENDLESS: Final = ("limit", "*")
"""The event that sets no limit."""

_SHORT: Final = re.compile(r"([0-9]{1,9})(\.[0-9]{1,9})?(-.*)?")
_KNOWN_FIRST: Final = ("GHSA-", "MAL-", "CVE-")
_Event: TypeAlias = tuple[EventKind, Version | None]
"""What happens where; None is the beginning."""


class Ordering(Protocol):
    """How an ecosystem reads versions; ValueError for what is none."""

    def parse_version(self, text: str, /) -> Version:
        """The version."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Flaw:
    """Records that mean the same flaw."""

    records: tuple[Advisory, ...]

    def affects(self, version: Version, language: Ordering) -> bool:
        """Whether one of them certainly affects a version."""
        return any(
            any(_in_range(range_, version, language) for range_ in record.ranges) or _listed(record.versions, version, language)
            for record in self.records
        )

    def unread(self, language: Ordering) -> str:
        """Which of their ranges cannot be read; "" for none."""
        found = ((record, _unread(range_, language)) for record in self.records for range_ in record.ranges)
        return "; ".join(dict.fromkeys(f"{record.id}: {text[:80]!a} in its range is no version here" for record, text in found if text))


def matched(snapshot: Snapshot, advisories: Iterable[Advisory], version: Version, language: Ordering) -> Matched:
    """What affects a version, worst first, and what it fixes, by all that the snapshot has about its package."""
    return matched_flaws(snapshot, flaws_of(advisories), version, language)


def matched_flaws(snapshot: Snapshot, flaws: Iterable[Flaw], version: Version, language: Ordering) -> Matched:
    """The same for whoever asks about many versions of a package, and has put together what is known of it."""
    affecting, fixes = [], set[str]()
    for flaw in flaws:
        certain = flaw.affects(version, language)
        unread = "" if certain else flaw.unread(language)
        if certain or unread:
            affecting.append(_affecting(flaw, version, language, unread))
        elif any(_ends_before(range_, version, language) for record in flaw.records for range_ in record.ranges):
            fixes.update(_ids(flaw.records))
    return Matched(snapshot=snapshot, affecting=tuple(sorted(affecting, key=_badness)), fixes=tuple(sorted(fixes, key=_rank)))


def flaws_of(advisories: Iterable[Advisory]) -> tuple[Flaw, ...]:
    """Together what shares an id or alias, directly or over others."""
    group_of: dict[str, list[Advisory]] = {}
    for advisory in sorted(advisories, key=lambda advisory: advisory.id):
        names = [name.casefold() for name in (advisory.id, *advisory.aliases)]
        joined = {id(group): group for name in names if (group := group_of.get(name)) is not None}
        merged = [*(one for group in joined.values() for one in group), advisory]
        for name in (*names, *(name.casefold() for one in merged for name in (one.id, *one.aliases))):
            group_of[name] = merged
    return tuple(Flaw(records=tuple(group)) for group in {id(group): group for group in group_of.values()}.values())


def _affecting(flaw: Flaw, version: Version, language: Ordering, unread: str) -> Affecting:
    records = sorted(flaw.records, key=lambda record: _rank(record.id))
    fixed = _fixed(flaw, version, language)
    return Affecting(
        ids=_ids(records),
        severity=_worst(record.severity for record in records),
        summary=next((record.summary for record in records if record.summary), ""),
        fixed=tuple(one.text for one in fixed),
        fixed_stable=next((one.text for one in fixed if not one.prerelease), ""),
        malware=any(record.malware for record in records),
        last_known=", ".join(dict.fromkeys(record.last_known for record in records if record.last_known)),
        unread=unread,
    )


def _ids(records: Iterable[Advisory]) -> tuple[str, ...]:
    """All ids and aliases, that by which people know it first; of two such one under which there is a record."""
    own = {record.id for record in records}
    return tuple(sorted(own.union(*(record.aliases for record in records)), key=lambda one: (_rank(one)[0], one not in own, one)))


def _rank(id_: str) -> tuple[int, str]:
    return next((i for i, prefix in enumerate(_KNOWN_FIRST) if id_.startswith(prefix)), len(_KNOWN_FIRST)), id_


def _worst(severities: Iterable[Severity | None]) -> Severity | None:
    return max((severity for severity in severities if severity is not None), key=SEVERITIES.index, default=None)


def _badness(one: Affecting) -> tuple[bool, int, tuple[str, ...]]:
    """For sorting, worst first: malware, then severity, of which an unknown one may be any."""
    return not one.malware, -SEVERITIES.index(one.severity or "high"), one.ids


def _fixed(flaw: Flaw, version: Version, language: Ordering) -> list[Version]:
    """The versions above this one that end the flaw by some record, unless another one says that they have it, too."""
    texts = dict.fromkeys(text for record in flaw.records for range_ in record.ranges for kind, text in range_.events if kind == "fixed")
    found = {fixed: None for text in texts if (fixed := _read(language.parse_version, text)) is not None and version < fixed}
    return sorted(fixed for fixed in found if not flaw.affects(fixed, language))


# --- one record, one range ------------------------------------------------------------------------------------------------------


def _listed(versions: Sequence[str], version: Version, language: Ordering) -> bool:
    """Whether a version is in a list: as the same text, or, as both can be read, the same version."""
    return version.text in versions or version.key in versions or version.key in _keys(language.parse_version, tuple(versions))


@lru_cache(maxsize=1 << 10)
def _keys(parse_version: Callable[[str], Version], versions: tuple[str, ...]) -> frozenset[VersionKey]:
    """What can be read of a list: each version of a package is looked up in it."""
    return frozenset(version.key for text in versions if (version := _read(parse_version, text)) is not None)


def _in_range(range_: Range, version: Version, language: Ordering) -> bool:
    """Whether a version is in a range; in one that cannot be read certainly none is."""
    if _unread(range_, language):
        return False
    inside = False
    for kind, at in _ordered(range_, language):
        if at is None or not version < at:
            inside = kind == "introduced" or (inside and kind == "last_affected" and version == at)
    limits = [text for kind, text in range_.events if kind == "limit"]
    return inside and (not limits or ENDLESS in range_.events or any(_before(version, text, language) for text in limits))


def _ends_before(range_: Range, version: Version, language: Ordering) -> bool:
    """Whether a range has affected some version below this one, and ended at this one or below."""
    begun = False
    for kind, at in () if _unread(range_, language) else _ordered(range_, language):
        if at is not None and version < at:
            break
        if begun and kind == "fixed":
            return True
        begun = begun or kind == "introduced"
    return False


def _ordered(range_: Range, language: Ordering) -> list[_Event]:
    """The events that begin and end the range, sorted by version. At one version: as in the record, what ends after it at last."""
    events = [
        (kind, None if (kind, text) == BEGINNING else _read(language.parse_version, text))
        for kind, text in range_.events
        if kind != "limit"
    ]
    return sorted(events, key=lambda event: (event[1] is not None, event[1], event[0] == "last_affected"))


def _before(version: Version, text: str, language: Ordering) -> bool:
    limit = _read(language.parse_version, text)
    return limit is not None and version < limit


def _unread(range_: Range, language: Ordering) -> str:
    """The first event of a range that is no version; "" for none."""
    texts = (text for kind, text in range_.events if (kind, text) not in {BEGINNING, ENDLESS})
    return next((text for text in texts if _read(language.parse_version, text) is None), "")


@lru_cache(maxsize=1 << 15)
def _read(parse_version: Callable[[str], Version], text: str) -> Version | None:
    """A version; None for what is none. Records write "1" and "1.2" also where the ecosystem wants three numbers.

    Kept, since the versions of a package, and the records about it, name the same ones over and over.
    """
    for spelling in (text, _padded(text)):
        try:
            return parse_version(spelling)
        except ValueError:
            continue
    return None


def _padded(text: str) -> str:
    match = _SHORT.fullmatch(text)
    return f"{match[1]}{match[2] or '.0'}.0{match[3] or ''}" if match else text
