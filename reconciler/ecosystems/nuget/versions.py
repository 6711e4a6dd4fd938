"""NuGet versions and version ranges.

Rules: https://learn.microsoft.com/en-us/nuget/concepts/package-versioning. The library `univers` is not used for them: its
NugetVersion takes "v1.0" and numbers over 2^31-1, refuses labels such as "beta.01", orders labels over 2^31-1 as numbers, takes
two versions that differ by build metadata for equal but hashes them differently; its range class follows Maven and
cannot read "1.0" (at least 1.0), "(, )" or "1.*". What is needed is short, and is tested against NuGet's own tables.

Keys are normalised versions as addresses use them: three numbers, a fourth unless it is 0, no leading zeros, labels in lower case,
no build metadata. NuGet takes a few versions with different keys for equal (labels "1" and "01"); ranges follow it, while `order`
goes on to compare keys, so that it agrees with equality.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from reconciler.model.words import Version, VersionKey

MAX_VERSION_LENGTH: Final = 256
"""nuget.org accepts 64; this only bounds the work."""

_MAX_NUMBER: Final = 2**31 - 1
_SPACE: Final = " \t\r\n"
_LABELS: Final = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_VERSION: Final = re.compile(rf"([0-9 \t\r\n.]+)(?:-({_LABELS}))?(?:\+({_LABELS}))?")
_NUMBER: Final = re.compile(r"[ \t\r\n]*([0-9]+)[ \t\r\n]*")
_INTEGER_LABEL: Final = re.compile(r"-?[0-9]+")
_FLOATING: Final = re.compile(r"((?:[0-9]+\.){0,3}\*|[0-9]+(?:\.[0-9]+){0,3})(?:-([0-9A-Za-z.-]*)\*)?")

Label: TypeAlias = tuple[int, int, str]
Precedence: TypeAlias = tuple[tuple[int, ...], bool, tuple[Label, ...]]
"""What NuGet compares: four numbers, whether it is stable, its labels."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Parts:
    numbers: tuple[int, ...]
    """Always four."""
    labels: str
    build: str

    def normalized(self) -> str:
        """NuGet's normalised form: without build metadata, labels as spelled."""
        numbers = self.numbers if self.numbers[3] else self.numbers[:3]
        return ".".join(map(str, numbers)) + (f"-{self.labels}" if self.labels else "")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Bound:
    text: str
    """Normalised; with its `*` if it floats."""
    precedence: Precedence


@dataclass(frozen=True, kw_only=True, slots=True)
class _Range:
    lower: _Bound | None
    upper: _Bound | None
    lower_included: bool
    upper_included: bool

    def normalized(self) -> str:
        """Interval notation; one version alone is `[1.0.0]`."""
        if self.lower is not None and self.lower == self.upper and self.lower_included and self.upper_included:
            return f"[{self.lower.text}]"
        lower = self.lower.text if self.lower is not None else ""
        upper = self.upper.text if self.upper is not None else ""
        return f"{'[' if self.lower_included else '('}{lower}, {upper}{']' if self.upper_included else ')'}"


def parse_version(text: str, /) -> Version:
    """A version of one to four numbers, labels and build metadata. ValueError for what NuGet does not take either.

    Space around the numbers is allowed, as in NuGet, and left out of `text`.
    """
    parts = _parts(text)
    key = VersionKey(parts.normalized().lower())
    return Version(key=key, text="".join(text.split()), prerelease=bool(parts.labels), order=(_precedence(parts), key))


def display_version(text: str) -> str:
    """The version as registration pages spell it: normalised, with build metadata, case kept."""
    parts = _parts(text)
    return parts.normalized() + (f"+{parts.build}" if parts.build else "")


def contains(version_range: str, version: Version, /) -> bool:
    """Whether NuGet accepts the version for the range: "1.0" means at least 1.0, "" and "(, )" any, "1.*" at least 1.0.

    A floating range restricts what is *chosen*, not what is accepted; prereleases are inside wherever they compare inside.
    """
    if not version_range.strip(_SPACE):
        return True
    parsed = _range(version_range)
    found: Precedence = version.order[0]
    if parsed.lower is not None and (found < parsed.lower.precedence or (found == parsed.lower.precedence and not parsed.lower_included)):
        return False
    return parsed.upper is None or found < parsed.upper.precedence or (found == parsed.upper.precedence and parsed.upper_included)


def normalize_range(version_range: str) -> str:
    """The range in interval notation ("1.0" is "[1.0.0, )"). ValueError for what is no range; "" is none here."""
    return _range(version_range).normalized()


def _parts(text: str) -> _Parts:
    match = _VERSION.fullmatch(text.strip(_SPACE)) if len(text) <= MAX_VERSION_LENGTH else None
    numbers = [_NUMBER.fullmatch(number) for number in match.group(1).split(".")] if match is not None else []
    values = tuple(int(number.group(1)) for number in numbers if number is not None)
    if match is None or len(values) != len(numbers) or len(values) > 4 or max(values) > _MAX_NUMBER:  # noqa: PLR2004 - numbers of a version
        message = f"{text[:80]!a} is no NuGet version: expected one to four numbers up to {_MAX_NUMBER}, then -labels, then +metadata"
        raise ValueError(message)
    return _Parts(numbers=(*values, 0, 0, 0)[:4], labels=match.group(2) or "", build=match.group(3) or "")


def _precedence(parts: _Parts) -> Precedence:
    labels = parts.labels.split(".") if parts.labels else []
    return (parts.numbers, not labels, tuple(map(_label, labels)))


def _label(label: str) -> Label:
    """Numbers before words, words without case; what does not fit .NET's int is a word, and "-5" is a number."""
    if _INTEGER_LABEL.fullmatch(label) and -_MAX_NUMBER - 1 <= int(label) <= _MAX_NUMBER:
        return (0, int(label), "")
    return (1, 0, label.upper())


def _range(text: str) -> _Range:
    stripped = text.strip(_SPACE)
    return _short(stripped) if len(stripped) <= 2 * MAX_VERSION_LENGTH else _read(stripped)


def _read(stripped: str) -> _Range:
    try:
        return _interval(stripped) if stripped[:1] in ("[", "(") else _at_least(stripped)
    except ValueError as error:
        message = f"{stripped[:80]!a} is no NuGet version range: {error}"
        raise ValueError(message) from error


_short: Final = lru_cache(maxsize=4096)(_read)
"""Blanks may fill a megabyte, which nobody wants to keep."""


def _at_least(text: str) -> _Range:
    return _Range(lower=_lower(text), upper=None, lower_included=True, upper_included=False)


def _interval(text: str) -> _Range:
    if text[-1] not in ("]", ")"):
        message = "the closing bracket is missing"
        raise ValueError(message)
    opened, closed = text[0] == "[", text[-1] == "]"
    ends = [end.strip(_SPACE) for end in text[1:-1].split(",")]
    if len(ends) == 1:
        if not (opened and closed):
            message = "one version alone stands in square brackets"
            raise ValueError(message)
        exact = _exact(ends[0])
        return _Range(lower=exact, upper=exact, lower_included=True, upper_included=True)
    if len(ends) != 2:  # noqa: PLR2004 - an interval has two ends
        message = "an interval has two ends"
        raise ValueError(message)
    lower = _lower(ends[0]) if ends[0] else None
    upper = _exact(ends[1]) if ends[1] else None
    if lower is not None and upper is not None:
        _check_ends(lower.precedence, upper.precedence, half_open=opened != closed)
    return _Range(lower=lower, upper=upper, lower_included=opened and lower is not None, upper_included=closed and upper is not None)


def _check_ends(lower: Precedence, upper: Precedence, *, half_open: bool) -> None:
    if lower > upper or (lower == upper and half_open):
        message = "its ends are in the wrong order, or exclude each other"
        raise ValueError(message)


def _exact(text: str) -> _Bound:
    parts = _parts(text)
    return _Bound(text=parts.normalized(), precedence=_precedence(parts))


def _lower(text: str) -> _Bound:
    """The lower end, which alone may float: `1.*`, `1.0.0-beta*`; it then begins where the star stands for the least."""
    floating = _FLOATING.fullmatch(text) if "*" in text and len(text) <= MAX_VERSION_LENGTH else None
    if floating is None:
        return _exact(text)
    core, labels = floating.group(1).replace("*", "0"), floating.group(2)
    if labels is not None:
        core += "-" + (labels + "0" if labels == "" or labels.endswith(".") else labels)
    return _Bound(text=text, precedence=_exact(core).precedence)
