"""How `plan` and `apply` report: text for people, JSON for programs, markdown for a pull request, workflow commands for GitHub."""

from __future__ import annotations

import os
from functools import wraps
from pathlib import Path
from typing import Any, Final, cast

import click

from reconciler.cli.session import F
from reconciler.errors import ReconcilerError
from reconciler.model.plan import Applied, Plan
from reconciler.show.contract import NotesRow, to_json
from reconciler.show.markdown import SUMMARY, applied_markdown, plan_markdown
from reconciler.show.notes import notes_text
from reconciler.show.plan_json import apply_v1, plan_v1
from reconciler.show.text import applied_text, plan_text
from reconciler.show.workflow import applied_commands, applied_outputs, error_commands, output_lines, plan_commands, plan_outputs

FORMS: Final = ("text", "json", "markdown", "github")
SUMMARY_LIMIT: Final = 1024 * 1024
"""Bytes of a step summary; GitHub drops all of one that is larger."""


def report_option(command: F) -> F:
    """All forms that a pass can be reported in."""
    return click.option("--format", "form", type=click.Choice(FORMS), default="text", show_default=True, help="How to report.")(command)


def annotate_errors(command: F) -> F:
    """As `github`, what ends a pass early is an annotation as well, beside what standard error says of it."""

    @wraps(command)
    def annotated(*arguments: Any, **options: Any) -> Any:
        try:
            return command(*arguments, **options)
        except ReconcilerError as error:
            if options["form"] == "github":
                click.echo("\n".join(error_commands(error)))
            raise

    return cast("F", annotated)


def print_plan(plan: Plan, form: str) -> None:
    """Prints the plan; as `github` also into the files that GitHub names."""
    match form:
        case "json":
            click.echo(to_json(plan_v1(plan)), nl=False)
        case "markdown":
            click.echo(plan_markdown(plan), nl=False)
        case "github":
            click.echo("\n".join(plan_commands(plan)))
            _to_github(plan_markdown(plan, most=SUMMARY), plan_outputs(plan))
        case _:
            click.echo("\n".join(plan_text(plan)))


def print_applied(applied: Applied, notes: NotesRow | None, form: str) -> None:
    """Prints what was done, and what became of the notes; single changes were told of before, in text only."""
    match form:
        case "json":
            click.echo(to_json(apply_v1(applied, notes)), nl=False)
            return
        case "markdown":
            click.echo(applied_markdown(applied), nl=False)
            return
        case "github":
            click.echo("\n".join(applied_commands(applied)))
            _to_github(applied_markdown(applied, most=SUMMARY), applied_outputs(applied))
        case _:
            click.echo("\n".join(applied_text(applied)).removeprefix("" if applied.applied else "\n"))
    if notes is not None:
        click.echo(notes_text(notes))


def _to_github(summary: str, outputs: dict[str, str]) -> None:
    """Appends to the files of the step; without the variables, as on a machine of one's own, there are none."""
    if name := os.environ.get("GITHUB_STEP_SUMMARY"):
        _append(Path(name), summary, most=SUMMARY_LIMIT)
    if name := os.environ.get("GITHUB_OUTPUT"):
        _append(Path(name), output_lines(outputs))


def _append(path: Path, text: str, *, most: int | None = None) -> None:
    try:
        there = path.stat().st_size if path.exists() else 0
        if most is not None and there + len(text.encode()) > most:
            click.echo("::notice::the summary of this step is full: the plan is not in it")
            return
        with path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise click.FileError(str(path), hint=str(error.strerror)) from error
