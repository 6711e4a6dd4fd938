"""The lock file that a command is given: found, read within its bounds, and matched with the type of the feed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from reconciler.ecosystems import ECOSYSTEMS
from reconciler.errors import NotFound, Refused
from reconciler.model.declared import Feed
from reconciler.propose.locks import FORMATS, format_of, read_lock
from reconciler.propose.locks.interface import Aside
from reconciler.propose.locks.wanted import Locked, wanted

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True, slots=True)
class LockFile:
    """What a lock file comes to for a feed: its name and format, versions each once, and what is no version of a feed."""

    name: str
    format: str
    versions: Sequence[Locked]
    aside: Sequence[Aside]


def open_lock(path: Path, format_: str | None, feed: Feed) -> LockFile:
    """Reads it; NotFound for what cannot be read or is no lock file by its name, Refused for another ecosystem's and for a broken one."""
    form = format_ or format_of(path.name)
    row = FORMATS[form]
    if row.type != feed.type:
        message = f"{form} names {row.type} packages, {feed.name} is a feed of type {feed.type}"
        raise Refused(message)
    try:
        with path.open("rb") as file:
            data = file.read(row.max_bytes + 1)
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise NotFound(message) from error
    lock = read_lock(path.name, data, row)
    return LockFile(name=path.name, format=form, versions=wanted(path.name, lock, ECOSYSTEMS[feed.type]), aside=lock.aside)


def lock_options(*, required: bool) -> Callable[[F], F]:
    """`--from-lock FILE` and `--lock-format`."""

    def decorate(command: F) -> F:
        named = click.option(
            "--lock-format", "lock_format", type=click.Choice(list(FORMATS)), help="What --from-lock is; default: by its name."
        )
        told = "The versions that a lock file of a project names."
        kind = click.Path(dir_okay=False, path_type=Path)
        return click.option("--from-lock", "lock", type=kind, metavar="FILE", required=required, help=told)(named(command))

    return decorate
