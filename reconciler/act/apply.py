"""Carries a plan out: fetch and prove, publish, then make it visible feed by feed. One of the two places with threads.

0. Note in each feed which files are to come, for whoever must clean up after a killed pass.
1. For every change that brings bytes, at most FETCHES_AT_ONCE at a time: fetch all files of the version, prove them, publish them.
   Nothing that a client sees changes yet. A change that fails is reported; nothing else stays undone for it.
2. Feed by feed: what each package has become, the records, and one commit of the feed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reconciler.act.feed_storage import Commitment, FeedStorage
from reconciler.act.fetch import Delivery, Source, fetch, reread
from reconciler.act.record import Applier, of_access, of_change, of_eviction
from reconciler.ecosystems.interface import Ecosystem
from reconciler.errors import ContentMismatch, IntegrityError, ReconcilerError
from reconciler.model.marks import with_marks
from reconciler.model.packages import PublishedPackage, PublishedVersion
from reconciler.model.plan import BRINGS_BYTES, AccessChange, Applied, Change, Failure, Outcome, Plan
from reconciler.model.words import FeedName, Identity, PackageKey
from reconciler.stores.spool import spooling

FETCHES_AT_ONCE = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Workshop:
    """What applying works with. `source_of` opens the upstream that a change names, `report` hears of each finished change,
    `access` are the rights that changed since each feed was applied last."""

    storages: Mapping[FeedName, FeedStorage]
    ecosystem_of: Callable[[FeedName], Ecosystem]
    source_of: Callable[[Change], Source]
    report: Callable[[Change | Failure], None]
    applier: Applier
    access: Mapping[FeedName, tuple[AccessChange, ...]]


def apply(plan: Plan, workshop: Workshop, *, more: bool = False) -> Applied:
    """Carries out all changes of the plan; what cannot be done is in `failed`, and stops nothing else.

    `more`: another part of the plan follows, so what is done now is recorded as partial.
    """
    for feed, storage in sorted(workshop.storages.items()):
        storage.begin([(c.identity, name) for c in plan.changes if c.identity.feed == feed for name in _touched(c, storage)])
    done: list[tuple[Change, tuple[Delivery, ...]]] = []
    failed: list[Failure] = []
    for change, result in _prepared(plan, workshop):
        if isinstance(result, ReconcilerError):
            failure = Failure(change=change, error=str(result), integrity=isinstance(result, ContentMismatch | IntegrityError))
            failed.append(failure)
            workshop.report(failure)
        else:
            done.append((change, result))
            if not change.relies_on:
                workshop.report(change)
    bereft = _bereft([change for change, _ in done])
    for change, _ in done:
        if change.identity in bereft:
            failed.append(Failure(change=change, error=bereft[change.identity], integrity=False))
            workshop.report(failed[-1])
        elif change.relies_on:
            workshop.report(change)
    done = [one for one in done if one[0].identity not in bereft]
    outcome: Outcome = "partial" if more else outcome_of(plan, tuple(failed))
    for feed, storage in sorted(workshop.storages.items()):
        storage.commit(_commitment(plan, storage, [d for d in done if d[0].identity.feed == feed], workshop, outcome=outcome))
    return Applied(plan=plan, applied=tuple(change for change, _ in done), failed=tuple(failed), outcome=outcome)


def _bereft(changes: Sequence[Change]) -> dict[Identity, str]:
    """What must not come in, since nothing of what it relies on does, and why: its files are not named by any page, and the next pass
    goes on with them."""
    found: dict[Identity, str] = {}
    left = {change.identity for change in changes}
    while lost := [(c, group) for c in changes if c.identity in left for group in c.relies_on if left.isdisjoint(group)]:
        for change, group in lost:
            left.discard(change.identity)
            needed = " or ".join(f"{one.package} {one.version}" for one in group)
            found.setdefault(change.identity, f"what it needs does not come in: {needed}")
    return found


def _prepared(plan: Plan, workshop: Workshop) -> Iterator[tuple[Change, tuple[Delivery, ...] | ReconcilerError]]:
    """Each change, in the plan's order, with its verified files or the reason why there are none."""
    with (
        _spool() as spool,
        ThreadPoolExecutor(FETCHES_AT_ONCE, thread_name_prefix="fetch") as pool,
    ):
        results = pool.map(lambda pair: _prepare(pair[1], workshop, Path(spool) / str(pair[0])), enumerate(plan.changes))
        yield from zip(plan.changes, results, strict=True)


def _spool() -> tempfile.TemporaryDirectory[str]:
    """A folder for what this pass downloads, gone with it."""
    with spooling("what is downloaded", None):
        return tempfile.TemporaryDirectory(prefix="reconciler-")


def _prepare(change: Change, workshop: Workshop, folder: Path) -> tuple[Delivery, ...] | ReconcilerError:
    storage, ecosystem = workshop.storages[change.identity.feed], workshop.ecosystem_of(change.identity.feed)
    try:
        if change.kind == "adopt":
            deliveries = reread(change, storage, ecosystem)
            storage.publish(change.identity, [d.content for d in deliveries])
        elif change.kind in BRINGS_BYTES:
            with spooling(change.declared.package, None):
                folder.mkdir()
            deliveries = fetch(change, workshop.source_of(change), storage, ecosystem, folder=folder)
            storage.publish(change.identity, [d.content for d in deliveries])
        else:
            deliveries = ()
            _move(change, storage)
    except ReconcilerError as error:
        return error
    return deliveries


def _recorded(change: Change, storage: FeedStorage) -> PublishedVersion | None:
    package = storage.packages.get(change.identity.package)
    return next((v for v in package.versions if v.version.key == change.identity.version), None) if package else None


def _touched(change: Change, storage: FeedStorage) -> list[str]:
    """The files that a change puts into the feed or takes out of it."""
    if change.kind in BRINGS_BYTES:
        return [file.name for file in change.files]
    version = _recorded(change, storage)
    moves = version is not None and (change.kind == "quarantine" or version.state == "quarantined")
    return [file.name for file in version.files] if version is not None and moves else []


def _move(change: Change, storage: FeedStorage) -> None:
    """Into quarantine or out of it; `commit` does the rest."""
    version = _recorded(change, storage)
    if version is None:
        return
    if change.kind == "quarantine":
        storage.keep(change.identity, version.files)
    elif version.state == "quarantined" and change.kind in {"release", "unlist"}:
        storage.restore(change.identity, version.files)


def outcome_of(plan: Plan, failed: tuple[Failure, ...]) -> Outcome:
    """The first of these that holds (DESIGN section 11)."""
    kinds = {hold.kind for hold in plan.holds if not hold.waiting}
    cases: tuple[tuple[Outcome, bool], ...] = (
        ("integrity", plan.outcome == "integrity" or any(f.integrity for f in failed)),
        ("limit", "limit" in kinds),
        ("invalid", "malformed" in kinds),
        ("partial", bool(failed)),
        ("held", bool(kinds - {"time", "limit", "malformed"})),
        ("waiting", any(hold.waiting for hold in plan.holds)),
    )
    return next((outcome for outcome, holds in cases if holds), "done")


# --- what a feed becomes ----------------------------------------------------------------------------------------------------------


def _commitment(
    plan: Plan, storage: FeedStorage, done: list[tuple[Change, tuple[Delivery, ...]]], workshop: Workshop, *, outcome: Outcome
) -> Commitment:
    ecosystem, feed_type = workshop.ecosystem_of(storage.feed), plan.rules.settings.feeds[storage.feed].type
    packages: dict[PackageKey, PublishedPackage] = {}
    records: list[dict[str, Any]] = []
    access = _near(workshop.access[storage.feed], plan, storage.feed)
    if access:
        records.append(of_access(storage.feed, access, commit=plan.commit, applier=workshop.applier))
    for change, deliveries in done:
        key = change.identity.package
        package = packages.get(key) or storage.packages.get(key) or PublishedPackage(key=key, name=change.declared.package, versions=())
        version = _version_after(change, deliveries, package, ecosystem, workshop.applier)
        others = [v for v in package.versions if v.version.key != change.identity.version]
        packages[key] = replace(package, name=change.declared.package, versions=tuple(sorted([*others, version], key=lambda v: v.version)))
        records.append(of_change(change, version, head=plan.commit, package_type=feed_type, applier=workshop.applier))
    evicted = [e for e in plan.evictions if e.feed == storage.feed]
    records += [of_eviction(e, commit=plan.commit, package_type=feed_type, applier=workshop.applier) for e in evicted]
    return Commitment(
        packages=tuple(packages.values()),
        records=tuple(records),
        commit=plan.commit,
        outcome=outcome,
        valid_until=plan.valid_until,
        public_url=plan.rules.settings.public_url,
        evicted=[e.file for e in evicted],
    )


def _version_after(
    change: Change, deliveries: tuple[Delivery, ...], package: PublishedPackage, ecosystem: Ecosystem, applier: Applier
) -> PublishedVersion:
    before = next((v for v in package.versions if v.version.key == change.identity.version), None)
    match change.kind:
        case "unlist" | "quarantine" if before is not None:
            after = replace(before, state="unlisted" if change.kind == "unlist" else "quarantined", reason=change.reason)
        case "relist" | "release" | "repair" if before is not None:
            after = replace(before, state="listed", reason="")
        case "mark" if before is not None:
            after = with_marks(before, change.release) if change.release else before
        case _:
            new = [d.content.published for d in deliveries]
            dependencies = [d for delivery in deliveries for d in delivery.inspection.dependencies]
            after = PublishedVersion(
                version=ecosystem.parse_version(deliveries[0].inspection.version.text),
                state="listed",
                reason="",
                deprecated=None,
                upstream_deprecated=change.release.deprecated if change.release else None,
                published_at=before.published_at if before else applier.at,
                files=tuple(sorted([*(before.files if before else ()), *new], key=lambda f: f.name)),
                dependencies=tuple(dict.fromkeys([*(before.dependencies if before else ()), *dependencies])),
            )
    return replace(after, deprecated=after.upstream_deprecated if change.deprecated is None else change.deprecated)


def _near(rows: tuple[AccessChange, ...], plan: Plan, feed: FeedName) -> list[AccessChange]:
    """The rights that touch a feed or what it promotes from."""
    near = {feed, *plan.rules.settings.feeds[feed].promotes_from}
    return [row for row in rows if not row.feeds or near.intersection(row.feeds)]
