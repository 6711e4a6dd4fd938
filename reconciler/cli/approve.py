"""`approve` and `endorse`: write the YAML that a pull request is about."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Unpack

import click
from rich.console import Console

from reconciler.act.record import purl
from reconciler.cli import EXIT_CODES
from reconciler.cli.approval_text import proposal_lines, refusal_lines, tree_lines
from reconciler.cli.approve_lock import LockApproval, found_in, write_found
from reconciler.cli.approving import Asked, Counter, with_extras
from reconciler.cli.arguments import approved_feed, identity_in
from reconciler.cli.deliver import Parcel, Ways, deliver, delivery_options
from reconciler.cli.desk import Desk, open_desk
from reconciler.cli.lock_files import lock_options, open_lock
from reconciler.cli.session import open_wire, upstreams
from reconciler.decide.people import user_of
from reconciler.declare.edit import append_endorsement
from reconciler.declare.revision import git_user
from reconciler.declare.write import new_approval
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.errors import NotFound, Refused
from reconciler.model.declared import Feed
from reconciler.model.words import FeedName
from reconciler.observe.advisories import Advisories
from reconciler.propose.approve import Request, approval_of
from reconciler.propose.closure import Tree
from reconciler.propose.judge import Judge, known_to
from reconciler.propose.market import Offer
from reconciler.show.inert import inert
from reconciler.show.proposed import Change
from reconciler.stores import open_store


class ApproveOptions(Ways):
    """The options of `approve`, as click passes them."""

    reason: str
    ticket: str
    source: str | None
    patterns: tuple[str, ...]
    allow_unlisted: bool
    with_dependencies: bool
    lock: Path | None
    lock_format: str | None
    skip_refused: bool


class EndorseOptions(Ways):
    """The options of `endorse`, as click passes them."""

    reason: str


@click.command()
@click.argument("feed")
@click.argument("packages", nargs=-1, metavar="[PACKAGE[@VERSION]...]")
@click.option("-m", "--message", "reason", required=True, help="Why it may be used: the comment of the promotion.")
@click.option("--ticket", default="", help="The ticket that asks for it.")
@click.option("--from", "source", help="The proxy feed to promote from, where the approved feed has several.")
@click.option("--file", "patterns", multiple=True, metavar="PATTERN", help="Only files whose name matches (e.g. '*.whl'); default: all.")
@click.option("--allow-unlisted", is_flag=True, help="Also a version that is yanked or unlisted upstream.")
@click.option("--with-dependencies", is_flag=True, help="Also all that it needs at run time and that is not approved yet.")
@lock_options(required=False)
@click.option("--skip-refused", is_flag=True, help="With --from-lock: approve the rest where something of it cannot be.")
@delivery_options
@click.pass_obj
def approve(folder: Path, feed: str, packages: tuple[str, ...], **options: Unpack[ApproveOptions]) -> int:
    """Write the approval of one or more packages, with the digest of every file, ready for a pull request.

    Without a version the newest stable one is taken. `PACKAGE VERSION` does the same as `PACKAGE@VERSION`.

    Each is judged by the policies of the working tree. What they hold or deny is refused (exit 5), and the waiver told that would let it in;
    what only has to wait until it is old enough is written, and told.

    With --with-dependencies the tree of what it needs at run time is walked, for the targets of the feed: what an approved version satisfies
    is closed; for the rest the highest version that passes the policies is chosen. All is written, or nothing. `PACKAGE[EXTRA]` also asks for
    an extra of a Python package. A version that is approved already may be named, to approve what it lacks. Each edge is checked as the
    package declares it; no resolver is run.

    With --from-lock all is approved that a lock file names and the feed lacks; bytes that the lock file contradicts are refused.

    --branch, --push and --pr bring it as far as they say; --pr does all of that, on a branch of its own. The forge is that of
    policies/forge.yaml, or of the remote's address; without a token in RECONCILER_TOKEN_<host> the address is told at which you open it.

    \b
    Example:
      reconciler approve approved-nuget Newtonsoft.Json@13.0.3 -m "MIT, no known advisories" --ticket SEC-123 --pr
      reconciler approve approved-nuget Newtonsoft.Json@13.0.3 -m "MIT, no known advisories" --commit
      reconciler approve approved-pypi rich --with-dependencies -m "progress bars for the CLI" --commit
      reconciler approve approved-npm --from-lock package-lock.json -m "what the shop is built from" --commit
    """
    _require_one_way(packages, options)
    desk = open_desk(folder)
    target = approved_feed(desk.rules.settings, feed)
    source = _source(target, options["source"])
    if options["lock"] is not None:
        return _from_lock(desk, target, source, options["lock"], options)
    patterns, unlisted, deep = options["patterns"], options["allow_unlisted"], options["with_dependencies"]
    requests = [Request(package=n, version=v, patterns=patterns, unlisted=unlisted) for n, v in _pairs(packages, target)]
    requests = [with_extras(request) for request in requests] if deep else requests
    with open_wire() as wire, _status() if deep else nullcontext():
        upstream_of = upstreams(wire, desk.root, desk.rules.settings)
        counter = Counter(desk=desk, target=target, source=source, upstream_of=upstream_of, judge=_judge(desk, target, source))
        asked = counter.fetched(requests, again=deep)
        refused = any(one.refused for one in asked)
        tree = counter.closed(asked, patterns) if deep and not refused else None
    if refused:
        click.echo("\n".join(refusal_lines(counter, asked)))
        return _nothing_written("the policies do not let it in")
    before = tuple(tree_lines(tree)) if tree is not None else ()
    for line in before:
        click.echo(line)
    if tree is not None and tree.missing:
        count = len(tree.missing)
        return _nothing_written(f"{count} {'dependency is' if count == 1 else 'dependencies are'} not satisfied")
    return _write(counter, _approvals(counter, asked, tree, options), before, options)


def _require_one_way(packages: tuple[str, ...], options: ApproveOptions) -> None:
    """Packages are named, or a lock file that names them."""
    message = ""
    if options["lock"] is None and not packages:
        message = "name a package, or a lock file with --from-lock"
    elif options["lock"] is None and (options["skip_refused"] or options["lock_format"]):
        message = "--skip-refused and --lock-format belong to --from-lock"
    elif options["lock"] is not None and (packages or options["with_dependencies"]):
        message = "--from-lock stands alone: a lock file names all that is needed"
    elif not all(packages):
        message = "a package has no name"
    if message:
        raise click.UsageError(message)


def _from_lock(desk: Desk, target: Feed, source: FeedName, path: Path, options: ApproveOptions) -> int:
    lock = open_lock(path, options["lock_format"], target)
    asked = LockApproval(
        reason=options["reason"],
        ticket=options["ticket"],
        patterns=options["patterns"],
        unlisted=options["allow_unlisted"],
        skip_refused=options["skip_refused"],
        ways=options,
    )
    with open_wire() as wire, _status():
        upstream_of = upstreams(wire, desk.root, desk.rules.settings)
        counter = Counter(desk=desk, target=target, source=source, upstream_of=upstream_of, judge=_judge(desk, target, source))
        found = found_in(counter, lock, asked)
    return write_found(counter, lock, found, asked)


def _approvals(counter: Counter, asked: Sequence[Asked], tree: Tree | None, options: ApproveOptions) -> dict[str, tuple[Offer, str]]:
    """What to write, by path: what it is made of, and its text."""
    source, reason, ticket = counter.source, options["reason"], options["ticket"]
    offers = [(one.offer, ()) for one in asked if one.offer] if tree is None else tree.new()
    return {
        offer.proposal.path: (
            offer,
            new_approval(approval_of(offer.proposal, source=source, reason=reason, ticket=ticket, required_by=required_by)),
        )
        for offer, required_by in offers
    }


def _write(counter: Counter, approvals: Mapping[str, tuple[Offer, str]], before: tuple[str, ...], options: ApproveOptions) -> int:
    if not approvals:
        click.echo("There is nothing to approve: all that it needs is approved.")
        return 0
    offers, deep = [offer for offer, _ in approvals.values()], options["with_dependencies"]
    shown: list[str] = []
    for offer in offers:
        shown += [offer.proposal.path] if deep else proposal_lines(offer.proposal, offer.judgements)
    lacking = counter.lacking(offer.proposal for offer in offers) if counter.target.dependencies == "require" and not deep else []
    if lacking:
        shown.append(f"Held until this is approved, too: {inert(', '.join(lacking))} (--with-dependencies does that).")
    parcel = Parcel(
        change=counter.change(offers, reason=options["reason"], ticket=options["ticket"]),
        texts={path: text for path, (_, text) in approvals.items()},
        shown=tuple(shown),
        before=before,
        next="Review the files, commit them, and open a pull request.",
    )
    deliver(counter.desk, parcel, options)
    return 0


def _nothing_written(why: str) -> int:
    click.echo(f"Error: nothing was written: {why}", err=True)
    return EXIT_CODES["held"]


def _status() -> AbstractContextManager[object]:
    return Console(stderr=True).status("Looking for what it needs ...") if sys.stderr.isatty() else nullcontext()


def _judge(desk: Desk, target: Feed, source: FeedName) -> Judge:
    now, ecosystem = datetime.now(UTC).replace(microsecond=0), ECOSYSTEMS[target.type]
    known = known_to(lambda: Advisories(open_store(desk.rules.settings.store, base=desk.root)), target.type, ecosystem)
    return Judge(target=target, source=source, rules=desk.rules, now=now, ecosystem=ecosystem, known=known)


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


@click.command()
@click.argument("feed")
@click.argument("package")
@click.argument("version")
@click.option("-m", "--message", "reason", required=True, help="Why you stand for it.")
@delivery_options
@click.pass_obj
def endorse(folder: Path, feed: str, package: str, version: str, **options: Unpack[EndorseOptions]) -> None:
    """Stand for an approval whose author was not entitled; you become its approver when your commit lands.

    \b
    Example:
      reconciler endorse approved-nuget Newtonsoft.Json 13.0.3 -m "reviewed the license and the diff" --commit
    """
    desk, reason = open_desk(folder), options["reason"]
    target = approved_feed(desk.rules.settings, feed)
    identity = identity_in(target, package, version)
    declared = desk.approvals.valid.get(identity)
    if declared is None:
        message = f"{package} {version} is not approved for {feed}"
        raise NotFound(message, remedy=f"reconciler approve {feed} {package}@{version} -m REASON")
    me = git_user(desk.root)
    by = user_of(desk.rules.permissions, me) or me.email
    before = (desk.root / declared.path).read_text(encoding="utf-8")
    name = f"{declared.package} {declared.version}"
    change = Change(
        task="endorse",
        subject=f"Endorse {name} for {feed}",
        reason=reason,
        feed=feed,
        names=(name,),
        packages=(purl(target.type, declared.package, declared.version),),
    )
    texts = {declared.path: append_endorsement(declared.path, before, by=by, reason=reason)}
    deliver(desk, Parcel(change=change, texts=texts, shown=(f"{declared.path}: endorsed by {inert(by)}",)), options)
