"""One OSV record (https://ossf.github.io/osv-schema/) -> what it says about each package of one ecosystem.

A record is text from outside. What is needed of it is checked and bounded, everything else is not looked at; a record in which something
needed is wrong raises `Broken` and is left out as a whole. What is decided here, and not when a version is judged: severity, and the key
of each name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, get_args

from reconciler.model.advisories import Advisory, EventKind, Range
from reconciler.model.words import PackageKey
from reconciler.observe.osv.severity import severity_of

MAX_SUMMARY: Final = 200
MAX_ALIASES: Final = 500
MAX_VERSIONS: Final = 20_000
"""About one package, in one record: the most that is known are about 3,000."""
MAX_EVENTS: Final = 1_000
MAX_LAST_KNOWN: Final = 200

_ID: Final = re.compile(r"[!-~]{1,200}")
_VERSION: Final = re.compile(r"[^\x00-\x1f\x7f]{1,256}")
_KINDS: Final[Mapping[str, EventKind]] = {kind: kind for kind in get_args(EventKind)}


class Broken(ValueError):
    """Something that is needed of a record is missing or wrong."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Naming:
    """What OSV calls an ecosystem, and how that reads names (ValueError for what is none)."""

    osv: str
    normalize_name: Callable[[str], PackageKey]

    def key(self, name: str) -> tuple[PackageKey, bool]:
        """What a name is looked up by, and whether it can be one. What cannot is kept, folded, as long as that makes no name of it.

        No package can have such a name here; still the record is shown to whoever asks for it.
        """
        try:
            return self.normalize_name(name), True
        except ValueError:
            folded = name.casefold()
        try:
            self.normalize_name(folded)
        except ValueError:
            return PackageKey(folded), False
        return PackageKey(name), False  # as with the sign for Kelvin, which folds to a k: that would accuse another package


@dataclass(frozen=True, kw_only=True, slots=True)
class Read:
    """What a record says: by package; nothing if it is about others, or taken back. `strange`: how many names can be none."""

    advisories: Mapping[PackageKey, Advisory]
    withdrawn: bool = False
    strange: int = 0


def read_record(data: bytes, naming: Naming) -> Read:
    """Reads the JSON of a record; Broken, with the reason, where it breaks what is needed of it."""
    try:
        record = json.loads(data)
    except (ValueError, RecursionError) as error:
        message = "it is no JSON"
        raise Broken(message) from error
    if not isinstance(record, dict):
        message = "it is no JSON object"
        raise Broken(message)
    id_ = _id(record.get("id"), "its id")
    aliases = tuple(sorted({_id(one, "an alias") for one in _list(record, "aliases", MAX_ALIASES)} - {id_}))
    if _is_withdrawn(record.get("withdrawn")):
        return Read(advisories={}, withdrawn=True)
    entries, strange = _by_package(record, naming)
    found = {}
    for key, affected in entries.items():
        ranges, versions = tuple(_ranges(affected)), tuple(_versions(affected))
        if ranges or versions:
            found[key] = Advisory(
                id=id_,
                aliases=aliases,
                summary=_summary(record),
                severity=severity_of(record, affected),
                ranges=ranges,
                versions=versions,
                modified=_time(record.get("modified")),
                last_known=_last_known(affected),
            )
    return Read(advisories=found, strange=strange)


def _by_package(record: Mapping[str, Any], naming: Naming) -> tuple[dict[PackageKey, list[Mapping[str, Any]]], int]:
    """The entries about packages of the ecosystem, together for each package; how many of these names can be none.

    An entry without a package is about commits of a repository.
    """
    found: dict[PackageKey, list[Mapping[str, Any]]] = {}
    strange = set()
    for entry in _list(record, "affected"):
        package = entry.get("package") if isinstance(entry, dict) else 0
        if package is None:
            continue
        names = (package.get("ecosystem"), package.get("name")) if isinstance(package, dict) else (None, None)
        ecosystem, name = (text if isinstance(text, str) and text else None for text in names)
        if ecosystem is None or name is None:
            message = "an affected package has no ecosystem and name"
            raise Broken(message)
        if ecosystem.partition(":")[0] == naming.osv:
            key, possible = naming.key(name)
            found.setdefault(key, []).append(entry)
            if not possible:
                strange.add(key)
    return found, len(strange)


def _ranges(affected: Iterable[Mapping[str, Any]]) -> Iterator[Range]:
    count = 0
    for entry in affected:
        for range_ in _list(entry, "ranges"):
            kind = range_.get("type") if isinstance(range_, dict) else None
            if kind not in {"SEMVER", "ECOSYSTEM", "GIT"}:
                message = f"a range of the type {str(kind)[:40]!a}"
                raise Broken(message)
            if kind != "GIT":
                events = tuple(_events(range_))
                count += len(events)
                if count > MAX_EVENTS:
                    message = f"more than {MAX_EVENTS} events about one package"
                    raise Broken(message)
                yield Range(type=kind, events=events)


def _events(range_: Mapping[str, Any]) -> Iterator[tuple[EventKind, str]]:
    """The events in their order. A range that begins nowhere would affect nothing, which nobody publishes an advisory for."""
    events = _list(range_, "events")
    if not any(isinstance(event, dict) and "introduced" in event for event in events):
        message = "a range without an introduced event"
        raise Broken(message)
    for event in events:
        if not isinstance(event, dict) or not event:
            message = "an event of a range is no JSON object"
            raise Broken(message)
        for word, version in event.items():
            kind = _KINDS.get(word)
            if kind is None or not isinstance(version, str) or not _VERSION.fullmatch(version):
                message = f"an event {str(word)[:40]!a} with {str(version)[:40]!a}"
                raise Broken(message)
            yield kind, version


def _versions(affected: Iterable[Mapping[str, Any]]) -> list[str]:
    versions = dict.fromkeys(version for entry in affected for version in _list(entry, "versions", MAX_VERSIONS))
    if len(versions) > MAX_VERSIONS or not all(isinstance(version, str) and _VERSION.fullmatch(version) for version in versions):
        message = "a version that is no text"
        raise Broken(message)
    return list(versions)


def _list(place: Mapping[str, Any], key: str, most: int | None = None) -> list[Any]:
    """The list under a key, empty where there is none."""
    value = place.get(key)
    if value is None:
        return []
    if not isinstance(value, list) or (most is not None and len(value) > most):
        message = f"{key!r} is no list" if not isinstance(value, list) else f"{key!r} has more than {most} entries"
        raise Broken(message)
    return value


def _id(value: object, what: str) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value):
        message = f"{what} is missing, or no text of visible characters"
        raise Broken(message)
    return value


def _is_withdrawn(value: object) -> bool:
    if value is not None and _time(value) is None:
        message = "the time at which it was withdrawn is none"
        raise Broken(message)
    return value is not None


def _time(value: object) -> datetime | None:
    """RFC 3339; None for what is no time."""
    try:
        when = datetime.fromisoformat(value) if isinstance(value, str) else None
        return None if when is None or when.tzinfo is None else when.astimezone(UTC).replace(microsecond=0)
    except (ValueError, OverflowError):
        return None


def _summary(record: Mapping[str, Any]) -> str:
    """One line: the summary, or else how the details begin (PyPA's records have only those)."""
    text = next((text for key in ("summary", "details") if isinstance(text := record.get(key), str) and text.strip()), "")
    line = " ".join(text[: 4 * MAX_SUMMARY].split())
    return line if len(line) <= MAX_SUMMARY else f"{line[: MAX_SUMMARY - 1].rstrip()}…"


def _last_known(affected: Iterable[Mapping[str, Any]]) -> str:
    """What GitHub's records say where no version is fixed: https://github.com/github/advisory-database. With a fix nobody needs it."""
    said = (
        entry.get("database_specific")
        for entry in affected
        if "fixed" not in {kind for range_ in _ranges([entry]) for kind, _ in range_.events}
    )
    texts = (one.get("last_known_affected_version_range") for one in said if isinstance(one, dict))
    return ", ".join(dict.fromkeys(" ".join(text.split()) for text in texts if isinstance(text, str)))[:MAX_LAST_KNOWN]
