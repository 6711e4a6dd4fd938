"""What `approve` tells: what was found, the tree of what it needs, why it is not let in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from reconciler.cli.approving import Asked, Counter
from reconciler.model.verdicts import Judgement
from reconciler.propose.approve import Proposal
from reconciler.propose.closure import Link, Part, Place, Tree
from reconciler.show.findings import cure_lines
from reconciler.show.inert import inert

MAX_PASSED_OVER: Final = 5
"""Versions in range that were not taken, of those told for one dependency."""


def proposal_lines(proposal: Proposal, judgements: Iterable[Judgement]) -> Iterator[str]:
    """An approval that was written, with what its archives say and what the policies do."""
    inspection = proposal.inspection
    yield f"{proposal.path}"
    yield f"    {inert(proposal.package)} {inert(proposal.version)}, license {inert(inspection.license or 'unknown', longest=100)}"
    yield from (f"    {inert(file.name)}, {file.size} bytes, sha256 {file.sha256}" for file in proposal.files)
    needs = [f"{d.name} {d.range}{f' ({d.condition})' if d.condition else ''}" for d in inspection.dependencies]
    if needs:
        yield f"    needs {inert(', '.join(dict.fromkeys(needs)))}"
    if proposal.skipped:
        yield f"    left out: {len(proposal.skipped)} other files of this version"
    yield from (f"    {line}" for line in judgement_lines(judgements))


def refusal_lines(counter: Counter, asked: Iterable[Asked]) -> Iterator[str]:
    """Why the policies do not let something in, and the waivers that would."""
    for one in asked:
        if one.offer is None or not one.refused:
            continue
        proposal = one.offer.proposal
        yield f"{inert(proposal.package)} {inert(proposal.version)} would not be let in:"
        for judgement in one.offer.judgements:
            yield from (f"  {line}" for line in judgement_lines([judgement]))
            if judgement.stops:
                yield from (f"  {line}" for line in cure_lines(counter.cure(judgement, proposal), counter.judge.now))


def judgement_lines(judgements: Iterable[Judgement]) -> Iterator[str]:
    """A line for each finding, worst first, with the policy that asks for it, and what to do."""
    for one in judgements:
        if one.waiver is not None:
            yield f"waived [{one.rule}] by {inert(str(one.waiver))}: {inert(one.verdict.reason)}"
        elif one.level != "allow":
            yield f"{one.level} [{one.rule}] {inert(one.verdict.reason)} ({inert(str(one.policy))})"
            if one.verdict.remedy:
                yield f"    to do: {inert(one.verdict.remedy)}"


def tree_lines(tree: Tree) -> Iterator[str]:
    """What was asked for, each with what it needs below it; what was shown already is not unfolded again."""
    seen: set[Place] = set()
    for root in tree.roots:
        yield _part(root)
        yield from (f"    {line}" for line in _verdicts(root))
        waiting = _below(tree, root, "", seen)
        while waiting:
            link, margin, last = waiting.pop()
            yield f"{margin}{'└── ' if last else '├── '}{_link(tree, link, seen)}"
            inner = f"{margin}{'    ' if last else '│   '}"
            yield from (f"{inner}    {line}" for line in _remarks(tree, link, seen))
            if link.part is not None:
                waiting += _below(tree, link.part, inner, seen)


def _below(tree: Tree, part: Part, margin: str, seen: set[Place]) -> list[tuple[Link, str, bool]]:
    """The links of a part, the first one last, as a stack has them; none where they were shown."""
    if part.place in seen:
        return []
    seen.add(part.place)
    links = tree.links.get(part.place, ())
    return [(link, margin, number == len(links)) for number, link in enumerate(links, start=1)][::-1]


def _link(tree: Tree, link: Link, seen: set[Place]) -> str:
    extras = f"[{','.join(link.edge.extras)}]" if link.edge.extras else ""
    needs = inert(f"{link.edge.name}{extras} {link.edge.range or '(any version)'}", longest=300)
    if link.part is None:
        return f"{needs}: NOTHING, {inert(link.choice.reason if link.choice else '')}"
    again = ", see above" if link.part.place in seen and tree.links.get(link.part.place) else ""
    return f"{needs}: {_part(link.part, link.edge.name)}{again}"


def _part(part: Part, called: str = "") -> str:
    """The version, its name where it is not called by it already."""
    extras = f"[{','.join(sorted(part.extras))}]" if part.extras else ""
    name = inert(part.version.text) if part.name == called else f"{inert(part.name)}{extras} {inert(part.version.text)}"
    if part.offer is None:
        return f"{name} (approved already)"
    proposal = part.offer.proposal
    license_ = proposal.inspection.traits.license.concluded or proposal.inspection.license or "license unknown"
    return f"{name} ({inert(license_, longest=60)}, {sum(file.size for file in proposal.files):,} bytes)"


def _remarks(tree: Tree, link: Link, seen: set[Place]) -> Iterator[str]:
    if link.note:
        yield inert(link.note)
    if link.part is not None and link.part.place in tree.unknown and link.part.place not in seen:
        yield f"what it needs is not known: {inert(tree.unknown[link.part.place])}"
    over = link.choice.over if link.choice else ()
    yield from (f"not {inert(one.version)}: {inert(one.reason, longest=500)}" for one in over[:MAX_PASSED_OVER])
    if len(over) > MAX_PASSED_OVER:
        older = len(over) - MAX_PASSED_OVER
        yield f"nor {older} older {'one' if older == 1 else 'ones'}"
    if link.part is not None and link.part.place not in seen:
        yield from _verdicts(link.part)


def _verdicts(part: Part) -> Iterator[str]:
    return judgement_lines(part.offer.judgements) if part.offer else iter(())
