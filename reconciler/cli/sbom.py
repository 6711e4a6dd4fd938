"""`sbom`: what a feed holds, for tools that read CycloneDX."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from reconciler.cli.arguments import approved_feed
from reconciler.cli.session import open_session, ref_option


@click.command()
@click.argument("feed")
@click.option("-o", "output", type=click.Path(dir_okay=False, path_type=Path), help="The file to write, instead of standard output.")
@click.option(
    "--state",
    type=click.Choice(["listed", "all"]),
    default="listed",
    show_default=True,
    help="Which versions to tell: those that are listed, or also those that were taken back.",
)
@ref_option
@click.pass_obj
def sbom(folder: Path, feed: str, output: Path | None, state: str, ref: str) -> None:
    """Write what FEED holds as CycloneDX 1.6 JSON: packages with their files and licenses, what needs what, known vulnerabilities, who
    approved each. Reads the store and asks nobody; `reconciler advisories update` fetches what is known of vulnerabilities.

    \b
    Example:
      reconciler sbom approved-nuget -o approved-nuget.cdx.json
    """
    from reconciler.cli.inventory import sbom_of  # noqa: PLC0415  # the CycloneDX library takes its time, and few runs ask for it

    session = open_session(folder)
    settings = session.rules(ref).rules.now.settings
    pieces = sbom_of(approved_feed(settings, feed), session.store(settings), session.now, everything=state == "all")
    if output is not None:
        _write(output, pieces)
        return
    for piece in pieces:
        click.echo(piece, nl=False)


def _write(output: Path, pieces: Iterator[str]) -> None:
    """Writes the file whole, or leaves what was there."""
    unfinished = output.with_name(f".{output.name}.unfinished")
    try:
        with unfinished.open("w", encoding="utf-8", newline="\n") as stream:
            stream.writelines(pieces)
        unfinished.replace(output)
    except OSError as error:
        raise click.FileError(str(output), hint=error.strerror) from error
    finally:
        unfinished.unlink(missing_ok=True)
