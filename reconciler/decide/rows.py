"""The row of the table for every version that is declared, recorded, or found in feed storage; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.decide.desired import DeclaredState, Desired
from reconciler.decide.table import Action, PublishedState, Relation, action_for, relation_of, same_content
from reconciler.model.declared import ApprovedFile
from reconciler.model.packages import PublishedVersion
from reconciler.model.plan import Stock, Stranger
from reconciler.model.words import FeedName, Identity, PackageKey, VersionKey


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One version with the row of the table that it falls in. `spelled` is its name for people."""

    identity: Identity
    spelled: tuple[str, str]
    desired: Desired | None
    action: Action
    files: tuple[ApprovedFile, ...]
    """The approved files that the action is about: of an extension the new ones only."""
    detail: str

    @property
    def needs_bytes(self) -> bool:
        """Whether an upstream has to be asked."""
        return self.action in {"promote", "repair", "extend"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What feed storage shows of one version. `version` is the record's (None: not recorded), `damaged` what listing found wrong."""

    package: str
    version: PublishedVersion | None
    damaged: tuple[str, ...] = ()
    strangers: tuple[Stranger, ...] = ()


def classify(
    desired: Mapping[Identity, Desired], frozen: frozenset[tuple[FeedName, PackageKey]], stocks: Mapping[FeedName, Stock]
) -> tuple[Row, ...]:
    """All rows, sorted by identity. `frozen` are packages with an approval that cannot be read."""
    seen = {identity: one for stock in stocks.values() for identity, one in _seen(stock).items()}
    nothing = Seen(package="", version=None)
    rows = []
    for identity in sorted(desired.keys() | seen.keys()):
        wanted = desired.get(identity)
        state: DeclaredState = "malformed" if (identity.feed, identity.package) in frozen else "none"
        rows.append(_row(identity, wanted, wanted.state if wanted else state, seen.get(identity, nothing)))
    return tuple(rows)


def _seen(stock: Stock) -> dict[Identity, Seen]:
    found: dict[Identity, Seen] = {}
    for package in stock.packages.values():
        for version in package.versions:
            identity = Identity(feed=stock.feed, package=package.key, version=version.version.key)
            found[identity] = Seen(package=package.name, version=version, damaged=stock.damaged.get(identity, ()))
    strangers: dict[Identity, list[Stranger]] = {}
    for stranger in stock.strangers:
        identity = Identity(feed=stock.feed, package=stranger.package, version=VersionKey(stranger.version))
        strangers.setdefault(identity, []).append(stranger)
    for identity, group in strangers.items():
        found.setdefault(identity, Seen(package=identity.package, version=None, strangers=tuple(group)))
    return found


def _row(identity: Identity, desired: Desired | None, state: DeclaredState, seen: Seen) -> Row:
    approved = desired.files if desired else ()
    relation: Relation = "same"
    if seen.version is None:
        published, detail = _unrecorded(approved, seen.strangers)
        spelled = (seen.package, str(identity.version))
    else:
        relation = relation_of(approved, seen.version.files) if desired else "same"
        published, detail = ("partial" if seen.damaged else _listed(seen.version)), "; ".join(seen.damaged)
        spelled = (seen.package, seen.version.version.text)
    if desired is not None:
        spelled = (desired.declared.package, desired.declared.version)
    action = action_for(state, published, recorded=seen.version is not None, relation=relation)
    have = {file.name for file in seen.version.files} if seen.version and action == "extend" else set()
    files = tuple(file for file in approved if file.name not in have)
    return Row(identity=identity, spelled=spelled, desired=desired, action=action, files=files, detail=detail)


def _listed(version: PublishedVersion) -> PublishedState:
    return "listed" if version.state == "listed" else "unlisted"


def _unrecorded(approved: tuple[ApprovedFile, ...], strangers: tuple[Stranger, ...]) -> tuple[PublishedState, str]:
    """What files without a record amount to: compared by their own bytes with what is approved."""
    if not strangers:
        return "absent", ""
    want = {file.name: file for file in approved}
    names = ", ".join(s.path for s in strangers)
    if any(s.file not in want or not same_content(want[s.file], s.sha256, None) for s in strangers):
        return "differing", names
    return ("listed" if len(strangers) == len(want) else "partial"), names
