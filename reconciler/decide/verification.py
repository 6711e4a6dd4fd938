"""Whether the records of a ledger derive from git, and whether they lead to the catalog; pure.

A record names a landing commit, the commit of its author, the approval as it stood when it was applied, people, and the digests of the
files. All of that is derived again from the events of the approval, as attribution derives it today. What a record *attests* and nothing
can derive again (verdicts, upstreams, the times of applying and uploading, who applied) is not judged.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from reconciler.decide.authority import authorise
from reconciler.decide.rules_in_force import RulesInForce
from reconciler.decide.standing import Authority, Backing
from reconciler.model.declared import ApprovedFile
from reconciler.model.events import Event, Named
from reconciler.model.facts import files_of
from reconciler.model.packages import PublishedVersion
from reconciler.model.proofs import Proofs, Signature
from reconciler.model.reanchored import Reanchored
from reconciler.model.verification import ChangeRecord, FileLine, Finding, PassRecord
from reconciler.model.words import BlobId, CommitId, FeedName, Identity

REWRITTEN: Final = "the history was rewritten, or the ledger altered: compare with another clone and with a backup of the store"
FORGED: Final = "the ledger was altered and its chain made to fit: restore it from a backup; git says who approved what"


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """What git says of one approval through time: everybody who ever stood behind something of it, and all files and sources that
    were ever authorised."""

    backings: tuple[Backing, ...]
    files: frozenset[ApprovedFile]
    sources: frozenset[str]


class Accounts:
    """The account of each approval, from its events: they are judged again one more at a time, as each apply may have seen them."""

    def __init__(self, authority: Authority, rules: RulesInForce, proofs: Proofs) -> None:
        self._events: defaultdict[Identity, list[Event]] = defaultdict(list)
        for judged in authority.judged:
            self._events[judged.event.identity].append(judged.event)
        self._rules = rules
        self._proofs = proofs
        self._known: dict[tuple[Identity, CommitId, frozenset[str]], Account] = {}

    def of(self, identity: Identity, landing: CommitId, evidence: frozenset[str]) -> Account | None:
        """The account of a version, by just this evidence (digests) of a landing commit: more may have been frozen since."""
        events = self._events.get(identity)
        if not events:
            return None
        said = self._proofs.evidence.get(landing, ())
        known = frozenset(one.digest() for one in said)
        key = (identity, landing, evidence & known) if evidence != known else (identity, CommitId(""), frozenset[str]())
        if key not in self._known:
            mine = {**self._proofs.evidence, landing: tuple(one for one in said if one.digest() in evidence)}
            proofs = replace(self._proofs, evidence=mine) if evidence != known else self._proofs
            self._known[key] = _account(identity, events, self._rules, proofs)
        return self._known[key]

    def seen(self, signature: Signature) -> str:
        """When an apply first saw a signature; "" where that was not frozen, as the key has no end."""
        return _seconds(signature.seen_at) if signature.frozen else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Derived:
    """What records are held against. `positions`: landing commits from the root; `stood`: until which of them a blob was at a path.

    `place` says which version the path of an approval means, and how it spells package and version; None for no such path.
    """

    positions: Mapping[CommitId, int]
    accounts: Accounts
    stood: Mapping[tuple[str, BlobId], int]
    place: Callable[[str], tuple[Identity, str, str] | None]


def _account(identity: Identity, events: Sequence[Event], rules: RulesInForce, proofs: Proofs) -> Account:
    standings = [authorise(events[:number], rules, proofs).standings[identity] for number in range(1, len(events) + 1)]
    backings = [backing for one in standings for backing in (one.backing, *one.moved_by.values()) if backing is not None]
    return Account(
        backings=tuple(backings),
        files=frozenset(file for one in standings for file in files_of(one.facts)),
        sources=frozenset(one.facts["from"] for one in standings if "from" in one.facts),
    )


def blobs_through_time(touches: Iterable[tuple[int, str, BlobId | None, BlobId | None]], last: int) -> dict[tuple[str, BlobId], int]:
    """For each blob that ever was at a path: the last landing commit (position, `last` is the newest) at which it was.

    Touches are given in landing order: position, path, blobs before and after.
    """
    current: dict[str, BlobId] = {}
    stood: dict[tuple[str, BlobId], int] = {}
    for position, path, _, after in touches:
        before = current.pop(path, None)
        if before is not None:
            stood[path, before] = position - 1
        if after is not None:
            current[path] = after
    return stood | dict.fromkeys(current.items(), last)


# --- records against git ----------------------------------------------------------------------------------------------------------


def attested(record: PassRecord, derived: Derived) -> bool:
    """Whether a record names a commit that did not land in the history that is read. Before a reanchoring, that is no finding."""
    return record.commit not in derived.positions


def judge_record(record: PassRecord, feed: FeedName, derived: Derived, *, superseded: bool = False) -> Iterator[Finding]:
    """Everything in a record that git does not say. `superseded`: the ledger was reanchored since, so what it names of another history
    can only be attested; what landed in both is derived all the same."""
    remedy = FORGED
    subject = f"record {record.seq}"
    reasons: Iterable[str] = ()
    if record.feed != feed:
        reasons = [f"it is of the feed {record.feed}"]
    elif superseded and attested(record, derived):
        return
    elif attested(record, derived):
        reasons, remedy = [f"commit {record.commit[:12]} is not on the first-parent chain"], REWRITTEN
    elif isinstance(record, ChangeRecord):
        subject = f"record {record.seq} ({record.change} {record.package} {record.version})"
        elsewhere = superseded and record.head is not None and record.head not in derived.positions
        reasons = (*_place(record, feed, derived, text=not elsewhere), *_people(record, feed, derived), *_files(record, feed, derived))
    for reason in reasons:
        yield Finding(feed=feed, kind="record", subject=subject, detail=reason, remedy=remedy)


def _place(record: ChangeRecord, feed: FeedName, derived: Derived, *, text: bool) -> Iterator[str]:
    """`text`: the approval as it stood when it was applied is of this history."""
    place = derived.place(record.path)
    if place != (record.of(feed), record.package, record.version):
        yield f"{record.path} is not the approval of {record.package} {record.version}"
    if text and derived.stood.get((record.path, BlobId(record.blob)), -1) < derived.positions[CommitId(record.commit)]:
        yield f"{record.path} never was blob {record.blob[:12]} since commit {record.commit[:12]}"


def _people(record: ChangeRecord, feed: FeedName, derived: Derived) -> Iterator[str]:
    account = _account_of(record, feed, derived)
    found = [b for b in account.backings if (b.landing.id, b.author_commit.id) == (record.commit, record.author_commit)] if account else []
    if not found:
        yield f"no approval of it by commit {record.author_commit[:12]} landed with commit {record.commit[:12]}"
        return
    differences = [tuple(_differences(record, backing, derived)) for backing in found]
    if () not in differences:
        yield from differences[-1]


def _differences(record: ChangeRecord, backing: Backing, derived: Derived) -> Iterator[str]:
    author, approvers = record.author.named(), tuple(person.named() for person in record.approvers)
    if author != backing.author:
        yield f"author is {_told(author)}, by git {_told(backing.author)}"
    if set(approvers) != set(backing.approvers):
        said, told = (", ".join(map(_told, people)) or "nobody" for people in (approvers, backing.approvers))
        yield f"approvers are {said}, by git {told}"
    for name, said_at, git_at in (
        ("authored_at", record.authored_at, backing.author_commit.authored_at),
        ("landed_at", record.landed_at, backing.landing.committed_at),
    ):
        if _seconds(said_at) != _seconds(git_at):
            yield f"{name} is {_seconds(said_at)}, by git {_seconds(git_at)}"
    if record.right is not None:
        yield from _other_grounds(record, backing, derived)


def _other_grounds(record: ChangeRecord, backing: Backing, derived: Derived) -> Iterator[str]:
    """Where what entitled and proved is not as recorded."""
    right = str(backing.grounds.line) if backing.grounds.line else ""
    if record.right != right:
        yield f"the right is by {record.right or 'no line'}, by git by {right or 'no line'}"
    seen = {(str(one.commit), one.user, one.fingerprint): derived.accounts.seen(one) for one in backing.grounds.signatures}
    mine = {(*whose, at) for whose, at in seen.items()}
    said = {
        (one.commit, one.user, one.key, _seconds(one.seen_at) if seen.get((one.commit, one.user, one.key), "") else "")
        for one in record.signatures
    }
    for commit, user, key, at in sorted(said ^ mine):
        whose = f"{user} with {key} on commit {commit[:12]}{f', first seen {at}' if at else ''}"
        yield f"a signature of {whose} {'is recorded and does not count' if (commit, user, key, at) in said else 'counts and is not recorded'}"
    digests = {one.sha256 for one in record.evidence}
    for digest in sorted(digests ^ {one.digest() for one in backing.grounds.evidence}):
        yield f"the evidence {digest} of the forge is {'recorded, and not frozen in the store' if digest in digests else 'not recorded'}"


def _account_of(record: ChangeRecord, feed: FeedName, derived: Derived) -> Account | None:
    return derived.accounts.of(record.of(feed), CommitId(record.commit), frozenset(one.sha256 for one in record.evidence))


def _told(person: Named) -> str:
    return f"{person.name} <{person.email}> ({person.assurance})"


def _seconds(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _files(record: ChangeRecord, feed: FeedName, derived: Derived) -> Iterator[str]:
    account = _account_of(record, feed, derived)
    if account is None:
        return
    for file in record.files:
        if not any(_is(file, approved) for approved in account.files):
            yield f"no approval names {file.name} with {file.size} bytes and sha256 {file.sha256}"
    if account.sources and record.source not in account.sources:
        yield f"no approval promotes it from {record.source}"


def _is(file: FileLine, approved: ApprovedFile) -> bool:
    if file.name != approved.name:
        return False
    same = (file.size, file.sha256) == (approved.size, approved.sha256)
    return same or (approved.content_hash is not None and file.content_hash == approved.content_hash)


def judge_reanchored(feed: FeedName, told: Sequence[Reanchored], recorded: Sequence[Reanchored]) -> Iterator[Finding]:
    """Where the head, from which every report has it, says something else of reanchoring than the ledger."""
    if tuple(told) != tuple(recorded):
        detail = f"it tells of {len(told)} reanchorings, the ledger of {len(recorded)}, and they are not the same"
        yield Finding(feed=feed, kind="record", subject="head", detail=detail, remedy=FORGED)


# --- the ledger against the catalog -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlined:
    """What the last record of a version says that the feed holds."""

    seq: int
    name: str
    state: str
    deprecated: str | None
    files: frozenset[tuple[str, int, str]]
    marked: bool
    """Whether the record says what clients are told (those of version 0.1 do not)."""


def outline_of(record: ChangeRecord) -> Outlined:
    """What a record leaves of its version."""
    return Outlined(
        seq=record.seq,
        name=f"{record.package} {record.version}",
        state=record.state or ("unlisted" if record.change == "unlist" else "listed"),
        deprecated=record.deprecated,
        files=frozenset((file.name, file.size, file.sha256) for file in record.files),
        marked=record.state is not None,
    )


def judge_catalog(
    feed: FeedName, versions: Mapping[Identity, PublishedVersion], last: Mapping[Identity, Outlined], *, whole: bool
) -> Iterator[Finding]:
    """Where catalog and ledger disagree. `whole`: all of the catalog could be read, so that what it lacks is not there."""
    remedy = "one of the two was altered: restore the feed's state from a backup of the store"
    for identity in sorted(versions.keys() | last.keys()):
        version, outlined = versions.get(identity), last.get(identity)
        name = outlined.name if outlined else f"{identity.package} {identity.version}"
        if version is None:
            reasons = [f"record {outlined.seq} has it, the catalog has not"] if whole and outlined else []
        elif outlined is None:
            reasons = ["the catalog has it, no record has"]
        else:
            reasons = list(_disagreements(version, outlined))
        for reason in reasons:
            yield Finding(feed=feed, kind="catalog", subject=name, detail=reason, remedy=remedy)


def _disagreements(version: PublishedVersion, outlined: Outlined) -> Iterator[str]:
    by = f"by record {outlined.seq}"
    if version.state != outlined.state:
        yield f"it is {version.state}, {by} {outlined.state}"
    if outlined.marked and version.deprecated != outlined.deprecated:
        yield f"clients are told {version.deprecated!r} of its deprecation, {by} {outlined.deprecated!r}"
    files = frozenset((file.name, file.size, file.sha256) for file in version.files)
    for name, size, sha256 in sorted(files - outlined.files):
        yield f"{name} has {size} bytes and sha256 {sha256}, {by} it has not"
    for name in sorted({name for name, _, _ in outlined.files} - {name for name, _, _ in files}):
        yield f"{name} is missing, {by} it is there"
