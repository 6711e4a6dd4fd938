"""A plan, and what became of it, as markdown for a pull request: counts first, then what comes in and what is taken back.

It fits into one comment however large the plan is: sections are cut by whole blocks, each says how many are left out, and the counts
above stay those of the whole plan. The first line is an invisible mark, by which a later run finds its own comment and replaces it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from reconciler.model.plan import TAKES_BACK, Applied, Change, ChangeKind, Failure, Plan
from reconciler.show.findings import standing_warnings, waiver_summary
from reconciler.show.markdown_items import change_block, eviction_row, failure_block, finding_block, hold_block, warning_row
from reconciler.show.sanitised import code
from reconciler.show.text import access_lines, advisories_lines, applied_counts, bytes_text, drift_lines, plan_counts, reanchored_lines

COMMENT: Final = 60_000
"""Most bytes (UTF-8) of a comment, and so characters as well: GitHub refuses more than 65,536."""
SUMMARY: Final = 900_000
"""Most bytes of a step summary: over 1 MiB GitHub drops all of it."""
MARK: Final = "<!-- reconciler:plan -->"
APPLIED_MARK: Final = "<!-- reconciler:apply -->"
GIVES: Final[frozenset[ChangeKind]] = frozenset({"promote", "extend", "adopt", "release", "relist"})

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Section:
    """A heading, how many blocks there are, and the blocks, which are made when they are asked for; rows of a list stand close."""

    title: str
    count: int
    blocks: Iterator[str]
    tight: bool


def plan_markdown(plan: Plan, *, most: int = COMMENT) -> str:
    """The plan in at most `most` bytes, with a line feed at its end."""
    head = [MARK, f"## Plan: {plan_counts(plan)}", "", f"For commit {code(plan.commit[:12])}", *_counts(plan.changes, len(plan.evictions))]
    return _fitted(head, _sections(plan, plan.changes), _foot(plan), most)


def applied_markdown(applied: Applied, *, most: int = COMMENT) -> str:
    """What an apply did, in at most `most` bytes, with a line feed at its end."""
    plan = applied.plan
    head = [APPLIED_MARK, f"## Applied: {applied_counts(applied)}", "", f"Commit {code(plan.commit[:12])}", *_counts(applied.applied, 0)]
    return _fitted(head, _sections(plan, applied.applied, applied.failed), _foot(plan), most)


def _counts(changes: Sequence[Change], evicted: int) -> Iterator[str]:
    """What comes in and what goes, by kind of change."""
    if changes or evicted:
        yield ""
    for title, some in _sorted_out(changes):
        if some:
            kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(Counter(change.kind for change in some).items()))
            size = sum(file.size for change in some for file in change.files)
            yield f"- **{title}**: {kinds} ({bytes_text(size)})"
    if evicted:
        yield f"- **Files that nobody approved**: {evicted} evicted"


def _sorted_out(changes: Sequence[Change]) -> tuple[tuple[str, list[Change]], ...]:
    return (
        ("Added", [change for change in changes if change.kind in GIVES]),
        ("Taken back", [change for change in changes if change.kind in TAKES_BACK]),
        ("Put right", [change for change in changes if change.kind not in GIVES | TAKES_BACK]),
    )


def _sections(plan: Plan, changes: Sequence[Change], failed: Sequence[Failure] = ()) -> list[_Section]:
    """All that is told, in the order in which it is."""
    held = partial(hold_block, now=plan.clock)
    alerted = partial(finding_block, now=plan.clock)
    sections = [
        _section("Failed", failed, failure_block),
        *(_section(title, some, change_block) for title, some in _sorted_out(changes)),
        _section("Files that nobody approved", plan.evictions, eviction_row),
        _section("Held", [hold for hold in plan.holds if not hold.waiting], held),
        _section("Waiting for an upstream or the forge", [hold for hold in plan.holds if hold.waiting], held),
        _section("Alerts", plan.alerts, alerted),
        _section("Warnings", standing_warnings(plan), warning_row),
        _section("Access", access_lines(plan.access), _row),
        _section("Drift", [line for drift in plan.drift for line in drift_lines(drift)], _row),
        _section("Reanchored", [" ".join(map(str.strip, reanchored_lines([one]))) for one in plan.reanchored], _row),
        _section("Waivers to look at", list(waiver_summary(plan.waivers))[1:], _row),
    ]
    return [section for section in sections if section.count]


def _section(title: str, items: Sequence[T], block_of: Callable[[T], str]) -> _Section:
    return _Section(title=title, count=len(items), blocks=map(block_of, items), tight=block_of in ROWS)


def _row(line: str) -> str:
    return f"- {code(line)}"


ROWS: Final = frozenset({eviction_row, warning_row, _row})


def _foot(plan: Plan) -> Iterator[str]:
    if plan.valid_until is not None:
        yield f"Valid until {plan.valid_until:%Y-%m-%dT%H:%M:%SZ}, when an approval expires or a verdict changes by itself."
    yield from map(code, advisories_lines(plan))
    yield f"Digest {code(plan.digest)}"


def _fitted(head: Iterable[str], sections: Sequence[_Section], foot: Iterable[str], most: int) -> str:
    """As many blocks of each section, from its first on, as there is room for: one of each in turn, so that none crowds out another."""
    above, below = "\n".join(head), "  \n".join(foot)
    taken: list[list[str]] = [[] for _ in sections]
    room = most - _size(above) - _size(below) - sum(_size(_told(section, [])) for section in sections)
    growing = list(range(len(sections)))
    while growing:
        for number in tuple(growing):
            block = next(sections[number].blocks, None)
            if block is None or _size(block) > room:
                growing.remove(number)
                continue
            taken[number].append(block)
            room -= _size(block)
    told = (_told(section, blocks) for section, blocks in zip(sections, taken, strict=True))
    return "\n".join([above, *told, "", below, ""])


def _told(section: _Section, blocks: Sequence[str]) -> str:
    left = section.count - len(blocks)
    note = [f"... and {left} more, left out here (`--format json` has all)"] if left else []
    between = "\n" if section.tight else "\n\n"
    return "\n\n".join([f"\n### {section.title} ({section.count})", *([between.join(blocks)] if blocks else []), *note])


def _size(text: str) -> int:
    """Bytes that it takes, with what separates it from the next."""
    return len(text.encode()) + len("\n\n")
