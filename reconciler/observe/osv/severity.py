"""How bad a flaw is, in the words of CVSS: by the vectors that a record gives, else by its database's own word.

Vectors of CVSS 2, 3 and 4 (https://www.first.org/cvss/), read by the library `cvss`; the base score counts, since the rest of a vector is
about somebody's environment. Whatever is no vector and no known word says nothing: it makes no record worthless.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any, Final

from reconciler.model.advisories import SEVERITIES, Severity

MAX_VECTOR: Final = 500
"""Characters: a vector of CVSS 4 with all its metrics has about 200."""
WORDS: Final[Mapping[str, Severity]] = {
    "LOW": "low",
    "MODERATE": "medium",
    "MEDIUM": "medium",
    "HIGH": "high",
    "IMPORTANT": "high",
    "CRITICAL": "critical",
}
"""What GitHub and vendors call it."""


def severity_of(record: Mapping[str, Any], affected: Iterable[Mapping[str, Any]]) -> Severity | None:
    """The worst of what a record, and its entries about one package, say; None if they say nothing that can be read."""
    places = (record, *affected)
    return _worst(filter(None, map(_by_vector, _vectors(places)))) or _worst(_words(places))


def _worst(severities: Iterable[Severity]) -> Severity | None:
    return max(severities, key=SEVERITIES.index, default=None)


def _vectors(places: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for place in places:
        entries = place.get("severity")
        for entry in entries if isinstance(entries, list) else ():
            vector = entry.get("score") if isinstance(entry, dict) else None
            if isinstance(vector, str) and len(vector) <= MAX_VECTOR:
                yield vector


def _words(places: Iterable[Mapping[str, Any]]) -> Iterator[Severity]:
    for place in places:
        for key in ("database_specific", "ecosystem_specific"):
            details = place.get(key)
            word = details.get("severity") if isinstance(details, dict) else None
            if isinstance(word, str) and word.upper() in WORDS:
                yield WORDS[word.upper()]


@lru_cache(maxsize=8192)
def _by_vector(vector: str) -> Severity | None:
    """The word for the base score of a vector; None for what is none. Records share a few thousand vectors."""
    text = vector.strip().strip("()")
    read = next((kind for prefix, kind in _kinds().items() if text.startswith(prefix)), None)
    try:
        word = read(text).severities()[0].lower() if read else ""
    except Exception:  # noqa: BLE001 - the library also stumbles, in several ways, over what it does not refuse
        return None
    return next((severity for severity in SEVERITIES if severity == word), None)


@cache
def _kinds() -> Mapping[str, Any]:
    """What reads a vector that begins so; loaded when the first one is read."""
    from cvss import CVSS2, CVSS3, CVSS4  # type: ignore[import-untyped]  # noqa: PLC0415  # few commands read vectors

    return {"CVSS:4": CVSS4, "CVSS:3": CVSS3, "AV:": CVSS2}
