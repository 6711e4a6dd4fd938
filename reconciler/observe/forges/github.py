"""GitHub and GitHub Enterprise: pull requests and their reviews.

    GET /repos/{owner}/{repo}/commits/{sha}/pulls       https://docs.github.com/rest/commits/commits
    GET /repos/{owner}/{repo}/pulls/{number}            https://docs.github.com/rest/pulls/pulls
    GET .../pulls/{number}/commits                      the first 250
    GET .../pulls/{number}/files                        the first 3,000
    GET .../pulls/{number}/reviews                      https://docs.github.com/rest/pulls/reviews; oldest first

`merge_commit_sha` is the merge, the squashed commit or, of a rebase, the last commit. The list of a commit's pull requests also has some
of other repositories of its network. A review that is dismissed changes its state and keeps its place.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final, Literal

from reconciler.model.declared import Forge
from reconciler.model.evidence import Account, MergeMethod, Moment, PullRequest, Review, ReviewState
from reconciler.model.words import BlobId, CommitId
from reconciler.observe.forges.api import (
    MAX_PATH,
    Api,
    ClaimedTime,
    ForgeBlob,
    ForgeCommit,
    Link,
    Login,
    NoneIfEmpty,
    Number,
    Rows,
    Shape,
    addresses,
    each_once,
    is_declared,
    somebody,
)
from reconciler.observe.forges.found import Listed, PullRequests
from reconciler.observe.forges.landings import BranchCommit, Claim
from reconciler.wire import Wire

_STATES: Final[dict[str, ReviewState]] = {"APPROVED": "approved", "CHANGES_REQUESTED": "changes-requested", "DISMISSED": "dismissed"}


class _User(Shape):
    id: Number
    login: Login

    def account(self) -> Account:
        return Account(id=self.id, login=self.login)


_Somebody = Annotated[_User | None, NoneIfEmpty]


class _Repository(Shape):
    full_name: str


class _Base(Shape):
    repo: _Repository


class _Head(Shape):
    sha: ForgeCommit


class _Listed(Shape):
    number: Number
    merged_at: Moment | None
    merge_commit_sha: ForgeCommit | None
    head: _Head
    base: _Base

    def claim(self, project: str) -> Claim | None:
        """None for a pull request that was not merged, or is one of another project."""
        if self.merged_at is None or self.merge_commit_sha is None or self.base.repo.full_name.casefold() != project.casefold():
            return None
        return Claim(landed=self.merge_commit_sha, head=self.head.sha)


class _Pull(_Listed):
    html_url: Link
    merged: bool
    merged_at: Moment
    user: _Somebody
    merged_by: _Somebody
    commits: int
    changed_files: int

    def claim(self, project: str) -> Claim | None:
        return super().claim(project) if self.merged else None


class _Author(Shape):
    email: str
    date: ClaimedTime


class _Text(Shape):
    message: str
    author: _Author | None
    committer: _Author | None


class _Commit(Shape):
    sha: ForgeCommit
    commit: _Text
    author: _Somebody
    committer: _Somebody

    def of_branch(self) -> BranchCommit:
        told = self.commit.author
        return BranchCommit(
            id=self.sha, email=told.email if told else "", authored_at=told.date if told else None, message=self.commit.message
        )


class _Review(Shape):
    user: _Somebody
    state: str
    commit_id: ForgeCommit | None
    submitted_at: Moment | None = None
    """Left out of a review that is still being written."""


class _File(Shape):
    sha: ForgeBlob | None
    filename: str
    previous_filename: str | None = None
    status: Literal["added", "removed", "modified", "renamed", "copied", "changed", "unchanged"]


class GitHub(PullRequests[_Pull, _Commit]):
    """A repository at GitHub."""

    def __init__(self, forge: Forge, wire: Wire) -> None:
        super().__init__(Api(forge, wire, base=f"repos/{forge.project}", accept="application/vnd.github+json"))

    def _listed(self, commit: CommitId) -> Rows[Listed]:
        return self._api.rows(f"commits/{commit}/pulls", _Listed)

    def _pull(self, number: int) -> _Pull:
        return self._api.one(f"pulls/{number}", _Pull)

    def _commits(self, number: int) -> Rows[_Commit]:
        return self._api.rows(f"pulls/{number}/commits", _Commit)

    def _whole(self, pull: _Pull, claim: Claim, method: MergeMethod, commits: Rows[_Commit]) -> PullRequest:
        reviews = self._api.rows(f"pulls/{pull.number}/reviews", _Review)
        files = self._api.rows(f"pulls/{pull.number}/files", _File)
        blobs, named = _blobs(files.rows)
        counted = (len(files.rows), len(commits.rows)) == (pull.changed_files, pull.commits)
        return PullRequest(
            forge="github",
            project=self._api.project,
            number=pull.number,
            link=pull.html_url,
            method=method,
            opener=somebody(_account(pull.user)),
            merger=somebody(_account(pull.merged_by)),
            merged_at=pull.merged_at,
            head=claim.head,
            landed=claim.landed,
            commits=tuple(one.sha for one in commits.rows),
            authors=each_once(_account(one.author) for one in commits.rows),
            committers=each_once(_account(one.committer) for one in commits.rows),
            addresses=addresses(by.email for one in commits.rows for by in (one.commit.author, one.commit.committer) if by),
            all_commits=len(commits.rows) == pull.commits,
            reviews=_last_words(reviews.rows) if reviews.whole else (),
            files=blobs,
            whole=named and counted and reviews.whole,
        )


def _account(user: _User | None) -> Account | None:
    return user.account() if user else None


def _last_words(reviews: Iterable[_Review]) -> tuple[Review, ...]:
    """The last decisive state of each account; comments only where there is none."""
    last: dict[int, Review] = {}
    for review in reviews:
        by = somebody(_account(review.user))
        state = _STATES.get(review.state, "commented")
        if by is None or review.state == "PENDING" or (state == "commented" and by.id in last and last[by.id].state != "commented"):
            continue
        last[by.id] = Review(by=by, state=state, commit=review.commit_id or CommitId(""), at=review.submitted_at)
    return tuple(last[number] for number in sorted(last))


def _blobs(files: Iterable[_File]) -> tuple[dict[str, BlobId | None], bool]:
    """Blobs by path, and whether all are told."""
    blobs: dict[str, BlobId | None] = {}
    left: set[str] = set()
    named = True
    for file in files:
        if file.status == "renamed" and file.previous_filename and is_declared(file.previous_filename):
            left.add(file.previous_filename)
        if not is_declared(file.filename):
            continue
        gone = file.status == "removed"
        if len(file.filename) > MAX_PATH or (file.sha is None and not gone):
            named = False
            continue
        blobs[file.filename] = None if gone else file.sha
    return dict.fromkeys(left) | blobs, named
