"""pylock.toml: the lock file of Python's standard (https://packaging.python.org/en/latest/specifications/pylock-toml/)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.propose.locks.digests import claim_of
from reconciler.propose.locks.distributions import distributions
from reconciler.propose.locks.interface import Aside, Claim, Lock, LockError, Pin, gathered
from reconciler.propose.locks.texts import field, mapping, needed, parse_toml, tables


def read(data: bytes) -> Lock:
    """What a pylock.toml names; LockError with the place."""
    found = parse_toml(data)
    version = field(found, "lock-version", "")
    if version is None or version.partition(".")[0] != "1":
        raise LockError(place="lock-version", reason=f"found {version!r}, expected '1.0'")
    return gathered(_entries(found))


def _entries(found: Mapping[str, Any]) -> Iterator[Pin | Aside]:
    for place, package in tables(found, "packages", ""):
        name = needed(package, "name", place)
        if "directory" in package:
            yield Aside(kind="local", name=name, place=place)
        elif "vcs" in package or "archive" in package:
            yield Aside(kind="foreign", name=name, place=place)
        elif version := field(package, "version", place):
            yield Pin(name=name, version=version, place=place, claims=frozenset(_claims(package, place)))
        else:
            yield Aside(kind="unpinned", name=name, place=place)


def _claims(package: Mapping[str, Any], place: str) -> Iterator[Claim]:
    for where, name, file in distributions(package, place):
        hashes = mapping(file.get("hashes", {}), f"{where}.hashes")
        texts = {algorithm: needed(hashes, algorithm, f"{where}.hashes") for algorithm in hashes}
        if claim := claim_of(name, texts, where):
            yield claim
