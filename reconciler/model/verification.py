"""What `verify` looks at and what it finds: findings, what was checked, and the records of the ledger as its lines say them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reconciler.model.events import Assurance, Named
from reconciler.model.packages import ListedState
from reconciler.model.reanchored import Reanchored
from reconciler.model.words import CommitId, FeedName, Identity, PackageKey, VersionKey

FindingKind: TypeAlias = Literal["state", "evidence", "ledger", "record", "catalog", "missing", "differing", "exposed", "pages"]
NoteKind: TypeAlias = Literal["reanchored", "attested", "clock"]


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Finding:
    """Something that does not derive from git and bytes as it is recorded, at one place.

    `state`: head or catalog are not as they were written; `evidence`: what a forge said is not what was frozen, or gone; `ledger`: its chain is broken; `record`: git says otherwise than a record;
    `catalog`: the ledger does; `missing`, `differing`, `exposed`: package files; `pages`: the catalog renders to other bytes.
    `subject` names the place: an object's key, "record 7", a path in the feed, a package with its version.
    """

    feed: FeedName
    kind: FindingKind
    subject: str
    detail: str
    remedy: str


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Note:
    """Something that is as it was recorded, and that a reader should know. `feed` is "" for what concerns all of them.

    `reanchored`: the ledger went on in another history; `attested`: records that name commits of an earlier one, which nothing derives
    again; `clock`: a landing commit that claims to be older than the one before it.
    """

    feed: str
    kind: NoteKind
    subject: str
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """What was derived again of one feed: numbers of records, package files and pages; bytes that were read of files.

    `revision` is its head's (0: never applied); `unfinished`: a pass was stopped, and what it was at work on was left out.
    """

    feed: FeedName
    revision: int
    records: int
    files: int
    bytes: int
    pages: int
    unfinished: bool


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class PersonLine(_Line):
    """Somebody in a record."""

    name: str
    email: str
    assurance: Assurance

    def named(self) -> Named:
        """The same as our own type."""
        return Named(name=self.name, email=self.email, assurance=self.assurance)


class FileLine(_Line):
    """A file in a record."""

    name: str
    size: int
    sha256: str
    content_hash: str | None = None


class SignatureLine(_Line):
    """A signature in a record."""

    commit: str
    user: str
    key: str
    seen_at: datetime


class EvidenceLine(_Line):
    """Evidence of a forge in a record, by the digest of what is frozen in the store."""

    sha256: str
    pull_request: str


class PassRecord(_Line):
    """A record of something that nobody asked for by name: rights that changed with the rules, a file that was taken out.

    `head` is the commit that was applied, where it is not `commit` (not in records of version 0.1).
    """

    seq: int
    feed: str
    commit: str
    head: str | None = None


class ReanchorRecord(PassRecord):
    """A record of a ledger that went on at `commit`, a landing commit of another history than that of `from_commit`."""

    from_commit: str
    by: PersonLine
    reason: str
    shared: bool
    applied_at: datetime

    def reanchored(self) -> Reanchored:
        """The same as our own type."""
        return Reanchored(
            feed=FeedName(self.feed),
            from_commit=CommitId(self.from_commit),
            commit=CommitId(self.commit),
            at=self.applied_at,
            by=self.by.named(),
            reason=self.reason,
            shared=self.shared,
        )


class ChangeRecord(PassRecord):
    """A record of a change; see `act/record.py`, which writes it. `state`, `deprecated`, `right`, `signatures` and `evidence` are not in
    records of earlier versions."""

    change: str
    source: str = Field(alias="from")
    package: str
    version: str
    identity: tuple[str, str]
    files: tuple[FileLine, ...]
    path: str
    blob: str
    author_commit: str
    author: PersonLine
    approvers: tuple[PersonLine, ...]
    authored_at: datetime
    landed_at: datetime
    state: ListedState | None = None
    deprecated: str | None = None
    right: str | None = None
    signatures: tuple[SignatureLine, ...] = ()
    evidence: tuple[EvidenceLine, ...] = ()

    def of(self, feed: FeedName) -> Identity:
        """The version that it is about."""
        return Identity(feed=feed, package=PackageKey(self.identity[0]), version=VersionKey(self.identity[1]))


WITHOUT_PEOPLE = frozenset({"access", "evict", "reanchor"})
"""Changes whose records are a PassRecord: they are of no approval."""


def parse_record(record: Mapping[str, Any]) -> PassRecord | str:
    """A line of the ledger, or why it is no record."""
    change = record.get("change")
    kind = ReanchorRecord if change == "reanchor" else PassRecord if change in WITHOUT_PEOPLE else ChangeRecord
    try:
        return kind.model_validate(record)
    except ValidationError as error:
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
