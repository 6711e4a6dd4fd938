"""The versions that a lock file names, as an ecosystem compares them: each once, whatever places it is named at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reconciler.ecosystems.interface import Ecosystem
from reconciler.errors import Refused
from reconciler.model.words import PackageKey, Version, VersionKey
from reconciler.propose.locks.interface import Claim, Lock


@dataclass(frozen=True, kw_only=True, slots=True)
class Locked:
    """One version: its name as the lock file spells it first, where that is, and all that it says of its files."""

    package: PackageKey
    name: str
    version: Version
    place: str
    claims: frozenset[Claim]


def wanted(file: str, lock: Lock, ecosystem: Ecosystem) -> Sequence[Locked]:
    """By package and version; Refused, with file and place, for what is no name or version of this ecosystem."""
    found: dict[tuple[PackageKey, VersionKey], Locked] = {}
    for pin in lock.pins:
        try:
            key, version = ecosystem.normalize_name(pin.name), ecosystem.parse_version(pin.version)
        except ValueError as error:
            message = f"{file}: {pin.place}: {error}"
            raise Refused(message) from error
        new = Locked(package=key, name=pin.name, version=version, place=pin.place, claims=pin.claims)
        known = found.get((key, version.key))
        found[key, version.key] = replace(known, claims=known.claims | pin.claims) if known else new
    return sorted(found.values(), key=lambda one: (one.package, one.version))
