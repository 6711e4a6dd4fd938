"""Marks that a registry has put on a published version since: yanked, deprecated, its signatures and tags; pure.

They are looked for when `--refresh` asks for it, never in passing: else what a feed says would depend on which other version was
promoted last. A registry that has lost the version, or is gone, changes nothing, nor does a folder, which knows of no marks; upload
times are only ever filled in, since clients' cool-downs count from them and a registry must not be able to move them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from operator import attrgetter
from typing import Final

from reconciler.decide.desired import Desired
from reconciler.model.declared import FEEDS_FILE
from reconciler.model.marks import with_marks
from reconciler.model.packages import PublishedVersion, Release
from reconciler.model.plan import Absent, Availability, Found, Hold, Waiting

REMEDY: Final = "nothing is lost: what is published stays, and the next `apply --refresh` asks again"


def new_marks(desired: Desired, published: PublishedVersion, answer: Availability | None) -> Release | Hold | None:
    """The release whose marks differ from the published ones; a hold where the registry does not answer; None for no news."""
    match answer:
        case None | Absent():
            return None
        case Waiting():
            return _unknown(desired, answer.reason)
        case Found() if not answer.listing.marks:
            return None
        case Found():
            release = next((r for r in answer.listing.releases if r.version.key == published.version.key), None)
            return release if release is not None and with_marks(published, release) != published else None


def gathered(holds: Iterable[Hold]) -> Iterator[Hold]:
    """The holds, with one for each feed in the place of all that say that marks could not be compared: they have one cause."""
    holds = tuple(holds)
    yield from (hold for hold in holds if hold.remedy != REMEDY)
    for feed, group in groupby(
        sorted((h for h in holds if h.remedy == REMEDY), key=attrgetter("feed", "package", "version")), attrgetter("feed")
    ):
        first, *others = group
        reason = f"{first.reason} (so for {first.package} {first.version} and {len(others)} more)"
        yield replace(first, feed=feed, package="", version="", reason=reason, path=FEEDS_FILE, line=1) if others else first


def _unknown(desired: Desired, reason: str) -> Hold:
    declared = desired.declared
    return Hold(
        feed=declared.identity.feed,
        package=declared.package,
        version=declared.version,
        kind="upstream",
        rule="",
        reason=f"marks could not be compared, {desired.source} does not answer: {reason}",
        remedy=REMEDY,
        path=declared.path,
        line=1,
        waiting=True,
    )
