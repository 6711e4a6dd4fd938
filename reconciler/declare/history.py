"""From landing commits to what they mean: changes of rule files, events of approvals.

An event is a difference of *facts* (`reconciler.model.facts`), not of text: reformatting, comments, and moves within one
identity are none. A file that cannot be read, or an identity that two files claim, makes no event: the next readable state is
compared with the last readable one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from reconciler.declare.lineage import Lineage, adopted, author_of, witnesses
from reconciler.declare.load import is_rule_file, load_approval, load_rules
from reconciler.declare.paths import parse_approval_path
from reconciler.declare.revision import Repository
from reconciler.ecosystems.interface import Ecosystem
from reconciler.errors import DeclarationInvalid
from reconciler.model.declared import APPROVALS_FOLDER, Approval, Rules, Settings
from reconciler.model.events import Commit, Event, FileAuthor, PathChange, RuleChange
from reconciler.model.facts import facts_of
from reconciler.model.words import BlobId, CommitId, Identity, Problem

REGULAR: Final = ("100644", "100755")


def rule_changes(repository: Repository, lineages: Iterable[Lineage], ecosystems: Mapping[str, Ecosystem]) -> tuple[RuleChange, ...]:
    """The landing commits that change or adopt rule files, oldest first, each with the rules of its tree."""
    files: dict[str, BlobId] = {}
    found = []
    for lineage in lineages:
        changed = [c for c in lineage.landing.changes if is_rule_file(c.path)]
        for change in changed:
            if change.after is None:
                files.pop(change.path, None)
            else:
                files[change.path] = change.after
        if changed or adopted(lineage.landing.commit):
            found.append(_rule_change(lineage, dict(files), changed, _parsed_rules(repository, files, ecosystems)))
    return tuple(found)


def _rule_change(
    lineage: Lineage, files: Mapping[str, BlobId], changed: Iterable[PathChange], parsed: Rules | tuple[Problem, ...]
) -> RuleChange:
    authors = tuple(FileAuthor(path=c.path, author=author_of(lineage, _has_blob(c)).author) for c in changed)
    commit = lineage.landing.commit
    return RuleChange(
        position=lineage.landing.position,
        commit=commit,
        files=files,
        parsed=parsed,
        changed=authors,
        adopts=adopted(commit),
        witnesses=witnesses(commit),
    )


def _parsed_rules(repository: Repository, files: Mapping[str, BlobId], ecosystems: Mapping[str, Ecosystem]) -> Rules | tuple[Problem, ...]:
    contents = repository.blobs(files.values())
    try:
        return load_rules({path: contents[blob] for path, blob in files.items()}, ecosystems)
    except DeclarationInvalid as error:
        return error.problems


def _has_blob(change: PathChange) -> Callable[[tuple[PathChange, ...]], tuple[bool, bool]]:
    """Whether a path has the blob that the landing commit gave it, before and after a difference."""

    def has(diff: tuple[PathChange, ...]) -> tuple[bool, bool]:
        for other in diff:
            if other.path == change.path:
                return other.before == change.after, other.after == change.after
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


def approval_events(repository: Repository, lineages: Iterable[Lineage], identify: Callable[[str], Identity | None]) -> tuple[Event, ...]:
    """All events in landing order. `identify` gives the identity that a path under `approvals/` means (None: no approval)."""
    lineages = tuple(lineages)
    reader = _Reader(repository, lineages)
    states: dict[Identity, _State] = {}
    events: list[Event] = []
    for lineage in lineages:
        touched: dict[Identity, None] = {}
        for change in lineage.landing.changes:
            identity = identify(change.path) if change.path.startswith(f"{APPROVALS_FOLDER}/") else None
            if identity is None:
                continue
            touched[identity] = None
            paths = states.setdefault(identity, _State()).paths
            paths.pop(change.path, None)
            if change.after is not None:
                paths[change.path] = (change.after, change.mode)
        for identity in sorted(touched):
            events.extend(_events_of(reader, lineage, identity, states[identity], identify))
    return tuple(events)


def _events_of(
    reader: _Reader, lineage: Lineage, identity: Identity, state: _State, identify: Callable[[str], Identity | None]
) -> list[Event]:
    if len(state.paths) > 1:
        return []
    path, (blob, mode) = next(iter(state.paths.items()), ("", (None, "")))
    approval = reader.approval(blob, mode)
    if approval is None and blob is not None:
        return []
    before, after = facts_of(state.approval), facts_of(approval)
    moved = {fact: after.get(fact) for fact in sorted(before.keys() | after.keys()) if before.get(fact) != after.get(fact)}
    state.approval = approval
    by_author: dict[CommitId, dict[str, str | None]] = {}
    commits: dict[CommitId, Commit] = {}
    for fact, value in moved.items():
        commit = author_of(lineage, reader.has_fact(identity, fact, value, identify))
        commits[commit.id] = commit
        by_author.setdefault(commit.id, {})[fact] = value
    gone = next((c.path for c in lineage.landing.changes if identify(c.path) == identity), "")
    return [
        Event(
            identity=identity,
            position=lineage.landing.position,
            landing=lineage.landing.commit,
            author=commits[author],
            path=path or gone,
            blob=blob,
            approval=approval,
            moved=facts,
            first=not before,
            witnesses=witnesses(lineage.landing.commit),
        )
        for author, facts in by_author.items()
    ]


class _Reader:
    """Approvals by blob: all that the lineages name are read in one go, each is parsed once."""

    def __init__(self, repository: Repository, lineages: Iterable[Lineage]) -> None:
        diffs = [diff for lineage in lineages for diff in (lineage.landing.changes, *(d for i in lineage.inner for d in i.diffs))]
        changes = [c for diff in diffs for c in diff if c.path.startswith(f"{APPROVALS_FOLDER}/")]
        wanted = {b for c in changes for b in (c.before, c.after) if b is not None and c.mode != "160000"}
        self._data = repository.blobs(wanted)
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

    def has_fact(
        self, identity: Identity, fact: str, value: str | None, identify: Callable[[str], Identity | None]
    ) -> Callable[[tuple[PathChange, ...]], tuple[bool, bool]]:
        """Whether the identity has a fact, before and after a difference."""

        def has(diff: tuple[PathChange, ...]) -> tuple[bool, bool]:
            changes = [c for c in diff if identify(c.path) == identity]
            if not changes:
                return True, True
            before = next((self.approval(c.before, REGULAR[0]) for c in changes if c.before is not None), None)
            after = next((self.approval(c.after, c.mode) for c in changes if c.after is not None), None)
            return facts_of(before).get(fact) == value, facts_of(after).get(fact) == value

        return has
