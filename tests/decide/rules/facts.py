"""What rules are judged with in their tests: a policy as its file would say it, and facts of a release."""

from datetime import UTC, datetime
from typing import Any

from reconciler.decide.rules import RULES
from reconciler.decide.rules.interface import Facts, JudgedFile, Subject
from reconciler.declaration import KINDS
from reconciler.declare.policies import read_policy
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.model.declared import Policy
from reconciler.model.packages import Traits
from reconciler.model.verdicts import Verdict
from reconciler.model.words import FeedName, PackageKey, Version, VersionKey

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
SUBJECT = Subject(
    feed=FeedName("approved-pypi"),
    package=PackageKey("requests"),
    name="requests",
    version=Version(key=VersionKey("2.32.0"), text="2.32.0", prerelease=False, order=(2, 32, 0)),
    language=ECOSYSTEMS["pypi"],
)


def policy(rule: str, params: str = "{}", *, on_violation: str = "hold") -> Policy:
    """A policy out of the text of its file."""
    text = f"rule: {rule}\non_violation: {on_violation}\nparams: {params}\n"
    read = read_policy("policies/x.yaml", text.encode(), KINDS.rules)
    assert read.value is not None, [str(problem) for problem in read.problems]
    return read.value


def judged(rule: str, facts: Facts, params: str = "{}", *, on_violation: str = "hold") -> tuple[Verdict, ...]:
    """What a rule says of these facts."""
    return RULES[rule].check(SUBJECT, policy(rule, params, on_violation=on_violation), facts)


def told(rule: str, facts: Facts, params: str = "{}", *, on_violation: str = "hold") -> list[str]:
    """The same as texts: "hold: reason", "unknown: reason", or "allow"."""
    verdicts = judged(rule, facts, params, on_violation=on_violation)
    return [f"{'unknown' if v.unknown else v.level}{': ' if v.reason else ''}{v.reason}" for v in verdicts]


def files(*named: Any) -> Facts:
    """Facts with these files: (name, size in bytes) or (name, traits)."""
    made = (
        JudgedFile(name=name, size=what if isinstance(what, int) else 1, traits=None if isinstance(what, int) else what)
        for name, what in named
    )
    return Facts(now=NOW, files=tuple(made))


def scripts(*lines: str) -> Traits:
    return Traits(install_scripts=lines)


def vouched(*words: str) -> Traits:
    return Traits(provenance=words)
