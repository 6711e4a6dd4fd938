"""GitLab: merge requests and their approvals.

    GET /projects/:id/repository/commits/:sha/merge_requests    https://docs.gitlab.com/api/commits/
    GET /projects/:id/merge_requests/:iid                       https://docs.gitlab.com/api/merge_requests/
    GET .../merge_requests/:iid/commits                         newest first
    GET .../merge_requests/:iid/versions                        newest first: what was pushed, and when
    GET .../merge_requests/:iid/diffs                           the paths that it changes, up to the limits of the instance
    GET .../merge_requests/:iid/approvals                       https://docs.gitlab.com/api/merge_request_approvals/
    GET .../merge_requests/:iid/notes                           https://docs.gitlab.com/api/notes/
    GET /projects/:id/repository/tree                           https://docs.gitlab.com/api/repositories/

An approval does not say what it looked at: that is the newest version before it. When it was given is told by the approval itself since
GitLab 18.4, and before by the note that the system writes. A fast-forward has neither a merge commit nor a squashed one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import quote

from pydantic import Field

from reconciler.errors import NotThere, Unreachable
from reconciler.model.declared import Forge
from reconciler.model.evidence import Account, MergeMethod, Moment, PullRequest, Review
from reconciler.model.words import BlobId, CommitId
from reconciler.observe.forges.api import (
    MAX_PATH,
    Api,
    ClaimedTime,
    ForgeBlob,
    ForgeCommit,
    Link,
    Login,
    Number,
    Rows,
    Shape,
    addresses,
    is_declared,
    somebody,
)
from reconciler.observe.forges.found import Listed, PullRequests
from reconciler.observe.forges.landings import BranchCommit, Claim
from reconciler.wire import Wire

MAX_FOLDERS: Final = 100
"""Folders that are listed for the blobs in them."""

_APPROVED: Final = "approved this merge request"


class _User(Shape):
    id: Number
    username: Login


class _References(Shape):
    full: str


class _Listed(Shape):
    number: Number = Field(alias="iid")
    state: str
    sha: ForgeCommit | None
    merge_commit_sha: ForgeCommit | None
    squash_commit_sha: ForgeCommit | None
    references: _References

    def claim(self, project: str) -> Claim | None:
        """None for a merge request that was not merged, or is one of another project."""
        if self.state != "merged" or self.sha is None or self.references.full.casefold() != f"{project}!{self.number}".casefold():
            return None
        landed = self.merge_commit_sha or self.squash_commit_sha or self.sha
        return Claim(landed=landed, head=self.sha, squashed=self.squash_commit_sha)


class _MergeRequest(_Listed):
    web_url: Link
    author: _User | None
    merged_by: _User | None = None
    merge_user: _User | None = None
    """Since GitLab 14.7; `merged_by` is on its way out."""
    merged_at: Moment
    changes_count: str | None


class _Commit(Shape):
    id: ForgeCommit
    message: str
    author_email: str
    committer_email: str | None = None
    """Always there, though not in every documented example."""
    authored_date: ClaimedTime

    def of_branch(self) -> BranchCommit:
        return BranchCommit(id=self.id, email=self.author_email, authored_at=self.authored_date, message=self.message)


class _Version(Shape):
    head_commit_sha: ForgeCommit
    created_at: Moment


class _Approval(Shape):
    user: _User | None
    approved_at: Moment | None = None


class _Approvals(Shape):
    approved_by: tuple[_Approval, ...]


class _Note(Shape):
    body: str
    system: bool
    author: _User | None
    created_at: Moment


class _Diff(Shape):
    old_path: str
    new_path: str
    renamed_file: bool
    deleted_file: bool


class _Entry(Shape):
    id: ForgeBlob
    type: str
    path: str


class GitLab(PullRequests[_MergeRequest, _Commit]):
    """A project at a GitLab."""

    def __init__(self, forge: Forge, wire: Wire) -> None:
        super().__init__(Api(forge, wire, base=f"projects/{quote(forge.project, safe='')}", accept="application/json"))

    def _listed(self, commit: CommitId) -> Rows[Listed]:
        return self._api.rows(f"repository/commits/{commit}/merge_requests", _Listed, query="state=merged&")

    def _pull(self, number: int) -> _MergeRequest:
        return self._api.one(f"merge_requests/{number}", _MergeRequest)

    def _commits(self, number: int) -> Rows[_Commit]:
        newest_first = self._api.rows(f"merge_requests/{number}/commits", _Commit)
        return replace(newest_first, rows=newest_first.rows[::-1])

    def _whole(self, pull: _MergeRequest, claim: Claim, method: MergeMethod, commits: Rows[_Commit]) -> PullRequest:
        diffs = self._api.rows(f"merge_requests/{pull.number}/diffs", _Diff)
        files, named = self._blobs(diffs.rows, claim.head)
        return PullRequest(
            forge="gitlab",
            project=self._api.project,
            number=pull.number,
            link=pull.web_url,
            method=method,
            opener=somebody(_account(pull.author)),
            merger=somebody(_account(pull.merge_user or pull.merged_by)),
            merged_at=pull.merged_at,
            head=claim.head,
            landed=claim.landed,
            commits=tuple(one.id for one in commits.rows),
            authors=(),
            committers=(),
            addresses=addresses(email for one in commits.rows for email in (one.author_email, one.committer_email)),
            all_commits=commits.whole,
            reviews=self._reviews(pull.number),
            files=files,
            whole=named and commits.whole and str(len(diffs.rows)) == (pull.changes_count or "0"),
        )

    def _reviews(self, number: int) -> tuple[Review, ...]:
        """Who approves it, by number. A version that is not told (any more), or an approval without time, has no commit."""
        approvals = self._api.one(f"merge_requests/{number}/approvals", _Approvals).approved_by
        given = {by.id: (by, approval.approved_at) for approval in approvals if (by := somebody(_account(approval.user)))}
        versions = self._api.rows(f"merge_requests/{number}/versions", _Version).rows if given else ()
        noted = self._noted(number) if None in (at for _, at in given.values()) else {}
        reviews = ((by, at or noted.get(by.id)) for _, (by, at) in sorted(given.items()))
        return tuple(Review(by=by, state="approved", commit=_looked_at(versions, at), at=at) for by, at in reviews)

    def _noted(self, number: int) -> dict[int, Moment]:
        """When each account approved last, by the system's own notes; comments that say the same are none of them."""
        query = "activity_filter=only_activity&order_by=created_at&sort=desc&"
        notes = self._api.rows(f"merge_requests/{number}/notes", _Note, query=query).rows
        said = ((note.author.id, note.created_at) for note in notes if note.system and note.author and note.body == _APPROVED)
        last: dict[int, Moment] = {}
        for account, at in said:
            last[account] = max(at, last.get(account, at))
        return last

    def _blobs(self, diffs: Iterable[_Diff], head: CommitId) -> tuple[dict[str, BlobId | None], bool]:
        """Blobs by path, and whether all are pull."""
        left = {one.old_path for one in diffs if (one.renamed_file or one.deleted_file) and is_declared(one.old_path)}
        there = {one.new_path for one in diffs if not one.deleted_file and is_declared(one.new_path)}
        folders = sorted({path.rpartition("/")[0] for path in there if len(path) <= MAX_PATH})[:MAX_FOLDERS]
        found = {entry.path: entry.id for folder in folders for entry in self._entries(folder, head) if entry.path in there}
        return {**dict.fromkeys(path for path in left if len(path) <= MAX_PATH), **found}, found.keys() == there

    def _entries(self, folder: str, head: CommitId) -> tuple[_Entry, ...]:
        try:
            rows = self._api.rows("repository/tree", _Entry, query=f"path={quote(folder, safe='')}&ref={head}&").rows
        except Unreachable as error:
            if isinstance(error.__cause__, NotThere):  # the diff names what the tree does not have
                return ()
            raise
        return tuple(entry for entry in rows if entry.type == "blob")


def _account(user: _User | None) -> Account | None:
    return Account(id=user.id, login=user.username) if user else None


def _looked_at(versions: Sequence[_Version], at: Moment | None) -> CommitId:
    """The head of the newest version before this time. One of the very same time came too late to be looked at."""
    before = [version for version in versions if at is not None and version.created_at < at]
    return max(before, key=lambda version: version.created_at).head_commit_sha if before else CommitId("")
