"""One pass, from the text at a commit to what feed storage holds. Read this first.

    declare ──► Declaration ─┐
    observe ──► Stock ───────┼─► judged ──► decide ──► Plan ──► act ──► Applied
    observe ──► Catalog ─────┘                           └──► show

`plan` is the same line, stopped before `act`. Every dependency is an argument; the command line opens them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.act.apply import Workshop, apply, outcome_of
from reconciler.act.feed_storage import FeedStorage
from reconciler.act.fetch import Source
from reconciler.act.record import Applier
from reconciler.act.static_feed import StaticFeed
from reconciler.closing import with_gaps
from reconciler.continuity import require_append_only
from reconciler.decide.access import access_changes
from reconciler.decide.desired import Desired, desired_of
from reconciler.decide.judging import policies_for
from reconciler.decide.plan import Pass, make_plan
from reconciler.decide.rows import Row, classify, with_verdicts
from reconciler.decide.wanting import decided, wanted_evidence, wanted_of_rules
from reconciler.declaration import AskForge, Declaration, Reader
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.ecosystems.interface import Ecosystem
from reconciler.errors import PreconditionFailed
from reconciler.judged import Ground, asks_advisories, judge_rows, subject_of
from reconciler.model.advisories import Snapshot
from reconciler.model.declared import Connector, Feed, Rules, Settings
from reconciler.model.plan import BRINGS_BYTES, TAKES_BACK, AccessChange, Applied, Catalog, Change, Failure, Plan, Stock
from reconciler.model.words import CommitId, FeedName
from reconciler.observe.advisories import Advisories
from reconciler.observe.archives import Archives
from reconciler.observe.catalog import Wanted, look_up
from reconciler.observe.published import stock_of
from reconciler.observe.upstreams import Upstream
from reconciler.stores.evidence import FrozenEvidence, freeze
from reconciler.stores.interface import Store
from reconciler.stores.state import FeedState, read_state

UpstreamOf = Callable[[Feed, Connector], Upstream]


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """What a pass reaches: stores and upstreams by the rules that name them, the forge; `archives` looks into what is to come in."""

    store_of: Callable[[Settings], Store]
    upstreams_of: Callable[[Settings], UpstreamOf]
    ask: AskForge
    archives: Archives


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """How a pass is run. `now` is aware UTC; `listed` compares feed storage itself, `deep` its bytes too; `marks` asks upstream
    for new marks of what is published; `accept` is a plan's digest or ""."""

    now: datetime
    public_url: str | None
    listed: bool
    accept: str
    deep: bool = False
    marks: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """A plan with what applying it starts from."""

    plan: Plan
    declaration: Declaration
    store: Store
    states: Mapping[FeedName, FeedState]
    access: Mapping[FeedName, tuple[AccessChange, ...]]
    """Rights that changed since each feed was applied last: not the same for all where a pass was killed between their heads."""
    edited: Mapping[FeedName, frozenset[str]]
    """Pages of each feed that are not as they were written."""


def settled(reader: Reader, declaration: Declaration, surroundings: Surroundings) -> tuple[Declaration, Store]:
    """The declaration with what is frozen in its store, and with the rules that the forge's reviews bring into force; and that store."""
    store = surroundings.store_of(declaration.rules.now.settings)
    before = reader.frozen(declaration, FrozenEvidence(store))
    require_append_only(reader.repository, before, store)
    after = reader.asked(before, lambda one: wanted_of_rules(one.rules, one.proofs), surroundings.ask)
    if after.rules.now.settings.store == before.rules.now.settings.store:
        return after, store
    store = surroundings.store_of(after.rules.now.settings)
    return reader.frozen(after, FrozenEvidence(store)), store


def plan_pass(reader: Reader, declaration: Declaration, surroundings: Surroundings, options: Options) -> Planned:
    """What would be done; reads feed storage, forges and upstreams, writes nothing."""
    declaration, store = settled(reader, declaration, surroundings)
    settings = declaration.rules.now.settings
    states = {name: read_state(store, name, ECOSYSTEMS[feed.type].parse_version) for name, feed in settings.approved().items()}
    require_append_only(reader.repository, declaration, store)
    stocks = {
        name: stock_of(store, state, ECOSYSTEMS[settings.feeds[name].type], listed=options.listed, deep=options.deep)
        for name, state in states.items()
    }
    declaration, rows = _asked(reader, declaration, stocks, surroundings, options)
    rules = _with_public_url(declaration.rules.now, options.public_url)
    access = {name: access_changes(_rules_applied(declaration, stocks, name), rules) for name in stocks}
    seen = judged_rows(declaration.rules.now, rows, stocks, surroundings, options, store)
    gathered = Pass(
        commit=declaration.commit,
        now=options.now,
        rules=rules,
        refused=declaration.rules.refused,
        malformed=declaration.approvals.malformed,
        stocks=stocks,
        access=tuple(
            sorted({row for rows in access.values() for row in rows}, key=lambda row: (row.feeds, row.task, row.user, row.change))
        ),
        languages={name: ECOSYSTEMS[settings.feeds[name].type] for name in stocks},
        marks=options.marks,
        snapshot=seen.snapshot,
    )
    plan = _accepted(lambda accepted: make_plan(gathered, seen.rows, seen.catalog, accepted=accepted), options.accept)
    edited = {name: stock.edited for name, stock in stocks.items()}
    return Planned(plan=plan, declaration=declaration, store=store, states=states, access=access, edited=edited)


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """The rows with what the policies say, what upstreams have, and the advisories that both were judged by."""

    rows: tuple[Row, ...]
    catalog: Catalog
    snapshot: Snapshot | None


def _asked(
    reader: Reader, declaration: Declaration, stocks: Mapping[FeedName, Stock], surroundings: Surroundings, options: Options
) -> tuple[Declaration, tuple[Row, ...]]:
    """The declaration once the forge was asked about everything that is wanted, and its rows, before policies are asked."""
    rows: tuple[Row, ...] = ()

    def wanted(one: Declaration) -> Iterable[CommitId]:
        nonlocal rows  # the one that is looked at last is the one that comes out
        rows = rows_of(one, stocks, options)
        return wanted_evidence(one.authority, rows, one.proofs)

    return reader.asked(declaration, wanted, surroundings.ask), rows


def judged_rows(
    rules: Rules, rows: tuple[Row, ...], stocks: Mapping[FeedName, Stock], surroundings: Surroundings, options: Options, store: Store
) -> Seen:
    """The rows with what these rules, those at HEAD, say of every approved version."""
    upstream_of = surroundings.upstreams_of(rules.settings)
    ground = Ground(
        rules=rules,
        now=options.now,
        catalog=look_up(_wanted(rows, rules, marks=options.marks), rules.settings.feeds, upstream_of),
        advisories=Advisories(store) if asks_advisories(rules) else None,
        archives=surroundings.archives,
        upstream_of=upstream_of,
    )
    verdicts = judge_rows(rows, ground)
    rows = with_gaps(with_verdicts(rows, verdicts.judged, stocks), verdicts, ground)
    return Seen(rows=rows, catalog=ground.catalog, snapshot=ground.snapshot)


def _accepted(plan_of: Callable[[bool], Plan], accept: str) -> Plan:
    """The plan, without its limits where somebody has named its digest."""
    plan = plan_of(False)  # noqa: FBT003 - the one thing that differs
    if not accept:
        return plan
    if accept != plan.digest:
        message = f"the plan has changed since it was accepted: its digest is {plan.digest} now"
        raise PreconditionFailed(message, remedy="look at `reconciler plan` again")
    return plan_of(True)  # noqa: FBT003


def rows_of(declaration: Declaration, stocks: Mapping[FeedName, Stock], options: Options) -> tuple[Row, ...]:
    """Every version that is declared, recorded, or found in feed storage, before policies are asked."""
    desired = desired_of(declaration.approvals, declaration.authority.standings, declaration.rules.now.settings, options.now)
    return classify(desired, declaration.approvals.frozen(), stocks)


def apply_pass(
    planned: Planned, source_of: Callable[[Change], Source], report: Callable[[Change | Failure], None], applier: Applier
) -> Applied:
    """Carries a plan out. What takes back is visible before anything is fetched: it may be urgent, and upstreams are slow."""
    store, declaration = planned.store, planned.declaration
    feeds = planned.plan.rules.settings.feeds
    freeze(store, decided(declaration.authority, declaration.rules, declaration.fresh), declaration.newly_seen())

    def ecosystem_of(feed: FeedName) -> Ecosystem:
        return ECOSYSTEMS[feeds[feed].type]

    def carry_out(part: Planned, *, more: bool) -> Applied:
        storages: dict[FeedName, FeedStorage] = {
            feed: StaticFeed(store, state, ecosystem_of(feed), edited=part.edited[feed]) for feed, state in part.states.items()
        }
        workshop = Workshop(
            storages=storages, ecosystem_of=ecosystem_of, source_of=source_of, report=report, applier=applier, access=part.access
        )
        return apply(part.plan, workshop, more=more)

    plan = planned.plan
    urgent = tuple(change for change in plan.changes if change.kind in TAKES_BACK)
    rest = tuple(change for change in plan.changes if change.kind not in TAKES_BACK)
    if not urgent or not any(change.kind in BRINGS_BYTES for change in rest):
        return carry_out(planned, more=False)
    first = carry_out(replace(planned, plan=replace(plan, changes=urgent)), more=True)
    states = {feed: read_state(store, feed, ecosystem_of(feed).parse_version) for feed in planned.states}
    nothing: Mapping[FeedName, frozenset[str]] = dict.fromkeys(states, frozenset())
    following = replace(
        planned, plan=replace(plan, changes=rest, evictions=()), states=states, access=dict.fromkeys(states, ()), edited=nothing
    )
    last = carry_out(following, more=False)
    failed = first.failed + last.failed
    return Applied(plan=plan, applied=first.applied + last.applied, failed=failed, outcome=outcome_of(plan, failed))


def _with_public_url(rules: Rules, public_url: str | None) -> Rules:
    return replace(rules, settings=replace(rules.settings, public_url=public_url)) if public_url else rules


def _wanted(rows: Iterable[Row], rules: Rules, *, marks: bool) -> Iterable[Wanted]:
    """Packages to ask upstream for: those that need bytes, those that policies judge anew, and, for their marks, those that are
    published."""
    for row in rows:
        desired: Desired | None = row.desired
        required = rules.settings.feeds[row.identity.feed].dependencies == "require"
        judged_anew = row.action == "adopt" and (required or bool(policies_for(subject_of(row, rules), rules)))
        asked = row.needs_bytes or judged_anew or (marks and row.wants_marks)
        if asked and desired is not None and desired.source is not None:
            yield Wanted(feed=desired.source, package=row.identity.package, name=desired.declared.package)


def _rules_applied(declaration: Declaration, stocks: Mapping[FeedName, Stock], feed: FeedName) -> Rules | None:
    """The rules when a feed was last applied. None if it never was, though the feeds that were knew of it, or there are none; and none of
    a history that it was only anchored to: nobody has ever seen who may do what by it.

    A feed that is new in the declaration starts from where the one that is furthest behind stands.
    """
    position = {commit: number for number, commit in enumerate(declaration.chain)}
    commit = stocks[feed].commit
    if stocks[feed].unapplied:
        return None
    if commit is not None:
        return declaration.rules.after(position[commit])
    applied = [position[stock.commit] for stock in stocks.values() if stock.commit is not None and not stock.unapplied]
    before = declaration.rules.after(min(applied)) if applied else None
    return None if before is None or feed in before.settings.feeds else before
