"""Which rules held at each landing commit; pure.

Let C be a landing commit, C1 its first parent, R(C) the rules in force after it. F is the set of rule files that C changes or
adopts by trailer. R(C) is the tree of C if that is valid, if each file of F has an author or witness entitled under R(C1), and
if every rule file that already differed from R(C1) at C1 equals R(C1) again at C or is adopted; otherwise R(C1) stays. So a change
never draws its authority from itself, and what once slipped in is not legalised by the next person who passes by.

The *trust anchor* is the earliest landing commit whose rules are valid: nothing before it can say who was entitled.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.decide.people import entitled
from reconciler.decide.rights import Ask
from reconciler.model.declared import FEEDS_FILE, Rules, Task
from reconciler.model.events import Person, RuleChange
from reconciler.model.words import BlobId, CommitId

TOKENS_FILE = "policies/tokens.yaml"


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """From this landing commit on these rules held."""

    position: int
    commit: CommitId
    rules: Rules
    files: Mapping[str, BlobId]


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusedRule:
    """A rule file at HEAD that is not in force, since nobody entitled stands behind it."""

    path: str
    commit: CommitId
    reason: str
    remedy: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RulesInForce:
    """The rules through time: `steps` are in landing order, the first one is the trust anchor."""

    steps: tuple[Step, ...]
    refused: tuple[RefusedRule, ...]

    @property
    def now(self) -> Rules:
        """The rules in force at HEAD."""
        return self.steps[-1].rules

    def before(self, position: int) -> Rules:
        """R(C1) for the landing commit at this position: the rules that judge it. The trust anchor's for itself and earlier ones."""
        return self.steps[max(0, bisect_left(self.steps, position, key=lambda step: step.position) - 1)].rules

    def after(self, position: int) -> Rules | None:
        """R(C) for the landing commit at this position; None before the trust anchor."""
        index = bisect_left(self.steps, position + 1, key=lambda step: step.position)
        return self.steps[index - 1].rules if index else None


def rules_in_force(changes: Iterable[RuleChange]) -> RulesInForce | None:
    """Folds the rule changes, oldest first; None where no landing commit ever had valid rules."""
    steps: list[Step] = []
    refused: dict[str, RefusedRule] = {}
    tree: Mapping[str, BlobId] = {}
    for change in changes:
        if not steps:
            reasons: dict[str, str] = {}
            valid = isinstance(change.parsed, Rules)
        else:
            reasons = _reasons(steps[-1], tree, change)
            valid = not reasons
        if valid and isinstance(change.parsed, Rules):
            steps.append(Step(position=change.position, commit=change.commit.id, rules=change.parsed, files=change.files))
            refused = {}
        else:
            refused |= {path: _refusal(path, change, reason) for path, reason in reasons.items()}
        tree = change.files
    if not steps:
        return None
    foreign = {path: row for path, row in refused.items() if tree.get(path) != steps[-1].files.get(path)}
    return RulesInForce(steps=tuple(steps), refused=tuple(foreign[path] for path in sorted(foreign)))


def _reasons(step: Step, tree: Mapping[str, BlobId], change: RuleChange) -> dict[str, str]:
    """Why the tree of a landing commit does not come into force, by path; nothing if it does."""
    if not isinstance(change.parsed, Rules):
        return {p.path: f"is not valid: {p}" for p in change.parsed}
    authors = {file.path: file.author for file in change.changed}
    reasons = {}
    for path in sorted(authors.keys() | change.adopts):
        people = (authors.get(path, change.commit.author), *change.witnesses)
        if not _may_change(step.rules, path, people):
            reasons[path] = f"nobody behind this change ({_names(people)}) may {_task(path)} by the rules before it"
    for path in sorted(tree.keys() | step.files.keys()):
        foreign = tree.get(path) != step.files.get(path)
        if foreign and change.files.get(path) != step.files.get(path) and path not in change.adopts:
            reasons.setdefault(path, "an earlier change of this file is not in force, and this commit neither takes it back nor adopts it")
    return reasons


def _task(path: str) -> Task:
    if path == FEEDS_FILE:
        return "manage-feed"
    return "manage-tokens" if path == TOKENS_FILE else "administer"


def _may_change(rules: Rules, path: str, people: Iterable[Person]) -> bool:
    return any(entitled(rules.permissions, person, Ask(task=_task(path))).allowed for person in people)


def _names(people: Iterable[Person]) -> str:
    return ", ".join(dict.fromkeys(f"{p.name} <{p.email}>" for p in people))


def _refusal(path: str, change: RuleChange, reason: str) -> RefusedRule:
    remedy = f"somebody who may {_task(path)} lands a commit with the trailer `Adopts: {path}`, or takes the change back"
    return RefusedRule(path=path, commit=change.commit.id, reason=reason, remedy=remedy)
