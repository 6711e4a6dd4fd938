"""A rule: a module with the shape of its parameters and one pure function. One file a rule, one row in the table of `__init__.py`.

`policies/*.yaml` say which rules hold where. Facts are gathered before, so that a rule needs no network, clock or git. A rule that
lacks its fact answers `hold`, never `allow`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from reconciler.decide.language import Language, key_of
from reconciler.model.advisories import Matched
from reconciler.model.declared import Policy, Rules
from reconciler.model.events import Voice
from reconciler.model.packages import Traits
from reconciler.model.patterns import matching, matching_package
from reconciler.model.text import Shape
from reconciler.model.verdicts import ALLOW, Judgement, Unmet, Verdict
from reconciler.model.waivers import Waivable
from reconciler.model.words import FeedName, PackageKey, Version


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """What is judged: a package (normalised) in a feed. Both are "" for a change of rule files, which concerns everything.

    `version`, `name` (as people spell it) and `language` (how its ecosystem reads names) are of what a release rule judges.
    """

    feed: FeedName
    package: PackageKey
    name: str = ""
    version: Version | None = None
    language: Language | None = None

    def is_called(self, name: str) -> bool:
        """Whether a name is the package's, in whatever spelling, as its ecosystem compares names."""
        return self.language is not None and key_of(name, self.language) == self.package


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgedFile:
    """A file of the version: size in bytes, and what its archive and index say (None: nobody has looked into it)."""

    name: str
    size: int
    traits: Traits | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Marks:
    """What the registry says of the version: yanked or unlisted with the reason ("" if none is given, None: it is not), deprecated
    likewise."""

    yanked: str | None
    deprecated: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What is known of a subject. None: not known; a rule that needs it holds.

    `voices`: everybody behind the event that asks for it. `now`: the instant of judging (aware UTC). `source`: the feed that it comes
    from. `uploaded_at`: when its last file was uploaded, by the registry's word. `matched`: what the advisory snapshot says of it.
    """

    voices: tuple[Voice, ...] | None = None
    now: datetime | None = None
    source: FeedName | None = None
    files: tuple[JudgedFile, ...] | None = None
    uploaded_at: datetime | None = None
    marks: Marks | None = None
    matched: Matched | None = None


class Rule(Protocol):
    """A module in this folder."""

    @property
    def Params(self) -> type[Shape]:  # noqa: N802 - a class of the module
        """The shape of `params:` in a policy file of this rule."""
        ...

    @property
    def unmet(self) -> Callable[[Policy, Rules], Unmet | None]:
        """Why nobody could ever satisfy a policy of this rule, by the rules that it is part of; None if somebody could.

        Such a policy is an error: it must not come into force and lock out whoever would mend it.
        """
        ...

    @property
    def waivable(self) -> Waivable:
        """How a waiver may name what this rule says."""
        ...

    @property
    def reads_archives(self) -> bool:
        """Whether it asks what only the archive tells, so that what is to be promoted must be fetched before it can be judged."""
        ...

    @property
    def check(self) -> Callable[[Subject, Policy, Facts], tuple[Verdict, ...]]:
        """Judges a subject by a policy of this rule: a verdict for each thing that it finds; none, or ALLOW, where there is nothing."""
        ...


def satisfiable(policy: Policy, rules: Rules) -> Unmet | None:
    """`Rule.unmet` of a rule that there are releases for, whatever a policy of it says."""
    return None


def applies(policy: Policy, subject: Subject) -> bool:
    """Whether a policy is about a subject: one of its patterns for feeds and one of those for packages matches."""
    feeds = matching(policy.feeds, subject.feed) is not None
    return feeds and matching_package(policy.packages, subject.package) is not None


def judge(rule_of: Callable[[str], Rule], policies: Iterable[Policy], subject: Subject, facts: Facts) -> Iterator[Judgement]:
    """What each policy says; several of one rule each speak for themselves, and the strictest counts."""
    for policy in policies:
        for verdict in rule_of(policy.rule).check(subject, policy, facts) or (ALLOW,):
            yield Judgement(rule=policy.rule, policy=policy.where, verdict=verdict, action=policy.on_existing)
