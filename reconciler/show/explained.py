"""`explain` as JSON: one version, from the line that approves it to the record of its promotion; each event with who, how known, what right.

Fields are only ever added. Texts are as they are; `explain.py` beside this makes them fit for a person.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from reconciler.model.declared import ApprovedFile
from reconciler.model.events import Commit, Event
from reconciler.model.evidence import Evidence, MergeMethod, PullRequest, ReviewState
from reconciler.model.proofs import Grounds, Known, Signature
from reconciler.model.verdicts import Judgement
from reconciler.show.contract import HistoryRow, HoldRow, ReanchoredRow
from reconciler.show.history import change_of
from reconciler.show.rows import PersonRow, Row, Time
from reconciler.show.verdicts import VerdictRow, verdict_row

Counts = Literal["yes", "held", "waiting", "overtaken"]
"""What became of an event: it counts; somebody is missing; the forge is; it was held, and a later event has settled what it asked for."""


class FileDigests(Row):
    """A file as it was reviewed."""

    name: str
    size: int
    sha256: str
    content_hash: str | None


class SignatureRow(Row):
    """A signature that counts, the user whose key made it, and when an apply first saw it."""

    commit: str
    user: str
    key: str
    seen_at: Time


class ReviewRow(Row):
    """What an account of the forge said last, of which commit; `counts` if it approved what landed, as it stood at the end."""

    by: str
    state: ReviewState
    commit: str
    at: Time | None
    counts: bool


class EvidenceRow(Row):
    """What the forge said of a landing commit; `pull_request` is "" where it said that there was none.

    `about`: the file that landed is, byte for byte, the one at the end of the pull request.
    """

    sha256: str
    pull_request: str
    about: bool
    method: MergeMethod | None
    opener: str | None
    merger: str | None
    merged_at: Time | None
    head: str | None
    reviews: list[ReviewRow]


class KnownRow(PersonRow):
    """Somebody behind an event: the declared user (null: none), entitled or not, with or without a hand in it, and what the name rests on.

    `doubt` says why a signature on the commit that names them says nothing of them.
    """

    user: str | None
    entitled: bool
    contributed: bool
    commit: str
    signature: SignatureRow | None
    pull_request: str | None
    reviewed: str | None
    doubt: str


class EventRow(Row):
    """Something that landed and moved facts of the approval. `landed` is how: by git, or as the forge says.

    `right` is the line that entitles somebody, by the rules that held before it, since `rules_commit`. `forge`: whether it was asked.
    """

    change: str
    facts: list[str]
    counts: Counts
    reason: str
    commit: str
    author_commit: str
    landed: Literal["commit", "merge", "squash", "rebase"]
    landed_at: Time
    authored_at: Time
    author: KnownRow
    approvers: list[KnownRow]
    right: str | None
    rules_commit: str
    forge: Literal["none", "said", "not asked"]
    evidence: list[EvidenceRow]
    verdicts: list[VerdictRow]


class WithdrawnRow(Row):
    """How a version was taken back, on whose word."""

    action: Literal["unlist", "quarantine"]
    reason: str
    since: str | None
    author: PersonRow
    approvers: list[PersonRow]
    commit: str


class LicenseRow(Row):
    """A license as it is declared, and the SPDX expression that this comes to ("" for none)."""

    declared: str
    concluded: str


class ExplainV1(Row):
    """`reconciler explain --format json`: one version, from the approval to the record.

    `verdicts` are on the people behind it, `judgements` on the release; `licenses` are those of what the feed holds.
    """

    schema_: Literal["explain/v1"] = Field(default="explain/v1", alias="schema")
    feed: str
    package: str
    version: str
    path: str | None
    declared: str
    published: str
    author: PersonRow | None
    approvers: list[PersonRow]
    commit: str | None
    right: str | None
    reason: str
    withdrawn: WithdrawnRow | None
    deprecated: str | None
    expires: str | None = None
    holds: list[HoldRow]
    history: list[HistoryRow]
    line: int
    source: str | None = Field(alias="from")
    ticket: str
    files: list[FileDigests]
    rules_commit: str | None
    signatures: list[SignatureRow]
    evidence: list[EvidenceRow]
    verdicts: list[VerdictRow]
    judgements: list[VerdictRow] = Field(default_factory=list)
    licenses: list[LicenseRow] = Field(default_factory=list)
    events: list[EventRow]
    reanchored: list[ReanchoredRow]
    notes: list[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """An event as it is to be explained: who is behind it, on what it rests, what the forge said of it, what became of it."""

    event: Event
    known: tuple[Known, ...]
    grounds: Grounds
    said: tuple[Evidence, ...]
    forge: Literal["none", "said", "not asked"]
    rules_commit: str
    counts: Counts
    reason: str


def event_row(told: Told) -> EventRow:
    """An event as JSON."""
    event = told.event
    author, *approvers = [_known_row(one) for one in told.known]
    pull = next((one.pull_request for one in told.said if one.pull_request), None)
    return EventRow(
        change=change_of(event),
        facts=sorted(event.moved),
        counts=told.counts,
        reason=told.reason,
        commit=event.landing.id,
        author_commit=event.author.id,
        landed=_landed(event.landing, pull),
        landed_at=event.landing.committed_at,
        authored_at=event.author.authored_at,
        author=author,
        approvers=approvers,
        right=str(told.grounds.line) if told.grounds.line else None,
        rules_commit=told.rules_commit,
        forge=told.forge,
        evidence=evidence_rows(told.said, about=told.grounds.evidence),
        verdicts=verdict_rows(told.grounds.judgements),
    )


def file_rows(files: Iterable[ApprovedFile]) -> list[FileDigests]:
    """Approved files as JSON."""
    return [FileDigests(name=file.name, size=file.size, sha256=file.sha256, content_hash=file.content_hash) for file in files]


def verdict_rows(judgements: Iterable[Judgement]) -> list[VerdictRow]:
    """Verdicts as JSON."""
    return [verdict_row(one) for one in judgements]


def signature_row(signature: Signature) -> SignatureRow:
    """A signature as JSON."""
    return SignatureRow(commit=signature.commit, user=signature.user, key=signature.fingerprint, seen_at=signature.seen_at)


def evidence_rows(said: Iterable[Evidence], *, about: Iterable[Evidence]) -> list[EvidenceRow]:
    """What the forge said as JSON; `about` are those that speak of what landed."""
    digests = {one.digest() for one in about}
    return [_evidence_row(one, about=one.digest() in digests) for one in said]


def _evidence_row(evidence: Evidence, *, about: bool) -> EvidenceRow:
    pull = evidence.pull_request
    reviews = [
        ReviewRow(
            by=review.by.login,
            state=review.state,
            commit=review.commit,
            at=review.at,
            counts=about and review.state == "approved" and review.commit == pull.head,
        )
        for review in (pull.reviews if pull else ())
        if pull
    ]
    return EvidenceRow(
        sha256=evidence.digest(),
        pull_request=pull.link if pull else "",
        about=about,
        method=pull.method if pull else None,
        opener=pull.opener.login if pull and pull.opener else None,
        merger=pull.merger.login if pull and pull.merger else None,
        merged_at=pull.merged_at if pull else None,
        head=pull.head if pull else None,
        reviews=reviews,
    )


def _known_row(known: Known) -> KnownRow:
    voice = known.voice
    return KnownRow(
        name=voice.person.name,
        email=voice.person.email,
        assurance=voice.assurance,
        user=voice.user,
        entitled=voice.entitled,
        contributed=voice.contributed,
        commit=known.commit.id,
        signature=signature_row(known.signature) if known.signature else None,
        pull_request=known.pull_request.link if known.pull_request else None,
        reviewed=known.review.commit if known.review else None,
        doubt=known.doubt,
    )


def _landed(landing: Commit, pull: PullRequest | None) -> Literal["commit", "merge", "squash", "rebase"]:
    if pull is not None:
        return pull.method
    return "merge" if len(landing.parents) > 1 else "commit"
