"""A plan as data: changes, access, holds, drift; and what became of it. The JSON of it is a contract (`reconciler/show/contract.py`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, TypeAlias

from reconciler.model.advisories import Snapshot
from reconciler.model.declared import ApprovedFile, DeclaredApproval, Rules
from reconciler.model.events import Commit, Named
from reconciler.model.findings import Cure, Finding, WaiverUse
from reconciler.model.packages import Listing, PublishedPackage, Release, Traits
from reconciler.model.permissions import Line, Task
from reconciler.model.proofs import NO_GROUNDS, Grounds
from reconciler.model.reanchored import Reanchored
from reconciler.model.verdicts import Judgement
from reconciler.model.words import CommitId, FeedName, Identity, PackageKey

ChangeKind: TypeAlias = Literal["quarantine", "unlist", "repair", "promote", "extend", "adopt", "release", "relist", "mark"]
ORDER: Final[tuple[ChangeKind, ...]] = ("quarantine", "unlist", "repair", "promote", "extend", "adopt", "release", "relist", "mark")
"""The order in which apply carries changes out: what takes away comes first."""
TAKES_BACK: Final[frozenset[ChangeKind]] = frozenset({"quarantine", "unlist"})
BRINGS_BYTES: Final[frozenset[ChangeKind]] = frozenset({"promote", "repair", "extend"})

HoldKind: TypeAlias = Literal["authority", "rule", "time", "upstream", "closure", "malformed", "limit"]
DriftKind: TypeAlias = Literal["orphan", "alien", "missing", "differing", "pages"]
Outcome: TypeAlias = Literal["done", "changes", "invalid", "held", "waiting", "partial", "limit", "integrity"]


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Dependent:
    """A listed version that no listed version satisfies any more: it `needs` a package in a `range`, as it writes both."""

    package: str
    version: str
    needs: str
    range: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """Something that apply will do to one version in one feed, on whose word and why.

    `release` is what the upstream announces, where bytes or marks are taken from it. `deprecated` is the approval's own word to
    clients (None: none). `dependents` lose their last candidate by it. New files were judged by `traits`, all by the advisories `snapshot`.
    """

    kind: ChangeKind
    declared: DeclaredApproval
    source: FeedName
    files: tuple[ApprovedFile, ...]
    author: Named
    approvers: tuple[Named, ...]
    landing: Commit
    author_commit: Commit
    release: Release | None
    upstream: str
    """Which connector the bytes come from, as feeds.yaml writes it; "" where none are needed."""
    reason: str
    grounds: Grounds = NO_GROUNDS
    deprecated: str | None = None
    dependents: tuple[Dependent, ...] = ()
    judgements: tuple[Judgement, ...] = ()
    """What the policies say of the version, worst first."""
    snapshot: str = ""
    traits: Mapping[str, Traits] = field(default_factory=dict)
    relies_on: tuple[tuple[Identity, ...], ...] = ()
    """Versions that other changes let in, of each group of which one must come about, or this does not, either."""

    @property
    def identity(self) -> Identity:
        """The version that it is about."""
        return self.declared.identity


@dataclass(frozen=True, kw_only=True, slots=True)
class Eviction:
    """A file without approval and record that is taken out of a feed and kept aside (`aliens: quarantine` in feeds.yaml)."""

    feed: FeedName
    file: Stranger
    where: Line


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessChange:
    """A right that a user ("everyone", "anonymous" included) gains or loses; `line` decides it ("" where nothing does)."""

    change: Literal["grant", "revoke"]
    user: str
    task: Task
    feeds: tuple[FeedName, ...]
    line: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold:
    """Something declared that is not carried out: why, and what would cure it. Feed, package and version are "" for rule files."""

    feed: str
    package: str
    version: str
    kind: HoldKind
    rule: str
    reason: str
    remedy: str
    path: str
    line: int
    waiting: bool = False
    """Whether an upstream has not answered: asking again later may be all it takes."""
    integrity: bool = False
    """Whether the upstream has other bytes than were approved."""
    cure: Cure | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Drift:
    """A published state that no record, or no approval, explains."""

    kind: DriftKind
    feed: str
    package: str
    version: str
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What a pass would do, sorted. `digest` covers everything but the clock."""

    commit: CommitId
    rules: Rules
    clock: datetime
    valid_until: datetime | None
    digest: str
    outcome: Outcome
    changes: tuple[Change, ...]
    access: tuple[AccessChange, ...]
    holds: tuple[Hold, ...]
    drift: tuple[Drift, ...]
    evictions: tuple[Eviction, ...] = ()
    reanchored: tuple[Reanchored, ...] = ()
    """Of all its feeds: that somebody broke with the history they were applied in is never forgotten."""
    alerts: tuple[Finding, ...] = ()
    """Rules that what is published breaks, worst first."""
    warnings: tuple[Finding, ...] = ()
    """What rules have to say of what is let in or published, and stops nothing; worst first."""
    waivers: tuple[WaiverUse, ...] = ()
    snapshot: Snapshot | None = None
    """The advisories that versions were judged by; None where none were needed, or there are none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """A change that was tried and did not come about; `integrity` if the bytes were not the approved ones."""

    change: Change
    error: str
    integrity: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Applied:
    """A pass that was carried out."""

    plan: Plan
    applied: tuple[Change, ...]
    failed: tuple[Failure, ...]
    outcome: Outcome


# --- what upstream feeds have ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """The connector that owns the name, and its releases."""

    upstream: str
    listing: Listing


@dataclass(frozen=True, kw_only=True, slots=True)
class Absent:
    """No connector of the feed has the name; why."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """A connector that might own the name did not answer; why."""

    reason: str


Availability: TypeAlias = Found | Absent | Waiting
Catalog: TypeAlias = Mapping[tuple[FeedName, PackageKey], Availability]


# --- what feed storage has ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Stock:
    """What is known of one approved feed in feed storage.

    `commit` is the last applied one (None: never applied). `packages` come from the catalog. What follows is filled only when the
    storage itself was listed, apart from what the note of a pass that was stopped gives away; texts name the path that they are about.
    """

    feed: FeedName
    commit: CommitId | None
    public_url: str
    catalog: str
    packages: Mapping[PackageKey, PublishedPackage]
    damaged: Mapping[Identity, tuple[str, ...]]
    """Recorded versions with files or companions that are not where they belong."""
    strangers: tuple[Stranger, ...]
    """Files that nothing records."""
    differing: Mapping[Identity, tuple[str, ...]] = field(default_factory=dict)
    """Recorded versions with files or companions that have other bytes than recorded."""
    exposed: frozenset[Identity] = frozenset()
    """Versions that are recorded as quarantined, yet lie where clients can read them."""
    edited: frozenset[str] = frozenset()
    """Paths of pages that are not as they were written, or not there; none that a stopped pass may have written."""
    reanchored: tuple[Reanchored, ...] = ()
    """Each time that its ledger was anchored to another history, the last one last."""
    unapplied: bool = False
    """Whether nothing was ever applied of the history that it was anchored to last."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stranger:
    """A file in a feed's folder that no record explains, with what its place says it is; `sha256` is of its bytes.

    `content_hash` is the archive's own (`Inspection.content_hash`), None where it cannot be read. A file where no package file
    belongs is `junk`: its package and version are "".
    """

    path: str
    package: PackageKey
    version: str
    file: str
    sha256: str
    content_hash: str | None = None

    @property
    def junk(self) -> bool:
        """Whether its place says nothing of a package."""
        return not self.package
