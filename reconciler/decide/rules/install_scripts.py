"""`install-scripts`: nothing of a release may run when it is installed.

Such a script runs with the rights of whoever installs, before anybody has called the package; most packages need none. Which scripts
there are, `Traits.install_scripts` says: npm's life-cycle scripts and native builds, NuGet's PowerShell, the build backend of a source
archive of PyPI, and what a wheel makes Python run at every start. They are never run here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from reconciler.decide.rules.interface import Facts, JudgedFile, Subject, satisfiable
from reconciler.decide.rules.wording import enumerated, quoted
from reconciler.model.declared import Policy
from reconciler.model.text import Shape
from reconciler.model.verdicts import ALLOW, Verdict, missing
from reconciler.model.waivers import Waivable


class Params(Shape):
    """A policy with `rule: install-scripts` has no parameters: `packages` narrows it, a waiver excepts from it."""


waivable: Final[Waivable] = "whole"
unmet: Final = satisfiable
reads_archives: Final = True


def check(subject: Subject, policy: Policy, facts: Facts) -> tuple[Verdict, ...]:
    """What would run, each script named as a person finds it in the archive."""
    files = facts.files or ()
    scripts = [f"{quoted(file.name)}: {quoted(script)}" for file in files if file.traits for script in file.traits.install_scripts]
    found = []
    if scripts:
        reason = f"this runs when it is installed: {enumerated(scripts)}"
        remedy = "read what that does; approve a release without it, or waive the rule for this one"
        if _only_sources(files):
            remedy = "approve the wheels alone (`--file '*.whl'`), or waive the rule for this release"
        found.append(Verdict(level=policy.on_violation, reason=reason, remedy=remedy))
    unread = [quoted(file.name) for file in files if file.traits is None]
    if unread or not files:
        reason = f"nobody has looked for scripts in {enumerated(unread)}" if unread else "nobody knows its files"
        found.append(missing(reason))
    return tuple(found) or (ALLOW,)


def _only_sources(files: Sequence[JudgedFile]) -> bool:
    """Whether what runs is what builds a source archive of PyPI, and there are wheels, which need not be built."""
    runs = [file.name for file in files if file.traits and file.traits.install_scripts]
    return any(file.name.endswith(".whl") for file in files) and not any(name.endswith(".whl") for name in runs)
