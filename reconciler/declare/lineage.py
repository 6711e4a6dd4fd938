"""Landing commits with what they merged: the raw material of attribution.

For each landing commit C with first parent C1 the *inner* commits are those reachable from C and not from C1. The author of a
state is that of the last inner commit which has it while none of its parents has it; if there is none (direct commit, squash,
rebase, or an evil merge that adds it itself) it is C's. An inner commit is compared with every one of its parents, so that a
merge inside the branch introduces only what none of its parents has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from reconciler.declare.revision import Repository
from reconciler.model.events import Commit, Landing, PathChange, Person
from reconciler.model.forges import SITES
from reconciler.model.words import CommitId

TRAILER: Final = re.compile(r"(?P<key>[A-Za-z][A-Za-z-]*)[ \t]*:[ \t]*(?P<value>[^\n]*)")
PERSON: Final = re.compile(r"(?P<name>[^<>\n]*)<(?P<email>[^<>\s]+)>\s*\Z")
FORGE_ADDRESSES: Final = frozenset(site.committer for site in SITES.values())
"""Committers of merges that a forge makes on somebody's click: nobody's own address."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InnerCommit:
    """A commit that a landing commit merged, with its differences to each of its parents."""

    commit: Commit
    diffs: tuple[tuple[PathChange, ...], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Lineage:
    """A landing commit that changes the declaration (or adopts rule files), with what it merged, newest first."""

    landing: Landing
    inner: tuple[InnerCommit, ...]


def read_lineages(repository: Repository, chain: Sequence[CommitId], *, start: int = 0) -> Iterator[Lineage]:
    """The lineages of a first-parent chain (oldest first) that change the declaration or carry `Adopts:` trailers, while git still
    reads. `start`: only from this position on."""
    if start >= len(chain):
        return
    ancestry = repository.ancestry(chain[-1], without=chain[start - 1] if start else None)
    merged = _merged(ancestry, chain, start)
    commits = repository.commits(ancestry)
    pairs: list[tuple[CommitId, CommitId | None]] = []
    for commit, inner in zip(chain[start:], merged, strict=True):
        pairs += [(commit, _first(commits[commit]))]
        pairs += [(one, parent) for one in inner for parent in commits[one].parents or (None,)]
    diffs = repository.diffs(pairs)
    for position, (commit, inner) in enumerate(zip(chain[start:], merged, strict=True), start):
        landing = Landing(position=position, commit=commits[commit], changes=next(diffs))
        found = [(commits[one], tuple(next(diffs) for _ in commits[one].parents or (None,))) for one in inner]
        if landing.changes or adopted(landing.commit):
            yield Lineage(landing=landing, inner=tuple(InnerCommit(commit=one, diffs=differences) for one, differences in found))


def author_of(lineage: Lineage, has: Callable[[tuple[PathChange, ...]], tuple[bool, bool]]) -> Commit:
    """The commit that introduced a state. `has` says of a difference whether the state was there (before, after)."""
    for inner in lineage.inner:
        if inner.diffs and all(has(diff) == (False, True) for diff in inner.diffs):
            return inner.commit
    return lineage.landing.commit


def trailers(commit: Commit) -> Iterator[tuple[str, str]]:
    """Keys (lower case) and values of the last paragraph of a message, if it is not the subject (git-interpret-trailers)."""
    paragraphs = re.split(r"\n[ \t\r]*\n", commit.message.strip())
    for line in paragraphs[-1].split("\n") if len(paragraphs) > 1 else ():
        found = TRAILER.match(line)
        if found:
            yield found["key"].lower(), found["value"].strip()


def adopted(commit: Commit) -> frozenset[str]:
    """Paths of rule files that a landing commit takes over by name, though it did not change them."""
    return frozenset(value for key, value in trailers(commit) if key == "adopts")


def witnesses(commit: Commit) -> tuple[Person, ...]:
    """The people whom a landing commit names: its author, its committer, `Approved-by` and `Reviewed-by` trailers."""
    named = (commit.author, commit.committer, *_named_by(commit, frozenset({"approved-by", "reviewed-by"})))
    return tuple(dict.fromkeys(p for p in named if p.email.casefold() not in FORGE_ADDRESSES))


def _named_by(commit: Commit, keys: AbstractSet[str]) -> Iterator[Person]:
    for key, value in trailers(commit):
        found = PERSON.match(value) if key in keys else None
        if found:
            yield Person(name=found["name"].strip(), email=found["email"])


def contributors(lineage: Lineage, author: Commit, path: str | None = None) -> tuple[Person, ...]:
    """Who had a hand in what landed (at a path): the author, authors and committers of what was merged, `Co-authored-by` of either.

    The committer of the landing commit is none: of a squash or a rebase that is whoever landed it.
    """
    merged = [one.commit for one in lineage.inner if any(path in {None, change.path} for diff in one.diffs for change in diff)]
    people = [author.author, *(person for commit in merged for person in (commit.author, commit.committer))]
    people += [person for commit in (*merged, lineage.landing.commit) for person in _named_by(commit, frozenset({"co-authored-by"}))]
    return tuple(dict.fromkeys(p for p in people if p.email.casefold() not in FORGE_ADDRESSES))


def _first(commit: Commit) -> CommitId | None:
    return commit.parents[0] if commit.parents else None


def _merged(ancestry: Mapping[CommitId, Sequence[CommitId]], chain: Sequence[CommitId], start: int) -> list[list[CommitId]]:
    """The inner commits of each landing commit from `start` on, newest first.

    A commit was merged by the earliest landing commit that reaches it, which is the earliest one that merged a child of it.
    """
    landed_at = {commit: position for position, commit in enumerate(chain)}
    merged: list[list[CommitId]] = [[] for _ in chain[start:]]
    for commit, parents in ancestry.items():
        position = landed_at[commit]
        if chain[position] != commit:
            merged[position - start].append(commit)
        for parent in parents:
            landed_at[parent] = min(position, landed_at.get(parent, position))
    return merged
