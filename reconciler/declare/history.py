"""From landing commits to what they mean: changes of rule files, events of approvals.

An event is a difference of *facts* (`reconciler.model.facts`), not of text: reformatting, comments, and moves within one
identity are none. What a merged branch said and what landed no longer says is part of the event, too: who drops a limit has decided
something. A file that cannot be read, or an identity that two files claim, makes no event: the next readable state is
compared with the last readable one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from typing import Final, TypeVar

from reconciler.declare.kinds import Kinds
from reconciler.declare.landed import Landed
from reconciler.declare.lineage import Lineage, adopted, author_of, contributors, witnesses
from reconciler.declare.load import load_approval, load_rules, rule_files
from reconciler.declare.paths import parse_approval_path
from reconciler.declare.revision import REGULAR, SUBMODULE, Repository
from reconciler.ecosystems.interface import Ecosystem
from reconciler.errors import DeclarationInvalid
from reconciler.model.declared import APPROVALS_FOLDER, Approval, Rules, Settings, TreeFile
from reconciler.model.events import Commit, Event, FileAuthor, PathChange, RuleChange
from reconciler.model.facts import Facts, facts_of
from reconciler.model.words import BlobId, CommitId, FeedName, Identity, PackageKey, Problem

T = TypeVar("T")

BATCH: Final = 2000
"""So many identities at a time: their texts are in memory together."""
UNLIMITED: Final = frozenset({"deprecated", "endorsed"})
"""Facts that limit nothing: to drop them on the way lets nothing more in."""


def rule_changes(repository: Repository, landed: Landed, kinds: Kinds) -> tuple[RuleChange, ...]:
    """The landing commits that change or adopt rule files, oldest first, each with the rules of its tree."""
    lineages = tuple(landed.rules())
    changes = [c for lineage in lineages for c in lineage.landing.changes]
    texts = repository.blobs(c.after for c in changes if c.after is not None and c.mode != SUBMODULE)
    files: dict[str, TreeFile] = {}
    found = []
    for lineage in lineages:
        for change in lineage.landing.changes:
            files.pop(change.path, None)
            if change.after is not None:
                data = texts.get(change.after, b"")
                files[change.path] = TreeFile(path=change.path, mode=change.mode, blob=change.after, data=data)
        found.append(_rule_change(lineage, tuple(files.values()), kinds))
    return tuple(found)


def _rule_change(lineage: Lineage, files: Sequence[TreeFile], kinds: Kinds) -> RuleChange:
    written = ((change, author_of(lineage, _has_file(change))) for change in lineage.landing.changes)
    commit = lineage.landing.commit
    return RuleChange(
        position=lineage.landing.position,
        commit=commit,
        files={file.path: file.blob for file in files},
        parsed=_parsed_rules(files, kinds),
        changed=tuple(
            FileAuthor(path=change.path, author=author, contributors=contributors(lineage, author, change.path))
            for change, author in written
        ),
        adopts=adopted(commit),
        witnesses=witnesses(commit),
    )


def _parsed_rules(files: Iterable[TreeFile], kinds: Kinds) -> Rules | tuple[Problem, ...]:
    try:
        return load_rules(rule_files(files), kinds)
    except DeclarationInvalid as error:
        return error.problems


def _has_file(change: PathChange) -> Callable[[tuple[PathChange, ...]], tuple[bool, bool]]:
    """Whether a path has the blob and mode that the landing commit gave it, before and after a difference."""

    def has(diff: tuple[PathChange, ...]) -> tuple[bool, bool]:
        for other in diff:
            if other.path == change.path:
                after = (other.after, other.mode) == (change.after, change.mode)
                return other.before == change.after and not after, after  # of one blob before and after, the mode differs
        return True, True  # not in the difference: the parent has the same, so nothing was introduced

    return has


# --- approvals ----------------------------------------------------------------------------------------------------------------


def identifier(settings: Settings, ecosystems: Mapping[str, Ecosystem]) -> Callable[[str], Identity | None]:
    """A function from a path to the identity that it means by the feeds of today; None for what is no approval's place."""

    @cache
    def identify(path: str) -> Identity | None:
        try:
            parts = parse_approval_path(path)
            feed = settings.feeds.get(parts.feed)
            if feed is None or feed.usage != "approved":
                return None
            ecosystem = ecosystems[feed.type]
            return Identity(
                feed=feed.name, package=ecosystem.normalize_name(parts.package), version=ecosystem.parse_version(parts.version).key
            )
        except ValueError:
            return None

    return identify


@dataclass(slots=True)
class _State:
    """What is known of one identity while walking up the chain: where it is said, and the last readable word."""

    paths: dict[str, tuple[BlobId, str]] = field(default_factory=dict)
    approval: Approval | None = None


def approval_events(
    repository: Repository,
    landed: Landed,
    settings: Settings,
    ecosystems: Mapping[str, Ecosystem],
    only: Collection[tuple[FeedName, PackageKey]] | None = None,
) -> tuple[Event, ...]:
    """All events in landing order, or those of some packages. The feeds of `settings` say which identity a path means."""
    approved = sorted(f"{feed.name}:{feed.type}" for feed in settings.feeds.values() if feed.usage == "approved")
    landed.place(identifier(settings, ecosystems), " ".join(approved))
    events: list[Event] = []
    for batch in batched(landed.lineages(only), BATCH):
        reader = _Reader(repository, (lineage for _, lineages in batch for lineage in lineages))
        for identity, lineages in batch:
            state = _State()
            for part in lineages:
                for change in part.landing.changes:
                    state.paths.pop(change.path, None)
                    if change.after is not None:
                        state.paths[change.path] = (change.after, change.mode)
                events.extend(_events_of(reader, part, identity, state))
    return tuple(sorted(events, key=lambda event: event.position))


def batched(rows: Iterable[T], size: int) -> Iterator[tuple[T, ...]]:
    """Tuples of so many rows, the last one of the rest (`itertools.batched` of Python 3.12)."""
    iterator = iter(rows)
    while batch := tuple(islice(iterator, size)):
        yield batch


def _events_of(reader: _Reader, lineage: Lineage, identity: Identity, state: _State) -> list[Event]:
    if len(state.paths) > 1:
        return []
    path, (blob, mode) = next(iter(state.paths.items()), ("", (None, "")))
    approval = reader.approval(blob, mode)
    if approval is None and blob is not None:
        return []
    before, after = facts_of(state.approval), facts_of(approval)
    moved = {fact: after.get(fact) for fact in sorted(before.keys() | after.keys()) if before.get(fact) != after.get(fact)}
    state.approval = approval
    dropped = reader.said(lineage) - before.keys() - after.keys() if moved and approval is not None else frozenset()
    moved |= dict.fromkeys(sorted(dropped))
    landing = lineage.landing
    kept = path and all(change.path != path for change in landing.changes)
    by_author: dict[CommitId, dict[str, str | None]] = {}
    commits: dict[CommitId, Commit] = {}
    for fact, value in moved.items():
        commit = author_of(lineage, _only_removes if kept else reader.has_fact(fact, value))
        commits[commit.id] = commit
        by_author.setdefault(commit.id, {})[fact] = value
    return [
        Event(
            identity=identity,
            position=landing.position,
            landing=landing.commit,
            author=commits[author],
            path=path or landing.changes[0].path,
            blob=blob,
            approval=approval,
            moved=facts,
            first=not before,
            witnesses=witnesses(landing.commit),
            contributors=contributors(lineage, commits[author]),
            dropped=dropped & facts.keys(),
        )
        for author, facts in by_author.items()
    ]


def _only_removes(diff: tuple[PathChange, ...]) -> tuple[bool, bool]:
    """Of two files of one identity that stood before, who takes one away makes the other's facts readable."""
    return (False, True) if diff and all(change.after is None for change in diff) else (True, True)


class _Reader:
    """Approvals by blob: all that the lineages name are read in one go, each is parsed once."""

    def __init__(self, repository: Repository, lineages: Iterable[Lineage]) -> None:
        diffs = [diff for lineage in lineages for diff in (lineage.landing.changes, *(d for i in lineage.inner for d in i.diffs))]
        changes = [c for diff in diffs for c in diff if c.path.startswith(f"{APPROVALS_FOLDER}/")]
        before = {c.before for c in changes if c.before is not None}
        self._data = repository.blobs(before | {c.after for c in changes if c.after is not None and c.mode in REGULAR})
        self._parsed: dict[BlobId, Approval | None] = {}

    def approval(self, blob: BlobId | None, mode: str) -> Approval | None:
        """The approval in a blob; None for no blob, and for one that cannot be read as an approval."""
        if blob is None or mode not in REGULAR:
            return None
        if blob not in self._parsed:
            try:
                self._parsed[blob] = load_approval("", self._data[blob])
            except DeclarationInvalid:
                self._parsed[blob] = None
        return self._parsed[blob]

    def has_fact(self, fact: str, value: str | None) -> Callable[[tuple[PathChange, ...]], tuple[bool, bool]]:
        """Whether an identity has a fact, before and after a difference of its own paths."""

        def has(diff: tuple[PathChange, ...]) -> tuple[bool, bool]:
            if not diff:
                return True, True  # the parent has the same, so nothing was introduced
            before, after = self._facts(diff)
            return before.get(fact) == value, after.get(fact) == value

        return has

    def said(self, lineage: Lineage) -> frozenset[str]:
        """The limits and files that a merged commit introduced, whether or not they landed."""
        found: set[str] = set()
        for inner in lineage.inner:
            if inner.diffs and all(inner.diffs):
                states = [self._facts(diff) for diff in inner.diffs]
                found |= {fact for fact, value in states[0][1].items() if all(before.get(fact) != value for before, _ in states)}
        return frozenset(found - UNLIMITED)

    def _facts(self, diff: tuple[PathChange, ...]) -> tuple[Facts, Facts]:
        before = next((self.approval(c.before, REGULAR[0]) for c in diff if c.before is not None), None)
        after = next((self.approval(c.after, c.mode) for c in diff if c.after is not None), None)
        return facts_of(before), facts_of(after)
