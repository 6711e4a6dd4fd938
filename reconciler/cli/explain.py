"""`explain`: everything that is known of one version in one feed, from the line that approves it to the record of its promotion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import click

from reconciler.cli.arguments import approved_feed, identity_in
from reconciler.cli.history import read_history
from reconciler.cli.session import Session, format_option, open_session, open_wire, ref_option
from reconciler.decide.authority import cases
from reconciler.decide.case import Case, lets_in
from reconciler.decide.clock import backwards
from reconciler.decide.desired import Desired, authority_holds, desired_of, malformed_holds
from reconciler.decide.findings import held_back
from reconciler.decide.judging import CLOSURE
from reconciler.decide.known import known
from reconciler.decide.rows import Row
from reconciler.decide.standing import HeldEvent, Standing
from reconciler.decide.stands import backing_of
from reconciler.decide.wanting import unasked
from reconciler.declaration import Declaration
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.model.packages import PublishedVersion
from reconciler.model.plan import Hold
from reconciler.model.reanchored import Reanchored
from reconciler.model.words import FeedName, Identity
from reconciler.observe.published import stock_of
from reconciler.reconcile import Options, Surroundings, judged_rows, rows_of
from reconciler.show.contract import HistoryRow, hold_row, reanchored_row, to_json
from reconciler.show.explain import explain_text
from reconciler.show.explained import (
    Counts,
    ExplainV1,
    LicenseRow,
    Told,
    WithdrawnRow,
    event_row,
    evidence_rows,
    file_rows,
    signature_row,
    verdict_rows,
)
from reconciler.show.rows import person_row
from reconciler.stores.head import read_head
from reconciler.stores.state import read_state


@click.command()
@click.argument("feed")
@click.argument("package")
@click.argument("version")
@ref_option
@format_option
@click.pass_obj
def explain(folder: Path, feed: str, package: str, version: str, ref: str, form: str) -> None:
    """Explain one version: who approved it and how well that is known, with what right, by which line, whether the feed holds it, and what
    is missing if it does not; and what every policy says of it. Asks no forge (`plan` does), and an upstream only about what is approved
    and not in the feed yet.

    \b
    Example:
      reconciler explain approved-nuget Newtonsoft.Json 13.0.3
    """
    session = open_session(folder)
    rules = session.rules(ref)
    identity = identity_in(approved_feed(rules.rules.now.settings, feed), package, version)
    declaration = session.reader.widened(rules, frozenset({(identity.feed, identity.package)}))
    with open_wire() as wire:
        surroundings = session.surroundings(declaration, wire)
        row = _judged(session, declaration, identity, surroundings)
        if row is not None and _lacks(row):  # what it lacks may be approved, and not published yet: all approvals of the feed say so
            row = _judged(session, _of_feed(session.reader.widened(rules, None), identity.feed), identity, surroundings)
    holds = [*_holds(session, declaration, identity), *(held_back(row, declaration.rules.now) if row else ())]
    explained = _explain(session, declaration, identity, holds, row)
    if form == "json":
        click.echo(to_json(explained), nl=False)
    else:
        click.echo("\n".join(explain_text(explained, waiting=bool(holds) and all(hold.waiting for hold in holds))))


def _judged(session: Session, declaration: Declaration, identity: Identity, surroundings: Surroundings) -> Row | None:
    """The version with what the policies say of it, beside all that its feed holds; None for one that is neither approved nor published."""
    settings = declaration.rules.now.settings
    ecosystem = ECOSYSTEMS[settings.feeds[identity.feed].type]
    store = session.store(settings)
    stock = stock_of(store, read_state(store, identity.feed, ecosystem.parse_version), ecosystem, listed=False, deep=False)
    options = Options(now=session.now, public_url=None, listed=False, accept="")
    stocks = {identity.feed: stock}
    seen = judged_rows(declaration.rules.now, rows_of(declaration, stocks, options), stocks, surroundings, options, store)
    return next((row for row in seen.rows if row.identity == identity), None)


def _lacks(row: Row) -> bool:
    """Whether nothing that was looked at satisfies one of its dependencies."""
    return row.desired is not None and any(one.rule == CLOSURE for one in row.desired.judged.judgements)


def _of_feed(declaration: Declaration, feed: FeedName) -> Declaration:
    """The declaration without the approvals of other feeds."""
    approvals = declaration.approvals
    valid = {identity: one for identity, one in approvals.valid.items() if identity.feed == feed}
    return replace(declaration, approvals=replace(approvals, valid=valid))


def _explain(session: Session, declaration: Declaration, identity: Identity, holds: list[Hold], row: Row | None) -> ExplainV1:
    backing = declaration.authority.standings.get(identity, Standing()).backing
    desired = _desired(session, declaration, identity)
    declared = desired.declared if desired else None
    published = _published(session, declaration, identity)
    broken = next((one.path for one in declaration.approvals.malformed if one.identity == identity), None)
    told = list(_told(declaration, identity))
    behind = next((one for one in reversed(told) if backing and one.event.landing.id == backing.landing.id), told[-1] if told else None)
    grounds = backing.grounds if backing else behind.grounds if behind else None
    return ExplainV1(
        feed=identity.feed,
        package=declared.package if declared else identity.package,
        version=declared.version if declared else identity.version,
        path=declared.path if declared else broken,
        line=1,
        declared=_state(declaration, identity, row),
        published=published.state if published else "absent",
        author=person_row(backing.author) if backing else None,
        approvers=[person_row(person) for person in backing.approvers] if backing else [],
        commit=backing.landing.id if backing else None,
        right=str(backing.grounds.line) if backing and backing.grounds.line else None,
        reason=declared.approval.reason if declared else "",
        withdrawn=_withdrawn(desired) if desired else None,
        deprecated=published.deprecated if published else None,
        expires=desired.expires.date().isoformat() if desired and desired.expires else None,
        holds=[hold_row(hold) for hold in holds],
        history=_history(session, declaration, identity),
        reanchored=[reanchored_row(one) for one in _reanchored(session, declaration, identity.feed)],
        notes=_notes(session, declaration, identity),
        source=desired.source or declared.approval.source if desired and declared else None,
        ticket=declared.approval.ticket if declared else "",
        files=file_rows(declared.approval.files) if declared else [],
        rules_commit=behind.rules_commit if behind and backing else None,
        signatures=[signature_row(one) for one in grounds.signatures] if grounds else [],
        evidence=evidence_rows(grounds.evidence, about=grounds.evidence) if grounds else [],
        verdicts=verdict_rows(grounds.judgements) if grounds else [],
        judgements=verdict_rows(row.desired.judged.judgements) if row and row.desired else [],
        licenses=_licenses(published),
        events=[event_row(one) for one in told],
    )


def _history(session: Session, declaration: Declaration, identity: Identity) -> list[HistoryRow]:
    rows = read_history(declaration, session.store(declaration.rules.now.settings))
    return [row for row in rows if _is(row, declaration, identity)]


def _reanchored(session: Session, declaration: Declaration, feed: FeedName) -> tuple[Reanchored, ...]:
    found = read_head(session.store(declaration.rules.now.settings), feed)
    return found[0].reanchored if found else ()


def _notes(session: Session, declaration: Declaration, identity: Identity) -> list[str]:
    """What a reader should know of the commits behind it: signatures that do not count, dates that run backwards."""
    events = [event for event in declaration.events if event.identity == identity]
    parents = session.repository.commits(parent for event in events for one in (event.author, event.landing) for parent in one.parents[:1])
    standing = declaration.authority.standings.get(identity, Standing())
    return [*standing.objections, *backwards(events, parents)]


def _told(declaration: Declaration, identity: Identity) -> Iterator[Told]:
    """Every event of a version, judged once more, now with all that it rests on."""
    mine = [event for event in declaration.events if event.identity == identity]
    standing = declaration.authority.standings.get(identity, Standing())
    now = unasked(standing, declaration.rules, declaration.proofs)
    for case, held, _ in cases(mine, declaration.rules, declaration.proofs):
        event, still = case.event, _still(now, case)
        counts: Counts = "yes" if held is None else "overtaken" if still is None else "waiting" if still.waiting else "held"
        yield Told(
            event=event,
            known=tuple(known(case, declaration.proofs)),
            grounds=case.grounds,
            said=declaration.proofs.evidence.get(event.landing.id, ()),
            forge=_forge(declaration, case),
            rules_commit=declaration.rules.step_before(event.position).commit,
            counts=counts,
            reason=(still or held).reason if held else "",
        )


def _still(standing: Standing, case: Case) -> HeldEvent | None:
    """The event as it is still held; None where nothing waits for it any more."""
    return next((held for held in standing.held if held.event.landing.id == case.event.landing.id), None)


def _forge(declaration: Declaration, case: Case) -> Literal["none", "said", "not asked"]:
    """Whether the forge has said something of an event that lets something in, and that has one."""
    if case.event.landing.id in declaration.proofs.evidence:
        return "said"
    inside = case.event.approval is not None and any(lets_in(fact, case.event, case.before) for fact in case.event.moved)
    return "not asked" if case.past.forge is not None and inside else "none"


def _withdrawn(desired: Desired) -> WithdrawnRow | None:
    taken = desired.withdrawn
    if taken is None or desired.state != "withdrawn":
        return None
    backing = backing_of(taken.action, desired)
    return WithdrawnRow(
        action=taken.action,
        reason=taken.reason,
        since=taken.since.isoformat() if taken.since else None,
        author=person_row(backing.author),
        approvers=[person_row(person) for person in backing.approvers],
        commit=backing.landing.id,
    )


def _state(declaration: Declaration, identity: Identity, row: Row | None) -> str:
    if any(malformed.identity == identity for malformed in declaration.approvals.malformed):
        return "malformed"
    desired = row.desired if row else None
    if row is not None and desired is not None and desired.denied(row.published.state if row.published else None):
        return "denied"
    return desired.state if desired else "none"


def _licenses(published: PublishedVersion | None) -> list[LicenseRow]:
    """The licenses of what the feed holds, each once."""
    found = dict.fromkeys(file.traits.license for file in published.files if file.traits) if published else {}
    return [LicenseRow(declared=one.declared, concluded=one.concluded) for one in found]


def _desired(session: Session, declaration: Declaration, identity: Identity) -> Desired | None:
    rules = declaration.rules.now
    return desired_of(declaration.approvals, declaration.authority.standings, rules.settings, session.now).get(identity)


def _published(session: Session, declaration: Declaration, identity: Identity) -> PublishedVersion | None:
    settings = declaration.rules.now.settings
    state = read_state(session.store(settings), identity.feed, ECOSYSTEMS[settings.feeds[identity.feed].type].parse_version)
    entry = state.entries.get(identity.package)
    return next((v for v in entry.package.versions if v.version.key == identity.version), None) if entry else None


def _holds(session: Session, declaration: Declaration, identity: Identity) -> Iterator[Hold]:
    package = (identity.feed, identity.package)  # what cannot be read of a package freezes all of it
    for broken in declaration.approvals.malformed:
        if broken.identity is not None and (broken.identity.feed, broken.identity.package) == package:
            yield from malformed_holds(broken)
    if desired := _desired(session, declaration, identity):
        yield from authority_holds(replace(desired, standing=unasked(desired.standing, declaration.rules, declaration.proofs)))


def _is(row: HistoryRow, declaration: Declaration, identity: Identity) -> bool:
    ecosystem = ECOSYSTEMS[declaration.rules.now.settings.feeds[FeedName(row.feed)].type]
    try:
        key = Identity(
            feed=FeedName(row.feed), package=ecosystem.normalize_name(row.package), version=ecosystem.parse_version(row.version).key
        )
    except ValueError:
        return False
    return key == identity
