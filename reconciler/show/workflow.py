"""A plan, and what became of it, as workflow commands of GitHub: annotations by severity, and the outputs of a step.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions. GitHub shows 10 annotations of a kind for a step, and 50
for a job: the last one of a kind says how many more there are. The step summary is the markdown of `markdown.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from reconciler.errors import DeclarationInvalid, ReconcilerError
from reconciler.model.findings import Finding, WaiverUse
from reconciler.model.plan import Applied, Drift, Failure, Hold, Plan
from reconciler.model.waivers import SOON
from reconciler.show.sanitised import command, shown
from reconciler.show.text import applied_counts, plan_counts, reanchored_lines

PER_KIND: Final = 10
LONGEST: Final = 1000
"""Characters of one text in an annotation."""
LONGEST_TITLE: Final = 200

Severity: TypeAlias = Literal["error", "warning", "notice"]
SEVERITIES: Final[tuple[Severity, ...]] = ("error", "warning", "notice")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Annotation:
    """Something to look at: texts as they come, line 0 and path "" where it is about no file."""

    severity: Severity
    title: str
    message: str
    remedy: str = ""
    path: str = ""
    line: int = 0


def plan_commands(plan: Plan) -> Iterator[str]:
    """What a step prints: the counts, then annotations, worst first."""
    yield f"Plan for commit {plan.commit[:12]}: {plan_counts(plan)}"
    yield from _commands(tuple(_annotations(plan)))


def applied_commands(applied: Applied) -> Iterator[str]:
    """The same of an apply: what failed comes first."""
    yield f"Commit {applied.plan.commit[:12]}: {applied_counts(applied)}"
    yield from _commands((*map(_of_failure, applied.failed), *_annotations(applied.plan)))


def error_commands(error: ReconcilerError) -> Iterator[str]:
    """Why there is no plan, or no more of an apply; what is wrong in files of the declaration, each at its line."""
    if not isinstance(error, DeclarationInvalid):
        yield _command(_Annotation(severity="error", title="Failed", message=str(error), remedy=error.remedy))
        return
    title = "The declaration is invalid"
    problems = (_Annotation(severity="error", title=title, message=str(one), path=one.path, line=one.line) for one in error.problems)
    yield from _commands(tuple(problems))


def plan_outputs(plan: Plan) -> dict[str, str]:
    """The outputs of a step, for the steps after it."""
    waiting = sum(hold.waiting for hold in plan.holds)
    counts = {
        "changes": len(plan.changes) + len(plan.evictions),
        "holds": len(plan.holds) - waiting,
        "waiting": waiting,
        "alerts": len(plan.alerts),
    }
    return {"outcome": plan.outcome, "digest": plan.digest, **{name: str(count) for name, count in counts.items()}}


def applied_outputs(applied: Applied) -> dict[str, str]:
    """The same of an apply: changes are those that came about."""
    said = {"outcome": applied.outcome, "changes": str(len(applied.applied)), "failed": str(len(applied.failed))}
    return {**plan_outputs(applied.plan), **said}


def output_lines(outputs: Mapping[str, str]) -> str:
    """Outputs as the file that GITHUB_OUTPUT names takes them: between delimiters that no value contains."""
    delimiter = "END"
    while any(delimiter in value for value in outputs.values()):
        delimiter += "_"
    return "".join(f"{name}<<{delimiter}\n{value}\n{delimiter}\n" for name, value in outputs.items())


def _commands(annotations: Sequence[_Annotation]) -> Iterator[str]:
    for severity in SEVERITIES:
        some = [one for one in annotations if one.severity == severity]
        fit = PER_KIND if len(some) <= PER_KIND else PER_KIND - 1
        yield from map(_command, some[:fit])
        if len(some) > fit:
            yield command(severity, f"and {len(some) - fit} more: the log or the summary of this step has them", title="More")


def _command(one: _Annotation) -> str:
    to_do = f"\nto do: {shown(one.remedy, longest=LONGEST)}" if one.remedy else ""
    return command(
        one.severity,
        f"{shown(one.message, longest=LONGEST)}{to_do}",
        file=shown(one.path, longest=LONGEST),
        line=str(one.line) if one.line else "",
        title=shown(one.title, longest=LONGEST_TITLE),
    )


def _annotations(plan: Plan) -> Iterator[_Annotation]:
    yield from map(_of_hold, plan.holds)
    for alert in plan.alerts:
        yield _of_finding(alert, "warning", "Alert")
    yield from map(_of_drift, plan.drift)
    for one in plan.reanchored:
        yield _Annotation(severity="warning", title="Reanchored", message=" ".join(reanchored_lines([one])).removeprefix("! "))
    for warning in plan.warnings:
        yield _of_finding(warning, "notice", "Warning")
    yield from (_of_waiver(one) for one in plan.waivers if not one.holds or one.days_left <= SOON)


def _of_hold(hold: Hold) -> _Annotation:
    """What waits for time alone is no failure; what waits for an answer may come about in the next run."""
    severity: Severity = "notice" if hold.kind == "time" else "warning" if hold.waiting else "error"
    rule = f" [{hold.rule}]" if hold.rule else ""
    title = f"{'Waiting' if hold.waiting else 'Held'}: {_about(hold) if hold.feed else hold.path}{rule}"
    return _Annotation(severity=severity, title=title, message=hold.reason, remedy=hold.remedy, path=hold.path, line=hold.line)


def _of_finding(finding: Finding, severity: Severity, word: str) -> _Annotation:
    title = f"{word}: {_about(finding)} [{finding.rule}]"
    return _Annotation(severity=severity, title=title, message=finding.reason, remedy=finding.remedy, path=finding.path, line=finding.line)


def _of_drift(drift: Drift) -> _Annotation:
    """Other bytes than recorded are an error; what nobody declared or recorded stays where it is, and fails nothing."""
    severity: Severity = "error" if drift.kind == "differing" else "warning"
    return _Annotation(severity=severity, title=f"Drift, {drift.kind}: {_about(drift)}", message=drift.detail)


def _of_waiver(use: WaiverUse) -> _Annotation:
    waiver = use.waiver
    ends = f"ended on {waiver.expires}" if use.days_left < 0 else f"ends on {waiver.expires}, in {use.days_left} days"
    said = ends if use.holds or use.days_left < 0 else f"does not hold: {waiver.expires} is more than a year ahead"
    message = f"{waiver.rule} {waiver.id}: {said}; owner {waiver.owner}"
    title = f"Waiver: {waiver.package}"
    return _Annotation(severity="notice", title=title, message=message, path=waiver.where.path, line=waiver.where.line)


def _of_failure(failure: Failure) -> _Annotation:
    declared = failure.change.declared
    title = f"Failed: {failure.change.kind} {declared.package} {declared.version} in {declared.identity.feed}"
    return _Annotation(severity="error", title=title, message=failure.error, path=declared.path, line=1)


def _about(one: Hold | Finding | Drift) -> str:
    return f"{' '.join(filter(None, (one.package, one.version)))} in {one.feed}"
