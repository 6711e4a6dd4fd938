"""`namespace`: who may provide which names, and which names must not be mistaken for them: dependency confusion and typosquatting.

A reserved name comes from its own feeds or not at all, so that a public package of the same name, in whatever version, is never taken for
one's own. A name that looks like a reserved or protected one, and is another, violates, too; `lookalikes.py` says what counts as that.
"""

from __future__ import annotations

import unicodedata
from functools import cached_property
from typing import Annotated, Final, TypeAlias

from pydantic import Field

from reconciler.decide.lookalikes import Likeness, Lookalikes, lookalikes_of
from reconciler.decide.rules.interface import Facts, Subject
from reconciler.decide.rules.wording import enumerated, quoted
from reconciler.model.declared import Policy, Rules
from reconciler.model.patterns import PATTERN, Patterns, matching_package
from reconciler.model.text import Flag, Shape, one_or_more, texts
from reconciler.model.verdicts import ALLOW, Unmet, Verdict, missing
from reconciler.model.waivers import Waivable

NAME_SCHEMA: Final = {"type": ["string", "integer"], "pattern": rf"^(?![^*?]*[*?]){PATTERN.pattern}$"}

Names: TypeAlias = Annotated[
    list[Annotated[str, *texts("a name, without wildcards", lambda t: t if PATTERN.fullmatch(t) and not set("*?") & set(t) else None)]],
    *one_or_more("a name, or a list of names", NAME_SCHEMA),
]


class Params(Shape):
    """The parameters of a policy with `rule: namespace`."""

    reserved: Patterns = Field(
        default=[],
        description="Names, as patterns, that only the feeds of `sources` may provide.",
        examples=[["Contoso.*", "@contoso/*"]],
    )
    sources: Names = Field(
        default=[],
        description="The feeds that may provide reserved names; what comes from them is not judged. Left out: none may.",
        examples=[["internal-nuget"]],
    )
    protected: Names = Field(
        default=[],
        description="Names that others must not be mistaken for; anybody may provide them.",
        examples=[["Newtonsoft.Json", "requests"]],
    )
    typos: Flag = Field(
        default=True, description="Whether names that differ by one letter from a protected name, or a reserved one, violate, too."
    )

    @cached_property
    def taken(self) -> Lookalikes:
        """What other names are mistaken for."""
        plain = [name for name in self.reserved if not set("*?") & set(name)]
        return lookalikes_of((*self.protected, *self.reserved), slips=(*self.protected, *plain) if self.typos else ())


waivable: Final[Waivable] = "whole"
reads_archives: Final = False


def check(subject: Subject, policy: Policy, facts: Facts) -> tuple[Verdict, ...]:
    """Whether the name is somebody else's, or is mistaken for somebody else's."""
    params: Params = policy.params
    if facts.source is None:
        return (missing("nobody knows which feed provides it"),)
    if facts.source in params.sources:
        return (ALLOW,)
    spelled = subject.name or subject.package
    if pattern := matching_package(params.reserved, subject.package):
        feeds = f"only {' or '.join(params.sources)} may provide it, not {facts.source}" if params.sources else "no feed may provide it"
        reason = f'"{quoted(spelled)}" is reserved as "{pattern}": {feeds}'
        remedy = (
            f"promote it from {' or '.join(params.sources)}"
            if params.sources
            else f"choose another package, or name the feeds that may provide it in sources of {policy.path}"
        )
        return (Verdict(level=policy.on_violation, reason=reason, remedy=remedy),)
    likeness = params.taken.of(subject.package) or (None if spelled.isascii() else params.taken.of(spelled))
    if likeness is None or _is_protected(subject, params):
        return (ALLOW,)
    remedy = (
        f"approve {likeness.name} if that is meant; if this one is, too, add it to protected in {policy.path}, or waive the rule for it"
    )
    return (Verdict(level=policy.on_violation, reason=_mistaken(spelled, likeness), remedy=remedy),)


def unmet(policy: Policy, rules: Rules) -> Unmet | None:
    """Whether it names feeds that there are not, or no name at all."""
    params: Params = policy.params
    if missing := [name for name in params.sources if name not in rules.settings.feeds]:
        return Unmet(found=f"sources that are no feeds: {enumerated(missing)}", expected="feeds of feeds.yaml")
    if not params.reserved and not params.protected:
        return Unmet(found="neither reserved nor protected names", expected="one of them at least, else it judges nothing")
    return None


def _is_protected(subject: Subject, params: Params) -> bool:
    """Whether the name is a protected one itself, apart from its case. Separators make another name, but not everywhere."""
    package = subject.package.lower()
    return any(name.lower() == package or subject.is_called(name) for name in params.protected)


def _mistaken(spelled: str, likeness: Likeness) -> str:
    """What a name is mistaken for, and by which characters where they are not those of the keyboard."""
    foreign = dict.fromkeys(c for c in spelled if not c.isascii())
    characters = enumerated([f"U+{ord(c):04X} {unicodedata.name(c, 'without a name')}" for c in foreign])
    shown = f'"{quoted(spelled)}"{f" (with {characters})" if foreign else ""}'
    if likeness.slip:
        return f'{shown} is one letter away from "{likeness.name}", and is another package'
    return f'{shown} looks like "{likeness.name}", and is another package'
