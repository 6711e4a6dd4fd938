"""Versions of npm packages: strict SemVer, https://semver.org/spec/v2.0.0.html, as node-semver reads it.

A leading `v` or `=` is let pass, as `npm publish` lets it. The key leaves build metadata out: SemVer gives it no precedence, and the
registry drops it. Numbers are bounded as JavaScript's are, since a client could not tell larger ones apart. No library is used: of
those for Python that are kept up, none reads node's ranges, and a version is the smaller half of that.
"""

from __future__ import annotations

import re
from typing import Final, TypeAlias

from reconciler.model.words import Version, VersionKey

MAX_LENGTH: Final = 256
MAX_NUMBER: Final = 2**53 - 1
"""Both are node-semver's bounds."""

_NUMBER: Final = r"(?:0|[1-9][0-9]*+)"
_LABEL: Final = rf"(?:[0-9]*[A-Za-z-][0-9A-Za-z-]*+|{_NUMBER})"
_VERSION: Final = re.compile(
    rf"[=v]*+\s*+v?(?P<core>{_NUMBER}\.{_NUMBER}\.{_NUMBER})(?:-(?P<labels>{_LABEL}(?:\.{_LABEL})*+))?(?:\+[0-9A-Za-z-]++(?:\.[0-9A-Za-z-]++)*+)?",
    re.ASCII,
)

Labels: TypeAlias = tuple[tuple[int, int, str], ...]
Precedence: TypeAlias = tuple[int, int, int, Labels]
"""Major, minor, patch, and labels such that tuples compare as SemVer's section 11 says."""

STABLE: Final[Labels] = ((2, 0, ""),)
"""In place of labels, after all of them."""


def parse_version(text: str, /) -> Version:
    """A version of SemVer; ValueError for everything else. `text` of the result is without prefix and blanks."""
    stripped = text.strip()
    match = _VERSION.fullmatch(stripped) if len(text) <= MAX_LENGTH else None
    if match is None:
        message = f"{text[:80]!a} is no SemVer version: expected MAJOR.MINOR.PATCH, then perhaps -PRERELEASE"
        raise ValueError(message)
    major, minor, patch = map(int, match["core"].split("."))
    labels = match["labels"] or ""
    return Version(
        key=VersionKey(match["core"] + (f"-{labels}" if labels else "")),
        text=stripped[match.start("core") :],
        prerelease=bool(labels),
        order=precedence((major, minor, patch), labels),
    )


def precedence(numbers: tuple[int, int, int], labels: str) -> Precedence:
    """What versions are compared by; `labels` is what stands behind the hyphen. ValueError for numbers that are too large."""
    if max(numbers) > MAX_NUMBER:
        message = f"a version with the number {max(numbers)} in it: at most {MAX_NUMBER} is understood"
        raise ValueError(message)
    return (*numbers, tuple(map(_label, labels.split("."))) if labels else STABLE)


def _label(label: str) -> tuple[int, int, str]:
    return (0, int(label), "") if label.isdigit() else (1, 0, label)
