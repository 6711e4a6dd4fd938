"""`check`: is the declaration well-formed, every error at once; and may the branch land as it stands."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.session import ref_option
from reconciler.continuity import require_landable
from reconciler.declaration import KINDS
from reconciler.declare.load import load_approvals, load_rules, problems_of, rule_files
from reconciler.declare.revision import Repository, working_tree
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.errors import DeclarationInvalid
from reconciler.model.words import CommitId
from reconciler.show.inert import inert


@click.command()
@ref_option
@click.option("--working-tree", "uncommitted", is_flag=True, help="Check the files as they lie there, committed or not.")
@click.option("--base", metavar="REF", help="On a pull request: the branch that it is for, as it is now (origin/main).")
@click.pass_obj
def check(folder: Path, ref: str, base: str | None, *, uncommitted: bool) -> None:
    """Check feeds.yaml, policies/ and approvals/; every error at once, with file and line. Needs no store and no network.

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
    repository = Repository(folder)
    commit = None if uncommitted else repository.resolve(ref)
    files = working_tree(repository.root) if commit is None else repository.tree(commit)
    problems = problems_of(files, KINDS)
    if problems:
        raise DeclarationInvalid(problems)
    rules = load_rules(rule_files(files), KINDS)
    approvals = load_approvals(files, rules, ecosystems=ECOSYSTEMS)
    feeds = len(rules.settings.feeds)
    note = _landable(repository, commit, base) if commit is not None and base is not None else ""
    click.echo(
        f"The declaration is well-formed: {feeds} feeds, {len(rules.permissions.permissions)} permissions, {len(approvals.valid)} approvals."
    )
    if note:
        click.echo(f"Note: {inert(note)}.")


def _landable(repository: Repository, commit: CommitId, base: str) -> str:
    repository.require_full_history()
    return require_landable(repository, commit, repository.resolve(base), base)
