"""What `verify` looks at and what it finds: findings, what was checked, and the records of the ledger as its lines say them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reconciler.model.events import Person
from reconciler.model.packages import ListedState
from reconciler.model.words import FeedName, Identity, PackageKey, VersionKey

FindingKind: TypeAlias = Literal["state", "ledger", "record", "catalog", "missing", "differing", "exposed", "pages"]


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Finding:
    """Something that does not derive from git and bytes as it is recorded, at one place.

    `state`: head or catalog are not as they were written; `ledger`: its chain is broken; `record`: git says otherwise than a record;
    `catalog`: the ledger does; `missing`, `differing`, `exposed`: package files; `pages`: the catalog renders to other bytes.
    `subject` names the place: an object's key, "record 7", a path in the feed, a package with its version.
    """

    feed: FeedName
    kind: FindingKind
    subject: str
    detail: str
    remedy: str


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

    def person(self) -> Person:
        """The same as our own type."""
        return Person(name=self.name, email=self.email)


class FileLine(_Line):
    """A file in a record."""

    name: str
    size: int
    sha256: str
    content_hash: str | None = None


class PassRecord(_Line):
    """A record of something that nobody asked for by name: rights that changed with the rules, a file that was taken out."""

    seq: int
    feed: str
    commit: str


class ChangeRecord(PassRecord):
    """A record of a change; see `act/record.py`, which writes it. `state` and `deprecated` are not in records of version 0.1."""

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

    def of(self, feed: FeedName) -> Identity:
        """The version that it is about."""
        return Identity(feed=feed, package=PackageKey(self.identity[0]), version=VersionKey(self.identity[1]))


WITHOUT_PEOPLE = frozenset({"access", "evict"})
"""Changes whose records are a PassRecord."""


def parse_record(record: Mapping[str, Any]) -> PassRecord | str:
    """A line of the ledger, or why it is no record."""
    kind = PassRecord if record.get("change") in WITHOUT_PEOPLE else ChangeRecord
    try:
        return kind.model_validate(record)
    except ValidationError as error:
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
