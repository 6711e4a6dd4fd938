"""`status`: a release that its own registry advises against: yanked (PyPI, PEP 592), unlisted (NuGet), deprecated (npm, NuGet).

Where `yanked` is left out, `on_violation` says what follows, as for any rule; a parameter that is given counts instead of it.
Deprecation is milder and common, so it warns unless `deprecated` says something else, whatever `on_violation` is.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from reconciler.decide.rules.interface import Facts, Subject, satisfiable
from reconciler.decide.rules.wording import quoted
from reconciler.model.declared import OnViolation, Policy
from reconciler.model.text import Shape, one_of
from reconciler.model.verdicts import ALLOW, Verdict, missing
from reconciler.model.waivers import Waivable


class Params(Shape):
    """The parameters of a policy with `rule: status`."""

    yanked: Annotated[OnViolation, *one_of("warn", "hold", "deny")] | None = Field(
        default=None, description="What follows where all its files are yanked, or it is unlisted. Default: what on_violation says."
    )
    deprecated: Annotated[Literal["allow", "warn", "hold", "deny"], *one_of("allow", "warn", "hold", "deny")] = Field(
        default="warn", description="What follows where it is deprecated."
    )


waivable: Final[Waivable] = "by id"
unmet: Final = satisfiable
reads_archives: Final = False


def check(subject: Subject, policy: Policy, facts: Facts) -> tuple[Verdict, ...]:
    """What the registry advises against it, each with the registry's own reason."""
    params: Params = policy.params
    if facts.marks is None:
        return (missing("nobody knows whether its registry has yanked, unlisted or deprecated it"),)
    found = []
    if facts.marks.yanked is not None:
        reason = f"yanked or unlisted by its registry{_because(facts.marks.yanked)}"
        found.append(
            Verdict(level=params.yanked or policy.on_violation, reason=reason, ids=("yanked",), remedy="approve a release that is not")
        )
    if facts.marks.deprecated is not None and params.deprecated != "allow":
        reason = f"deprecated by its registry{_because(facts.marks.deprecated)}"
        found.append(
            Verdict(level=params.deprecated, reason=reason, ids=("deprecated",), remedy="approve a release, or a package, that is not")
        )
    return tuple(found) or (ALLOW,)


def _because(reason: str) -> str:
    return f': "{said}"' if (said := quoted(reason)) else ", which gives no reason"
