"""A new approval: what the proxy feed has, fetched, digested, inspected, and written down for review.

The file says what was seen: every file of the version with size and digest. What is reviewed is therefore what may enter, whatever
the upstream does afterwards. Nothing is executed or unpacked; the archive's own words decide the spelling of name and version.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from tempfile import TemporaryFile

from reconciler.declare.paths import approval_path
from reconciler.ecosystems.integrity import matches_integrity
from reconciler.ecosystems.interface import Ecosystem
from reconciler.errors import ContentMismatch, NotFound, Refused, Unreachable
from reconciler.model.declared import Approval, ApprovedFile, DeclaredApproval, Feed
from reconciler.model.packages import Dependency, Inspection, Release, RemoteFile, Traits
from reconciler.model.patterns import matching
from reconciler.model.plan import Absent, Availability, Found, Waiting
from reconciler.model.words import FeedName, Identity
from reconciler.observe.upstreams import Upstream
from reconciler.stores.spool import spooling

MAX_PACKAGE_BYTES = 4 << 30
MAX_FILE_NAME = 240
"""Characters: file systems take 255, and what lies beside a file has a longer name than it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What somebody wants to approve. `version` None: the newest stable listed one. `patterns` choose files; none: all of them.

    `extras` are those of the package that are wanted with it, which matters for its dependencies only.
    """

    package: str
    version: str | None
    patterns: tuple[str, ...]
    unlisted: bool
    extras: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """An approval to write: its place, its content, and what inspecting the archives told of it.

    `dependencies` are those of all its files together, `traits` of each by name.
    """

    path: str
    identity: Identity
    package: str
    version: str
    files: tuple[ApprovedFile, ...]
    inspection: Inspection
    release: Release
    skipped: tuple[str, ...]
    dependencies: tuple[Dependency, ...]
    traits: Mapping[str, Traits]

    @property
    def frameworks(self) -> tuple[str, ...]:
        """As in `Traits`, of all its files."""
        return tuple(dict.fromkeys(framework for traits in self.traits.values() for framework in traits.frameworks))


def choose(request: Request, answer: Availability, *, source: FeedName, ecosystem: Ecosystem) -> tuple[Found, Release]:
    """The release that is meant; NotFound, Refused or Unreachable with what to do where there is none."""
    if isinstance(answer, Waiting):
        message = f"{source} does not answer: {answer.reason}"
        raise Unreachable(message, remedy="try again later")
    if isinstance(answer, Absent):
        message = f"{source} does not have {request.package}: {answer.reason}"
        raise NotFound(message, remedy="check the spelling, and the filters of the feed's connectors")
    release = _named(request, answer, ecosystem) if request.version else _newest(request, answer)
    if not release.listed and not request.unlisted:
        reason = next((f.yanked for f in release.files if f.yanked), "no reason is given")
        message = f"{answer.listing.name} {release.version.text} is yanked or unlisted upstream: {reason}"
        raise Refused(message, remedy="choose another version, or say --allow-unlisted if you mean this one")
    return answer, release


def _named(request: Request, found: Found, ecosystem: Ecosystem) -> Release:
    try:
        wanted = ecosystem.parse_version(request.version or "")
    except ValueError as error:
        message = f"{request.version!r} is no version: {error}"
        raise NotFound(message) from error
    release = next((r for r in found.listing.releases if r.version == wanted), None)
    if release is None:
        near = ", ".join(r.version.text for r in found.listing.releases[-5:])
        message = f"{found.listing.name} has no version {request.version}"
        raise NotFound(message, remedy=f"the newest are {near}" if near else "")
    return release


def _newest(request: Request, found: Found) -> Release:
    listed = [r for r in found.listing.releases if r.listed and not r.version.prerelease]
    if not listed:
        message = f"{found.listing.name} has no stable, listed version"
        raise NotFound(message, remedy=f"name a version: {request.package}@VERSION")
    return listed[-1]


def propose(feed: Feed, request: Request, release: Release, upstream: Upstream, ecosystem: Ecosystem) -> Proposal:
    """Fetches and inspects the files of a release; ContentMismatch if they disagree with the index or with each other."""
    chosen = chosen_files(release, request.patterns)
    if not chosen:
        message = f"no file of {request.package} {release.version.text} matches {', '.join(request.patterns) or 'anything'}"
        raise NotFound(message, remedy=f"its files: {', '.join(f.name for f in release.files[:10])}")
    examined = [_examine(file, release, upstream, ecosystem) for file in sorted(chosen, key=lambda f: f.name)]
    key = ecosystem.normalize_name(request.package)
    for approved, inspection in examined:
        if ecosystem.normalize_name(inspection.name) != key:
            message = f"{approved.name} says that it is {inspection.name}, not {request.package}"
            raise ContentMismatch(message)
        if len(approved.name) > MAX_FILE_NAME:
            message = f"{approved.name} cannot be approved: its name has more than the {MAX_FILE_NAME} characters that feed storage takes"
            raise Refused(message)
    first = examined[-1][1]  # of a version with sdist and wheels the wheel: its metadata is what installers read
    return Proposal(
        path=_path(feed, first),
        identity=Identity(feed=feed.name, package=key, version=release.version.key),
        package=first.name,
        version=first.version.text,
        files=tuple(approved for approved, _ in examined),
        inspection=first,
        release=release,
        skipped=tuple(f.name for f in release.files if f not in chosen),
        dependencies=tuple(dict.fromkeys(one for _, inspection in examined for one in inspection.dependencies)),
        traits={approved.name: inspection.traits for approved, inspection in examined},
    )


def chosen_files(release: Release, patterns: Iterable[str]) -> list[RemoteFile]:
    """The files of a release that one of the patterns matches; without patterns all of them."""
    wanted = tuple(patterns)
    return [file for file in release.files if not wanted or matching(wanted, file.name) is not None]


def _path(feed: Feed, inspection: Inspection) -> str:
    try:
        return approval_path(feed.name, inspection.name, inspection.version.text)
    except ValueError as error:
        message = f"{inspection.name} {inspection.version.text} cannot be approved: no path stands for it: {error}"
        raise Refused(message) from error


def _examine(file: RemoteFile, release: Release, upstream: Upstream, ecosystem: Ecosystem) -> tuple[ApprovedFile, Inspection]:
    with spooling(file.name, file.size), TemporaryFile() as sink:
        got = upstream.fetch(file, sink, max_bytes=min(file.size or MAX_PACKAGE_BYTES, MAX_PACKAGE_BYTES))
        if file.sha256 is not None and got.sha256 != file.sha256:
            message = f"{file.name}: its index announces sha256 {file.sha256}, its bytes have {got.sha256}"
            raise ContentMismatch(message)
        sink.seek(0)
        if file.integrity is not None and matches_integrity(file.integrity, sink) is False:
            message = f"{file.name}: its bytes (sha256 {got.sha256}) do not have the digest that its index announces: {file.integrity}"
            raise ContentMismatch(message)
        sink.seek(0)
        inspection = ecosystem.inspect(file.name, sink)
    if inspection.version != release.version:
        message = f"{file.name} says that it is version {inspection.version.text}, its index says {release.version.text}"
        raise ContentMismatch(message)
    approved = ApprovedFile(name=file.name, size=got.size, sha256=got.sha256, content_hash=inspection.content_hash)
    vouching = tuple(sorted({*inspection.traits.provenance, *file.provenance}))
    return approved, replace(inspection, companions={}, traits=replace(inspection.traits, provenance=vouching))


def require_new(proposal_of: Identity, spelled: str, declared: Iterable[DeclaredApproval]) -> None:
    """Refused if an approval of this version is there already, however it is spelled."""
    for other in declared:
        if other.identity == proposal_of:
            message = f"{other.package} {other.version} is approved already: {other.path}"
            if spelled != other.package:
                message += f" ({spelled!r} is the same package: names are compared after normalisation)"
            raise Refused(message, remedy="`git log` of this file says who approved it")


def approval_of(proposal: Proposal, *, source: FeedName, reason: str, ticket: str, required_by: tuple[str, ...] = ()) -> Approval:
    """The approval as it will be written; what is approved for the sake of others says so."""
    files = tuple(sorted(proposal.files))
    told = f"needed by {required_by[0]}: {reason}" if required_by else reason
    return Approval(source=source, reason=told, ticket=ticket, expires=None, files=files, endorsed=(), required_by=required_by)
