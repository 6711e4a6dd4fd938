"""From texts to a pull request: what `approve`, `endorse`, `withdraw`, `relist` and `deprecate` have in common once they know what to write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict, TypeVar

import click

from reconciler.cli.desk import Desk, write_files
from reconciler.cli.session import open_wire
from reconciler.declare.revision import (
    address_of,
    commit_files,
    commit_on_branch,
    current_branch,
    default_branch,
    holds_just,
    push_branch,
    remote_of,
    require_name,
)
from reconciler.errors import PreconditionFailed, Refused, Theirs
from reconciler.propose.remote import remote_of as project_at
from reconciler.propose.requests import Draft, open_request, open_requests
from reconciler.show.inert import inert
from reconciler.show.proposed import Change, branch_name, commit_message, request_body

F = TypeVar("F", bound=Callable[..., Any])


class Ways(TypedDict):
    """How far a change is brought, as click passes it. `branch` None: where one stands; "": a branch that is named after the change."""

    commit: bool
    branch: str | None
    push: bool
    pr: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Parcel:
    """What is brought: files of the working tree by path, and what is told of them. `before` was told already; `next` says what to do
    with files that were only written, and `then` what comes after their commit."""

    change: Change
    texts: Mapping[str, str]
    shown: tuple[str, ...]
    before: tuple[str, ...] = ()
    next: str = ""
    then: str = ""


def delivery_options(command: F) -> F:
    """How far the change is brought."""
    options = (
        click.option("--commit", is_flag=True, help="Commit the files."),
        click.option(
            "--branch", is_flag=False, flag_value="", metavar="[NAME]", help="Commit on a new branch; what is checked out stays as it is."
        ),
        click.option("--push", is_flag=True, help="Push the branch that has the commit."),
        click.option("--pr", is_flag=True, help="Push, and open the pull request (or say where); on a branch of its own."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def deliver(desk: Desk, parcel: Parcel, ways: Ways) -> None:
    """Writes the files, tells of them, and commits, pushes and opens a pull request as far as that is wanted.

    A branch that has just this already is not made again, so that the same request may be said twice.
    """
    root, here = desk.root, current_branch(desk.root)
    remote = remote_of(root, here) if ways["push"] or ways["pr"] else ""
    own = _own_branch(root, parcel.change, ways, here, remote)
    branch = own or here
    if remote and branch is None:
        message = "no branch is checked out that could be pushed"
        raise PreconditionFailed(message, remedy="say --branch")
    there = holds_just(root, own, parcel.texts) if own else None
    if there is False:
        message = f"there is a branch {own} already, with something else"
        unless = "leave --branch out to commit where you are" if own == here else f"`git branch -D {own}` if nobody needs it"
        raise Refused(message, remedy=f"say --branch with another name, or {unless}")
    if not there:
        write_files(root, parcel.texts)
    for line in parcel.shown:
        click.echo(line)
    if not (ways["commit"] or own or remote):
        if parcel.next:
            click.echo(parcel.next)
        return
    _commit(root, parcel, own, there=bool(there))
    if remote and branch:
        push_branch(root, remote, branch)
        click.echo(f"Pushed to {inert(remote)}, branch {inert(branch)}.")
        if ways["pr"]:
            _open(desk, parcel, remote, branch)


def _own_branch(root: Path, change: Change, ways: Ways, here: str | None, remote: str) -> str | None:
    """The name of the branch to make. A pull request has one of its own, unless the branch that is checked out is not the main one."""
    name = ways["branch"]
    if name is None and ways["pr"]:
        main = default_branch(root, remote)
        name = None if here is not None and main is not None and here != main else ""
    if name is None:
        return None
    name = name or branch_name(change)
    require_name(root, name)
    return name


def _commit(root: Path, parcel: Parcel, branch: str | None, *, there: bool) -> None:
    message, paths = commit_message(parcel.change), list(parcel.texts)
    if there:
        click.echo(f"Branch {branch} has it already.")
    elif branch:
        done = commit_on_branch(root, branch, paths, message)
        click.echo(f"Committed as {done[:12]} on branch {branch}{parcel.then}.")
    else:
        done = commit_files(root, paths, message)
        click.echo(f"Committed as {done[:12]}{parcel.then}.")


def _open(desk: Desk, parcel: Parcel, remote: str, branch: str) -> None:
    """At the forge, where a token for it is at hand; else the address at which a person does that."""
    place = project_at(address_of(desk.root, remote))
    forge = desk.rules.forge or (place.forge() if place else None)
    if forge is None:
        message = f"which forge {remote} is cannot be told from its address"
        raise PreconditionFailed(
            message, remedy="the branch is pushed: open the pull request there; policies/forge.yaml can name the forge"
        )
    draft = Draft(
        head=branch,
        source=place.project if place else forge.project,
        base=default_branch(desk.root, remote),
        title=parcel.change.title,
        body=request_body(parcel.change, (*parcel.before, *parcel.shown)),
    )
    with open_wire() as wire:
        requests = open_requests(forge, wire)
        by_hand = requests.by_hand(draft)
        if not requests.may_write:
            click.echo(f"Open the pull request: {inert(by_hand)}")
            return
        try:
            opened = open_request(requests, draft)
        except Theirs as error:
            raise type(error)(str(error), remedy=f"The branch is pushed. Open the pull request by hand: {by_hand}") from error
    click.echo(f"{'Opened' if opened.new else 'Open already:'} {inert(opened.link)}")
