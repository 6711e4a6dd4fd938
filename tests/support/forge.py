"""A forge on loopback, GitHub or GitLab, whose pull requests are those of a real git repository; it merges there too.

    with Repo(folder) as repo, ForgeServer("gitlab", repo) as forge:
        repo.branch("topic"); repo.commit({"approvals/...": "..."}, on="topic")
        pull = forge.open("topic", by="ada")
        forge.review(pull, by="bob")                        # approves the head; state="CHANGES_REQUESTED", commit=... for others
        (landed,) = forge.merge(pull, "squash", by="bob")   # a commit of main in the repository
        ... evidence_of(forge.declared, landed, ...) ...

Accounts come into being when they are named; `join` gives them a number or the address of their commits. A ghost is `by=None`.
Faults: `forge.instead.append(Answer(...))` is what the next request gets; `forge.always` what all get; `forge.token` what they must carry.
Pull requests may be changed at will between requests. What the answers look like is in `forge_answers.py`. A pull request that is posted
is opened by `forge.user`, and told in `forge.posted`; with `forge.writable` False nobody may.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final, Self, TypeAlias
from urllib.parse import parse_qs, unquote, urlsplit

from reconciler.model.declared import Forge, ForgeKind
from reconciler.model.events import Person
from reconciler.model.evidence import MergeMethod
from reconciler.model.permissions import Line
from reconciler.model.words import BlobId, CommitId
from tests.support.faulty_server import Answer, Asked, FaultyServer
from tests.support.forge_answers import ANSWERS, POSTS
from tests.support.repositories import ADA, Repo

Account: TypeAlias = tuple[int, str] | None
"""Number and login, None for one that was deleted."""
NOTHING: Final = CommitId("")
MERGER: Final = Person(name="Forge", email="noreply@forge.example")


@dataclass(kw_only=True)
class Pushed:
    """A commit of a branch."""

    id: CommitId
    person: Person
    at: datetime
    message: str
    committed_by: str = ""
    """The address of the committer."""
    author: Account = None
    committer: Account = None


@dataclass(kw_only=True)
class Said:
    """A review, approval or (GitLab) its withdrawal."""

    by: Account
    state: str
    commit: CommitId | None
    at: datetime


@dataclass(kw_only=True)
class Pull:
    """A pull request; all of it may be changed by a test, to lie."""

    number: int
    branch: str
    opener: Account
    base: str
    head: CommitId = NOTHING
    commits: list[Pushed] = field(default_factory=list)
    files: dict[str, BlobId | None] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    """Old names by new ones."""
    tree: dict[str, BlobId] = field(default_factory=dict)
    versions: list[tuple[CommitId, datetime]] = field(default_factory=list)
    reviews: list[Said] = field(default_factory=list)
    merger: Account = None
    merged_at: datetime | None = None
    method: MergeMethod | None = None
    source: str | None = None
    """The fork that its branch is in."""
    title: str = ""
    landed: list[CommitId] = field(default_factory=list)
    """The landing commits that the forge knows, oldest first."""
    squashed: CommitId | None = None


class ForgeServer(FaultyServer):
    """Runs between `with` and its end."""

    def __init__(self, kind: ForgeKind, repo: Repo, *, project: str = "owner/approvals") -> None:
        super().__init__()
        self.kind: Final[ForgeKind] = kind
        self.project = project
        self.repo = repo
        self.pulls: dict[int, Pull] = {}
        self.instead: list[Answer] = []
        self.always: Answer | None = None
        self.good_for = 0
        """Requests that are answered well before `always` sets in."""
        self.token = ""
        self.tells_time = True
        """Whether a GitLab says in an approval when it was given, as it does since 18.4."""
        self.comments: list[str] = []
        """Bodies of notes that somebody wrote under every GitLab merge request."""
        self.user: str = "ada"
        """Whose token it is."""
        self.writable = True
        self.posted: list[dict[str, Any]] = []
        """Documents that pull requests were opened with."""
        self.broken: list[Exception] = []
        """Errors of the server's own, which the end of the `with` raises."""
        self.now = datetime(2026, 1, 2, tzinfo=UTC)
        self._accounts: dict[str, int] = {}
        self._emails: dict[str, str] = {}
        self._numbers = count(1001)

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        if self.broken:
            raise self.broken[0]

    @property
    def declared(self) -> Forge:
        """As policies/forge.yaml would have it."""
        return Forge(kind=self.kind, url=self.url, project=self.project, where=Line(path="policies/forge.yaml", line=1))

    def asked(self) -> list[str]:
        """The requests so far, without the address of the project."""
        return [unquote(request.path).partition(self.project)[2] for request in self.requests]

    # --- people ---

    def join(self, login: str, *, number: int | None = None, email: str = "") -> Self:
        self._accounts[login] = number or self._accounts.get(login) or next(self._numbers)
        if email:
            self._emails[email] = login
        return self

    def account(self, login: str | None) -> Account:
        if login is None:
            return None
        self.join(login)
        return self._accounts[login], login

    # --- pull requests ---

    def open(self, branch: str, *, by: str | None, base: str = "main") -> Pull:
        pull = Pull(number=len(self.pulls) + 1, branch=branch, opener=self.account(by), base=base)
        self.pulls[pull.number] = pull
        self.push(pull)
        return pull

    def push(self, pull: Pull) -> None:
        """Takes over what the branch in the repository is now."""
        pull.head = CommitId(self.repo.git("rev-parse", f"refs/heads/{pull.branch}"))
        base = self.repo.git("merge-base", pull.base, pull.head)
        told = self.repo.git("log", "-z", "--reverse", "--format=%H%n%an%n%ae%n%at%n%ce%n%B", f"{base}..{pull.head}")
        pull.commits = [self._pushed(*one.split("\n", 5)) for one in told.split("\0") if one]
        changed = self.repo.git("diff", "--raw", "-z", "--no-renames", "--abbrev=64", base, pull.head).split("\0")
        pull.files = {path: _blob(meta.split(" ")[3]) for meta, path in zip(changed[::2], changed[1::2], strict=False)}
        listed = self.repo.git("ls-tree", "-r", "-z", pull.head).split("\0")
        pull.tree = {path: BlobId(meta.split(" ")[2]) for meta, _, path in (one.partition("\t") for one in listed if one)}
        pull.versions.append((pull.head, self.tick()))

    def review(self, pull: Pull, *, by: str | None, state: str = "APPROVED", commit: CommitId | None = None) -> Said:
        """`state` in GitHub's words; at GitLab there is also UNAPPROVED, and nothing but that and APPROVED is told."""
        said = Said(by=self.account(by), state=state, commit=commit or pull.head, at=self.tick())
        pull.reviews.append(said)
        return said

    def merge(
        self, pull: Pull, method: MergeMethod = "merge", *, by: str | None = None, author: Person = ADA, **how: Any
    ) -> tuple[CommitId, ...]:
        """Merges as the forge does, and hands back the landing commits. `how` goes to `Repo.merge` or `Repo.squash`."""
        if method == "merge":
            landed: tuple[CommitId, ...] = (self.repo.merge(pull.branch, into=pull.base, by=author, committer=MERGER, **how),)
        elif method == "squash":
            landed = (self.repo.squash(pull.branch, into=pull.base, by=author, committer=MERGER, **how),)
            pull.squashed = landed[0]
        elif self.kind == "github":
            landed = self.repo.rebase_merge(pull.branch, into=pull.base, committer=MERGER)
        else:
            self.repo.move(pull.base, pull.head)
            landed = tuple(one.id for one in pull.commits)
        self.repo.close()
        self.merged(pull, method, landed, by=by)
        return landed

    def merged(self, pull: Pull, method: MergeMethod, landed: tuple[CommitId, ...], *, by: str | None = None) -> None:
        """Takes it for merged, whatever git says."""
        pull.method, pull.landed, pull.merger, pull.merged_at = method, list(landed), self.account(by), self.tick()

    def tick(self) -> datetime:
        """The time, a minute later than the last one."""
        self.now += timedelta(minutes=1)
        return self.now

    def _pushed(self, id_: str, name: str, email: str, at: str, committer: str, message: str) -> Pushed:
        return Pushed(
            id=CommitId(id_),
            person=Person(name=name, email=email),
            at=datetime.fromtimestamp(int(at), UTC),
            message=message.rstrip("\n"),
            committed_by=committer,
            author=self.account(self._emails.get(email)),
            committer=self.account(self._emails.get(committer)),
        )

    # --- answers ---

    def _next(self, asked: Asked) -> Answer:
        self.requests.append(asked)
        if self.instead:
            return self.instead.pop(0)
        self.good_for -= 1
        if self.always and self.good_for < 0:
            return self.always
        if self.token and asked.headers.get("authorization") != f"Bearer {self.token}":
            return Answer(status=401, body=b'{"message": "Bad credentials"}')
        parts = urlsplit(asked.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        try:
            if asked.method == "POST":
                return self._post(parts.path, json.loads(asked.body))
            value = self._answer(parts.path, query)
        except Exception as error:
            self.broken.append(error)
            raise
        if value is not None:
            return Answer(body=json.dumps(_page(value, query)).encode(), headers={"Content-Type": "application/json"})
        return Answer(status=404, body=b'{"message": "Not Found"}')

    def _post(self, path: str, document: dict[str, Any]) -> Answer:
        pattern, opens = POSTS[self.kind]
        found = pattern.fullmatch(path)
        if found is None or unquote(found[1]) != self.project:
            return Answer(status=404, body=b'{"message": "Not Found"}')
        if not self.writable:
            return Answer(status=403, body=b'{"message": "Resource not accessible by personal access token"}')
        self.posted.append(document)
        status, value = opens(self, document)
        return Answer(status=status, body=json.dumps(value).encode(), headers={"Content-Type": "application/json"})

    def _answer(self, path: str, query: dict[str, str]) -> Any:
        for pattern, render in ANSWERS[self.kind]:
            if found := pattern.fullmatch(path):
                project, *rest = map(unquote, found.groups())
                with suppress(KeyError):
                    return render(self, query, *rest) if project == self.project else None
        return None


def _page(value: Any, query: dict[str, str]) -> Any:
    if not isinstance(value, list):
        return value
    size, page = min(int(query.get("per_page", "30")), 100), int(query.get("page", "1"))
    return value[size * (page - 1) : size * page]


def _blob(text: str) -> BlobId | None:
    return BlobId(text) if text.strip("0") else None
