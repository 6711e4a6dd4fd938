"""Marks that a registry has put on a published version since: yanked, deprecated, its signatures and tags; pure.

They are looked for when `--refresh` asks for it, never in passing: else what a feed says would depend on which other version was
promoted last. A registry that has lost the version, or is gone, changes nothing; upload times are only ever filled in, since
clients' cool-downs count from them and a registry must not be able to move them.
"""

from __future__ import annotations

from reconciler.decide.desired import Desired
from reconciler.model.marks import with_marks
from reconciler.model.packages import PublishedVersion, Release
from reconciler.model.plan import Absent, Availability, Found, Hold, Waiting


def new_marks(desired: Desired, published: PublishedVersion, answer: Availability | None) -> Release | Hold | None:
    """The release whose marks differ from the published ones; a hold where the registry does not answer; None for no news."""
    match answer:
        case None | Absent():
            return None
        case Waiting():
            return _unknown(desired, answer.reason)
        case Found():
            release = next((r for r in answer.listing.releases if r.version.key == published.version.key), None)
            return release if release is not None and with_marks(published, release) != published else None


def _unknown(desired: Desired, reason: str) -> Hold:
    declared = desired.declared
    return Hold(
        feed=declared.identity.feed,
        package=declared.package,
        version=declared.version,
        kind="upstream",
        rule="",
        reason=f"its marks could not be compared, {desired.source} does not answer: {reason}",
        remedy="nothing is lost: what is published stays, and the next `apply --refresh` asks again",
        path=declared.path,
        line=1,
        waiting=True,
    )
