"""What besides the text of commits says who is behind an event: signatures, the forge's evidence, and when a pass first saw it.

All of it is gathered before anything is decided, so that deciding stays pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from reconciler.model.events import Commit, Voice
from reconciler.model.evidence import Evidence, PullRequest, Review
from reconciler.model.permissions import Line
from reconciler.model.verdicts import Judgement
from reconciler.model.words import CommitId


@dataclass(frozen=True, kw_only=True, slots=True)
class Proofs:
    """`signatures`: the fingerprint of the key that made the good SSH signature of a commit, whoever's it is.

    By landing commit: `seen`, when the first apply saw it (missing: none has, it is seen `now`); `evidence`, what the forge said, frozen
    or fresh; `unanswered`, why it could not be asked.
    """

    now: datetime
    signatures: Mapping[CommitId, str] = field(default_factory=dict)
    seen: Mapping[CommitId, datetime] = field(default_factory=dict)
    evidence: Mapping[CommitId, tuple[Evidence, ...]] = field(default_factory=dict)
    unanswered: Mapping[CommitId, str] = field(default_factory=dict)


NOTHING: Final = Proofs(now=datetime.max.replace(tzinfo=UTC))
"""Nothing but what commits claim."""


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Signature:
    """A signature that counts: the commit, whose it is, with which key, and when an apply first saw it.

    `frozen`: that instant was written down; else it is the one of this pass, since the key has no end by which it would matter.
    """

    commit: CommitId
    user: str
    fingerprint: str
    seen_at: datetime
    frozen: bool = field(default=False, compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Grounds:
    """On what an authorisation rests besides names: the line of permissions.yaml that entitles somebody, signatures, reviews, verdicts.

    `objections`: why good signatures do not count; for people who ask, nothing rests on them.
    """

    line: Line | None = None
    signatures: tuple[Signature, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    judgements: tuple[Judgement, ...] = ()
    objections: tuple[str, ...] = ()


NO_GROUNDS: Final = Grounds()


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """Somebody behind an event, and how the name is known: the signature and the review that say so (None: neither does).

    `commit` is the one whose header or trailer names them; `doubt` says why a signature on it says nothing of them ("": there is none).
    """

    voice: Voice
    commit: Commit
    signature: Signature | None
    review: Review | None
    pull_request: PullRequest | None
    doubt: str
