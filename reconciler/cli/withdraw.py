"""`withdraw`, `relist` and `deprecate`: what is written into an approval when something is wrong with a package."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Unpack

import click

from reconciler.act.record import purl
from reconciler.cli.arguments import approved_feed, identity_in
from reconciler.cli.deliver import Parcel, Ways, deliver, delivery_options
from reconciler.cli.desk import Desk, open_desk
from reconciler.cli.session import Session, open_session
from reconciler.decide.dependents import left_without
from reconciler.declare.edit import with_deprecation, with_withdrawal, without_deprecation, without_withdrawal
from reconciler.declare.write import new_approval
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.errors import NotFound, Refused, StoreError
from reconciler.model.declared import DeclaredApproval, Deprecation, Feed, Withdrawal, WithdrawalAction
from reconciler.model.plan import Dependent
from reconciler.model.words import Identity
from reconciler.observe.published import stock_of
from reconciler.propose.withdraw import from_record
from reconciler.show.inert import inert
from reconciler.show.proposed import Change
from reconciler.stores import ledger
from reconciler.stores.state import FeedState, read_state

EFFECT = {
    "unlist": "once applied, clients do not choose it any more; an exact pin still installs",
    "quarantine": "once applied, nobody can download it; its bytes are kept, and come back unchanged with `relist`",
}


class WithdrawOptions(Ways):
    """The options of `withdraw`, as click passes them."""

    reason: str
    quarantine: bool


class RelistOptions(Ways):
    """The options of `relist`, as click passes them."""

    reason: str


class DeprecateOptions(Ways):
    """The options of `deprecate`, as click passes them."""

    reason: str | None
    use: str
    undo: bool


@click.command()
@click.argument("feed")
@click.argument("package")
@click.argument("versions", nargs=-1, required=True, metavar="VERSION...")
@click.option("-m", "--message", "reason", required=True, help="Why: clients show it to whoever uses the version.")
@click.option("--quarantine", is_flag=True, help="Make it unavailable, instead of only advising against it.")
@delivery_options
@click.pass_obj
def withdraw(folder: Path, feed: str, package: str, versions: tuple[str, ...], **options: Unpack[WithdrawOptions]) -> None:
    """Take versions back: unlist them, or with --quarantine make them unavailable. Takes effect with the next apply.

    Lists the packages that would lose their last candidate. Where the approval has left the repository, it is written again from the
    record of the promotion.

    \b
    Example:
      reconciler withdraw approved-nuget Newtonsoft.Json 12.0.3 -m "GHSA-5crp-9r3c-p9vr, use 13.0.1 or newer" --commit
      reconciler withdraw approved-npm @example/login 1.3.0 --quarantine -m "Steals credentials" --commit
    """
    session, desk = open_session(folder), open_desk(folder)
    target = approved_feed(desk.rules.settings, feed)
    identities = [identity_in(target, package, version) for version in dict.fromkeys(versions)]
    action: WithdrawalAction = "quarantine" if options["quarantine"] else "unlist"
    withdrawal = Withdrawal(action=action, reason=options["reason"], since=session.now.date())
    texts = dict(_withdrawn(session, desk, target, identity, withdrawal) for identity in identities)
    shown = [f"{path}: {withdrawal.action}, since {withdrawal.since}" for path in texts]
    shown += [f"    {line}" for line in (EFFECT[action], *_warnings(desk, identities, action))]
    shown += _dependents(session, desk, target, identities)
    subject = f"{'Quarantine' if options['quarantine'] else 'Withdraw'} {package} {', '.join(versions)} in {feed}"
    change = _change("withdraw", subject, options["reason"], target, [(package, version) for version in versions])
    _finish(desk, change, texts, shown, options)


@click.command()
@click.argument("feed")
@click.argument("package")
@click.argument("version")
@click.option("-m", "--message", "reason", required=True, help="Why it may be used again: it becomes the reason of the approval.")
@delivery_options
@click.pass_obj
def relist(folder: Path, feed: str, package: str, version: str, **options: Unpack[RelistOptions]) -> None:
    """Approve a version again that was withdrawn: it is listed again, and comes back from quarantine unchanged.

    \b
    Example:
      reconciler relist approved-nuget Newtonsoft.Json 12.0.3 -m "False alarm: the advisory was withdrawn" --commit
    """
    session, desk = open_session(folder), open_desk(folder)
    target, reason = approved_feed(desk.rules.settings, feed), options["reason"]
    declared = _declared(desk, target, package, version)
    expires = declared.approval.expires
    expired = expires is not None and expires <= session.now.date()
    if expired and declared.approval.withdrawn is None:
        message = f"{declared.path} is not withdrawn: it expired on {expires}"
        raise Refused(message, remedy="set a later day in `expires:` of that file, or remove the line, which approves it again")
    texts = _edited(desk, declared, lambda path, text: without_withdrawal(path, text, reason=reason))
    shown = [f"{declared.path}: approved again"]
    if expired:
        shown.append(f"    but it expired on {expires}, and stays as it is: set a later day in `expires:` of that file, or remove the line")
    subject = f"Relist {declared.package} {declared.version} in {feed}"
    _finish(desk, _change("relist", subject, reason, target, [(declared.package, declared.version)]), texts, shown, options)


@click.command()
@click.argument("feed")
@click.argument("package")
@click.argument("version")
@click.option("-m", "--message", "reason", help="Why it should not be used any more: clients show it.")
@click.option("--use", default="", help="What to use instead.")
@click.option("--undo", is_flag=True, help="Take the deprecation back.")
@delivery_options
@click.pass_obj
def deprecate(folder: Path, feed: str, package: str, version: str, **options: Unpack[DeprecateOptions]) -> None:
    """Tell clients not to use a version any more; it stays as it is.

    \b
    Example:
      reconciler deprecate approved-npm request 2.88.2 -m "No longer maintained" --use undici --commit
    """
    desk = open_desk(folder)
    target = approved_feed(desk.rules.settings, feed)
    declared = _declared(desk, target, package, version)
    reason = options["reason"]
    if options["undo"]:
        texts = _edited(desk, declared, without_deprecation)
        subject, body = "Undo the deprecation of", reason or ""
    elif reason:
        deprecation = Deprecation(reason=reason, use=options["use"])
        texts = _edited(desk, declared, lambda path, text: with_deprecation(path, text, deprecation))
        subject, body = "Deprecate", deprecation.message
    else:
        message = "say with -m why it should not be used, or --undo"
        raise click.UsageError(message)
    shown = [f"{declared.path}: {'not deprecated any more' if options['undo'] else 'deprecated'}"]
    subject = f"{subject} {declared.package} {declared.version} in {feed}"
    _finish(desk, _change("deprecate", subject, body, target, [(declared.package, declared.version)]), texts, shown, options)


def _declared(desk: Desk, target: Feed, package: str, version: str) -> DeclaredApproval:
    declared = desk.approvals.valid.get(identity_in(target, package, version))
    if declared is None:
        message = f"{package} {version} is not approved for {target.name}"
        raise NotFound(message, remedy="see `reconciler check`, if its file is there: it may be malformed")
    return declared


def _edited(desk: Desk, declared: DeclaredApproval, edit: Callable[[str, str], str]) -> dict[str, str]:
    before = (desk.root / declared.path).read_bytes().decode("utf-8")
    return {declared.path: edit(declared.path, before)}


def _change(task: str, subject: str, reason: str, target: Feed, versions: Sequence[tuple[str, str]]) -> Change:
    return Change(
        task=task,
        subject=subject,
        reason=reason,
        feed=target.name,
        names=tuple(f"{package} {version}" for package, version in versions),
        packages=tuple(purl(target.type, package, version) for package, version in versions),
    )


def _withdrawn(session: Session, desk: Desk, target: Feed, identity: Identity, withdrawal: Withdrawal) -> tuple[str, str]:
    """Path and text of the approval, withdrawn."""
    declared = desk.approvals.valid.get(identity)
    if declared is not None:
        text = (desk.root / declared.path).read_bytes().decode("utf-8")
        return declared.path, with_withdrawal(declared.path, text, withdrawal)
    broken = next((m.path for m in desk.approvals.malformed if m.identity == identity), None)
    if broken is not None:
        message = f"{broken} cannot be read as it is"
        raise NotFound(message, remedy="correct it first (`reconciler check`): while it is malformed, its package is frozen")
    state = _state(session, desk, target)
    records = ledger.read(session.store(desk.rules.settings), target.name, state.head.ledger) if state.head else ()
    rewritten = from_record(records, identity, withdrawal)
    if rewritten is None:
        message = f"{identity.package} {identity.version} is neither approved for {target.name} nor recorded there"
        raise NotFound(message, remedy="there is nothing to take back")
    return rewritten.path, new_approval(rewritten.approval)


def _warnings(desk: Desk, identities: Sequence[Identity], action: WithdrawalAction) -> Iterator[str]:
    """What may not be what was meant: a package that is frozen, and a version that clients get back by being unlisted only."""
    packages = {(identity.feed, identity.package) for identity in identities}
    for malformed in desk.approvals.malformed:
        if malformed.identity is not None and (malformed.identity.feed, malformed.identity.package) in packages:
            yield f"not before {malformed.path} is corrected (`reconciler check`): while it cannot be read, its package is frozen"
    for identity in identities if action == "unlist" else ():
        declared = desk.approvals.valid.get(identity)
        if declared is not None and declared.approval.withdrawn is not None and declared.approval.withdrawn.action == "quarantine":
            yield f"{declared.version} was in quarantine: whoever asks for exactly this version can download it again"


def _state(session: Session, desk: Desk, target: Feed) -> FeedState:
    return read_state(session.store(desk.rules.settings), target.name, ECOSYSTEMS[target.type].parse_version)


def _dependents(session: Session, desk: Desk, target: Feed, identities: Sequence[Identity]) -> Iterator[str]:
    """Who is left without. A store that cannot be read from here must not stand in the way of taking something back."""
    ecosystem = ECOSYSTEMS[target.type]
    try:
        stock = stock_of(session.store(desk.rules.settings), _state(session, desk, target), ecosystem, listed=False)
    except StoreError as error:
        click.echo(f"Who depends on it cannot be told, feed storage cannot be read: {inert(str(error))}", err=True)
        return
    lost = left_without(set(identities), stock, ecosystem)
    yield from _dependent_lines(dict.fromkeys(d for dependents in lost.values() for d in dependents))


def _dependent_lines(dependents: dict[Dependent, None]) -> Iterator[str]:
    if dependents:
        yield "    no other listed version satisfies:"
    for one in dependents:
        yield f"      {inert(one.package)} {inert(one.version)}, which needs {inert(one.needs)} {inert(one.range) or '(any version)'}"


def _finish(desk: Desk, change: Change, texts: Mapping[str, str], shown: Sequence[str], ways: Ways) -> None:
    then = "`reconciler apply` carries it out once it has landed"
    parcel = Parcel(change=change, texts=texts, shown=tuple(shown), next=f"Commit it; {then}.", then=f"; {then}")
    deliver(desk, parcel, ways)
