"""The row of the table for every version that is declared, recorded, or found in feed storage; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Final

from reconciler.decide.desired import Desired
from reconciler.decide.judging import Judged
from reconciler.decide.stands import reason_of
from reconciler.decide.table import Action, DeclaredState, PublishedState, Taking, action_for, relation_of, same_content
from reconciler.model.declared import ApprovedFile
from reconciler.model.packages import ListedState, PublishedVersion
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
    """The approved files that the action is about: of an extension the new ones only, of a repair the recorded ones only."""
    published: PublishedVersion | None = None
    """What is recorded of it."""
    damage: tuple[str, ...] = ()
    """What is missing of recorded files."""
    differing: tuple[str, ...] = ()
    """Recorded files that have other bytes now."""
    exposed: bool = False
    """Whether it is recorded as quarantined, and yet lies in the feed."""
    strangers: tuple[Stranger, ...] = ()
    """Files that stand in the way, or that nobody approved or recorded."""

    @property
    def needs_bytes(self) -> bool:
        """Whether an upstream has to be asked."""
        return self.action in {"promote", "repair", "extend"}

    @property
    def wants_marks(self) -> bool:
        """Whether an upstream may have new marks for it."""
        approved = self.desired is not None and self.desired.state == "approved"
        return approved and self.published is not None and self.action in {"nothing", "mark", "alert"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What feed storage shows of one version. `version` is the record's (None: not recorded), the rest what listing found.

    `exposed`: it is recorded as quarantined, and yet lies in the feed.
    """

    package: str
    version: PublishedVersion | None
    damaged: tuple[str, ...] = ()
    differing: tuple[str, ...] = ()
    exposed: bool = False
    strangers: tuple[Stranger, ...] = ()


NOT_SEEN: Final = Seen(package="", version=None)


def classify(
    desired: Mapping[Identity, Desired], frozen: frozenset[tuple[FeedName, PackageKey]], stocks: Mapping[FeedName, Stock]
) -> tuple[Row, ...]:
    """All rows, sorted by identity. `frozen` are packages with an approval that cannot be read."""
    seen = {identity: one for stock in stocks.values() for identity, one in _seen(stock).items()}
    rows = []
    for identity in sorted(desired.keys() | seen.keys(), key=attrgetter("feed", "package", "version")):
        wanted = desired.get(identity)
        state: DeclaredState = "malformed" if (identity.feed, identity.package) in frozen else "none"
        rows.append(_row(identity, wanted, wanted.state if wanted else state, seen.get(identity, NOT_SEEN)))
    return tuple(rows)


def with_verdicts(rows: Iterable[Row], judged: Mapping[Identity, Judged], stocks: Mapping[FeedName, Stock]) -> tuple[Row, ...]:
    """The rows of `classify`, with what the policies say of what is approved: only what they stop falls in another row of the table."""
    told = tuple(_told(row, judged.get(row.identity)) for row in rows)
    stopped = {row.identity: row.desired for row in told if row.desired and row.desired.denied(_state(row))}
    if not stopped:
        return told
    keys = {identity.package for identity in stopped}
    of_these = (replace(stock, packages={key: stock.packages[key] for key in keys & stock.packages.keys()}) for stock in stocks.values())
    seen = {identity: one for stock in of_these for identity, one in _seen(stock).items()}
    anew = {identity: _row(identity, one, one.state, seen.get(identity, NOT_SEEN)) for identity, one in stopped.items()}
    return tuple(anew.get(row.identity, row) for row in told)


def _state(row: Row) -> ListedState | None:
    return row.published.state if row.published else None


def _told(row: Row, judged: Judged | None) -> Row:
    return row if judged is None or row.desired is None else replace(row, desired=replace(row.desired, judged=judged))


def _seen(stock: Stock) -> dict[Identity, Seen]:
    found: dict[Identity, Seen] = {}
    for package in stock.packages.values():
        for version in package.versions:
            identity = Identity(feed=stock.feed, package=package.key, version=version.version.key)
            found[identity] = Seen(
                package=package.name,
                version=version,
                damaged=stock.damaged.get(identity, ()),
                differing=stock.differing.get(identity, ()),
                exposed=identity in stock.exposed,
            )
    strangers: dict[Identity, list[Stranger]] = {}
    for stranger in stock.strangers:
        identity = Identity(feed=stock.feed, package=stranger.package, version=VersionKey(stranger.version))
        strangers.setdefault(identity, []).append(stranger)
    for identity, group in strangers.items():
        found[identity] = replace(found.get(identity, Seen(package=identity.package, version=None)), strangers=tuple(group))
    return found


def _row(identity: Identity, desired: Desired | None, state: DeclaredState, seen: Seen) -> Row:
    approved = desired.files if desired else ()
    spelled = (seen.package, seen.version.version.text if seen.version else str(identity.version))
    if desired is not None:
        spelled = (desired.declared.package, desired.declared.version)
    if desired is not None and desired.denied(seen.version.state if seen.version else None):
        state = "denied"
    if seen.version is None:
        action = action_for(state, _unrecorded(approved, seen.strangers), recorded=False)
        if state == "denied" and action == "alien" and not _strange(approved, seen.strangers):
            action = "hold"  # somebody entitled approved these very bytes, so they are no stranger's; they are not adopted either
        strange = seen.strangers if action in {"alien", "conflict"} else ()
        return Row(identity=identity, spelled=spelled, desired=desired, action=action, files=approved, strangers=strange)
    strange = _strange(approved, seen.strangers)
    published = _recorded(
        state, _taking(desired), seen, seen.version, in_the_way={s.file for s in strange} & {file.name for file in approved}
    )
    action = action_for(
        state,
        published,
        recorded=True,
        relation=relation_of(approved, seen.version.files),
        taking=_taking(desired),
        marked=desired is None or _is_told(desired, seen.version),
    )
    return Row(
        identity=identity,
        spelled=spelled,
        desired=desired,
        action=action,
        files=_concerned(action, approved, {file.name for file in seen.version.files}),
        published=seen.version,
        damage=seen.damaged,
        differing=seen.differing,
        exposed=seen.exposed,
        strangers=strange,
    )


def _taking(desired: Desired | None) -> Taking:
    if desired is None:
        return "alert"
    return desired.withdrawn.action if desired.withdrawn else desired.judged.taking


def _is_told(desired: Desired, version: PublishedVersion) -> bool:
    """Whether clients are told what the declaration says: why they should not use the version any more, or why it was taken back."""
    if desired.state in {"withdrawn", "expired"}:
        return version.reason == reason_of("unlist", desired)
    return version.deprecated == told(desired, version.upstream_deprecated)


def told(desired: Desired, upstream: str | None) -> str | None:
    """What clients are told of a version that should not be used any more: the approval's own word before the registry's."""
    return desired.deprecated.message if desired.deprecated else upstream


def _concerned(action: Action, approved: tuple[ApprovedFile, ...], recorded: AbstractSet[str]) -> tuple[ApprovedFile, ...]:
    if action == "extend":
        return tuple(file for file in approved if file.name not in recorded)
    return tuple(file for file in approved if file.name in recorded) if action == "repair" else approved


def _recorded(
    state: DeclaredState, taking: Taking, seen: Seen, version: PublishedVersion, *, in_the_way: AbstractSet[str]
) -> PublishedState:
    """What is published of a recorded version. Damage matters to what shall stay: whether or not it is whole, a version is taken back."""
    stays = state == "approved" or (state == "denied" and taking == "alert" and version.state == "listed")
    if stays and (in_the_way or seen.differing):
        return "differing"
    if stays and seen.damaged:
        return "partial"
    return "listed" if seen.exposed and state == "withdrawn" else version.state


def _strange(approved: tuple[ApprovedFile, ...], strangers: tuple[Stranger, ...]) -> tuple[Stranger, ...]:
    """Files without a record that are not the approved ones, by their own bytes."""
    want = {file.name: file for file in approved}
    return tuple(s for s in strangers if s.file not in want or not same_content(want[s.file], s.sha256, s.content_hash))


def _unrecorded(approved: tuple[ApprovedFile, ...], strangers: tuple[Stranger, ...]) -> PublishedState:
    """What files without a record amount to."""
    if not strangers:
        return "absent"
    if _strange(approved, strangers):
        return "differing"
    return "listed" if len(strangers) == len(approved) else "partial"
