"""`age`: a release must have been public for a while, so that what is wrong with it has time to be found by others.

What counts is when the registry says that the last of the approved files was uploaded: not when it was mirrored or approved, which would
make old releases young, and not a date inside the archive, which its maker chose. Where the registry does not say, or names a time that
has not come, the age is not known.

A security fix need not wait: what it fixes (by the advisory snapshot) are the ids of the verdict, so that a waiver which names one of
these advisories covers the releases that really fix it, and no other.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from pydantic import Field

from reconciler.decide.rules.interface import Facts, Subject, satisfiable
from reconciler.decide.rules.wording import enumerated, instant, quoted
from reconciler.model.declared import Policy
from reconciler.model.text import Duration, Shape, duration_text
from reconciler.model.verdicts import ALLOW, Verdict, missing
from reconciler.model.waivers import Waivable


class Params(Shape):
    """The parameters of a policy with `rule: age`."""

    min_age: Duration = Field(
        description="How long ago its registry must have published it, with the unit: m, h, d or w.", examples=["7d", "36h"]
    )


waivable: Final[Waivable] = "either"
unmet: Final = satisfiable
reads_archives: Final = False


def check(subject: Subject, policy: Policy, facts: Facts) -> tuple[Verdict, ...]:
    """Whether it is old enough, and if not, when it will be."""
    params: Params = policy.params
    fixes = facts.matched.fixes if facts.matched is not None else ()
    if facts.now is None:
        return (missing("nobody knows what time it is", ids=fixes),)
    published = facts.uploaded_at
    if published is not None and params.min_age <= facts.now - published:
        return (ALLOW,)
    asked = f"min_age is {duration_text(params.min_age)}"
    if published is None:
        reason = f"the registry does not say when it was published; {asked}"
        return (missing(reason, remedy="promote it from a registry that says so", ids=fixes),)
    if published > facts.now:
        reason = f"published {instant(published)} by the word of its registry, which is in the future; {asked}"
        return (replace(missing(reason, ids=fixes), until=published),)
    until = published + params.min_age
    reason = f"published {instant(published)}; {asked}, so it is old enough from {instant(until)} on"
    return (Verdict(level=policy.on_violation, reason=reason, ids=fixes, until=until, remedy=_remedy(until, fixes)),)


def _remedy(until: datetime, fixes: tuple[str, ...]) -> str:
    waiting = f"wait until {instant(until)}"
    return (
        f"{waiting}; or, since it fixes {enumerated(list(map(quoted, fixes)))}, a waiver that names such an advisory" if fixes else waiting
    )
