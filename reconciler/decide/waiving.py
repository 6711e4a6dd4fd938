"""Which waiver covers what a rule says of a version; pure.

A waiver never reaches further than it is written: its rule, its feeds, its package (compared after normalisation), its versions, its
id where it names one, and only before its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import Final

from reconciler.decide.rules.interface import Subject
from reconciler.model.patterns import matching
from reconciler.model.verdicts import Judgement
from reconciler.model.waivers import Waivable, Waiver
from reconciler.model.words import PackageKey

LONGEST: Final = timedelta(days=366)
"""How far ahead a waiver may end: an exception that nobody looks at again is a rule of its own."""

NOTHING: Final = timedelta(0)


def waiver_for(judgement: Judgement, subject: Subject, waivers: Iterable[Waiver], waivable: Callable[[str], Waivable]) -> Waiver | None:
    """The waiver that covers a verdict, of several the one that ends last; None if none does. Those that do not hold (`holds`) must be left
    out before."""
    found = [
        waiver
        for waiver in waivers
        if waiver.rule == judgement.rule and _names(waiver, judgement, waivable(judgement.rule)) and concerns(waiver, subject)
    ]
    return max(found, key=lambda waiver: waiver.expires, default=None)


def ends(waiver: Waiver) -> datetime:
    """The first instant at which it does not hold any more (aware UTC)."""
    return datetime.combine(waiver.expires, time(), UTC)


def begins(waiver: Waiver) -> datetime:
    """The first instant at which its end is near enough that it holds (aware UTC): mostly long ago."""
    end = ends(waiver)
    return end - min(LONGEST, end - datetime.min.replace(tzinfo=UTC))


def holds(waiver: Waiver, now: datetime) -> bool:
    """Whether it holds at an instant: it has not ended, and does not end more than a year later."""
    return NOTHING < ends(waiver) - now <= LONGEST


def concerns(waiver: Waiver, subject: Subject) -> bool:
    """Whether a version is among those that it is about, whatever a rule says of it."""
    language = subject.language
    if subject.version is None or language is None:
        return False
    try:
        if _key(language.normalize_name, waiver.package) != subject.package or matching(waiver.feeds, subject.feed) is None:
            return False
        if waiver.range:
            return language.contains(waiver.range, subject.version)
        return any(language.parse_version(text) == subject.version for text in waiver.versions)
    except ValueError:
        return False  # it is in the words of another ecosystem


@lru_cache(maxsize=10_000)
def _key(normalize: Callable[[str], PackageKey], package: str) -> PackageKey:
    """The name as names are compared: every verdict of a pass is compared with the same few waivers."""
    return normalize(package)


def _names(waiver: Waiver, judgement: Judgement, waivable: Waivable) -> bool:
    """Whether it is about what the rule says: by its id, or as a whole where the rule admits that."""
    if waiver.id:
        return waivable in {"by id", "either"} and waiver.id.casefold() in {one.casefold() for one in judgement.verdict.ids}
    return waivable in {"whole", "either"}
