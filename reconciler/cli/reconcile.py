"""`plan` and `apply`: one pass, stopped before it acts or carried out."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TypedDict, Unpack

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from reconciler.act.record import Applier
from reconciler.cli import EXIT_CODES
from reconciler.cli.notes import write_notes
from reconciler.cli.reports import annotate_errors, print_applied, print_plan, report_option
from reconciler.cli.session import Session, applier_name, open_session, open_wire, public_url_option, ref_option
from reconciler.declaration import Declaration
from reconciler.errors import ReconcilerError
from reconciler.model.declared import Connector
from reconciler.model.plan import Change, Failure, Plan
from reconciler.observe.upstreams import Upstream
from reconciler.reconcile import Options, Planned, Surroundings, apply_pass, plan_pass
from reconciler.show.contract import NotesRow
from reconciler.show.text import change_lines, failure_lines

CHANGES = 2
FAIL_CLASSES = ("integrity", "limit", "invalid", "partial", "held", "waiting")


class PassOptions(TypedDict):
    """What `plan` and `apply` have in common, as click passes it."""

    ref: str
    public_url: str | None
    form: str
    refresh: bool
    deep: bool


class PlanOptions(PassOptions):
    """The options of `plan`."""

    detailed_exitcode: bool


class ApplyOptions(PassOptions):
    """The options of `apply`."""

    accept: str
    notes: bool
    fail_on: tuple[str, ...]
    quiet: bool


@click.command()
@ref_option
@public_url_option
@report_option
@click.option("--refresh", is_flag=True, help="Compare with what feed storage really holds, and ask upstream for new marks.")
@click.option("--deep", is_flag=True, help="With --refresh: read every file, too, instead of trusting its size.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 if there are changes.")
@click.pass_obj
@annotate_errors
def plan(folder: Path, **options: Unpack[PlanOptions]) -> int:
    """Show what apply would do; writes nothing.

    \b
    Example:
      reconciler plan
      reconciler plan --format json --detailed-exitcode
      reconciler plan --format markdown > comment.md
    """
    session = open_session(folder)
    declaration = session.read(options["ref"])
    with open_wire() as wire:
        planned = _plan(session, declaration, session.surroundings(declaration, wire), _how(session, options, accept=""))
    print_plan(planned.plan, options["form"])
    if planned.plan.outcome == "changes" and options["detailed_exitcode"]:
        return CHANGES
    return EXIT_CODES[planned.plan.outcome]


@click.command()
@ref_option
@public_url_option
@report_option
@click.option("--refresh", is_flag=True, help="Compare with what feed storage really holds, repair what is missing, take new marks.")
@click.option("--deep", is_flag=True, help="With --refresh: read every file, too, instead of trusting its size.")
@click.option("--accept", default="", metavar="DIGEST", help="Lift the limits for the plan with this digest; recorded.")
@click.option(
    "--fail-on", multiple=True, type=click.Choice(FAIL_CLASSES), help="Exit with 0 unless one of these is the outcome (default: all)."
)
@click.option("--notes", is_flag=True, help="Also write refs/notes/promotions, for `git log --notes=promotions`.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
@click.pass_obj
@annotate_errors
def apply(folder: Path, **options: Unpack[ApplyOptions]) -> int:
    """Make the approved feeds what the declaration says.

    \b
    Example:
      reconciler apply
      reconciler apply --refresh --format json
      reconciler apply --notes && git log --notes=promotions
    """
    session = open_session(folder)
    declaration = session.read(options["ref"])
    silent = options["quiet"] or options["form"] != "text"
    with open_wire() as wire, ExitStack() as stack:
        surroundings = session.surroundings(declaration, wire)
        how = _how(session, options, accept=options["accept"])
        planned = _plan(session, declaration, surroundings, how)
        settings = planned.plan.rules.settings
        upstream_of = surroundings.upstreams_of(settings)

        def source_of(change: Change) -> Upstream:
            upstream = upstream_of(settings.feeds[change.source], Connector(upstream=change.upstream))
            return surroundings.archives.source(upstream)

        applier = Applier(name=applier_name(), at=session.now, accepted=how.accept)
        report = _reporter(planned.plan, stack, quiet=silent)
        applied = apply_pass(planned, source_of, report, applier)
    refused: ReconcilerError | None = None
    notes: NotesRow | None = None
    if options["notes"]:
        try:
            notes = write_notes(session, planned.declaration, planned.store)
        except ReconcilerError as error:  # what was applied is to be told all the same
            refused = error
    if not options["quiet"]:
        print_applied(applied, notes, options["form"])
    if refused is not None:
        raise refused
    matters = not options["fail_on"] or applied.outcome in options["fail_on"]
    return EXIT_CODES[applied.outcome] if matters else 0


def _how(session: Session, options: PassOptions, *, accept: str) -> Options:
    if options["deep"] and not options["refresh"]:
        message = "--deep says how thorough --refresh is: say both"
        raise click.UsageError(message)
    refresh = options["refresh"]
    return Options(now=session.now, public_url=options["public_url"], listed=refresh, deep=options["deep"], marks=refresh, accept=accept)


def _plan(session: Session, declaration: Declaration, surroundings: Surroundings, options: Options) -> Planned:
    if not sys.stderr.isatty():
        return plan_pass(session.reader, declaration, surroundings, options)
    with Console(stderr=True).status("Asking the upstream feeds ..."):
        return plan_pass(session.reader, declaration, surroundings, options)


def _reporter(plan: Plan, stack: ExitStack, *, quiet: bool) -> Callable[[Change | Failure], None]:
    """Tells of each change as it comes about: above a progress bar on a terminal, as plain lines elsewhere."""
    if quiet:
        return lambda _: None
    console = Console(soft_wrap=True, highlight=False, markup=False)
    if not console.is_terminal or not plan.changes:
        return lambda done: click.echo("\n".join(_lines(done)))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    progress = stack.enter_context(Progress(*columns, console=console, transient=True))
    task = progress.add_task("Applying", total=len(plan.changes))

    def report(done: Change | Failure) -> None:
        console.print("\n".join(_lines(done)))
        progress.advance(task)

    return report


def _lines(done: Change | Failure) -> list[str]:
    return failure_lines(done) if isinstance(done, Failure) else change_lines(done)
