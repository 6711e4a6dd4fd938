"""What a forge (GitHub, GitLab) says of how a commit landed: the pull request, who opened, wrote, reviewed and merged it.

A forge answers today what may read otherwise tomorrow, so an answer that decided a promotion is frozen: as canonical JSON (sorted keys,
no blanks, UTF-8), named by its SHA-256, kept in the store and named by the ledger's record. Accounts are known by their number: a login
can be given up, and taken by somebody else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, ValidationError

from reconciler.model.declared import ForgeKind
from reconciler.model.events import Person
from reconciler.model.forges import SITES
from reconciler.model.words import BlobId, CommitId, Sha256

ReviewState: TypeAlias = Literal["approved", "changes-requested", "commented", "dismissed"]
MergeMethod: TypeAlias = Literal["merge", "squash", "rebase"]
"""How a pull request landed, by git: a merge of its branch; one new commit (which some forges then merge); its commits one by one,
copied or as they are (a fast-forward)."""


def _utc(time: datetime) -> datetime:
    try:
        return time.astimezone(UTC)
    except OverflowError as error:
        message = "a time within the years 1 to 9999 in UTC"
        raise ValueError(message) from error


Moment: TypeAlias = Annotated[AwareDatetime, AfterValidator(_utc)]
"""A time as RFC 3339 writes it, in UTC."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Account(_Frozen):
    """An account of a forge; `id` is its number, `login` what it was called when the forge was asked."""

    id: int
    login: str

    def person(self, forge: ForgeKind) -> Person:
        """The account as somebody with a name and an address."""
        return Person(name=self.login, email=SITES[forge].noreply.format(id=self.id, login=self.login))


class Review(_Frozen):
    """What an account said last of a pull request, and the commit that it looked at ("" where the forge does not say).

    `commented` is said only of who never said more: a comment takes nothing back. `at` is None where the forge does not say.
    """

    by: Account
    state: ReviewState
    commit: CommitId
    at: Moment | None


class PullRequest(_Frozen):
    """A pull request that was merged. `landed` is the commit that the forge made of it (of a rebase: the last one); `head` the last
    commit of its branch when it was merged.

    `commits` are those of the branch, oldest first; `authors` and `committers` the accounts that the forge connects with them (GitLab
    connects none), `addresses` the e-mail addresses that these commits claim, folded; `all_commits` says
    whether the forge has named all of them. `files` are the blobs at `head` of the paths that it changes (None: deleted) under feeds.yaml, policies/ and
    approvals/. `whole` says whether the forge has named all files, commits and reviews; of reviews that it cannot name to the end there
    are none here, as the last ones may take back the first. Accounts that were deleted are left out: `opener` and `merger` are None.
    """

    forge: ForgeKind
    project: str
    number: int
    link: str
    method: MergeMethod
    opener: Account | None
    merger: Account | None
    merged_at: Moment
    head: CommitId
    landed: CommitId
    commits: tuple[CommitId, ...]
    authors: tuple[Account, ...]
    committers: tuple[Account, ...]
    addresses: tuple[str, ...]
    all_commits: bool
    reviews: tuple[Review, ...]
    files: dict[str, BlobId | None]
    whole: bool


class Evidence(_Frozen):
    """What a forge said of one landing commit; no pull request: it says that there was none."""

    schema_version: Literal[1] = 1
    commit: CommitId
    pull_request: PullRequest | None

    def encoded(self) -> bytes:
        """Canonical JSON: the same evidence, the same bytes."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return text.encode("utf-8", "replace")

    def digest(self) -> Sha256:
        """The SHA-256 of the canonical JSON."""
        return Sha256(hashlib.sha256(self.encoded()).hexdigest())


def distinct(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """Each once, in order of their digests."""
    return tuple(one for _, one in sorted({one.digest(): one for one in evidence}.items()))


def decode_evidence(data: bytes) -> Evidence:
    """The evidence in canonical JSON; ValueError if it is none."""
    try:
        return Evidence.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        message = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise ValueError(message) from error
