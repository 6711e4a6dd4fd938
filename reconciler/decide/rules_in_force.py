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
from dataclasses import dataclass, replace

from reconciler.decide.people import entitled
from reconciler.decide.rights import Ask
from reconciler.model.declared import FEEDS_FILE, Feed, Line, Rules, Task
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
        reasons = _reasons(steps[-1], tree, change) if steps else {}
        if isinstance(change.parsed, Rules) and not reasons:
            steps.append(Step(position=change.position, commit=change.commit.id, rules=change.parsed, files=change.files))
            refused = {}
        elif steps:
            refused = _refused(steps[-1], refused, change, reasons)
        tree = change.files
    return RulesInForce(steps=tuple(steps), refused=tuple(refused.values())) if steps else None


def _reasons(step: Step, tree: Mapping[str, BlobId], change: RuleChange) -> dict[str, str]:
    """Why the tree of a landing commit does not come into force, by path; nothing if it does."""
    reasons: dict[str, str] = {}
    if not isinstance(change.parsed, Rules):
        for problem in change.parsed:
            reasons.setdefault(problem.path, f"is not valid: {problem}")
        return reasons
    authors = {file.path: file.author for file in change.changed}
    paths = sorted(tree.keys() | step.files.keys() | change.files.keys())
    for path in paths:
        if path in authors or path in change.adopts:
            people = (authors.get(path, change.commit.author), *change.witnesses)
            asks = _asks(path, step.rules, change.parsed)
            if not any(_may(step.rules, person, asks) for person in people):
                reasons[path] = f"nobody behind this change ({_names(people)}) may {_task(path)} by the rules before it"
    for path in paths:
        foreign = tree.get(path) != step.files.get(path)
        if foreign and change.files.get(path) != step.files.get(path) and path not in change.adopts:
            reasons.setdefault(path, "an earlier change of this file is not in force, and this commit neither takes it back nor adopts it")
    return reasons


def _task(path: str) -> Task:
    if path == FEEDS_FILE:
        return "manage-feed"
    return "manage-tokens" if path == TOKENS_FILE else "administer"


def _asks(path: str, before: Rules, after: Rules) -> tuple[Ask, ...]:
    """What must be allowed for a rule file to change: of feeds.yaml each feed that it changes, and all in general for the rest of it."""
    if path != FEEDS_FILE:
        return (Ask(task=_task(path)),)
    old, new = before.settings, after.settings
    touched = [name for name in sorted(old.feeds.keys() | new.feeds.keys()) if _said(old.feeds.get(name)) != _said(new.feeds.get(name))]
    general = not touched or replace(old, feeds={}) != replace(new, feeds={})
    return (*(Ask(task=_task(path), feed=name) for name in touched), *((Ask(task=_task(path)),) if general else ()))


def _said(feed: Feed | None) -> Feed | None:
    """A feed without its place in the file, which moves with the lines above it."""
    return replace(feed, where=Line(path=FEEDS_FILE, line=0)) if feed else None


def _may(rules: Rules, person: Person, asks: Iterable[Ask]) -> bool:
    return all(entitled(rules.permissions, person, ask).allowed for ask in asks)


def _names(people: Iterable[Person]) -> str:
    return ", ".join(dict.fromkeys(f"{p.name} <{p.email}>" for p in people))


def _refused(step: Step, known: Mapping[str, RefusedRule], change: RuleChange, reasons: Mapping[str, str]) -> dict[str, RefusedRule]:
    """Every file that is not in force after a landing commit, by path: who last touched it is named, not who came by later."""
    foreign = sorted(path for path in change.files.keys() | step.files.keys() if change.files.get(path) != step.files.get(path))
    touched = {file.path for file in change.changed} | change.adopts
    culprits = ", ".join(sorted(reasons))
    found = {}
    for path in foreign:
        row = known.get(path)
        if row is None or path in touched:
            reason = reasons.get(path, f"rules come into force together, and something is wrong with {culprits}")
            row = RefusedRule(path=path, commit=change.commit.id, reason=reason, remedy="")
        found[path] = replace(row, remedy=_remedy(path, foreign))
    return found


def _remedy(path: str, foreign: Iterable[str]) -> str:
    others = ", ".join(f"`Adopts: {other}`" for other in foreign if other != path)
    together = f" (together with {others})" if others else ""
    return f"somebody who may {_task(path)} lands a commit with the trailer `Adopts: {path}`{together}, or takes the change back"
