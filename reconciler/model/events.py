"""Who changed what, by git: landing commits, the events of approvals, the people behind them.

A *landing commit* lies on the first-parent chain of the branch: the moment at which something became part of it. Names and dates
of commits are claims of whoever made them, and are shown as such.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias

from reconciler.model.declared import Approval, Rules
from reconciler.model.words import BlobId, CommitId, Identity, Problem

SignatureKind: TypeAlias = Literal["", "ssh", "openpgp", "x509", "other"]
Assurance: TypeAlias = Literal["claimed", "signed", "reviewed"]
ASSURANCES: Final[tuple[Assurance, ...]] = ("claimed", "signed", "reviewed")
"""How a name is known, from the weakest to the strongest: a header or trailer, which anybody can write; a signature by a declared key;
a review at the forge, of what landed."""


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Person:
    """A name and an address as a commit header or trailer claims them."""

    name: str
    email: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """A person in a report, with how the name is known. `claimed`: a header or trailer, which anybody can write."""

    name: str
    email: str
    assurance: Assurance


@dataclass(frozen=True, kw_only=True, slots=True)
class Voice:
    """Somebody behind an event: the declared user (None: nobody declared), how well known, whether entitled to what the event asks for,
    whether they had a hand in it themselves."""

    person: Person
    user: str | None
    assurance: Assurance
    entitled: bool
    contributed: bool

    @property
    def named(self) -> Named:
        """The person for a report."""
        return Named(name=self.person.name, email=self.person.email, assurance=self.assurance)


@dataclass(frozen=True, kw_only=True, slots=True)
class Commit:
    """A commit object; times are aware UTC, as the commit claims them.

    `signature` is what kind its header carries ("" for none), `claimed_key` the fingerprint of the SSH key that it names ("" if it names
    none that can be read). Neither is verified: `declare/signatures.py` says which signatures are good.
    """

    id: CommitId
    parents: tuple[CommitId, ...]
    author: Person
    authored_at: datetime
    committer: Person
    committed_at: datetime
    message: str
    signature: SignatureKind
    claimed_key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PathChange:
    """One path that differs between a commit and a parent of it; None where the path is absent. `mode` is the newer one."""

    path: str
    before: BlobId | None
    after: BlobId | None
    mode: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Landing:
    """A landing commit that changes the declaration against its first parent; `position` counts from the root of the chain."""

    position: int
    commit: Commit
    changes: tuple[PathChange, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class FileAuthor:
    """The commit that wrote a rule file as it stands at a landing commit, and everybody who had a hand in it."""

    path: str
    author: Commit
    contributors: tuple[Person, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleChange:
    """A landing commit that changes rule files, or adopts some (`Adopts:` trailers), with the rules of its own tree.

    `files` is the tree's state of all rule files; `parsed` the rules in it, or what is wrong with them.
    """

    position: int
    commit: Commit
    files: Mapping[str, BlobId]
    parsed: Rules | tuple[Problem, ...]
    changed: tuple[FileAuthor, ...]
    adopts: frozenset[str]
    witnesses: tuple[Person, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """Facts of one approval that a landing commit moves, all written by one author.

    `author` is the commit that has the facts while none of its parents has: the landing commit itself, or one that it merged.
    `moved` maps a fact to its new text, None where it is dropped; `approval` is the file after the event, None if it is gone.
    `witnesses` are the other people that the landing commit names: its author, committer and trailers; `contributors` are those who had a
    hand in what landed, the author among them. `dropped` are the facts of `moved` that only the merged branch ever said: a limit that was
    written there and did not land.
    """

    identity: Identity
    position: int
    landing: Commit
    author: Commit
    path: str
    blob: BlobId | None
    approval: Approval | None
    moved: Mapping[str, str | None]
    first: bool
    """Whether the approval said nothing before: nobody had approved this version."""
    witnesses: tuple[Person, ...]
    contributors: tuple[Person, ...] = ()
    dropped: frozenset[str] = frozenset()
