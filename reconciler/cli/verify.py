"""`verify`: what was recorded, derived again from git and from the bytes that are there."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from reconciler.cli import EXIT_CODES
from reconciler.cli.arguments import chosen_feeds
from reconciler.cli.closed import check_closed
from reconciler.cli.session import Session, format_option, open_session
from reconciler.decide.clock import runs_backwards
from reconciler.decide.verification import (
    FORGED,
    REWRITTEN,
    Accounts,
    Derived,
    Outlined,
    attested,
    blobs_through_time,
    judge_catalog,
    judge_reanchored,
    judge_record,
    outline_of,
)
from reconciler.declaration import Declaration
from reconciler.declare.history import identifier
from reconciler.declare.paths import parse_approval_path
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.ecosystems.interface import Ecosystem
from reconciler.model.reanchored import Reanchored
from reconciler.model.verification import ChangeRecord, Checked, Finding, FindingKind, Note, ReanchorRecord, parse_record
from reconciler.model.words import FeedName, Identity
from reconciler.observe.parts import versions_of
from reconciler.observe.storage_check import Looked, Readable, check_files, check_pages, read_as_far_as_possible
from reconciler.show.contract import to_json
from reconciler.show.verify import Verified, numbers_text, verify_text, verify_v1
from reconciler.stores import ledger
from reconciler.stores.evidence import REMEDY as EVIDENCE_REMEDY
from reconciler.stores.evidence import FrozenEvidence
from reconciler.stores.head import Head
from reconciler.stores.interface import Store


@click.command()
@click.argument("feeds", nargs=-1)
@click.option("--closed", is_flag=True, help="Check instead that all that is listed can be installed from its feed alone.")
@format_option
@click.pass_obj
def verify(folder: Path, feeds: tuple[str, ...], form: str, *, closed: bool) -> int:
    """Derive what was recorded again, from git and from the bytes that are there; writes nothing, asks no upstream.

    Held against each other: head, catalog and ledger and their digests; each record and the commits, the approval and the people that
    git knows today; each package file and its record, reading all of it; each page and what the catalog renders to.

    Attested, not derived: verdicts of rules, what upstreams said (marks, times of upload), who applied and when; after
    `reconciler reanchor`, records of the history that was left. Exits with 9 if anything does not derive. Notes are no findings: where
    a feed was reanchored, and where the dates of landing commits run backwards.

    With --closed, only this is checked: that every listed version finds all that it needs at run time, for the targets of its feed, among
    the listed ones. Each edge is checked as the package declares it; no resolver is run. Exits with 5 where something is missing.

    \b
    Example:
      reconciler verify
      reconciler verify approved-nuget --format json
      reconciler verify --closed approved-pypi
    """
    session = open_session(folder)
    if closed:
        return check_closed(session, feeds, form)
    declaration = session.read("HEAD")
    settings = declaration.rules.now.settings
    chosen = chosen_feeds(settings, feeds)
    store = session.store(settings)
    frozen = FrozenEvidence(store)
    damaged = [_not_frozen(feed, key) for key in frozen.set_aside_damaged() for feed in chosen[:1]]
    declaration = session.reader.frozen(declaration, frozen)
    with Console(stderr=True).status("Deriving what is recorded ...") if sys.stderr.isatty() else nullcontext():
        derived = _derived(declaration)
        ran = [_Verifier(store, feed, ECOSYSTEMS[settings.feeds[feed].type], derived).run() for feed in chosen]
        clock = list(_clock(session, declaration))
    verified = Verified(
        checked=[one.checked for one in ran],
        findings=sorted([*damaged, *(finding for one in ran for finding in one.findings)]),
        notes=sorted([*(note for one in ran for note in one.notes), *clock]),
        reanchored=[row for one in ran for row in one.reanchored],
    )
    if form == "json":
        click.echo(to_json(verify_v1(verified, commit=declaration.commit, clock=session.now)), nl=False)
    else:
        click.echo("\n".join(verify_text(verified)))
    return EXIT_CODES["integrity" if verified.findings else "done"]


def _clock(session: Session, declaration: Declaration) -> Iterator[Note]:
    """Landing commits that claim to be older than the one before them."""
    commits = session.repository.commits(declaration.chain)
    for before, commit in pairwise(declaration.chain):
        if told := runs_backwards(commits[commit], commits[before]):
            yield Note(feed="", kind="clock", subject=commit[:12], detail=told)


def _not_frozen(feed: FeedName, key: str) -> Finding:
    """Evidence belongs to no feed: it is told with the first one."""
    detail = "what the forge said is not what was frozen, or gone"
    return Finding(feed=feed, kind="evidence", subject=key, detail=detail, remedy=EVIDENCE_REMEDY)


def _derived(declaration: Declaration) -> Derived:
    return Derived(
        positions={commit: number for number, commit in enumerate(declaration.chain)},
        accounts=Accounts(declaration.authority, declaration.rules, declaration.proofs),
        stood=blobs_through_time(declaration.landed.touched(), len(declaration.chain) - 1),
        place=_places(identifier(declaration.rules.now.settings, ECOSYSTEMS)),
    )


def _places(identify: Callable[[str], Identity | None]) -> Callable[[str], tuple[Identity, str, str] | None]:
    def place(path: str) -> tuple[Identity, str, str] | None:
        identity = identify(path)
        if identity is None:
            return None
        parts = parse_approval_path(path)
        return identity, parts.package, parts.version

    return place


@dataclass(frozen=True, kw_only=True, slots=True)
class _Verified:
    checked: Checked
    findings: tuple[Finding, ...]
    notes: tuple[Note, ...]
    reanchored: tuple[Reanchored, ...]


class _Verifier:
    """One feed. Findings are gathered as they come; nothing that is wrong stops what comes after it."""

    def __init__(self, store: Store, feed: FeedName, ecosystem: Ecosystem, derived: Derived) -> None:
        self._store = store
        self._feed = feed
        self._ecosystem = ecosystem
        self._derived = derived
        self._findings: list[Finding] = []
        self._reanchored: list[ReanchorRecord] = []
        self._attested: list[int] = []

    def run(self) -> _Verified:
        """Everything there is to verify of the feed."""
        readable = read_as_far_as_possible(self._store, self._feed, self._ecosystem.parse_version)
        state = readable.state
        self._findings += readable.findings
        if state.head is not None and state.head.commit not in self._derived.positions:
            detail = f"it was applied last at commit {state.head.commit[:12]}, which is not on the first-parent chain"
            self._find("record", "head", detail, REWRITTEN)
        records = self._records(readable)
        files = list(self._looked(check_files(self._store, state, self._ecosystem)))
        pages = list(self._looked(check_pages(self._store, state, self._ecosystem, whole=readable.whole)))
        checked = Checked(
            feed=self._feed,
            revision=state.head.revision if state.head else 0,
            records=records,
            files=len(files),
            bytes=sum(files),
            pages=len(pages),
            unfinished=state.unfinished_revision is not None,
        )
        reanchored = tuple(record.reanchored() for record in self._reanchored)
        return _Verified(checked=checked, findings=tuple(self._findings), notes=tuple(self._notes()), reanchored=reanchored)

    def _looked(self, looks: Iterator[Looked]) -> Iterator[int]:
        for looked in looks:
            self._findings += looked.findings
            yield looked.size

    def _records(self, readable: Readable) -> int:
        """The ledger against its chain, git and the catalog; the number of records that could be read."""
        head, count, whole = readable.state.head, 0, True
        last: dict[Identity, Outlined] = {}
        superseded = self._superseded(head)
        for segment in ledger.segments(self._store, self._feed, head.ledger) if head else ():
            if segment.wrong:
                whole = False
                self._find("ledger", f"record {segment.first}", segment.wrong, ledger.REMEDY)
            for raw in segment.records:
                count += 1
                self._record(raw, last, superseded)
        if whole:
            recorded = [record.reanchored() for record in self._reanchored]
            self._findings += judge_reanchored(self._feed, head.reanchored if head else (), recorded)
            versions = dict(versions_of(readable.state))
            self._findings += judge_catalog(self._feed, versions, last, whole=readable.whole)
        return count

    def _superseded(self, head: Head | None) -> int:
        """The number of the last record that anchors the ledger to another history; 0 where none does, as the head says."""
        segments = ledger.segments(self._store, self._feed, head.ledger) if head and head.reanchored else ()
        return max((raw["seq"] for segment in segments for raw in segment.records if raw.get("change") == "reanchor"), default=0)

    def _record(self, raw: Mapping[str, Any], last: dict[Identity, Outlined], superseded: int) -> None:
        record = parse_record(raw)
        if isinstance(record, str):
            self._find("record", f"record {raw['seq']}", f"it is none: {record}", FORGED)
            return
        self._findings += judge_record(record, self._feed, self._derived, superseded=record.seq < superseded)
        if record.seq < superseded and attested(record, self._derived):
            self._attested.append(record.seq)
        if isinstance(record, ReanchorRecord):
            self._reanchored.append(record)
        if isinstance(record, ChangeRecord):
            last[record.of(self._feed)] = outline_of(record)

    def _notes(self) -> Iterator[Note]:
        for record in self._reanchored:
            detail = f"from commit {record.from_commit} to {record.commit}: {record.reason}"
            yield Note(feed=self._feed, kind="reanchored", subject=f"record {record.seq}", detail=detail)
        if self._attested:
            detail = "attested only: they name commits of a history that was left, and nothing derives them from git again"
            yield Note(feed=self._feed, kind="attested", subject=numbers_text(self._attested), detail=detail)

    def _find(self, kind: FindingKind, subject: str, detail: str, remedy: str) -> None:
        self._findings.append(Finding(feed=self._feed, kind=kind, subject=subject, detail=detail, remedy=remedy))
