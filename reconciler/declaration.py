"""The repository at a commit, judged: its history and what proves it -> rules in force, approvals, who stands behind each.

    git ──► Landed ──► RuleChange, Event ─┐
    git ──► signatures ───────────────────┼──► rules in force, authority
    store, forge ──► evidence ────────────┘

What the forge says is asked for only where it matters, so judging goes in rounds: judge, see what is wanted, ask, judge again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final, TypeAlias

from reconciler.decide.authority import again, authorise
from reconciler.decide.rules import RULES
from reconciler.decide.rules_in_force import RulesInForce, rules_in_force
from reconciler.decide.standing import Authority
from reconciler.declare.history import approval_events, rule_changes
from reconciler.declare.kinds import Kinds
from reconciler.declare.landed import Landed
from reconciler.declare.load import load_approvals, load_rules, rule_files
from reconciler.declare.revision import Repository
from reconciler.declare.signatures import signatures
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.model.declared import APPROVALS_FOLDER, FEEDS_FILE, POLICIES_FOLDER, Approvals, Forge, Rules, TreeFile
from reconciler.model.events import Commit, Event, RuleChange
from reconciler.model.evidence import Evidence
from reconciler.model.permissions import Permissions
from reconciler.model.proofs import Proofs
from reconciler.model.words import CommitId, FeedName, PackageKey
from reconciler.stores.evidence import FrozenEvidence

KINDS: Final = Kinds(
    ecosystems=ECOSYSTEMS,
    rules={name: rule.Params for name, rule in RULES.items()},
    unmet=lambda policy, rules: RULES[policy.rule].unmet(policy, rules),
    waivable={name: rule.waivable for name, rule in RULES.items()},
)

RULES_PLACES: Final = (FEEDS_FILE, POLICIES_FOLDER)
MANY_PATHS: Final = 500
"""From so many on, listing all approvals costs less than naming each."""

Scope: TypeAlias = frozenset[tuple[FeedName, PackageKey]]
Answer: TypeAlias = Evidence | str
"""What a forge said of a landing commit, or why it could not be asked."""
AskForge: TypeAlias = Callable[[Forge, CommitId], Answer]


@dataclass(frozen=True, kw_only=True, slots=True)
class Declaration:
    """The repository at a commit: rules in force, approvals, and who is behind each of them, by these proofs."""

    commit: CommitId
    landed: Landed
    scope: Scope | None
    """The packages whose approvals and events were read; None for all."""
    changes: tuple[RuleChange, ...]
    events: tuple[Event, ...]
    rules: RulesInForce
    approvals: Approvals
    authority: Authority
    proofs: Proofs
    fresh: Mapping[CommitId, Evidence]
    """What the forge said in this pass, and no apply has frozen yet."""

    @property
    def chain(self) -> tuple[CommitId, ...]:
        """The landing commits, oldest first."""
        return self.landed.chain

    def newly_seen(self) -> dict[CommitId, datetime]:
        """The landing commits with a signature of a key that has an end, and that no apply has seen before: they are seen now."""
        acts = [(event.position, event.landing.id, event.author.id) for event in self.events]
        acts += [(change.position, change.commit.id, one.id) for change in self.changes for one in _commits_of(change)]
        found: dict[CommitId, datetime] = {}
        for position, landing, author in acts:
            prints = {self.proofs.signatures[sha] for sha in (landing, author) if sha in self.proofs.signatures}
            if prints and landing not in self.proofs.seen and _may_end(self.rules.before(position).permissions, prints):
                found[landing] = self.proofs.now
        return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """What a declaration is read with: the repository, the instant of judging, the folder where history is kept between passes."""

    repository: Repository
    now: datetime
    kept: Path | None

    def read(self, commit: CommitId) -> Declaration:
        """The declaration by what git alone says; DeclarationInvalid where the rules at the commit cannot be used."""
        return self.widened(self.rules_at(commit), None)

    def rules_at(self, commit: CommitId) -> Declaration:
        """The same, of which only the rules are read so far: no approval, no event."""
        self.repository.require_full_history()
        landed = Landed(self.repository, commit, self.kept)
        load_rules(rule_files(self.repository.filled(self.repository.listing(commit, RULES_PLACES))), KINDS)
        changes = rule_changes(self.repository, landed, KINDS)
        proofs = Proofs(now=self.now, signatures=self._signatures(landed, changes, (c for change in changes for c in _commits_of(change))))
        return Declaration(
            commit=commit,
            landed=landed,
            scope=frozenset(),
            changes=changes,
            events=(),
            rules=_in_force(changes, proofs),
            approvals=Approvals(found=self.repository.holds(commit, APPROVALS_FOLDER), valid={}, malformed=()),
            authority=Authority(standings={}, judged=()),
            proofs=proofs,
            fresh={},
        )

    def widened(self, declaration: Declaration, scope: Scope | None) -> Declaration:
        """The same with approvals and events of these packages (None: of all), judged by the proofs that are known."""
        rules, landed = declaration.rules, declaration.landed
        events = approval_events(self.repository, landed, rules.now.settings, ECOSYSTEMS, scope)
        signed = self._signatures(landed, declaration.changes, (c for event in events for c in (event.author, event.landing)))
        proofs = replace(declaration.proofs, signatures={**declaration.proofs.signatures, **signed})
        parsed = {event.blob: event.approval for event in events if event.approval is not None and event.blob is not None}
        inside = self._approval_files(declaration, scope)
        files = self.repository.filled(file for file in inside if file.blob not in parsed)
        listed = (*files, *(file for file in inside if file.blob in parsed))
        approvals = load_approvals(listed, rules.now, ecosystems=ECOSYSTEMS, parsed=parsed)
        return replace(
            declaration,
            scope=scope,
            events=events,
            approvals=replace(approvals, found=declaration.approvals.found),
            authority=authorise(events, rules, proofs),
            proofs=proofs,
        )

    def judged(self, declaration: Declaration, proofs: Proofs, fresh: Mapping[CommitId, Evidence]) -> Declaration:
        """The same, by other proofs; what they do not touch is not judged again."""
        rules = _in_force(declaration.changes, proofs)
        changed = replace(declaration, rules=rules, proofs=proofs, fresh=fresh)
        if _judging(rules) != _judging(declaration.rules):
            return self.widened(changed, declaration.scope)
        landings = _differing(declaration.proofs, proofs)
        touched = {event.identity for event in declaration.events if event.landing.id in landings}
        return replace(changed, authority=again(declaration.authority, declaration.events, touched, rules, proofs))

    def frozen(self, declaration: Declaration, evidence: FrozenEvidence) -> Declaration:
        """The same, with everything that earlier passes have seen and frozen."""
        mine = evidence.commits.intersection(declaration.chain)
        if not mine:
            return declaration
        said = {commit: found for commit in mine if (found := evidence.evidence(commit))}
        seen = {commit: when for commit in mine if (when := evidence.seen(commit)) is not None}
        return self.judged(declaration, replace(declaration.proofs, evidence=said, seen=seen), declaration.fresh)

    def asked(self, declaration: Declaration, wanted: Callable[[Declaration], Iterable[CommitId]], ask: AskForge) -> Declaration:
        """The same, once the forge was asked about every landing commit that is wanted, until nothing new is."""
        known: set[CommitId] = set()
        while new := _with_forge(declaration, set(wanted(declaration)) - known):
            known |= new.keys()
            answers = {commit: ask(forge, commit) for commit, forge in sorted(new.items(), key=lambda row: row[0])}
            said = {commit: answer for commit, answer in answers.items() if isinstance(answer, Evidence)}
            evidence = dict(declaration.proofs.evidence)
            for commit, one in said.items():
                evidence[commit] = (*(old for old in evidence.get(commit, ()) if old != one), one)
            unanswered = {commit: answer for commit, answer in answers.items() if isinstance(answer, str)}
            proofs = replace(declaration.proofs, evidence=evidence, unanswered={**declaration.proofs.unanswered, **unanswered})
            declaration = self.judged(declaration, proofs, {**declaration.fresh, **said})
        return declaration

    def _approval_files(self, declaration: Declaration, scope: Scope | None) -> Sequence[TreeFile]:
        """The approvals of some packages (None: of all) at the commit, without their content."""
        paths = declaration.landed.paths(scope) if scope is not None else None
        if paths is not None and len(paths) <= MANY_PATHS:
            return self.repository.listing(declaration.commit, sorted(paths))
        found = self.repository.listing(declaration.commit, (APPROVALS_FOLDER,))
        return found if paths is None else [file for file in found if file.path in paths]

    def _signatures(self, landed: Landed, changes: Iterable[RuleChange], commits: Iterable[Commit]) -> dict[CommitId, str]:
        """Which declared key signed which of these commits; keys that any landing commit declared, so that pure code may judge them."""
        rules = [change.parsed for change in changes if isinstance(change.parsed, Rules)]
        keys = {key.fingerprint: key for one in rules for user in one.permissions.users.values() for key in user.signing_keys}
        named = {commit.id: commit for commit in commits if commit.signature == "ssh" and commit.claimed_key in keys}
        return landed.signed(named.values(), lambda new: signatures(self.repository, new, keys.values())) if named else {}


def _in_force(changes: Iterable[RuleChange], proofs: Proofs) -> RulesInForce:
    rules = rules_in_force(changes, proofs)
    assert rules is not None, "the rules at this commit are valid, so some landing commit has valid rules"  # noqa: S101 - see `rules_at`
    return rules


def _judging(rules: RulesInForce) -> tuple[int | None, ...]:
    """What of the rules through time says how events are judged."""
    return (rules.unsettled, *(step.position for step in rules.steps))


def _differing(one: Proofs, other: Proofs) -> frozenset[CommitId]:
    """The landing commits of which two sets of proofs say something else."""
    tables = ((one.evidence, other.evidence), (one.seen, other.seen), (one.unanswered, other.unanswered))
    return frozenset(commit for a, b in tables for commit in a.keys() | b.keys() if a.get(commit) != b.get(commit))


def _may_end(permissions: Permissions, fingerprints: AbstractSet[str]) -> bool:
    keys = (key for user in permissions.users.values() for key in user.signing_keys)
    return any(key.fingerprint in fingerprints and key.valid_until is not None for key in keys)


def _commits_of(change: RuleChange) -> Iterable[Commit]:
    return (change.commit, *(file.author for file in change.changed))


def _with_forge(declaration: Declaration, commits: Iterable[CommitId]) -> dict[CommitId, Forge]:
    """The landing commits for which the rules before them name a forge, with it."""
    positions = {commit: position for position, commit in enumerate(declaration.chain)}
    named = ((commit, declaration.rules.before(positions[commit]).forge) for commit in commits)
    return {commit: forge for commit, forge in named if forge is not None}
