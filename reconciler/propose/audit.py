"""Which versions of a project a feed has approved: its lock file against the declaration, judged; pure, asks no store and no network.

What policies say of a package's content is not asked: an approval that a policy stops counts as approved here, and `plan` tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from reconciler.decide.desired import Desired, authority_holds
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.model.audits import Audited, AuditState
from reconciler.model.declared import Feed, MalformedApproval
from reconciler.model.words import Identity, PackageKey
from reconciler.propose.locks.digests import contradicted
from reconciler.propose.locks.interface import Aside
from reconciler.propose.locks.wanted import Locked

MAX_OTHERS: Final = 3
"""Approved versions of the same package that are named, the newest first."""


def audited(
    feed: Feed, locked: Iterable[Locked], desired: Mapping[Identity, Desired], malformed: Iterable[MalformedApproval]
) -> Iterator[Audited]:
    """The versions of a lock file, in their order."""
    broken = {one.identity: one for one in malformed if one.identity is not None}
    others = _approved(feed, desired)
    for one in locked:
        identity = Identity(feed=feed.name, package=one.package, version=one.version.key)
        if identity in broken:
            problems = broken[identity].problems
            yield _undeclared(one, "malformed", str(problems[0]) if problems else "it cannot be read", path=broken[identity].path)
        elif identity in desired:
            yield _declared(one, desired[identity])
        else:
            known = ", ".join(others.get(one.package, [])[-MAX_OTHERS:][::-1])
            yield _undeclared(one, "unknown", f"approved are {known}" if known else "no version of it is approved")


def audited_aside(aside: Iterable[Aside]) -> Iterator[Audited]:
    """What is no version that a feed could have; parts of the project itself are none of a feed's business."""
    reasons = {"unpinned": "it is not pinned to one version", "foreign": "it comes from an address or a repository, past all feeds"}
    for one in aside:
        if one.kind != "local":
            yield Audited(package=one.name, version=None, state=one.kind, reason=reasons[one.kind], path=None, place=one.place)


def _declared(one: Locked, desired: Desired) -> Audited:
    name, version, path = desired.declared.package, desired.declared.version, desired.declared.path

    def told(state: AuditState, reason: str) -> Audited:
        return Audited(package=name, version=version, state=state, reason=reason, path=path, place=one.place)

    match desired.state:
        case "withdrawn":
            taken = desired.withdrawn
            return told("withdrawn", taken.reason if taken else "")
        case "expired":
            return told("expired", f"the approval expired on {desired.expires:%Y-%m-%d}" if desired.expires else "")
        case "malformed":
            return told("malformed", "another approval of this package cannot be read, so all of it stays as it is")
        case "approved":
            other = contradicted(one.claims, desired.files)
            return told("differs", other) if other else told("approved", "")
        case _:
            hold = next(authority_holds(desired), None)
            return told("held", f"{hold.reason}; {hold.remedy}" if hold else "nobody entitled stands behind it")


def _undeclared(one: Locked, state: AuditState, reason: str, *, path: str | None = None) -> Audited:
    """As the lock file spells it, since no approval that can be read does."""
    return Audited(package=one.name, version=one.version.text, state=state, reason=reason, path=path, place=one.place)


def _approved(feed: Feed, desired: Mapping[Identity, Desired]) -> dict[PackageKey, list[str]]:
    """The approved versions of each package as they are written, in ascending order."""
    parse = ECOSYSTEMS[feed.type].parse_version
    found: dict[PackageKey, list[str]] = {}
    for identity, one in desired.items():
        if identity.feed == feed.name and one.state == "approved":
            found.setdefault(identity.package, []).append(one.declared.version)
    return {package: sorted(versions, key=parse) for package, versions in found.items()}
