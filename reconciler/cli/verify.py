"""`verify`: what was recorded, derived again from git and from the bytes that are there."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from reconciler.cli import EXIT_CODES
from reconciler.cli.arguments import chosen_feeds
from reconciler.cli.session import Session, format_option, open_session
from reconciler.decide.verification import (
    FORGED,
    REWRITTEN,
    Evidence,
    Outlined,
    accounts_of,
    blobs_through_time,
    judge_catalog,
    judge_record,
    outline_of,
)
from reconciler.declare.history import identifier
from reconciler.declare.lineage import read_lineages
from reconciler.declare.paths import parse_approval_path
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.ecosystems.interface import Ecosystem
from reconciler.model.verification import ChangeRecord, Checked, Finding, FindingKind, parse_record
from reconciler.model.words import FeedName, Identity
from reconciler.observe.parts import versions_of
from reconciler.observe.storage_check import Looked, Readable, check_files, check_pages, read_as_far_as_possible
from reconciler.reconcile import Declaration, declare
from reconciler.show.contract import to_json
from reconciler.show.verify import verify_text, verify_v1
from reconciler.stores import ledger
from reconciler.stores.interface import Store


@click.command()
@click.argument("feeds", nargs=-1)
@format_option
@click.pass_obj
def verify(folder: Path, feeds: tuple[str, ...], form: str) -> int:
    """Derive what was recorded again, from git and from the bytes that are there; writes nothing, asks no upstream.

    Held against each other: head, catalog and ledger and their digests; each record and the commits, the approval and the people that
    git knows today; each package file and its record, reading all of it; each page and what the catalog renders to.

    Attested, not derived: verdicts of rules, what upstreams said (marks, times of upload), who applied and when. Exits with 9 if
    anything does not derive.

    \b
    Example:
      reconciler verify
      reconciler verify approved-nuget --format json
    """
    session = open_session(folder)
    declaration = declare(session.repository, session.repository.resolve("HEAD"))
    settings = declaration.rules.now.settings
    chosen = chosen_feeds(settings, feeds)
    store = session.store(settings)
    with Console(stderr=True).status("Deriving what is recorded ...") if sys.stderr.isatty() else nullcontext():
        evidence = _evidence(session, declaration)
        verified = [_Verifier(store, feed, ECOSYSTEMS[settings.feeds[feed].type], evidence).run() for feed in chosen]
    checked = [one.checked for one in verified]
    findings = sorted(finding for one in verified for finding in one.findings)
    if form == "json":
        click.echo(to_json(verify_v1(checked, findings, commit=declaration.commit, clock=session.now)), nl=False)
    else:
        click.echo("\n".join(verify_text(checked, findings)))
    return EXIT_CODES["integrity" if findings else "done"]


def _evidence(session: Session, declaration: Declaration) -> Evidence:
    lineages = read_lineages(session.repository, declaration.chain)
    return Evidence(
        positions={commit: number for number, commit in enumerate(declaration.chain)},
        accounts=accounts_of(declaration.authority, declaration.rules),
        stood=blobs_through_time((lineage.landing for lineage in lineages), len(declaration.chain) - 1),
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


class _Verifier:
    """One feed. Findings are gathered as they come; nothing that is wrong stops what comes after it."""

    def __init__(self, store: Store, feed: FeedName, ecosystem: Ecosystem, evidence: Evidence) -> None:
        self._store = store
        self._feed = feed
        self._ecosystem = ecosystem
        self._evidence = evidence
        self._findings: list[Finding] = []

    def run(self) -> _Verified:
        """Everything there is to verify of the feed."""
        readable = read_as_far_as_possible(self._store, self._feed, self._ecosystem.parse_version)
        state = readable.state
        self._findings += readable.findings
        if state.head is not None and state.head.commit not in self._evidence.positions:
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
        return _Verified(checked=checked, findings=tuple(self._findings))

    def _looked(self, looks: Iterator[Looked]) -> Iterator[int]:
        for looked in looks:
            self._findings += looked.findings
            yield looked.size

    def _records(self, readable: Readable) -> int:
        """The ledger against its chain, git and the catalog; the number of records that could be read."""
        head, count, whole = readable.state.head, 0, True
        last: dict[Identity, Outlined] = {}
        for segment in ledger.segments(self._store, self._feed, head.ledger) if head else ():
            if segment.wrong:
                whole = False
                self._find("ledger", f"record {segment.first}", segment.wrong, ledger.REMEDY)
            for raw in segment.records:
                count += 1
                self._record(raw, last)
        if whole:
            versions = dict(versions_of(readable.state))
            self._findings += judge_catalog(self._feed, versions, last, whole=readable.whole)
        return count

    def _record(self, raw: Mapping[str, Any], last: dict[Identity, Outlined]) -> None:
        record = parse_record(raw)
        if isinstance(record, str):
            self._find("record", f"record {raw['seq']}", f"it is none: {record}", FORGED)
            return
        self._findings += judge_record(record, self._feed, self._evidence)
        if isinstance(record, ChangeRecord):
            last[record.of(self._feed)] = outline_of(record)

    def _find(self, kind: FindingKind, subject: str, detail: str, remedy: str) -> None:
        self._findings.append(Finding(feed=self._feed, kind=kind, subject=subject, detail=detail, remedy=remedy))
