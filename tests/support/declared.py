"""Builders of the declaration and of what is compared with it, small enough to be read at the place where they are used.

Rules are read by the real loader, so that tests speak the words of policies/permissions.yaml. There are two proxy feeds (`public`,
`other`) and two approved ones: `approved` promotes from public, `payments` from both. The content of a file is a short text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from hashlib import sha1, sha256
from typing import Any, Final

from reconciler.decide.desired import Desired
from reconciler.decide.standing import Backing, Standing
from reconciler.decide.table import DeclaredState
from reconciler.declaration import KINDS
from reconciler.declare.load import load_rules
from reconciler.declare.paths import approval_path
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.model.declared import Approval, ApprovedFile, DeclaredApproval, Deprecation, Endorsement, Rules, Withdrawal
from reconciler.model.events import Commit, Event, Named, Person
from reconciler.model.facts import facts_of
from reconciler.model.packages import ListedState, Listing, PublishedFile, PublishedPackage, PublishedVersion, Release, RemoteFile
from reconciler.model.permissions import Line
from reconciler.model.plan import Found, Stock, Stranger
from reconciler.model.proofs import Grounds
from reconciler.model.words import BlobId, CommitId, FeedName, Identity, Sha256

NOW: Final = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
PUBLIC, OTHER, APPROVED, PAYMENTS = FeedName("public"), FeedName("other"), FeedName("approved"), FeedName("payments")
FEEDS: Final = """\
feeds:
  public: {type: pypi, usage: proxy, connectors: [{upstream: ./public}]}
  other: {type: pypi, usage: proxy, connectors: [{upstream: ./other}]}
  approved: {type: pypi, usage: approved, promotes_from: [public]}
  payments: {type: pypi, usage: approved, promotes_from: [public, other]}
"""
USERS: Final = """\
users:
  ada: {name: Ada, emails: [ada@example.org, ada@home.example], github: 4711}
  grace: {name: Grace, emails: [grace@example.org]}
  alan: {name: Alan, emails: [alan@example.org]}
groups:
  administrators: [ada]
  seniors: [ada, grace]
  developers: [alan, "@seniors"]
"""


def person(name: str) -> Person:
    """Ada is Ada <ada@example.org>; ada, grace and alan are declared, everybody else is not."""
    return Person(name=name.capitalize(), email=f"{name}@example.org")


def permissions_yaml(*lines: str) -> str:
    """policies/permissions.yaml with these lines, the first of which is line 10."""
    return USERS + "permissions:" + ("".join(f"\n  - {{{line}}}" for line in lines) or " []") + "\n"


@cache
def rules(*lines: str, feeds: str = FEEDS) -> Rules:
    """Rules with these permissions, each as in `allow: promote-packages, user: ada`."""
    return load_rules({"feeds.yaml": feeds.encode(), "policies/permissions.yaml": permissions_yaml(*lines).encode()}, KINDS)


def commit(position: int, author: Person, *, committer: Person | None = None) -> Commit:
    """A commit that differs from those of other positions and authors."""
    when = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=position)
    return Commit(
        id=CommitId(sha1(f"{position} {author}".encode(), usedforsecurity=False).hexdigest()),
        parents=(),
        author=author,
        authored_at=when,
        committer=committer or author,
        committed_at=when,
        message="",
        signature="",
        claimed_key="",
    )


# --- approvals ------------------------------------------------------------------------------------------------------------------


def identity(package: str = "pkg", version: str = "1.0", feed: FeedName = APPROVED) -> Identity:
    ecosystem = ECOSYSTEMS["pypi"]
    return Identity(feed=feed, package=ecosystem.normalize_name(package), version=ecosystem.parse_version(version).key)


def sha(text: str) -> Sha256:
    return Sha256(sha256(text.encode()).hexdigest())


def file(name: str, text: str = "", *, content_hash: str | None = None) -> ApprovedFile:
    """A file whose content is a text (by default one that names it)."""
    content = text or f"content of {name}"
    return ApprovedFile(name=name, size=len(content), sha256=sha(content), content_hash=content_hash)


def approval(*files: str | ApprovedFile, source: FeedName | None = PUBLIC, expires: str = "", endorsed: Iterable[str] = ()) -> Approval:
    """An approval of files; `endorsed` are users or addresses."""
    return Approval(
        source=source,
        reason="Reviewed.",
        ticket="",
        expires=date.fromisoformat(expires) if expires else None,
        files=tuple(sorted(file(f) if isinstance(f, str) else f for f in files)),
        endorsed=tuple(Endorsement(by=by, reason="Looked at.") for by in endorsed),
    )


def event(
    position: int,
    author: str | Commit,
    before: Approval | None,
    after: Approval | None,
    *,
    landed_by: str = "",
    only: Iterable[str] | None = None,
    of: Identity | None = None,
) -> Event:
    """What moves between two states of one file. `landed_by` names who merged (people, by blanks); `only` takes some facts out of it."""
    written = author if isinstance(author, Commit) else commit(position, person(author))
    witnesses = tuple(person(name) for name in landed_by.split()) or (written.author,)
    old, new = facts_of(before), facts_of(after)
    moved = {fact: new.get(fact) for fact in sorted(old.keys() | new.keys()) if old.get(fact) != new.get(fact)}
    whose = of or identity()
    return Event(
        identity=whose,
        position=position,
        landing=commit(position, witnesses[0]),
        author=written,
        path=approval_path(whose.feed, whose.package, whose.version),
        blob=BlobId(f"blob{position}"),
        approval=after,
        moved=moved if only is None else {fact: moved[fact] for fact in only},
        first=before is None,
        witnesses=witnesses,
    )


def declared(of: Identity, text: Approval) -> DeclaredApproval:
    path = approval_path(of.feed, of.package, of.version)
    return DeclaredApproval(identity=of, path=path, blob=BlobId("blob"), package=of.package, version=of.version, approval=text)


def claimed(name: str) -> Named:
    """Somebody whom only a commit's header names."""
    return Named(name=person(name).name, email=person(name).email, assurance="claimed")


def backing(
    landing: Commit,
    *approvers: str,
    author: str = "ada",
    author_commit: Commit | None = None,
    line: Line | None = None,
    endorsed: tuple[CommitId, ...] = (),
) -> Backing:
    """Who stands behind something that landed; by default ada, with the landing commit."""
    return Backing(
        author=claimed(author),
        author_commit=author_commit or landing,
        approvers=tuple(map(claimed, approvers)),
        landing=landing,
        grounds=Grounds(line=line),
        endorsed=endorsed,
    )


def desired(
    *files: str | ApprovedFile,
    state: DeclaredState = "approved",
    of: Identity | None = None,
    expires: datetime | None = None,
    withdrawn: Withdrawal | None = None,
    deprecated: Deprecation | None = None,
) -> Desired:
    """An approval by ada, as judged: its authorised files, none where it is void."""
    whose, text, landing = of or identity(), approval(*files), commit(7, person("ada"))
    standing = Standing(facts=facts_of(text), backing=backing(landing))
    return Desired(
        declared=declared(whose, text),
        state=state,
        source=PUBLIC,
        files=() if state == "void" else text.files,
        expires=expires,
        withdrawn=withdrawn,
        deprecated=deprecated,
        standing=Standing() if state == "void" else standing,
    )


# --- feed storage and upstream ----------------------------------------------------------------------------------------------------


def published_file(text: ApprovedFile) -> PublishedFile:
    return PublishedFile(
        name=text.name,
        size=text.size,
        sha256=text.sha256,
        content_hash=text.content_hash,
        uploaded_at=None,
        yanked=None,
        companions={},
        metadata={},
    )


def published(version: str, *files: str | ApprovedFile, state: ListedState = "listed", reason: str = "", **more: Any) -> PublishedVersion:
    """A recorded version; `more` are the other fields of the model."""
    return PublishedVersion(
        version=ECOSYSTEMS["pypi"].parse_version(version),
        state=state,
        reason=reason,
        published_at=NOW,
        files=tuple(published_file(file(f) if isinstance(f, str) else f) for f in files),
        **{"deprecated": None, "dependencies": (), **more},
    )


def stock(packages: Mapping[str, Iterable[PublishedVersion]] | None = None, *, feed: FeedName = APPROVED, **more: Any) -> Stock:
    """What a feed holds, by package; `damaged` and `strangers` as in the model."""
    key = ECOSYSTEMS["pypi"].normalize_name
    entries = {
        key(name): PublishedPackage(key=key(name), name=name, versions=tuple(versions)) for name, versions in (packages or {}).items()
    }
    return Stock(feed=feed, public_url="", packages=entries, **{"commit": None, "catalog": "", "damaged": {}, "strangers": (), **more})


def stranger(name: str, text: str = "", *, of: Identity | None = None) -> Stranger:
    """A file in feed storage that no record names."""
    whose = of or identity()
    path = f"files/{whose.package}/{whose.version}/{name}"
    return Stranger(path=path, package=whose.package, version=whose.version, file=name, sha256=file(name, text).sha256)


def remote(text: str | ApprovedFile, **said: Any) -> RemoteFile:
    """A file as an index announces it, digest and size included unless told otherwise."""
    known = file(text) if isinstance(text, str) else text
    return RemoteFile(
        **{"name": known.name, "url": f"https://files.example/{known.name}", "size": known.size, "sha256": known.sha256, **said}
    )


def found(releases: Mapping[str, Iterable[str | RemoteFile]], *, name: str = "pkg") -> Found:
    """An upstream that has these versions, with these files."""
    parse = ECOSYSTEMS["pypi"].parse_version
    known = [
        Release(version=parse(version), files=tuple(f if isinstance(f, RemoteFile) else remote(f) for f in files))
        for version, files in releases.items()
    ]
    return Found(upstream="./public", listing=Listing(name=name, releases=tuple(sorted(known, key=lambda r: r.version))))
