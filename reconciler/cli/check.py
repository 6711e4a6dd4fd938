"""`check`: is the declaration well-formed, every error at once; and may the branch land as it stands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click

from reconciler.cli.session import open_session, ref_option
from reconciler.continuity import require_landable
from reconciler.decide.waiver_report import ending, idle_problems
from reconciler.decide.waiving import ends
from reconciler.declaration import KINDS
from reconciler.declare.load import at_their_keys, load_approvals, load_rules, problems_of, rule_files
from reconciler.declare.revision import Repository, working_tree
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.errors import DeclarationInvalid
from reconciler.model.declared import Approvals, Rules, TreeFile
from reconciler.model.waivers import Waiver
from reconciler.model.words import CommitId
from reconciler.show.inert import inert


@click.command()
@ref_option
@click.option("--working-tree", "uncommitted", is_flag=True, help="Check the files as they lie there, committed or not.")
@click.option("--base", metavar="REF", help="On a pull request: the branch that it is for, as it is now (origin/main).")
@click.pass_obj
def check(folder: Path, ref: str, base: str | None, *, uncommitted: bool) -> None:
    """Check feeds.yaml, policies/ and approvals/; every error at once, with file and line. Needs no store and no network.

    Errors are also, by today's clock, waivers that have ended, that end more than a year ahead or that match nothing, and policies for
    feeds that are not there: `plan` and `apply` go on without those. Waivers that end within six weeks are noted.

    With --base also check that the commit may become the tip of that branch: one that has merged the branch into itself is refused (exit
    3), since fast-forwarded it would be a foxtrot merge, which hides who landed what. A branch that is merely behind is only noted.

    \b
    Example:
      reconciler check
      reconciler check --working-tree
      reconciler check --base origin/main
    """
    if uncommitted and base is not None:
        message = "--base is about commits: it does not go with --working-tree"
        raise click.UsageError(message)
    session = open_session(folder)
    repository = session.repository
    commit = None if uncommitted else repository.resolve(ref)
    files = working_tree(repository.root) if commit is None else repository.tree(commit)
    rules, approvals = _sound(files, session.now)
    notes = [_landable(repository, commit, base) if commit is not None and base is not None else ""]
    notes += [_ends(waiver, session.now) for waiver in ending(rules.waivers, session.now)]
    counted = [
        _count(len(rules.settings.feeds), "feed"),
        _count(len(rules.permissions.permissions), "permission"),
        _count(len(approvals.valid), "approval"),
        *([_count(len(rules.policies), "policy", "policies")] if rules.policies else []),
        *([_count(len(rules.waivers), "waiver")] if rules.waivers else []),
    ]
    click.echo(f"The declaration is well-formed: {', '.join(counted)}.")
    for note in filter(None, notes):
        click.echo(f"Note: {inert(note)}.")


def _count(number: int, one: str, several: str = "") -> str:
    return f"{number} {one if number == 1 else several or f'{one}s'}"


def _sound(files: Sequence[TreeFile], now: datetime) -> tuple[Rules, Approvals]:
    """Rules and approvals; DeclarationInvalid with everything that is wrong with them."""
    try:
        rules = load_rules(rule_files(files), KINDS)
    except DeclarationInvalid as error:
        raise DeclarationInvalid(problems_of(files, KINDS)) from error
    approvals = load_approvals(files, rules, ecosystems=ECOSYSTEMS)
    problems = [problem for malformed in approvals.malformed for problem in malformed.problems]
    problems += at_their_keys(idle_problems(rules, approvals, ECOSYSTEMS, now), files)
    if problems:
        raise DeclarationInvalid(tuple(sorted(problems, key=lambda problem: (problem.path, problem.line))))
    return rules, approvals


def _ends(waiver: Waiver, now: datetime) -> str:
    left = (ends(waiver) - now).days
    when = f"in {left} day{'s' if left > 1 else ''}" if left else "in less than a day"
    about = f"{waiver.id} for {waiver.package}" if waiver.id else waiver.package
    return f"{waiver.where.path} ({waiver.rule}: {about}) ends {when}, on {waiver.expires}; {waiver.owner} answers for it"


def _landable(repository: Repository, commit: CommitId, base: str) -> str:
    repository.require_full_history()
    return require_landable(repository, commit, repository.resolve(base), base)
