"""Landing commits with what they merged: the raw material of attribution.

For each landing commit C with first parent C1 the *inner* commits are those reachable from C and not from C1. The author of a
state is that of the last inner commit which has it while none of its parents has it; if there is none (direct commit, squash,
rebase, or an evil merge that adds it itself) it is C's. An inner commit is compared with every one of its parents, so that a
merge inside the branch introduces only what none of its parents has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.declare.revision import Repository
from reconciler.model.events import Commit, Landing, PathChange, Person
from reconciler.model.words import CommitId

TRAILER: Final = re.compile(r"(?P<key>[A-Za-z][A-Za-z-]*)[ \t]*:[ \t]*(?P<value>[^\n]*)")
PERSON: Final = re.compile(r"(?P<name>[^<>\n]*)<(?P<email>[^<>\s]+)>\s*\Z")
FORGE_ADDRESSES: Final = frozenset({"noreply@github.com", "noreply@gitlab.com"})
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


def read_lineages(repository: Repository, chain: Sequence[CommitId]) -> tuple[Lineage, ...]:
    """The lineages of a first-parent chain (oldest first) that change the declaration or carry `Adopts:` trailers."""
    commits = repository.commits(chain)
    diffs = repository.diffs([(c, _first(commits[c])) for c in chain])
    landings = [
        Landing(position=position, commit=commits[commit], changes=changes)
        for position, (commit, changes) in enumerate(zip(chain, diffs, strict=True))
        if changes or adopted(commits[commit])
    ]
    merged = _merged(repository, chain)
    inner = _inner_commits(repository, [c for landing in landings for c in merged[landing.position]])
    return tuple(Lineage(landing=landing, inner=tuple(inner[c] for c in merged[landing.position])) for landing in landings)


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
    named = [commit.author, commit.committer]
    for key, value in trailers(commit):
        found = PERSON.match(value) if key in {"approved-by", "reviewed-by"} else None
        if found:
            named.append(Person(name=found["name"].strip(), email=found["email"]))
    return tuple(dict.fromkeys(p for p in named if p.email.casefold() not in FORGE_ADDRESSES))


def _first(commit: Commit) -> CommitId | None:
    return commit.parents[0] if commit.parents else None


def _merged(repository: Repository, chain: Sequence[CommitId]) -> list[list[CommitId]]:
    """The inner commits of each landing commit of a chain, newest first, from one walk over the whole history.

    A commit was merged by the earliest landing commit that reaches it, which is the earliest one that merged a child of it.
    """
    landed_at = {commit: position for position, commit in enumerate(chain)}
    merged: list[list[CommitId]] = [[] for _ in chain]
    for commit, parents in repository.ancestry(chain[-1]).items():
        position = landed_at[commit]
        if chain[position] != commit:
            merged[position].append(commit)
        for parent in parents:
            landed_at[parent] = min(position, landed_at.get(parent, position))
    return merged


def _inner_commits(repository: Repository, ids: Sequence[CommitId]) -> dict[CommitId, InnerCommit]:
    commits = repository.commits(ids)
    pairs = [(c, parent) for c in commits for parent in (commits[c].parents or (None,))]
    found: dict[CommitId, list[tuple[PathChange, ...]]] = {}
    for (commit, _), diff in zip(pairs, repository.diffs(pairs), strict=True):
        found.setdefault(commit, []).append(diff)
    return {c: InnerCommit(commit=commits[c], diffs=tuple(found[c])) for c in commits}
