"""Which rules held at each landing commit; pure.

Let C be a landing commit, C1 its first parent, R(C) the rules in force after it. F is the set of rule files that C changes or
adopts by trailer. R(C) is the tree of C if that is valid, if each file of F has an author or witness entitled under R(C1), and
if every rule file that already differed from R(C1) at C1 equals R(C1) again at C or is adopted; otherwise R(C1) stays. Where a `review`
policy of R(C1) says `rule_files`, it must be satisfied, too: else who may write an administrator's name could lift it. So a change
never draws its authority from itself, and what once slipped in is not legalised by the next person who passes by.

The *trust anchor* is the earliest landing commit whose rules are valid: nothing before it can say who was entitled.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from reconciler.decide.rights import Ask, Right, decide_right
from reconciler.decide.rules import RULES
from reconciler.decide.rules.interface import Facts, Subject, judge
from reconciler.decide.voices import Act, answers, heard
from reconciler.model.declared import FEEDS_FILE, Feed, Rules
from reconciler.model.events import RuleChange
from reconciler.model.evidence import Evidence
from reconciler.model.permissions import Line, Permissions, Task
from reconciler.model.proofs import NOTHING, Proofs
from reconciler.model.verdicts import worst
from reconciler.model.words import BlobId, CommitId, FeedName, PackageKey

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
    waiting: bool = False
    """Whether the forge has not answered, so that it may be in force another time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RulesInForce:
    """The rules through time: `steps` are in landing order, the first one is the trust anchor."""

    steps: tuple[Step, ...]
    refused: tuple[RefusedRule, ...]
    wanted: frozenset[CommitId] = frozenset()
    """Landing commits whose changes are not in force, and whose reviews at the forge might bring them into force."""
    unsettled: int | None = None
    """The position of the first landing commit whose changes may be in force, since the forge has not answered; None for none."""

    @property
    def now(self) -> Rules:
        """The rules in force at HEAD."""
        return self.steps[-1].rules

    def before(self, position: int) -> Rules:
        """R(C1) for the landing commit at this position: the rules that judge it. The trust anchor's for itself and earlier ones."""
        return self.step_before(position).rules

    def step_before(self, position: int) -> Step:
        """Since when the rules that judge the landing commit at this position held."""
        return self.steps[max(0, bisect_left(self.steps, position, key=lambda step: step.position) - 1)]

    def unsettled_before(self, position: int) -> bool:
        """Whether the rules that judge the landing commit at this position may be others, once the forge answers."""
        return self.unsettled is not None and self.unsettled < position

    def after(self, position: int) -> Rules | None:
        """R(C) for the landing commit at this position; None before the trust anchor."""
        index = bisect_left(self.steps, position + 1, key=lambda step: step.position)
        return self.steps[index - 1].rules if index else None


def rules_in_force(changes: Iterable[RuleChange], proofs: Proofs = NOTHING) -> RulesInForce | None:
    """Folds the rule changes, oldest first; None where no landing commit ever had valid rules."""
    steps: list[Step] = []
    refused: dict[str, RefusedRule] = {}
    wanted: set[CommitId] = set()
    unsettled: int | None = None
    tree: Mapping[str, BlobId] = {}
    for change in changes:
        reasons = _reasons(steps[-1], tree, change, proofs) if steps else {}
        if reasons and steps[-1].rules.forge is not None and isinstance(change.parsed, Rules):
            wanted.add(change.commit.id)
            if unsettled is None and change.commit.id in proofs.unanswered and change.commit.id not in proofs.evidence:
                unsettled = change.position
        if isinstance(change.parsed, Rules) and not reasons:
            steps.append(Step(position=change.position, commit=change.commit.id, rules=change.parsed, files=change.files))
            refused = {}
        elif steps:
            refused = _refused(steps[-1], refused, change, reasons, proofs)
        tree = change.files
    if not steps:
        return None
    return RulesInForce(steps=tuple(steps), refused=tuple(refused.values()), wanted=frozenset(wanted), unsettled=unsettled)


def _reasons(step: Step, tree: Mapping[str, BlobId], change: RuleChange, proofs: Proofs) -> dict[str, str]:
    """Why the tree of a landing commit does not come into force, by path; nothing if it does."""
    reasons: dict[str, str] = {}
    if not isinstance(change.parsed, Rules):
        for problem in change.parsed:
            reasons.setdefault(problem.path, f"is not valid: {problem}")
        return reasons
    touched = {file.path for file in change.changed} | change.adopts
    paths = sorted(tree.keys() | step.files.keys() | change.files.keys())
    for path in paths:
        if path in touched and (reason := _objection(path, step.rules, change.parsed, change, proofs)):
            reasons[path] = reason
    for path in paths:
        foreign = tree.get(path) != step.files.get(path)
        if foreign and change.files.get(path) != step.files.get(path) and path not in change.adopts:
            reasons.setdefault(path, "an earlier change of this file is not in force, and this commit neither takes it back nor adopts it")
    return reasons


def _objection(path: str, before: Rules, after: Rules, change: RuleChange, proofs: Proofs) -> str:
    """Why the people behind a change of one file do not bring it into force; "" if they do, by any answer of the forge."""
    reasons = [_objection_by(said, path, before, after, change, proofs) for said in answers(proofs, change.commit.id)]
    return "" if "" in reasons else reasons[-1]


def _objection_by(said: Evidence | None, path: str, before: Rules, after: Rules, change: RuleChange, proofs: Proofs) -> str:
    file = next((file for file in change.changed if file.path == path), None)
    act = Act(
        author=file.author if file else change.commit,
        landing=change.commit,
        witnesses=change.witnesses,
        contributors=file.contributors if file else (),
        files={path: change.files.get(path)},
        said=said,
    )
    asks = _asks(path, before, after)
    voices = heard(act, before, proofs, lambda user: _all(before.permissions, user, asks))
    if not voices.entitled:
        names = ", ".join(dict.fromkeys(f"{v.person.name} <{v.person.email}>" for v in voices.voices))
        return f"nobody behind this change ({names}) may {_task(path)} by the rules before it"
    policies = (policy for policy in before.policies if policy.rule == "review" and policy.params.rule_files)
    everything = Subject(feed=FeedName(""), package=PackageKey(""))
    found = worst(judge(RULES.__getitem__, policies, everything, Facts(voices=voices.voices)))
    return f"{found.verdict.reason} ({found.policy})" if found is not None and found.stops else ""


def _all(permissions: Permissions, user: str | None, asks: Iterable[Ask]) -> Right:
    """The right to all of what is asked; the first one that is not given says no."""
    rights = [decide_right(permissions, user, ask) for ask in asks]
    return next((right for right in rights if not right.allowed), rights[0])


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


def _refused(
    step: Step, known: Mapping[str, RefusedRule], change: RuleChange, reasons: Mapping[str, str], proofs: Proofs
) -> dict[str, RefusedRule]:
    """Every file that is not in force after a landing commit, by path: who last touched it is named, not who came by later."""
    foreign = sorted(path for path in change.files.keys() | step.files.keys() if change.files.get(path) != step.files.get(path))
    touched = {file.path for file in change.changed} | change.adopts
    culprits = ", ".join(sorted(reasons))
    found = {}
    for path in foreign:
        row = known.get(path)
        if row is None or path in touched:
            reason = reasons.get(path, f"rules come into force together, and something is wrong with {culprits}")
            unanswered = proofs.unanswered.get(change.commit.id) if step.rules.forge else None
            reason += f"; the forge cannot say who reviewed it: {unanswered}" if unanswered else ""
            row = RefusedRule(path=path, commit=change.commit.id, reason=reason, remedy="", waiting=unanswered is not None)
        found[path] = replace(row, remedy=_remedy(path, foreign))
    return found


def _remedy(path: str, foreign: Iterable[str]) -> str:
    others = ", ".join(f"`Adopts: {other}`" for other in foreign if other != path)
    together = f" (together with {others})" if others else ""
    return f"somebody who may {_task(path)} lands a commit with the trailer `Adopts: {path}`{together}, or takes the change back"
