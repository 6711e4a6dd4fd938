"""Parts of a plan as markdown: each a block that opens at a click, with all that a reviewer asks about one version.

All text from outside goes through `sanitised.py`. Blocks are bounded: long lists are cut, and say how many are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from reconciler.model.findings import Cure, Finding
from reconciler.model.packages import RemoteFile
from reconciler.model.plan import Change, Eviction, Failure, Hold
from reconciler.model.verdicts import Judgement
from reconciler.show.people import people
from reconciler.show.sanitised import advisory, code, code_block, code_tag
from reconciler.show.text import STAYS, bytes_text
from reconciler.show.waiver_yaml import waiver_lines, waiver_path

MOST: Final = 12
"""Rows of one kind in a block: files, verdicts, dependents."""
GLANCE: Final = 120
"""Characters of a reason that are shown before the block is opened."""
LONGEST_YAML: Final = 2000
CONSEQUENCES: Final = {"alert": "stays", "unlist": "is unlisted", "quarantine": "is taken out of the feed"}
VULNERABILITY: Final = "vulnerability"


def change_block(change: Change) -> str:
    """A change: what policies say, license, advisories, why, on whose word, the files."""
    declared = change.declared
    way = f"in {code_tag(declared.identity.feed)}"
    if change.kind not in STAYS:
        way = f"from {code_tag(change.source)} into {code_tag(declared.identity.feed)}"
    files = f"{len(change.files)} file{'' if len(change.files) == 1 else 's'}, {bytes_text(sum(file.size for file in change.files))}"
    return _block(f"{change.kind} {_version(declared.package, declared.version)} {way} ({files}){_flags(change)}", _told(change))


def failure_block(failure: Failure) -> str:
    """A change that was tried and did not come about."""
    declared = failure.change.declared
    title = f"{failure.change.kind} {_version(declared.package, declared.version)} in {code_tag(declared.identity.feed)} failed"
    return _block(title, [f"- why: {code(failure.error)}"])


def eviction_row(eviction: Eviction) -> str:
    """A file that leaves a feed because nobody approved or recorded it."""
    file = eviction.file
    return f"- evict {code(file.path)} from {code(eviction.feed)}: nobody approved or recorded it ({code(str(eviction.where))})"


def hold_block(hold: Hold, now: datetime) -> str:
    """A hold: why, by which line, what would cure it; a waiver as the file to add."""
    what = f"{_version(hold.package, hold.version)} in {code_tag(hold.feed)}" if hold.feed else code_tag(hold.path)
    title = f"{what}: {hold.kind}{f', {code_tag(hold.rule)}' if hold.rule else ''}: {code_tag(hold.reason, longest=GLANCE)}"
    return _block(title, [f"- why: {code(hold.reason)}", *_cured(hold, now)])


def finding_block(finding: Finding, now: datetime) -> str:
    """An alert about what is published: why, what follows, on whose word it is there, what would end it."""
    what = f"{_version(finding.package, finding.version)} in {code_tag(finding.feed)}"
    title = f"{what}: it {CONSEQUENCES[finding.action]}, {code_tag(finding.rule)}: {code_tag(finding.reason, longest=GLANCE)}"
    rows = [f"- {finding.level}: {code(finding.reason)}"]
    if finding.author is not None:
        rows.append(f"- approved {code(people(finding.author, finding.approvers))}, commit {code(finding.commit[:12])}")
    return _block(title, [*rows, *_cured(finding, now)])


def warning_row(finding: Finding) -> str:
    """A warning about what is published, in one row."""
    return f"- {code(finding.package)} {code(finding.version)} in {code(finding.feed)}: {code(finding.reason)} ({code(finding.rule)})"


def _cured(held: Hold | Finding, now: datetime) -> Iterator[str]:
    cure = held.cure
    if cure is not None and cure.rule == VULNERABILITY and cure.id:
        yield f"- advisory: {advisory(cure.id)}"
    yield f"- by {code(f'{held.path}:{held.line}')}"
    if held.remedy:
        yield f"- to do: {code(held.remedy)}"
    if cure is not None:
        yield from _waiver(cure, now)


def _waiver(cure: Cure, now: datetime) -> Iterator[str]:
    lines = list(waiver_lines(cure, now))
    if sum(map(len, lines)) > LONGEST_YAML:
        return
    yield f"- or waive it, in {code(waiver_path(cure))}:"
    yield ""
    yield code_block(lines, "yaml")


def _told(change: Change) -> Iterator[str]:
    declared = change.declared
    yield from _verdicts(change.judgements)
    if licenses := sorted({traits.license for traits in change.traits.values()}):
        said = (one.concluded or one.declared or "none declared" for one in licenses[:MOST])
        yield f"- license: {', '.join(map(code, said))}{_more(len(licenses))}"
    if scripts := sorted({script for traits in change.traits.values() for script in traits.install_scripts}):
        yield f"- runs when it is installed: {', '.join(map(code, scripts[:MOST]))}{_more(len(scripts))}"
    yield f"- why: {code(change.reason)}{f' (ticket {code(declared.approval.ticket)})' if declared.approval.ticket else ''}"
    entitled = f", entitled by {code(str(change.grounds.line))}" if change.grounds.line else ""
    yield f"- {code(people(change.author, change.approvers[:MOST]), longest=1200)}, commit {code(change.landing.id[:12])}{entitled}"
    if declared.approval.expires is not None:
        yield f"- expires on {declared.approval.expires}"
    yield from _surroundings(change)
    yield from _files(change)


def _verdicts(judgements: Sequence[Judgement]) -> Iterator[str]:
    """What was said; then the advisories that it is about, and the rules that had nothing to say."""
    said = [one for one in judgements if one.level != "allow" or one.waiver is not None]
    for one in said[:MOST]:
        what = f"waived by {code(str(one.waiver))}" if one.waiver is not None else f"**{one.level}**"
        to_do = f"; to do: {code(one.verdict.remedy)}" if one.verdict.remedy and one.waiver is None else ""
        yield f"- {what}: {code(one.rule)} ({code(str(one.policy))}): {code(one.verdict.reason)}{to_do}"
    yield from _left_out(len(said))
    names = list(dict.fromkeys(name for one in judgements if one.rule == VULNERABILITY for name in one.verdict.ids))
    if names:
        yield f"- advisories: {', '.join(map(advisory, names[:MOST]))}{_more(len(names))}"
    if passed := sorted({one.rule for one in judgements} - {one.rule for one in said}):
        yield f"- passes {', '.join(map(code, passed))}"


def _surroundings(change: Change) -> Iterator[str]:
    """What comes with it, and what loses its last candidate by it; what the registry says of it now."""
    for group in change.relies_on[:MOST]:
        yield f"- comes only with {' or '.join(code(f'{one.package} {one.version}') for one in group[:MOST])}{_more(len(group))}"
    yield from _left_out(len(change.relies_on))
    for lost in change.dependents[:MOST]:
        asks = code(f"{lost.needs} {lost.range}")
        yield f"- no other listed version satisfies {code(lost.package)} {code(lost.version)}, which needs {asks}"
    yield from _left_out(len(change.dependents))
    if change.release is not None and change.release.deprecated is not None:
        yield f"- deprecated by the registry: {code(change.release.deprecated)}"


def _files(change: Change) -> Iterator[str]:
    announced: dict[str, RemoteFile] = {file.name: file for file in change.release.files} if change.release else {}
    for file in change.files[:MOST]:
        remote = announced.get(file.name)
        published = f", published {remote.uploaded_at:%Y-%m-%d}" if remote and remote.uploaded_at else ""
        yanked = f", yanked: {code(remote.yanked)}" if remote and remote.yanked is not None else ""
        yield f"- {code(file.name)}, {bytes_text(file.size)}, sha256 {code(file.sha256[:12])}{published}{yanked}"
    yield from _left_out(len(change.files))


def _flags(change: Change) -> str:
    """What a reviewer must not overlook, told before the block is opened."""
    warned = sum(one.level == "warn" for one in change.judgements)
    waived = sum(one.waiver is not None for one in change.judgements)
    denied = next((one for one in change.judgements if one.stops and one.action == change.kind and not one.verdict.unknown), None)
    flags = [
        f"{warned} warning{'' if warned == 1 else 's'}" if warned else "",
        f"{waived} waived" if waived else "",
        f"by the rule {code_tag(denied.rule)}" if denied else "",
        f"leaves {len(change.dependents)} without what they need" if change.dependents else "",
    ]
    told = ", ".join(filter(None, flags))
    return f": {told}" if told else ""


def _version(package: str, version: str) -> str:
    return f"{code_tag(package)} {code_tag(version)}"


def _left_out(count: int) -> Iterator[str]:
    if count > MOST:
        yield f"- and {count - MOST} more"


def _more(count: int) -> str:
    return f" and {count - MOST} more" if count > MOST else ""


def _block(title: str, rows: Iterable[str]) -> str:
    """`title` is HTML, rows are markdown: a blank line separates the two (https://github.github.com/gfm/#html-blocks)."""
    return "\n".join([f"<details><summary>{title}</summary>", "", *rows, "", "</details>"])
