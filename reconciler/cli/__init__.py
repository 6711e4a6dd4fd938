"""The command line: one module a command family, loaded when it is called.

The only place that prints, reads clock and environment, and sets exit codes (DESIGN section 11):

    0 done · 1 unexpected · 2 there are changes (--detailed-exitcode) · 3 precondition · 4 declaration invalid · 5 held · 6 waiting
    7 partial · 8 limit · 9 integrity · 64 usage (click's own 2 would read as "there are changes")
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NoReturn

import click

from reconciler import __version__
from reconciler.errors import (
    ArchiveRefused,
    ContentMismatch,
    DeclarationInvalid,
    DumpRefused,
    IntegrityError,
    NotFound,
    PreconditionFailed,
    ReconcilerError,
    Refused,
    RevisionConflict,
    Theirs,
)
from reconciler.show.inert import inert

COMMANDS: Final[Mapping[str, str]] = {
    "init": "init",
    "check": "check",
    "plan": "reconcile",
    "apply": "reconcile",
    "reanchor": "reanchor",
    "history": "history",
    "explain": "explain",
    "drift": "drift",
    "verify": "verify",
    "sbom": "sbom",
    "can": "can",
    "who": "who",
    "approve": "approve",
    "audit": "audit",
    "endorse": "approve",
    "withdraw": "withdraw",
    "relist": "withdraw",
    "deprecate": "withdraw",
    "advisories": "advisories",
    "serve": "serve",
    "schema": "schema",
}
"""Command -> module of this package that defines it."""

EXIT_CODES: Final[Mapping[str, int]] = {
    "done": 0,
    "changes": 0,
    "invalid": 4,
    "held": 5,
    "waiting": 6,
    "partial": 7,
    "limit": 8,
    "integrity": 9,
}
"""Outcome of a plan or an apply -> exit code."""

USAGE: Final = 64
UNEXPECTED: Final = 1
ERROR_CODES: Final[tuple[tuple[type[ReconcilerError], int], ...]] = (
    (DeclarationInvalid, 4),
    (PreconditionFailed, 3),
    (RevisionConflict, 3),
    (IntegrityError, 9),
    (NotFound, USAGE),
    (Refused, USAGE),
    (ContentMismatch, 9),
    (DumpRefused, 9),
    (ArchiveRefused, 5),
    (Theirs, 6),
    (ReconcilerError, UNEXPECTED),
)
"""The first that fits an exception gives the exit code."""


class _Commands(click.Group):
    """Finds commands in COMMANDS, and imports only the one that is called: `--version` must not wait for git and YAML."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"reconciler.cli.{COMMANDS[cmd_name]}"), cmd_name)
        return command

    def main(self, *args: Any, **extra: Any) -> NoReturn:
        # A pass makes millions of objects that all live to its end: looking for cycles among them over and over took a third of its time.
        gc.set_threshold(1_000_000, 20, 20)
        try:
            code = super().main(*args, **{**extra, "standalone_mode": False})
        except click.UsageError as error:
            error.show()
            code = USAGE
        except click.ClickException as error:
            error.show()
            code = UNEXPECTED
        except click.Abort:
            click.echo("Interrupted.", err=True)
            code = UNEXPECTED
        except ReconcilerError as error:
            code = report_error(error)
        sys.exit(code if isinstance(code, int) else 0)


def report_error(error: ReconcilerError) -> int:
    """Says what is wrong and what to do next, on standard error; the exit code."""
    if isinstance(error, DeclarationInvalid):
        for problem in error.problems:
            click.echo(inert(str(problem)), err=True)
        count = len(error.problems)
        click.echo(f"\n{count} problem{'s' if count != 1 else ''} in the declaration.", err=True)
    else:
        click.echo(f"Error: {inert(str(error))}", err=True)
    if error.remedy:
        click.echo(f"To do: {inert(error.remedy)}", err=True)
    return next(code for kind, code in ERROR_CODES if isinstance(error, kind))


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.option(
    "-C", "folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".", help="The repository (or a folder in it)."
)
@click.version_option(__version__, prog_name="reconciler")
@click.pass_context
def main(ctx: click.Context, folder: Path) -> None:
    """Approve open-source packages by pull request.

    Feeds, approvals and permissions are YAML files in git; reconciler compares them with feed storage and copies what is newly
    approved from a proxy feed to the approved feed that developers install from.

    \b
    Example:
      reconciler approve approved-nuget Newtonsoft.Json@13.0.3 -m "MIT, no known advisories" --commit
      reconciler plan
      reconciler apply
      reconciler history Newtonsoft.Json
    """
    ctx.obj = folder
