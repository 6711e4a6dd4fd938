"""Names, digests and versions: the smallest words.

Names that prove something are only made by the function that checks it: a `PackageKey` and a `Version` by an ecosystem,
a `Sha256` by `sha256_hex`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NewType, Self, TypeAlias

FeedName = NewType("FeedName", str)
PackageKey = NewType("PackageKey", str)
"""A package name after its ecosystem's normalisation: what names are compared by."""
VersionKey = NewType("VersionKey", str)
"""A version after its ecosystem's normalisation: what versions are compared by."""
CommitId = NewType("CommitId", str)
BlobId = NewType("BlobId", str)
Sha256 = NewType("Sha256", str)
"""64 lower-case hexadecimal digits."""

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | int | float | bool | None"
"""A JSON value (RFC 8259)."""


def sha256_hex(text: str) -> Sha256:
    """The text as a SHA-256 digest, in lower case; ValueError if it is none."""
    if not re.fullmatch(r"[0-9a-fA-F]{64}", text):
        message = f"{text[:80]!r} is not a SHA-256 digest (64 hexadecimal digits)"
        raise ValueError(message)
    return Sha256(text.lower())


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """Something wrong in a file of the declaration: where, what was found, what was expected."""

    path: str
    line: int
    key: str
    found: str
    expected: str

    def __str__(self) -> str:
        key = f"{self.key}: " if self.key else ""
        found = f"found {self.found}, " if self.found else ""
        return f"{self.path}:{self.line}: {key}{found}expected {self.expected}"


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Identity:
    """One version of one package in one feed, normalised: what an approval's path means."""

    feed: FeedName
    package: PackageKey
    version: VersionKey


@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """A parsed version. Equal versions have equal keys; `order` compares within one ecosystem only."""

    key: VersionKey
    text: str
    prerelease: bool
    order: Any = field(repr=False)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __lt__(self, other: Self) -> bool:
        return bool(self.order < other.order)
