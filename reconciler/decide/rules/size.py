"""`size`: how large one file of a release, and all of them together, may be.

Sizes are those of the approval, which the bytes must have to enter; what an archive holds unpacked is bounded elsewhere, always.
"""

from __future__ import annotations

from typing import Final

from pydantic import Field

from reconciler.decide.rules.interface import Facts, Subject, satisfiable
from reconciler.decide.rules.wording import enumerated, quoted, size
from reconciler.model.declared import Policy
from reconciler.model.text import Shape, Size
from reconciler.model.verdicts import ALLOW, Verdict, missing
from reconciler.model.waivers import Waivable


class Params(Shape):
    """The parameters of a policy with `rule: size`."""

    max_file: Size = Field(description="How large each file may be, with the unit: B, kB, MB, GB, KiB, MiB, GiB.", examples=["50 MB"])
    max_total: Size | None = Field(
        default=None, description="How large all files of a version may be together. Default: no limit.", examples=["2 GiB"]
    )


waivable: Final[Waivable] = "whole"
unmet: Final = satisfiable
reads_archives: Final = False


def check(subject: Subject, policy: Policy, facts: Facts) -> tuple[Verdict, ...]:
    """Which files are too large, and whether all are together."""
    params: Params = policy.params
    if not facts.files:
        return (missing("nobody knows its files"),)
    reasons = []
    large = sorted((file for file in facts.files if file.size > params.max_file), key=lambda file: (-file.size, file.name))
    if large:
        named = enumerated([f"{quoted(file.name)} with {size(file.size)}" for file in large])
        reasons.append(f"larger than max_file, {size(params.max_file)}: {named}")
    total = sum(file.size for file in facts.files)
    if params.max_total is not None and total > params.max_total:
        biggest = max(facts.files, key=lambda file: file.size)
        told = f"{size(total)} in {len(facts.files)} files, the largest {quoted(biggest.name)} with {size(biggest.size)}"
        reasons.append(f"larger than max_total, {size(params.max_total)}: {told}")
    remedy = (
        "leave out of the approval the files that nobody needs, or approve a smaller release"
        if len(facts.files) > 1
        else "approve a smaller release"
    )
    return tuple(Verdict(level=policy.on_violation, reason=reason, remedy=remedy) for reason in reasons) or (ALLOW,)
