"""`approve --from-lock`: what a lock file names and the feed's approvals lack, as one pull request with one summary."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import click

from reconciler.cli import EXIT_CODES
from reconciler.cli.approving import Counter, counts
from reconciler.cli.deliver import Parcel, Ways, deliver
from reconciler.cli.lock_files import LockFile
from reconciler.declare.write import new_approval
from reconciler.model.declared import DeclaredApproval
from reconciler.model.words import Identity
from reconciler.propose.approve import approval_of
from reconciler.propose.from_lock import Gathering, Turned, turned
from reconciler.propose.locks.interface import AsideKind
from reconciler.propose.locks.wanted import Locked
from reconciler.propose.market import Offer
from reconciler.show.inert import inert

GROUPS: Final[Mapping[AsideKind, str]] = {
    "unpinned": "not pinned to one version",
    "foreign": "from an address or a repository, past all feeds",
}
"""What of a lock file no feed can have, and is asked for all the same; `local` is not asked for."""
MAX_LICENSES: Final = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class LockApproval:
    """What somebody wants of a lock file."""

    reason: str
    ticket: str
    patterns: tuple[str, ...]
    unlisted: bool
    skip_refused: bool
    ways: Ways


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What a lock file comes to: how many versions are approved, what can be, what cannot."""

    approved: int
    offers: Sequence[Offer]
    turned: Sequence[Turned]


def found_in(counter: Counter, lock: LockFile, asked: LockApproval) -> Found:
    """Looks up, fetches and judges what is not approved; writes nothing."""
    refused = [
        Turned(group=GROUPS[one.kind], name=one.name, reason=f"{lock.name}, {one.place}") for one in lock.aside if one.kind in GROUPS
    ]
    lacking: list[Locked] = []
    for one in lock.versions:
        standing = _standing(counter, one)
        if standing is None:
            lacking.append(one)
        elif isinstance(standing, str):
            refused.append(turned("approved before, and not any more", one, standing))
    feeds = counter.desk.rules.settings.feeds
    gathering = Gathering(
        judge=counter.judge, feeds=feeds, upstream_of=counter.upstream_of, patterns=asked.patterns, unlisted=asked.unlisted
    )
    results = gathering.offers(lacking)
    refused += [one for one in results if isinstance(one, Turned)]
    approved = sum(1 for one in lock.versions if isinstance(_standing(counter, one), DeclaredApproval))
    return Found(approved=approved, offers=[one for one in results if isinstance(one, Offer)], turned=refused)


def write_found(counter: Counter, lock: LockFile, found: Found, asked: LockApproval) -> int:
    """Tells what was found, and writes it: all, or none where something is refused and not skipped. The exit code."""
    summary = list(_summary(lock, found))
    click.echo("\n".join(summary))
    if any(one.judged for one in found.turned):
        click.echo(f"To do: `reconciler approve {counter.target.name} PACKAGE@VERSION -m REASON` tells the waiver that would let one in.")
    if found.turned and not (asked.skip_refused and found.offers):
        hint = "" if asked.skip_refused else "; --skip-refused approves the rest"
        click.echo(
            f"Error: nothing was written: {_count(len(found.turned), 'entry')} of {inert(lock.name)} cannot be approved{hint}", err=True
        )
        return EXIT_CODES["held"]
    if not found.offers:
        click.echo("There is nothing to approve: all that it names is approved.")
        return 0
    proposals = [offer.proposal for offer in found.offers]
    texts = {p.path: new_approval(approval_of(p, source=counter.source, reason=asked.reason, ticket=asked.ticket)) for p in proposals}
    parcel = Parcel(
        change=counter.change(found.offers, reason=asked.reason, ticket=asked.ticket),
        texts=texts,
        shown=(f"Wrote {_count(len(texts), 'approval')} to approvals/{counter.target.name}/.",),
        before=tuple(summary),
        next="Review the files, commit them, and open a pull request.",
    )
    deliver(counter.desk, parcel, asked.ways)
    return 0


def _standing(counter: Counter, one: Locked) -> DeclaredApproval | str | None:
    """The approval of a version; why what lies there does not approve it; None where nothing lies there."""
    identity = Identity(feed=counter.target.name, package=one.package, version=one.version.key)
    declared = counter.desk.approvals.valid.get(identity)
    if declared is not None:
        if counts(declared, counter.judge.now):
            return declared
        return f"its approval is {'withdrawn' if declared.approval.withdrawn else 'over'}: {declared.path}"
    broken = next((one.path for one in counter.desk.approvals.malformed if one.identity == identity), None)
    return f"its approval cannot be read: {broken}" if broken else None


def _summary(lock: LockFile, found: Found) -> Iterator[str]:
    files = [file for offer in found.offers for file in offer.proposal.files]
    size = f"{_count(len(files), 'file')}, {sum(file.size for file in files):,} bytes"
    yield (
        f"{inert(lock.name)}: {_count(len(lock.versions), 'version')}; {found.approved:,} approved already, "
        f"{len(found.offers):,} to approve ({size}), {len(found.turned):,} refused"
    )
    local = sum(1 for one in lock.aside if one.kind == "local")
    if local:
        yield f"left out: {_count(local, 'entry')} of the project itself (folders, links, bundled packages)"
    if found.offers:
        yield f"licenses: {_licenses(found.offers)}"
    yield from _grouped("refused", ((one.group, f"{one.name}: {one.reason}") for one in found.turned))
    yield from _grouped("to approve", _remarks(found.offers))


def _remarks(offers: Iterable[Offer]) -> Iterator[tuple[str, str]]:
    """What the policies say of what they let in, or will: by level, rule and policy."""
    for offer in offers:
        for one in offer.judgements:
            level = "waived" if one.waiver else one.level
            if level != "allow":
                named = f"{offer.proposal.package} {offer.proposal.version}: {one.verdict.reason}"
                yield f"{level} [{one.rule}] ({one.policy})", named


def _grouped(heading: str, rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    groups: dict[str, list[str]] = {}
    for group, line in rows:
        groups.setdefault(group, []).append(line)
    for group, lines in sorted(groups.items(), key=lambda row: (-len(row[1]), row[0])):
        yield f"{heading}, {inert(group)}: {len(lines)}"
        yield from (f"    {inert(line, longest=400)}" for line in lines)


def _licenses(offers: Iterable[Offer]) -> str:
    told = Tally(o.proposal.inspection.traits.license.concluded or o.proposal.inspection.license or "unknown" for o in offers)
    named = [f"{inert(name, longest=60)} {count}" for name, count in told.most_common(MAX_LICENSES)]
    others = len(told) - len(named)
    return ", ".join(named) + (f", and {others} more" if others else "")


def _count(number: int, word: str) -> str:
    plural = f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"
    return f"{number:,} {word if number == 1 else plural}"
