"""What the policies say of a release: facts that were gathered -> judgements, waivers counted in, worst first; pure.

The rule `review` is about people and is judged with the event that asks (`case.py`); all others are about the release and are judged
here, by the rules at HEAD: before it is let in, and again at every pass for what is published.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from reconciler.decide.rulebook import Rulebook
from reconciler.decide.rules import RULES
from reconciler.decide.rules.interface import Facts, JudgedFile, Marks, Subject, applies
from reconciler.decide.rules.review import REVIEW
from reconciler.decide.table import Taking
from reconciler.model.advisories import Matched
from reconciler.model.declared import ApprovedFile, Policy, Rules
from reconciler.model.packages import ListedState, PublishedVersion, Release, Traits
from reconciler.model.verdicts import Judgement
from reconciler.model.words import FeedName, Identity

CLOSURE: Final = "closure"
"""The name in reports of what follows from a dependency that nothing satisfies: no rule of a policy, but a key of a feed."""
TAKINGS: Final[tuple[Taking, ...]] = ("alert", "unlist", "quarantine")
"""From the mildest to the strictest."""


def policies_for(subject: Subject, rules: Rules) -> tuple[Policy, ...]:
    """The policies about releases that hold for a subject."""
    return tuple(policy for policy in rules.policies if policy.rule != REVIEW and applies(policy, subject))


def read_archives(policies: Iterable[Policy]) -> bool:
    """Whether one of these policies asks what only the archive tells."""
    return any(RULES[policy.rule].reads_archives for policy in policies)


def judgements_of(subject: Subject, facts: Facts, rules: Rules) -> tuple[Judgement, ...]:
    """What each policy says of one version, worst first; a `Rulebook` is for many."""
    assert facts.now is not None, "releases are judged at an instant"  # noqa: S101 - a caller that forgets it would revive expired waivers
    return Rulebook(rules, facts.now).judgements(subject, facts)


def facts_of_release(
    files: Iterable[ApprovedFile], release: Release | None, *, source: FeedName | None, now: datetime, matched: Matched | None
) -> Facts:
    """The facts of something that is not published yet; `with_traits` adds what its archives say. `release` is what its index announces."""
    remote = {file.name: file for file in release.files} if release else {}
    approved = tuple(files)
    times = [remote[file.name].uploaded_at if file.name in remote else None for file in approved]
    yanked = [remote[file.name].yanked for file in approved if file.name in remote]
    return Facts(
        now=now,
        source=source,
        files=tuple(JudgedFile(name=file.name, size=file.size, traits=None) for file in approved),
        uploaded_at=_last(times),
        marks=Marks(yanked=_all_yanked(yanked), deprecated=release.deprecated) if release else None,
        matched=matched,
    )


def with_traits(facts: Facts, traits: Mapping[str, Traits]) -> Facts:
    """The facts with what the archives of these files say, by name."""
    return replace(facts, files=tuple(replace(file, traits=traits.get(file.name)) for file in facts.files or ()))


def facts_of_published(version: PublishedVersion, *, source: FeedName | None, now: datetime, matched: Matched | None) -> Facts:
    """The facts of a published version, as they were recorded when it was promoted or its marks were taken anew."""
    return Facts(
        now=now,
        source=source,
        files=tuple(JudgedFile(name=file.name, size=file.size, traits=file.traits) for file in version.files),
        uploaded_at=_last([file.uploaded_at for file in version.files]),
        marks=Marks(yanked=_all_yanked([file.yanked for file in version.files]), deprecated=version.upstream_deprecated),
        matched=matched,
    )


def _last(times: Iterable[datetime | None]) -> datetime | None:
    """When the last file came; None if that of one is not known: it may be the last."""
    known = list(times)
    return None if None in known else max((when for when in known if when is not None), default=None)


def _all_yanked(marks: list[str | None]) -> str | None:
    """The reason where no file is left that is not yanked."""
    return next((mark for mark in marks if mark), "") if marks and None not in marks else None


# --- what it comes to --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """What the policies say of an approved version, worst first.

    `extension` is about the files that an approval adds to what is published already. `obstacle` says why its archives could not be looked
    into (None: nothing stood in the way); nothing that was not judged is let in, so it stops as a verdict does. `traits` are what the archives
    of files that are to come in were judged by, by name.
    """

    judgements: tuple[Judgement, ...] = ()
    extension: tuple[Judgement, ...] = ()
    obstacle: Obstacle | None = None
    traits: Mapping[str, Traits] = field(default_factory=dict)
    relies_on: tuple[tuple[Identity, ...], ...] = ()
    """Other versions that are to come in with it, of each group one at least, where its feed requires its closure."""

    def stops(self, state: ListedState | None) -> bool:
        """Whether the version may not be listed. `state` is what is published of it, None for nothing: a fact that is missing takes
        nothing back, and gives nothing back, either."""
        if state is None and self.obstacle is not None:
            return True
        return any(one.stops and not (state == "listed" and one.verdict.unknown) for one in self.judgements)

    @property
    def extension_stops(self) -> bool:
        """Whether what an approval adds to a published version may not be let in."""
        return self.obstacle is not None or any(one.stops for one in self.extension)

    @property
    def taker(self) -> Judgement | None:
        """Of what denies it, what wants most of what is published; None where nothing is known against it."""
        known = (one for one in self.judgements if one.stops and not one.verdict.unknown)
        return max(known, key=lambda one: TAKINGS.index(one.action), default=None)

    @property
    def taking(self) -> Taking:
        """What the strictest of the policies that deny it wants of what is published."""
        return self.taker.action if self.taker else "alert"

    def until(self, now: datetime) -> datetime | None:
        """The first instant at which time alone changes a verdict; None where it never does."""
        times = (one.verdict.until for one in (*self.judgements, *self.extension))
        return min((when for when in times if when is not None and when > now), default=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Obstacle:
    """Why archives could not be looked into. `waiting`: the upstream did not answer; `integrity`: they are not what was approved; `remedy`:
    what helps where it is this machine that could not ("": it could)."""

    reason: str
    waiting: bool
    integrity: bool
    remedy: str = ""


NOT_JUDGED: Final = Judged()
