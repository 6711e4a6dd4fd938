"""uv.lock: every package of every resolution of a uv project (https://docs.astral.sh/uv/concepts/projects/layout/#the-lockfile)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from reconciler.propose.locks.digests import from_prefixed
from reconciler.propose.locks.distributions import distributions
from reconciler.propose.locks.interface import Aside, AsideKind, Claim, Lock, LockError, Pin, gathered
from reconciler.propose.locks.texts import field, mapping, needed, parse_toml, tables

_PAST_FEEDS: Final[Mapping[str, AsideKind]] = {
    "git": "foreign",
    "url": "foreign",
    "path": "local",
    "directory": "local",
    "editable": "local",
    "virtual": "local",
}


def read(data: bytes) -> Lock:
    """What a uv.lock names; LockError with the place."""
    found = parse_toml(data)
    if type(found.get("version")) is not int or found["version"] != 1:
        raise LockError(place="version", reason="expected 1, the only format of uv.lock that is known here")
    return gathered(_entries(found))


def _entries(found: Mapping[str, Any]) -> Iterator[Pin | Aside]:
    for place, package in tables(found, "package", ""):
        name = needed(package, "name", place)
        source = mapping(package.get("source"), f"{place}.source")
        kind = next((kind for key, kind in _PAST_FEEDS.items() if key in source), None)
        if kind:
            yield Aside(kind=kind, name=name, place=place)
        elif "registry" in source:
            yield Pin(name=name, version=needed(package, "version", place), place=place, claims=frozenset(_claims(package, place)))
        else:
            raise LockError(place=f"{place}.source", reason="found no source that is known here")


def _claims(package: Mapping[str, Any], place: str) -> Iterator[Claim]:
    for where, name, file in distributions(package, place):
        hash_ = field(file, "hash", where)
        if hash_ and (digest := from_prefixed(hash_, f"{where}.hash")):
            yield Claim(file=name, integrity=frozenset({digest}))
