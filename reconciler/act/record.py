"""Records of the ledger: what was done, on whose word, by which rules, from which bytes. Flat JSON, one object a change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from packageurl import PackageURL

from reconciler.model.packages import PublishedVersion
from reconciler.model.plan import AccessChange, Change, Eviction
from reconciler.model.proofs import Grounds
from reconciler.model.reanchored import Reanchored
from reconciler.model.verdicts import Judgement
from reconciler.model.words import CommitId, FeedName
from reconciler.wire import redacted


@dataclass(frozen=True, kw_only=True, slots=True)
class Applier:
    """Who runs the pass, and when (aware UTC); `accepted` is the digest of a plan whose limits somebody lifted, else ""."""

    name: str
    at: datetime
    accepted: str


def of_change(change: Change, version: PublishedVersion, *, head: CommitId, package_type: str, applier: Applier) -> dict[str, Any]:
    """The record of a change; `version` is what the feed holds after it, `head` the commit that the pass applies."""
    identity, declared = change.identity, change.declared
    approved = {file.name: file for file in (*declared.approval.files, *change.files)}
    files = [
        {
            "name": file.name,
            "size": file.size,
            "sha256": file.sha256,
            "content_hash": file.content_hash,
            "matched": "content_hash" if file.name in approved and approved[file.name].sha256 != file.sha256 else "sha256",
        }
        for file in version.files
    ]
    return {
        "change": change.kind,
        "feed": identity.feed,
        "from": change.source,
        "upstream": redacted(change.upstream),
        "package": declared.package,
        "version": declared.version,
        "identity": [identity.package, identity.version],
        "purl": purl(package_type, declared.package, declared.version),
        "state": version.state,
        "deprecated": version.deprecated,
        "files": files,
        "path": declared.path,
        "blob": declared.blob,
        "commit": change.landing.id,
        "author_commit": change.author_commit.id,
        "author": asdict(change.author),
        "approvers": [asdict(person) for person in change.approvers],
        "authored_at": time_text(change.author_commit.authored_at),
        "landed_at": time_text(change.landing.committed_at),
        **_grounds(change.grounds, change.judgements),
        "waivers": sorted({str(one.waiver) for one in change.judgements if one.waiver}),
        "advisories": change.snapshot,
        "reason": change.reason,
        "ticket": declared.approval.ticket,
        **_applied(applier, head),
    }


def _grounds(grounds: Grounds, judgements: Sequence[Judgement]) -> dict[str, Any]:
    """What entitles and proves: the line of the permissions, signatures that count, evidence by its digest; and the verdicts of rules, those
    on the people first, then those on the release."""
    return {
        "right": str(grounds.line) if grounds.line else "",
        "signatures": [
            {"commit": one.commit, "user": one.user, "key": one.fingerprint, "seen_at": time_text(one.seen_at)}
            for one in grounds.signatures
        ],
        "evidence": [
            {"sha256": one.digest(), "pull_request": one.pull_request.link if one.pull_request else ""} for one in grounds.evidence
        ],
        "verdicts": [
            {"rule": one.rule, "policy": str(one.policy), "verdict": one.level, "reason": one.verdict.reason}
            for one in (*grounds.judgements, *judgements)
        ],
    }


def of_eviction(eviction: Eviction, *, commit: CommitId, package_type: str, applier: Applier) -> dict[str, Any]:
    """The record of a file that nobody approved, taken out because feeds.yaml at the commit says so; no person asked for it by name."""
    file = eviction.file
    return {
        "change": "evict",
        "feed": eviction.feed,
        "package": file.package,
        "version": file.version,
        "purl": purl(package_type, file.package, file.version) if file.package else "",
        "files": [{"name": file.file, "sha256": file.sha256}],
        "path": file.path,
        "commit": commit,
        "line": str(eviction.where),
        **_applied(applier, commit),
    }


def of_access(feed: FeedName, rows: Sequence[AccessChange], *, commit: CommitId, applier: Applier) -> dict[str, Any]:
    """The record of rights that changed with the rules at a commit."""
    return {"change": "access", "feed": feed, "commit": commit, "access": [asdict(row) for row in rows], **_applied(applier, commit)}


def of_reanchor(anchored: Reanchored, *, head: CommitId, applier: Applier) -> dict[str, Any]:
    """The record of a feed that goes on from a commit of another history than the one it was applied in; no package changes."""
    said = {"from_commit": anchored.from_commit, "commit": anchored.commit, "shared": anchored.shared, "reason": anchored.reason}
    return {"change": "reanchor", "feed": anchored.feed, **said, "by": asdict(anchored.by), **_applied(applier, head)}


def _applied(applier: Applier, head: CommitId) -> dict[str, Any]:
    accepted = {"accepted": applier.accepted} if applier.accepted else {}
    return {"head": head, "applier": applier.name, "applied_at": time_text(applier.at), **accepted}


def purl(package_type: str, name: str, version: str) -> str:
    """The package URL (https://github.com/package-url/purl-spec); a scope or group before "/" is its namespace."""
    namespace, _, last = name.rpartition("/")
    return PackageURL(type=package_type, namespace=namespace or None, name=last, version=version).to_string()


def time_text(when: datetime) -> str:
    """RFC 3339 in UTC, whole seconds."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
