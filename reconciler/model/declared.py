"""What the YAML of a repository says, parsed, checked and normalised: DESIGN's "declared".

The pydantic shapes of the files are in `reconciler/declare/schema.py`; these are what the rest of the program sees.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any, Final, Literal, TypeAlias

from reconciler.model.permissions import Line, Permissions
from reconciler.model.waivers import Waiver
from reconciler.model.words import BlobId, FeedName, Identity, PackageKey, Problem, Sha256

Usage: TypeAlias = Literal["proxy", "approved", "private"]
Aliens: TypeAlias = Literal["report", "quarantine"]
Closure: TypeAlias = Literal["require", "warn", "off"]
OnViolation: TypeAlias = Literal["warn", "hold", "deny"]
OnExisting: TypeAlias = Literal["alert", "unlist", "quarantine"]
ForgeKind: TypeAlias = Literal["github", "gitlab"]
WithdrawalAction: TypeAlias = Literal["unlist", "quarantine"]

FEEDS_FILE: Final = "feeds.yaml"
POLICIES_FOLDER: Final = "policies"
PERMISSIONS_FILE: Final = "policies/permissions.yaml"
FORGE_FILE: Final = "policies/forge.yaml"
WAIVERS_FOLDER: Final = "policies/waivers"
APPROVALS_FOLDER: Final = "approvals"
FEED_SCHEME: Final = "feed:"
"""Before the name of a feed of the same repository, where a connector names an upstream."""
OSV: Final = "osv.dev"
"""The well-known source of advisories: https://osv.dev."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TreeFile:
    """A file of the repository at a commit (or of the working tree); `mode` is git's: "100644", "120000" (symlink), ..."""

    path: str
    mode: str
    blob: BlobId
    data: bytes


# --- feeds.yaml ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Connector:
    """Where a proxy feed's packages come from: a URL, a folder or a well-known name; `filters` as ProGet has them."""

    upstream: str
    filters: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Feed:
    """A declared feed; `promotes_from` is empty unless it is approved, `connectors` unless it is a proxy."""

    name: FeedName
    type: str
    usage: Usage
    connectors: tuple[Connector, ...]
    promotes_from: tuple[FeedName, ...]
    where: Line
    aliens: Aliens = "report"
    """What becomes of files in the feed's folder that nobody approved or recorded."""
    dependencies: Closure = "warn"
    """What follows where no approved version satisfies a dependency of an approved one."""
    targets: tuple[str, ...] = ()
    """What dependencies are judged for, in the ecosystem's words ("net8.0", "3.11 linux_x86_64"); none: for any."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """A bound on changes of one class in one feed and pass: a count, or a share of the feed's listed versions."""

    count: int | None = None
    share: Fraction | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """`feeds.yaml`: feeds, where they are stored, under which address they are served, how much one pass may change."""

    store: str
    public_url: str
    feeds: Mapping[FeedName, Feed]
    withdrawals: Limit
    promotions: Limit | None
    advisories: str = OSV
    """Where advisories come from: a well-known name, a URL or a folder with a dump for each ecosystem."""

    def approved(self) -> dict[FeedName, Feed]:
        """The feeds that hold what was promoted."""
        return {name: feed for name, feed in self.feeds.items() if feed.usage == "approved"}


# --- policies/ ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Forge:
    """`policies/forge.yaml`: where pull requests are reviewed. `url` is the address of the REST API, `project` is "owner/name" there."""

    kind: ForgeKind
    url: str
    project: str
    where: Line


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """One rule in one file under `policies/`: where it holds, what it asks (`params`, in the shape of its rule), what follows.

    `feeds` and `packages` are patterns ("*" and "?" as in a shell); `path` names it in reports.
    """

    path: str
    rule: str
    feeds: tuple[str, ...]
    packages: tuple[str, ...]
    on_violation: OnViolation
    on_existing: OnExisting
    params: Any
    where: Line


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """`feeds.yaml` and `policies/` as one unit: what decides who may do what, and is itself changed only by who may."""

    settings: Settings
    permissions: Permissions
    policies: tuple[Policy, ...] = ()
    forge: Forge | None = None
    waivers: tuple[Waiver, ...] = ()


# --- approvals/<feed>/<package>/<version>.yaml --------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class ApprovedFile:
    """A file that was reviewed: only these bytes may enter, known by `sha256` or, for NuGet, by `content_hash`."""

    name: str
    size: int
    sha256: Sha256
    content_hash: str | None


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Endorsement:
    """`by` (a user id or an e-mail address) stands for an approval that its author was not entitled to make."""

    by: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Withdrawal:
    """A version is taken back: `unlist` advises against it (an exact pin still installs), `quarantine` makes it unavailable.

    `since` is the day from which on it should not have been used, as its author says; it decides nothing.
    """

    action: WithdrawalAction
    reason: str
    since: date | None


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Deprecation:
    """Clients are told not to use a version: why, and what to use instead ("" if nothing is named)."""

    reason: str
    use: str

    @property
    def message(self) -> str:
        """One text, for protocols that know only one."""
        reason = self.reason.rstrip()
        stop = "" if reason.endswith((".", "!", "?", ":", ";")) else "."
        return f"{reason}{stop} Use {self.use} instead." if self.use else self.reason


@dataclass(frozen=True, kw_only=True, slots=True)
class Approval:
    """The text of one approval file, checked. `source` is `from:` (None where it is left out); files are sorted by name."""

    source: FeedName | None
    reason: str
    ticket: str
    expires: date | None
    files: tuple[ApprovedFile, ...]
    endorsed: tuple[Endorsement, ...]
    required_by: tuple[str, ...] = ()
    """The packages for whose sake it was approved ("rich 15.0.0"); told, never judged."""
    withdrawn: Withdrawal | None = None
    deprecated: Deprecation | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ApprovalPath:
    """The three parts of an approval's path, decoded and as spelled there; not normalised."""

    feed: FeedName
    package: str
    version: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DeclaredApproval:
    """An approval at its place in the repository. `source` of the approval is filled in from `promotes_from`."""

    identity: Identity
    path: str
    blob: BlobId
    package: str
    version: str
    approval: Approval


@dataclass(frozen=True, kw_only=True, slots=True)
class MalformedApproval:
    """An approval file that cannot be used; its package is frozen. The identity is known where the path can be read."""

    path: str
    identity: Identity | None
    problems: tuple[Problem, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Approvals:
    """All of `approvals/` at a commit. `found` is False where there is no such folder at all."""

    found: bool
    valid: Mapping[Identity, DeclaredApproval]
    malformed: tuple[MalformedApproval, ...]

    def frozen(self) -> frozenset[tuple[FeedName, PackageKey]]:
        """Packages that must stay as they are, since something about them cannot be read."""
        return frozenset((m.identity.feed, m.identity.package) for m in self.malformed if m.identity is not None)
