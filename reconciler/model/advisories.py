"""Advisories: what databases know of versions of packages that should not be used (https://ossf.github.io/osv-schema/).

An `Advisory` is what one record says about one package; records that name each other as aliases are merged when they are matched.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias

from reconciler.model.words import Sha256

Severity: TypeAlias = Literal["none", "low", "medium", "high", "critical"]
SEVERITIES: Final[tuple[Severity, ...]] = ("none", "low", "medium", "high", "critical")
"""From the mildest to the worst: the words of CVSS 3.1, section 5 (https://www.first.org/cvss/v3.1/specification-document)."""
EventKind: TypeAlias = Literal["introduced", "fixed", "last_affected", "limit"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """Events of one range in the record's order, as (kind, version); of the types SEMVER and ECOSYSTEM only: GIT has no versions."""

    type: str
    events: tuple[tuple[EventKind, str], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Advisory:
    """What one record says about one package. `severity` None: neither a CVSS vector nor a word that can be read.

    `last_known` is what a GHSA record without a fixed version says of the newest affected one ("<= 1.8.9"), "" for nothing.
    """

    id: str
    aliases: tuple[str, ...]
    summary: str
    severity: Severity | None
    ranges: tuple[Range, ...]
    versions: tuple[str, ...]
    modified: datetime | None = None
    last_known: str = ""

    @property
    def malware(self) -> bool:
        """Whether it says that the package was made to do harm (https://github.com/ossf/malicious-packages)."""
        return any(one.startswith("MAL-") for one in (self.id, *self.aliases))


@dataclass(frozen=True, kw_only=True, slots=True)
class Affecting:
    """Advisories that mean the same flaw, and affect a version. `ids` has that to be shown first, then the others and all aliases.

    `severity` is the worst one known; `fixed` are the versions above this one that end it, ascending, as written, `fixed_stable` the
    first of them that is no prerelease ("" for none); `unread` says which range no parser could read, so that the version is taken for
    affected ("" for none).
    """

    ids: tuple[str, ...]
    severity: Severity | None
    summary: str
    fixed: tuple[str, ...]
    malware: bool
    fixed_stable: str = ""
    last_known: str = ""
    unread: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """All advisories at one time: the digest that names it, when it was fetched (aware UTC), from where."""

    digest: Sha256
    fetched_at: datetime
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Dump:
    """What was read of the dump of one ecosystem, named as OSV names it.

    Of `records` some were `withdrawn` by their authors, and `skipped` are those that cannot be used; `notes` says of the first of them
    why. `advisories` counts an advisory about two packages twice; `strange` counts names that no package can have here.
    """

    ecosystem: str
    records: int
    advisories: int
    packages: int
    withdrawn: int
    skipped: int
    strange: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Current:
    """The snapshot that is in use, what it was made of, and the one before (None: there was none)."""

    snapshot: Snapshot
    dumps: tuple[Dump, ...]
    previous: Sha256 | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Matched:
    """What a snapshot says about a version: what affects it, worst first, and the ids (aliases too) of what it fixes."""

    snapshot: Snapshot
    affecting: tuple[Affecting, ...]
    fixes: tuple[str, ...] = ()
