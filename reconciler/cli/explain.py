"""`explain`: everything that is known of one version in one feed, from the line that approves it to the record of its promotion."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from reconciler.cli.arguments import approved_feed, identity_in
from reconciler.cli.history import read_history
from reconciler.cli.session import Session, format_option, open_session, ref_option
from reconciler.decide.authority import Standing
from reconciler.decide.desired import Desired, authority_holds, desired_of, malformed_holds
from reconciler.decide.people import named
from reconciler.decide.stands import backing_of
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.model.packages import PublishedVersion
from reconciler.model.plan import Hold
from reconciler.model.words import FeedName, Identity
from reconciler.reconcile import Declaration, declare
from reconciler.show.contract import ExplainV1, HistoryRow, WithdrawnRow, hold_row, person_row, to_json
from reconciler.show.inert import inert
from reconciler.show.text import hold_lines, people
from reconciler.stores.state import read_state


@click.command()
@click.argument("feed")
@click.argument("package")
@click.argument("version")
@ref_option
@format_option
@click.pass_obj
def explain(folder: Path, feed: str, package: str, version: str, ref: str, form: str) -> None:
    """Explain one version: who approved it, with what right, by which line, and whether the feed holds it.

    \b
    Example:
      reconciler explain approved-nuget Newtonsoft.Json 13.0.3
    """
    session = open_session(folder)
    declaration = declare(session.repository, session.repository.resolve(ref))
    identity = identity_in(approved_feed(declaration.rules.now.settings, feed), package, version)
    holds = _holds(session, declaration, identity)
    explained = _explain(session, declaration, identity, holds)
    if form == "json":
        click.echo(to_json(explained), nl=False)
    else:
        click.echo("\n".join(_lines(explained, holds)))


def _explain(session: Session, declaration: Declaration, identity: Identity, holds: list[Hold]) -> ExplainV1:
    standing = declaration.authority.standings.get(identity, Standing())
    desired = _desired(session, declaration, identity)
    published = _published(session, declaration, identity)
    return ExplainV1(
        feed=identity.feed,
        package=desired.declared.package if desired else identity.package,
        version=desired.declared.version if desired else identity.version,
        path=desired.declared.path if desired else None,
        declared=_state(declaration, identity, desired),
        published=published.state if published else "absent",
        author=person_row(named(standing.author)) if standing.author else None,
        approvers=[person_row(named(person)) for person in standing.approvers],
        commit=standing.landing.id if standing.landing else None,
        right=str(standing.line) if standing.line else None,
        reason=desired.declared.approval.reason if desired else "",
        withdrawn=_withdrawn(desired) if desired else None,
        deprecated=published.deprecated if published else None,
        expires=desired.expires.date().isoformat() if desired and desired.expires else None,
        holds=[hold_row(hold) for hold in holds],
        history=[
            row for row in read_history(declaration, session.store(declaration.rules.now.settings)) if _is(row, declaration, identity)
        ],
    )


def _withdrawn(desired: Desired) -> WithdrawnRow | None:
    taken = desired.withdrawn
    if taken is None or desired.state != "withdrawn":
        return None
    backing = backing_of(taken.action, desired)
    return WithdrawnRow(
        action=taken.action,
        reason=taken.reason,
        since=taken.since.isoformat() if taken.since else None,
        author=person_row(named(backing.author)),
        approvers=[person_row(named(person)) for person in backing.approvers],
        commit=backing.landing.id,
    )


def _state(declaration: Declaration, identity: Identity, desired: Desired | None) -> str:
    if any(malformed.identity == identity for malformed in declaration.approvals.malformed):
        return "malformed"
    return desired.state if desired else "none"


def _desired(session: Session, declaration: Declaration, identity: Identity) -> Desired | None:
    rules = declaration.rules.now
    return desired_of(declaration.approvals, declaration.authority.standings, rules.settings, session.now).get(identity)


def _published(session: Session, declaration: Declaration, identity: Identity) -> PublishedVersion | None:
    settings = declaration.rules.now.settings
    state = read_state(session.store(settings), identity.feed, ECOSYSTEMS[settings.feeds[identity.feed].type].parse_version)
    entry = state.entries.get(identity.package)
    return next((v for v in entry.package.versions if v.version.key == identity.version), None) if entry else None


def _holds(session: Session, declaration: Declaration, identity: Identity) -> list[Hold]:
    desired = _desired(session, declaration, identity)
    package = (identity.feed, identity.package)  # what cannot be read of a package freezes all of it
    broken = (m for m in declaration.approvals.malformed if m.identity is not None and (m.identity.feed, m.identity.package) == package)
    malformed = [hold for m in broken for hold in malformed_holds(m)]
    return [*malformed, *(authority_holds(desired) if desired else ())]


def _is(row: HistoryRow, declaration: Declaration, identity: Identity) -> bool:
    ecosystem = ECOSYSTEMS[declaration.rules.now.settings.feeds[FeedName(row.feed)].type]
    try:
        key = Identity(
            feed=FeedName(row.feed), package=ecosystem.normalize_name(row.package), version=ecosystem.parse_version(row.version).key
        )
    except ValueError:
        return False
    return key == identity


NEXT = {
    ("approved", "absent"): "next: `reconciler apply` promotes it (`reconciler plan` says whether the upstream has it)",
    ("none", "absent"): "next: `reconciler approve {feed} {package}@{version} -m REASON`",
    ("approved", "unlisted"): "next: `reconciler apply` lists it again",
    ("approved", "quarantined"): "next: `reconciler apply` brings it back",
    ("expired", "listed"): "next: `reconciler apply` unlists it",
    ("expired", "unlisted"): "to undo it: set a later day in `expires:` of the approval, or remove the line",
    ("expired", "quarantined"): "to undo it: set a later day in `expires:` of the approval, or remove the line",
    ("none", "unlisted"): "no approval names it any more: it stays unlisted, until one does (`reconciler approve`)",
    ("none", "quarantined"): "no approval names it any more: it stays in quarantine, until one does (`reconciler approve`)",
    ("withdrawn", "absent"): "it was taken back before it was promoted",
    ("none", "listed"): "it is published, but no approval names it any more: it stays; `reconciler approve` it again to explain it, "
    "or take it back: `reconciler withdraw {feed} {package} {version} -m REASON`",
    ("withdrawn", "listed"): "next: `reconciler apply` takes it back",
    ("withdrawn", "unlisted"): "to undo it: `reconciler relist {feed} {package} {version} -m REASON`",
    ("withdrawn", "quarantined"): "to undo it: `reconciler relist {feed} {package} {version} -m REASON`",
}


def _lines(explained: ExplainV1, holds: list[Hold]) -> Iterator[str]:
    yield f"{inert(explained.package)} {inert(explained.version)} in {explained.feed}: declared {explained.declared}, published {explained.published}"
    if explained.path:
        yield f"  approval   {inert(explained.path)}: {inert(explained.reason)}"
    if explained.author and explained.commit:
        author, *approvers = [person.named() for person in (explained.author, *explained.approvers)]
        yield f"  approved   {people(author, approvers)}, landed with commit {explained.commit[:12]}"
        yield f"  entitled   by {inert(explained.right or '')}"
    if explained.withdrawn:
        taken = explained.withdrawn
        author, *approvers = [person.named() for person in (taken.author, *taken.approvers)]
        since = f" since {taken.since}" if taken.since else ""
        yield f"  withdrawn  {taken.action}{since}: {inert(taken.reason)}"
        yield f"             {people(author, approvers)}, landed with commit {taken.commit[:12]}"
    if explained.expires:
        yield f"  expire{'d' if explained.declared == 'expired' else 's'}    {explained.expires}"
    if explained.deprecated:
        yield f"  deprecated {inert(explained.deprecated)}"
    for row in explained.history:
        when = f"{row.applied_at:%Y-%m-%d %H:%M} UTC by {inert(row.applier or '')}" if row.applied_at else row.outcome
        number = f" (record {row.seq})" if row.seq is not None else ""
        yield f"  {row.change:<10} {when}{number}"
    for hold in holds:
        yield from (f"  {line}" for line in hold_lines(hold))
    following = NEXT.get((explained.declared, explained.published), "")
    if following and not holds:
        yield f"  {inert(following.format(feed=explained.feed, package=explained.package, version=explained.version))}"
