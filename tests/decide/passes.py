"""One pass over made-up parts: what is wanted against what is there, through `classify` and `make_plan`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from reconciler.decide.desired import Desired
from reconciler.decide.plan import Pass, make_plan
from reconciler.decide.rows import classify
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.model.declared import MalformedApproval
from reconciler.model.packages import ListedState, PublishedPackage, PublishedVersion
from reconciler.model.plan import Catalog, Change, Found, Plan, Stock
from reconciler.model.words import CommitId, FeedName, Identity, PackageKey
from tests.support.declared import APPROVED, NOW, PUBLIC, found, published, published_file, rules, stock


def everything(wanted: Iterable[Desired]) -> dict[tuple[FeedName, PackageKey], Found]:
    """An upstream that has all that is wanted, as it was approved."""
    versions: dict[PackageKey, dict[str, list[str]]] = {}
    for one in wanted:
        versions.setdefault(one.declared.identity.package, {})[one.declared.version] = [file.name for file in one.files]
    return {(PUBLIC, package): found(releases, name=package) for package, releases in versions.items()}


def plan_of(
    *wanted: Desired,
    stocks: Iterable[Stock] = (),
    catalog: Catalog | None = None,
    malformed: Iterable[MalformedApproval] = (),
    accepted: bool = False,
    **more: Any,
) -> Plan:
    """The plan; unless told otherwise the approved feed is empty, and the upstream has everything."""
    held = {one.feed: one for one in stocks} or {APPROVED: stock()}
    frozen = frozenset((m.identity.feed, m.identity.package) for m in malformed if m.identity is not None)
    rows = classify({one.declared.identity: one for one in wanted}, frozen, held)
    parts = {"commit": CommitId("c0ffee"), "now": NOW, "rules": rules(), "refused": (), "access": (), **more}
    parts.setdefault("languages", dict.fromkeys(held, ECOSYSTEMS["pypi"]))
    gathered = Pass(malformed=tuple(malformed), stocks=held, **parts)
    return make_plan(gathered, rows, everything(wanted) if catalog is None else catalog, accepted=accepted)


def after(plan: Plan, stocks: Mapping[FeedName, Stock]) -> dict[FeedName, Stock]:
    """What the feeds hold once every change has been carried out: a second, naive telling of what applying means."""
    held = dict(stocks)
    for change in plan.changes:
        held[change.identity.feed] = _with(held[change.identity.feed], change)
    return held


def _with(before: Stock, change: Change) -> Stock:
    identity, names = change.identity, {file.name for file in change.files}
    package = before.packages.get(identity.package) or PublishedPackage(key=identity.package, name=identity.package, versions=())
    old = next((v for v in package.versions if v.version.key == identity.version), None)
    others = tuple(v for v in package.versions if v is not old)
    repaired = {} if change.kind == "repair" else before.damaged
    return replace(
        before,
        packages={**before.packages, identity.package: replace(package, versions=(*others, _version(change, old)))},
        damaged={**{whose: damage for whose, damage in before.damaged.items() if whose != identity}, **_only(repaired, identity)},
        strangers=tuple(s for s in before.strangers if (s.package, s.version) != identity_of(change) or s.file not in names),
    )


def identity_of(change: Change) -> tuple[PackageKey, str]:
    return change.identity.package, change.identity.version


def _only(damaged: Mapping[Identity, tuple[str, ...]], identity: Identity) -> dict[Identity, tuple[str, ...]]:
    return {identity: damaged[identity]} if identity in damaged else {}


def _version(change: Change, old: PublishedVersion | None) -> PublishedVersion:
    states: dict[str, ListedState] = {"unlist": "unlisted", "quarantine": "quarantined", "mark": "listed"}
    before = old or published(change.declared.version)
    new = tuple(map(published_file, change.files)) if old is None or change.kind == "extend" else ()
    reason = change.reason if change.kind in {"unlist", "quarantine"} else ""
    return replace(
        before, state=states.get(change.kind, "listed"), reason=reason, files=(*before.files, *new), deprecated=change.deprecated
    )
