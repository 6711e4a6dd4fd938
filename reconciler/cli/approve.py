"""`approve` and `endorse`: write the YAML that a pull request is about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypedDict, Unpack

import click

from reconciler.cli.arguments import approved_feed, identity_in
from reconciler.cli.desk import Desk, open_desk, write_file
from reconciler.cli.session import open_wire, upstreams
from reconciler.decide.people import user_of
from reconciler.declare.edit import append_endorsement
from reconciler.declare.revision import commit_files, git_user
from reconciler.declare.write import new_approval
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.errors import NotFound, Refused
from reconciler.model.declared import Connector, Feed
from reconciler.model.words import FeedName, Identity, PackageKey
from reconciler.observe.catalog import Wanted, look_up
from reconciler.propose.approve import Proposal, Request, approval_of, choose, propose, require_new
from reconciler.reconcile import UpstreamOf
from reconciler.show.inert import inert


class ApproveOptions(TypedDict):
    """The options of `approve`, as click passes them."""

    reason: str
    ticket: str
    source: str | None
    patterns: tuple[str, ...]
    allow_unlisted: bool
    commit: bool


@click.command()
@click.argument("feed")
@click.argument("packages", nargs=-1, required=True, metavar="PACKAGE[@VERSION]...")
@click.option("-m", "--message", "reason", required=True, help="Why it may be used: the comment of the promotion.")
@click.option("--ticket", default="", help="The ticket that asks for it.")
@click.option("--from", "source", help="The proxy feed to promote from, where the approved feed has several.")
@click.option("--file", "patterns", multiple=True, metavar="PATTERN", help="Only files whose name matches (e.g. '*.whl'); default: all.")
@click.option("--allow-unlisted", is_flag=True, help="Also a version that is yanked or unlisted upstream.")
@click.option("--commit", is_flag=True, help="Commit the new files.")
@click.pass_obj
def approve(folder: Path, feed: str, packages: tuple[str, ...], **options: Unpack[ApproveOptions]) -> None:
    """Write the approval of one or more packages, with the digest of every file, ready for a pull request.

    Without a version the newest stable one is taken. `PACKAGE VERSION` does the same as `PACKAGE@VERSION`.

    \b
    Example:
      reconciler approve approved-nuget Newtonsoft.Json@13.0.3 -m "MIT, no known advisories" --commit
      reconciler approve approved-pypi rich markdown-it-py mdurl pygments -m "progress bars for the CLI"
    """
    desk = open_desk(folder)
    target = approved_feed(desk.rules.settings, feed)
    source = _source(target, options["source"])
    if not all(packages):
        message = "a package has no name"
        raise click.UsageError(message)
    patterns, unlisted, reason = options["patterns"], options["allow_unlisted"], options["reason"]
    requests = [Request(package=n, version=v, patterns=patterns, unlisted=unlisted) for n, v in _pairs(packages, target)]
    with open_wire() as wire:
        proposals = _proposals(desk, target, source, requests, upstreams(wire, desk.root, desk.rules.settings))
    for proposal in proposals:
        text = new_approval(approval_of(proposal, source=source, reason=reason, ticket=options["ticket"]))
        write_file(desk.root, proposal.path, text)
        click.echo("\n".join(_told(proposal)))
    if options["commit"]:
        done = commit_files(desk.root, [p.path for p in proposals], _message(proposals, feed, reason))
        click.echo(f"Committed as {done[:12]}.")
    else:
        click.echo("Review the files, commit them, and open a pull request.")


def _proposals(desk: Desk, target: Feed, source: FeedName, requests: Sequence[Request], upstream_of: UpstreamOf) -> list[Proposal]:
    """All of them or none: nothing is written before the last one has been inspected."""
    ecosystem = ECOSYSTEMS[target.type]
    keys = {request: _key(target, request) for request in requests}
    catalog = look_up((Wanted(feed=source, package=keys[r], name=r.package) for r in requests), desk.rules.settings.feeds, upstream_of)
    chosen = []
    for request in requests:
        found, release = choose(request, catalog[source, keys[request]], source=source, ecosystem=ecosystem)
        identity = Identity(feed=target.name, package=keys[request], version=release.version.key)
        require_new(identity, request.package, desk.approvals.valid.values())
        chosen.append((request, found, release))
    feed = desk.rules.settings.feeds[source]
    opened = ((r, release, upstream_of(feed, Connector(upstream=found.upstream))) for r, found, release in chosen)
    return [propose(target, r, release, upstream, ecosystem) for r, release, upstream in opened]


def _key(target: Feed, request: Request) -> PackageKey:
    try:
        return ECOSYSTEMS[target.type].normalize_name(request.package)
    except ValueError as error:
        message = f"{request.package!r} is no name of a {target.type} package: {error}"
        raise NotFound(message) from error


def _source(feed: Feed, source: str | None) -> FeedName:
    if source is None and len(feed.promotes_from) == 1:
        return feed.promotes_from[0]
    if source is None or source not in feed.promotes_from:
        message = f"{feed.name} does not promote from {source!r}" if source else f"{feed.name} promotes from several feeds"
        raise Refused(message, remedy=f"say --from with one of: {', '.join(feed.promotes_from)}")
    return FeedName(source)


def _pairs(words: Sequence[str], feed: Feed) -> Iterable[tuple[str, str | None]]:
    """Names and versions; `NAME VERSION` is told from two names by the second one, which no package is called."""
    if len(words) == 2 and "@" not in words[0][1:] and _is_version(words[1], feed):  # noqa: PLR2004 - PACKAGE VERSION
        return [(words[0], words[1])]
    split = [(word[0] + word[1:].partition("@")[0], word[1:].partition("@")[2] or None) for word in words]
    return list(dict.fromkeys(split))


def _is_version(word: str, feed: Feed) -> bool:
    try:
        ECOSYSTEMS[feed.type].parse_version(word)
    except ValueError:
        return False
    return word[:1].isdigit()


def _told(proposal: Proposal) -> Iterable[str]:
    inspection = proposal.inspection
    yield f"{proposal.path}"
    yield f"    {inert(proposal.package)} {inert(proposal.version)}, license {inert(inspection.license or 'unknown', longest=100)}"
    yield from (f"    {inert(file.name)}, {file.size} bytes, sha256 {file.sha256}" for file in proposal.files)
    needs = [f"{d.name} {d.range}{f' ({d.condition})' if d.condition else ''}" for d in inspection.dependencies]
    if needs:
        yield f"    needs {inert(', '.join(dict.fromkeys(needs)))}"
    if proposal.skipped:
        yield f"    left out: {len(proposal.skipped)} other files of this version"


def _message(proposals: Sequence[Proposal], feed: str, reason: str) -> str:
    if len(proposals) == 1:
        return f"Approve {proposals[0].package} {proposals[0].version} for {feed}\n\n{reason}\n"
    listed = "\n".join(f"- {p.package} {p.version}" for p in proposals)
    return f"Approve {len(proposals)} packages for {feed}\n\n{reason}\n\n{listed}\n"


@click.command()
@click.argument("feed")
@click.argument("package")
@click.argument("version")
@click.option("-m", "--message", "reason", required=True, help="Why you stand for it.")
@click.option("--commit", is_flag=True, help="Commit the file.")
@click.pass_obj
def endorse(folder: Path, feed: str, package: str, version: str, reason: str, commit: bool) -> None:
    """Stand for an approval whose author was not entitled; you become its approver when your commit lands.

    \b
    Example:
      reconciler endorse approved-nuget Newtonsoft.Json 13.0.3 -m "reviewed the license and the diff" --commit
    """
    desk = open_desk(folder)
    target = approved_feed(desk.rules.settings, feed)
    identity = identity_in(target, package, version)
    declared = desk.approvals.valid.get(identity)
    if declared is None:
        message = f"{package} {version} is not approved for {feed}"
        raise NotFound(message, remedy=f"reconciler approve {feed} {package}@{version} -m REASON")
    me = git_user(desk.root)
    by = user_of(desk.rules.permissions, me) or me.email
    before = (desk.root / declared.path).read_text(encoding="utf-8")
    text = append_endorsement(declared.path, before, by=by, reason=reason)
    write_file(desk.root, declared.path, text)
    click.echo(f"{declared.path}: endorsed by {inert(by)}")
    if commit:
        done = commit_files(desk.root, [declared.path], f"Endorse {declared.package} {declared.version} for {feed}\n\n{reason}\n")
        click.echo(f"Committed as {done[:12]}.")
