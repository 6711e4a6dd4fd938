"""`check`: is the declaration well-formed; every error at once."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.session import ref_option
from reconciler.declare.load import load_approvals, load_rules, problems_of, rule_files
from reconciler.declare.revision import Repository, working_tree
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.errors import DeclarationInvalid


@click.command()
@ref_option
@click.option("--working-tree", "uncommitted", is_flag=True, help="Check the files as they lie there, committed or not.")
@click.pass_obj
def check(folder: Path, ref: str, uncommitted: bool) -> None:
    """Check feeds.yaml, policies/ and approvals/; every error at once, with file and line. Needs no store and no network.

    \b
    Example:
      reconciler check
      reconciler check --working-tree
    """
    repository = Repository(folder)
    files = working_tree(repository.root) if uncommitted else repository.tree(repository.resolve(ref))
    problems = problems_of(files, ECOSYSTEMS)
    if problems:
        raise DeclarationInvalid(problems)
    rules = load_rules(rule_files(files), ECOSYSTEMS)
    approvals = load_approvals(files, rules, ecosystems=ECOSYSTEMS)
    feeds = len(rules.settings.feeds)
    click.echo(
        f"The declaration is well-formed: {feeds} feeds, {len(rules.permissions.permissions)} permissions, {len(approvals.valid)} approvals."
    )
