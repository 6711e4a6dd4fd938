"""Whether an upstream can deliver what was approved: its answer, judged against the approval; pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from reconciler.decide.desired import Desired
from reconciler.model.declared import ApprovedFile
from reconciler.model.packages import Release, RemoteFile
from reconciler.model.plan import Absent, Availability, Found, Hold, Waiting


@dataclass(frozen=True, kw_only=True, slots=True)
class Available:
    """The release to fetch from; its files are the wanted ones only."""

    release: Release
    upstream: str


def available(desired: Desired, files: tuple[ApprovedFile, ...], answer: Availability | None) -> Available | Hold:
    """The release that holds these approved files, or why there is none."""
    declared = desired.declared
    match answer:
        case None:
            return _hold(desired, "the source feed was not asked", waiting=True)
        case Waiting():
            return _hold(desired, f"{desired.source} does not answer: {answer.reason}", waiting=True)
        case Absent():
            return _hold(desired, f"{desired.source} does not have {declared.package}: {answer.reason}", waiting=False)
        case Found():
            return _from_listing(desired, files, answer)


def _from_listing(desired: Desired, files: tuple[ApprovedFile, ...], found: Found) -> Available | Hold:
    declared = desired.declared
    release = next((r for r in found.listing.releases if r.version.key == declared.identity.version), None)
    if release is None:
        return _hold(desired, f"{desired.source} does not have version {declared.version} of {declared.package}", waiting=False)
    remote = {file.name: file for file in release.files}
    missing = [file.name for file in files if file.name not in remote]
    if missing:
        return _hold(desired, f"{desired.source} does not have {', '.join(missing)}", waiting=False)
    changed = [name for file in files if (name := _contradiction(file, remote[file.name]))]
    if changed:
        return _hold(desired, f"{desired.source} now announces other content than was approved: {'; '.join(changed)}", waiting=False)
    return Available(release=replace(release, files=tuple(remote[file.name] for file in files)), upstream=found.upstream)


def _contradiction(approved: ApprovedFile, remote: RemoteFile) -> str:
    """What an index announces against an approval. A file with a content hash is only judged by its bytes: it may be re-signed."""
    if approved.content_hash is not None:
        return ""
    if remote.sha256 is not None and remote.sha256 != approved.sha256:
        return f"{approved.name} has sha256 {remote.sha256}, approved is {approved.sha256}"
    if remote.size is not None and remote.size != approved.size:
        return f"{approved.name} has {remote.size} bytes, approved are {approved.size}"
    return ""


def remedy_of(*, waiting: bool) -> str:
    """What to do where an upstream does not deliver."""
    return "nothing is lost: the next apply tries again" if waiting else "correct or withdraw the approval, or ask the upstream"


def _hold(desired: Desired, reason: str, *, waiting: bool) -> Hold:
    declared = desired.declared
    return Hold(
        feed=declared.identity.feed,
        package=declared.package,
        version=declared.version,
        kind="upstream",
        rule="",
        reason=reason,
        remedy=remedy_of(waiting=waiting),
        path=declared.path,
        line=1,
        waiting=waiting,
    )
