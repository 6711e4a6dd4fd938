"""One pass, from the text at a commit to what feed storage holds. Read this first.

    declare ──► Declaration ─┐
    observe ──► Stock ───────┼─► decide ──► Plan ──► act ──► Applied
    observe ──► Catalog ─────┘                └──► show

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
from reconciler.decide.access import access_changes
from reconciler.decide.authority import Authority, authorise
from reconciler.decide.desired import Desired, desired_of
from reconciler.decide.plan import Pass, make_plan
from reconciler.decide.rows import Row, classify
from reconciler.decide.rules_in_force import RulesInForce, rules_in_force
from reconciler.declare.history import approval_events, identifier, rule_changes
from reconciler.declare.lineage import read_lineages
from reconciler.declare.load import load_approvals, load_rules, rule_files
from reconciler.declare.revision import Repository
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.ecosystems.interface import Ecosystem
from reconciler.errors import PreconditionFailed
from reconciler.model.declared import APPROVALS_FOLDER, Approvals, Connector, Feed, Rules
from reconciler.model.plan import BRINGS_BYTES, TAKES_BACK, AccessChange, Applied, Change, Failure, Plan, Stock
from reconciler.model.words import CommitId, FeedName
from reconciler.observe.catalog import Wanted, look_up
from reconciler.observe.published import stock_of
from reconciler.observe.upstreams import Upstream
from reconciler.stores.interface import Store
from reconciler.stores.state import FeedState, read_state

UpstreamOf = Callable[[Feed, Connector], Upstream]


@dataclass(frozen=True, kw_only=True, slots=True)
class Declaration:
    """The repository at a commit: rules in force, approvals, and who is behind each of them."""

    commit: CommitId
    chain: tuple[CommitId, ...]
    rules: RulesInForce
    approvals: Approvals
    authority: Authority


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
    states: Mapping[FeedName, FeedState]
    access: Mapping[FeedName, tuple[AccessChange, ...]]
    """Rights that changed since each feed was applied last: not the same for all where a pass was killed between their heads."""
    edited: Mapping[FeedName, frozenset[str]]
    """Pages of each feed that are not as they were written."""


def declare(repository: Repository, commit: CommitId) -> Declaration:
    """Reads the declaration and its history; DeclarationInvalid where the rules at the commit cannot be used."""
    repository.require_full_history()
    chain = repository.chain(commit)
    lineages = read_lineages(repository, chain)
    files = repository.tree(commit)
    load_rules(rule_files(files), ECOSYSTEMS)
    rules = rules_in_force(rule_changes(repository, lineages, ECOSYSTEMS))
    assert rules is not None, "the rules at this commit are valid, so some landing commit has valid rules"  # noqa: S101 - see the line above
    approvals = load_approvals(files, rules.now, ecosystems=ECOSYSTEMS)
    events = approval_events(repository, lineages, identifier(rules.now.settings, ECOSYSTEMS))
    return Declaration(commit=commit, chain=chain, rules=rules, approvals=approvals, authority=authorise(events, rules))


def plan_pass(declaration: Declaration, store: Store, upstream_of: UpstreamOf, options: Options) -> Planned:
    """What would be done; reads feed storage and upstreams, writes nothing."""
    rules = _with_public_url(declaration.rules.now, options.public_url)
    approved = {name: feed for name, feed in rules.settings.feeds.items() if feed.usage == "approved"}
    states = {name: read_state(store, name, ECOSYSTEMS[feed.type].parse_version) for name, feed in approved.items()}
    _require_append_only(declaration, states.values())
    stocks = {
        name: stock_of(store, state, ECOSYSTEMS[approved[name].type], listed=options.listed, deep=options.deep)
        for name, state in states.items()
    }
    desired = desired_of(declaration.approvals, declaration.authority.standings, rules.settings, options.now)
    rows = classify(desired, declaration.approvals.frozen(), stocks)
    access = {name: access_changes(_rules_applied(declaration, stocks, name), rules) for name in stocks}
    catalog = look_up(_wanted(rows, marks=options.marks), rules.settings.feeds, upstream_of)
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
        languages={name: ECOSYSTEMS[feed.type] for name, feed in approved.items()},
        marks=options.marks,
    )
    plan = make_plan(gathered, rows, catalog, accepted=False)
    if options.accept:
        if options.accept != plan.digest:
            message = f"the plan has changed since it was accepted: its digest is {plan.digest} now"
            raise PreconditionFailed(message, remedy="look at `reconciler plan` again")
        plan = make_plan(gathered, rows, catalog, accepted=True)
    return Planned(plan=plan, states=states, access=access, edited={name: stock.edited for name, stock in stocks.items()})


def apply_pass(
    planned: Planned, store: Store, source_of: Callable[[Change], Source], report: Callable[[Change | Failure], None], applier: Applier
) -> Applied:
    """Carries a plan out. What takes back is visible before anything is fetched: it may be urgent, and upstreams are slow."""
    feeds = planned.plan.rules.settings.feeds

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
    following = Planned(plan=replace(plan, changes=rest, evictions=()), states=states, access=dict.fromkeys(states, ()), edited=nothing)
    last = carry_out(following, more=False)
    failed = first.failed + last.failed
    return Applied(plan=plan, applied=first.applied + last.applied, failed=failed, outcome=outcome_of(plan, failed))


def _with_public_url(rules: Rules, public_url: str | None) -> Rules:
    return replace(rules, settings=replace(rules.settings, public_url=public_url)) if public_url else rules


def _wanted(rows: Iterable[Row], *, marks: bool) -> Iterable[Wanted]:
    """Packages to ask upstream for: those that need bytes and, for their marks, those that are published."""
    for row in rows:
        desired: Desired | None = row.desired
        asked = row.needs_bytes or (marks and row.wants_marks)
        if asked and desired is not None and desired.source is not None:
            yield Wanted(feed=desired.source, package=row.identity.package, name=desired.declared.package)


def _require_append_only(declaration: Declaration, states: Iterable[FeedState]) -> None:
    """The last applied commit lies on the chain, and a feed that holds packages has approvals."""
    for state in states:
        if state.head is not None and state.head.commit not in declaration.chain:
            message = f"{state.feed} was last applied at commit {state.head.commit[:12]}, which is not on the first-parent chain of {declaration.commit[:12]}"
            raise PreconditionFailed(
                message, remedy="the history was rewritten, or main was merged into a branch that then became main: restore the old chain"
            )
        if state.entries and not declaration.approvals.found:
            message = f"{state.feed} holds packages, but there is no {APPROVALS_FOLDER}/ folder at {declaration.commit[:12]}: absence is never deletion"
            raise PreconditionFailed(message, remedy="restore approvals/, or name the right commit with --ref")


def _rules_applied(declaration: Declaration, stocks: Mapping[FeedName, Stock], feed: FeedName) -> Rules | None:
    """The rules when a feed was last applied. None if it never was, though the feeds that were knew of it, or there are none.

    A feed that is new in the declaration starts from where the one that is furthest behind stands.
    """
    position = {commit: number for number, commit in enumerate(declaration.chain)}
    commit = stocks[feed].commit
    if commit is not None:
        return declaration.rules.after(position[commit])
    applied = [position[stock.commit] for stock in stocks.values() if stock.commit is not None]
    before = declaration.rules.after(min(applied)) if applied else None
    return None if before is None or feed in before.settings.feeds else before
