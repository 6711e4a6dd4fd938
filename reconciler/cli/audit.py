"""`audit`: which packages of a project are approved, by its lock file; a check for the project's own CI."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import click

from reconciler.cli import EXIT_CODES
from reconciler.cli.arguments import approved_feed
from reconciler.cli.lock_files import lock_options, open_lock
from reconciler.cli.session import Session, format_option, open_session, ref_option
from reconciler.decide.desired import Desired, desired_of
from reconciler.decide.wanting import unasked
from reconciler.declaration import Declaration
from reconciler.errors import Refused, StoreUnavailable
from reconciler.model.words import Identity
from reconciler.propose.audit import audited, audited_aside
from reconciler.show.audited import AuditV1, audit_text, audited_rows
from reconciler.show.contract import to_json
from reconciler.stores.evidence import FrozenEvidence


@click.command()
@click.argument("feed")
@lock_options(required=True)
@ref_option
@format_option
@click.pass_obj
def audit(folder: Path, feed: str, lock: Path, lock_format: str | None, ref: str, form: str) -> int:
    """Tell which packages that a lock file names are approved for FEED, and why the others are not. Needs no network.

    Exits with 5 where something is not approved. Whether something is in the feed already, `explain` tells.

    \b
    Lock files:
      requirements.txt, pylock.toml, uv.lock, package-lock.json (version 2 and 3), packages.lock.json, packages.config

    \b
    Example:
      reconciler -C approvals audit approved-pypi --from-lock uv.lock
    """
    session = open_session(folder)
    declaration, notes = _rules(session, ref)
    target = approved_feed(declaration.rules.now.settings, feed)
    file = open_lock(lock, lock_format, target)
    scope = frozenset((target.name, one.package) for one in file.versions)
    declaration = session.reader.widened(declaration, scope)
    found = audited(target, file.versions, _desired(session, declaration), declaration.approvals.malformed)
    rows = audited_rows([*found, *audited_aside(file.aside)])
    report = AuditV1(
        feed=target.name,
        commit=declaration.commit,
        file=file.name,
        format=file.format,
        approved=all(row.state == "approved" for row in rows),
        packages=rows,
        left_out=[one.name for one in file.aside if one.kind == "local"],
        notes=list(notes),
    )
    _tell(report, lock, form)
    return 0 if report.approved else EXIT_CODES["held"]


def _desired(session: Session, declaration: Declaration) -> Mapping[Identity, Desired]:
    """What stands at the commit; of what is held, it is told where only the forge could say more."""
    rules, proofs = declaration.rules, declaration.proofs
    desired = desired_of(declaration.approvals, declaration.authority.standings, rules.now.settings, session.now)
    return {identity: replace(one, standing=unasked(one.standing, rules, proofs)) for identity, one in desired.items()}


def _tell(report: AuditV1, lock: Path, form: str) -> None:
    if form == "json":
        click.echo(to_json(report), nl=False)
        return
    click.echo("\n".join(audit_text(report)))
    if any(row.state == "unknown" for row in report.packages):
        click.echo(f"To do: reconciler approve {report.feed} --from-lock {shlex.quote(str(lock))} -m REASON", err=True)


def _rules(session: Session, ref: str) -> tuple[Declaration, Sequence[str]]:
    """The rules at a commit, with what earlier passes have frozen of reviews, where their store can be read from here."""
    declaration = session.reader.rules_at(session.repository.resolve(ref))
    try:
        evidence = FrozenEvidence(session.store(declaration.rules.now.settings))
    except (StoreUnavailable, Refused) as error:
        return declaration, (f"what forges said of reviews is not known here: {error}",)
    return session.reader.frozen(declaration, evidence), ()
