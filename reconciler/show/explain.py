"""`explain` as text: what holds now, then every event that made it so, then what the feed holds, then what is missing and what resolves it.

Hostile text is inert; prose is folded, commands never are, so that they can be copied.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Final

from reconciler.show.contract import HoldRow
from reconciler.show.explained import EventRow, EvidenceRow, ExplainV1, KnownRow
from reconciler.show.inert import inert
from reconciler.show.people import people, person_text
from reconciler.show.verdicts import VerdictRow

WIDTH: Final = 100
SHORT: Final = 12

TAKEN: Final = "a policy keeps it back: it comes back once the policy allows it, or a waiver covers it (`reconciler plan` has its YAML)"
NEXT: Final = {
    ("approved", "absent"): "`reconciler apply` promotes it (`reconciler plan` says whether the upstream has it)",
    ("none", "absent"): "`reconciler approve {feed} {package}@{version} -m REASON`",
    ("approved", "unlisted"): "`reconciler apply` lists it again",
    ("approved", "quarantined"): "`reconciler apply` brings it back",
    ("expired", "listed"): "`reconciler apply` unlists it",
    ("expired", "unlisted"): "to undo it: set a later day in `expires:` of the approval, or remove the line",
    ("expired", "quarantined"): "to undo it: set a later day in `expires:` of the approval, or remove the line",
    (
        "none",
        "unlisted",
    ): "no approval names it any more: it stays unlisted, until one does: `reconciler approve {feed} {package}@{version} -m REASON`",
    ("none", "quarantined"): "no approval names it any more: it stays in quarantine, until one does: "
    "`reconciler approve {feed} {package}@{version} -m REASON`",
    (
        "withdrawn",
        "absent",
    ): "it was taken back before it was promoted; to undo it: `reconciler relist {feed} {package} {version} -m REASON`",
    ("none", "listed"): "it is published, but no approval names it any more: it stays. To explain it: "
    "`reconciler approve {feed} {package}@{version} -m REASON`; to take it back: "
    "`reconciler withdraw {feed} {package} {version} -m REASON`",
    ("denied", "listed"): "a policy has something against it: `reconciler plan` says what follows from that, and what to do",
    ("denied", "unlisted"): TAKEN,
    ("denied", "quarantined"): TAKEN,
    ("withdrawn", "listed"): "`reconciler apply` takes it back",
    ("withdrawn", "unlisted"): "to undo it: `reconciler relist {feed} {package} {version} -m REASON`",
    ("withdrawn", "quarantined"): "to undo it: `reconciler relist {feed} {package} {version} -m REASON`",
}
"""What to do, by what is declared and what is published, where nothing is held."""


def explain_text(explained: ExplainV1, *, waiting: bool) -> Iterator[str]:
    """The whole chain, line by line; `waiting`: what is held waits for the forge."""
    held = ", waiting for the forge" if waiting else ", held" if explained.holds else ""
    declared = "approved (a policy denies it)" if explained.declared == "denied" else explained.declared
    yield f"{inert(explained.package)} {inert(explained.version)} in {explained.feed}: declared {declared}, published {explained.published}{held}"
    yield from _approval(explained)
    yield from _standing(explained)
    if explained.judgements:
        yield ""
        yield "Judged by the policies, worst first"
        yield from _judgements(explained)
    if explained.events:
        yield ""
        yield "In git, oldest first"
        for event in explained.events:
            yield from _event(event)
    if explained.history or explained.reanchored:
        yield ""
        yield "In the feed"
        yield from _ledger(explained)
    if explained.notes:
        yield ""
        yield "To note"
        for note in explained.notes:
            yield from _row("note", inert(note))
    if explained.holds:
        yield ""
        yield "Waiting" if waiting else "Held"
        for hold in explained.holds:
            yield from _hold(hold)
    following = NEXT.get((explained.declared, explained.published), "")
    if following and not explained.holds:
        command = following.format(feed=explained.feed, package=explained.package, version=explained.version)
        yield ""
        yield from _row("next", inert(command))


def _approval(explained: ExplainV1) -> Iterator[str]:
    """What the file says."""
    if explained.path is None:
        return
    yield from _row("approval", f"{inert(explained.path)}:{explained.line}")
    if explained.source:
        yield from _row("from", inert(explained.source))
    if explained.reason:
        yield from _row("reason", inert(explained.reason))
    if explained.ticket:
        yield from _row("ticket", inert(explained.ticket))
    if explained.expires:
        yield from _row("expired" if explained.declared == "expired" else "expires", explained.expires)
    for file in explained.files:
        yield from _row("file", f"{inert(file.name)}, {file.size} bytes")
        yield from _row("", f"sha256 {file.sha256}")


def _standing(explained: ExplainV1) -> Iterator[str]:
    """What holds of it, and on whose word."""
    if explained.author and explained.commit:
        author, *approvers = [person.named() for person in (explained.author, *explained.approvers)]
        yield from _row("approved", f"{people(author, approvers)}, landed with commit {explained.commit[:SHORT]}")
        since = f" as of commit {explained.rules_commit[:SHORT]}" if explained.rules_commit else ""
        yield from _row("entitled", f"by {inert(explained.right or '')}{since}")
    if explained.withdrawn:
        taken = explained.withdrawn
        author, *approvers = [person.named() for person in (taken.author, *taken.approvers)]
        yield from _row("withdrawn", f"{taken.action}{f' since {taken.since}' if taken.since else ''}: {inert(taken.reason)}")
        yield from _row("", f"{people(author, approvers)}, landed with commit {taken.commit[:SHORT]}")
    if explained.deprecated:
        yield from _row("deprecated", inert(explained.deprecated))


# --- what landed ------------------------------------------------------------------------------------------------------------------


def _event(event: EventRow) -> Iterator[str]:
    yield from _row(event.change, f"landed {event.landed_at:%Y-%m-%d %H:%M} UTC with commit {event.commit[:SHORT]}, {_how(event)}")
    yield from _person("author", event.author, when=f" ({event.authored_at:%Y-%m-%d %H:%M} UTC)")
    for person in event.approvers:
        yield from _person("approver", person)
    if event.change == "remove":
        yield from _row("right", "none is needed: absence is never deletion", depth=4)
    else:
        right = inert(event.right) if event.right else "nobody behind it has it,"
        anchor = ", the trust anchor: its own rules judge it" if event.rules_commit == event.commit else ""
        yield from _row("right", f"{right} as of commit {event.rules_commit[:SHORT]}{anchor}", depth=4)
    if event.forge == "not asked":
        yield from _row("forge", "what it says of this commit is not frozen yet: `reconciler plan` asks it", depth=4)
    for evidence in event.evidence:
        yield from _evidence(evidence)
    for verdict in event.verdicts:
        yield from _verdict(verdict)
    if event.counts == "overtaken":
        why = "" if event.reason in {verdict.reason for verdict in event.verdicts} else f": {inert(event.reason)}"
        yield from _row("held", f"until a later event settled it{why}", depth=4)
    elif event.counts != "yes":
        yield from _row("held" if event.counts == "held" else "waits", "see below", depth=4)


def _how(event: EventRow) -> str:
    """How it landed: by git, and better where the forge says so."""
    match event.landed:
        case "merge":
            return f"merging {event.author_commit[:SHORT]}" if event.author_commit != event.commit else "a merge that adds it itself"
        case "commit":
            return "as one commit"  # pushed or squashed: git cannot tell
        case "squash":
            return "squashed"
        case "rebase":
            return "rebased"


def _person(role: str, known: KnownRow, *, when: str = "") -> Iterator[str]:
    """Somebody with how the name is known, and by what."""
    yield from _row(role, person_text(known.named()), depth=4)
    said = []
    if known.signature:
        one = known.signature
        said.append(f"signed commit {one.commit[:SHORT]}{when} with {inert(one.key)}, first seen {one.seen_at:%Y-%m-%d}")
    if known.pull_request:
        said.append(f"approved {inert(known.pull_request)} at {inert((known.reviewed or '')[:SHORT])}")
    if not said:
        said.append(f"named by commit {known.commit[:SHORT]}{when}{'' if known.doubt else ', unsigned'}")
    if known.doubt:
        said.append(inert(known.doubt))
    said.append("entitled" if known.entitled else "not entitled" if known.user else "no declared user, not entitled")
    yield from _row("", "; ".join(said), depth=4)


def _evidence(evidence: EvidenceRow) -> Iterator[str]:
    if not evidence.pull_request:
        yield from _row("request", "none: the forge knows no pull request that landed as this commit", depth=4)
        return
    about = "" if evidence.about else "; not what landed: its file at the end was another one"
    opened = f"opened by {inert(evidence.opener or 'a deleted account')}, merged by {inert(evidence.merger or 'a deleted account')}"
    yield from _row("request", f"{inert(evidence.pull_request)}, {opened}{about}", depth=4)
    for review in evidence.reviews:
        when = f", {review.at:%Y-%m-%d %H:%M} UTC" if review.at else ""
        old = "" if review.counts or review.state != "approved" else ", which is not what landed"
        yield from _row("", f"{review.state} by {inert(review.by)} at {inert(review.commit[:SHORT])}{when}{old}", depth=4)


def _judgements(explained: ExplainV1) -> Iterator[str]:
    """What each policy says, and the licenses that were found."""
    for one in explained.judgements:
        waived = f" (waived: {inert(one.waiver)})" if one.waiver else ""
        yield from _row(one.verdict, f"{inert(one.rule)} ({inert(one.policy)}){f': {inert(one.reason)}' if one.reason else ''}{waived}")
    for license_ in explained.licenses:
        concluded = f", concluded {inert(license_.concluded)}" if license_.concluded else ", from which no SPDX license follows"
        declared = f"declared {inert(license_.declared, longest=200)}" if license_.declared else "none declared"
        yield from _row("license", f"{declared}{concluded if license_.declared else ''}")


def _verdict(verdict: VerdictRow) -> Iterator[str]:
    reason = f": {inert(verdict.reason)}" if verdict.reason else ""
    yield from _row("rule", f"{inert(verdict.rule)} ({inert(verdict.policy)}): {verdict.verdict}{reason}", depth=4)


# --- what became of it ------------------------------------------------------------------------------------------------------------


def _ledger(explained: ExplainV1) -> Iterator[str]:
    """The records, newest first, after what has none yet."""
    settled = {event.commit for event in explained.events if event.counts == "overtaken"}
    for row in explained.history:
        if row.applied_at is None:
            outcome = "no record of its own" if row.outcome == "none" or row.commit in settled else row.outcome
            yield from _row(row.change, f"{outcome}, commit {row.commit[:SHORT]}")
            continue
        when = f"{row.applied_at:%Y-%m-%d %H:%M} UTC by {inert(row.applier or '')}"
        yield from _row(row.change, f"{when} (record {row.seq}), commit {row.commit[:SHORT]}")
    for one in explained.reanchored:
        where = f"from commit {one.from_commit[:SHORT]} to {one.commit[:SHORT]}"
        yield from _row("reanchored", f"{one.at:%Y-%m-%d %H:%M} UTC {where}, {people(one.by.named(), [])}: {inert(one.reason)}")


def _hold(hold: HoldRow) -> Iterator[str]:
    yield from _row("why", inert(hold.reason))
    yield from _row("where", f"{inert(hold.path)}:{hold.line}{f' [{inert(hold.rule)}]' if hold.rule else ''}")
    yield from _row("to do", inert(hold.remedy))


def _row(label: str, text: str, *, depth: int = 2) -> Iterator[str]:
    """A label and its text, folded beneath each other."""
    indent = depth + 11
    first = f"{' ' * depth}{label:<10} "
    lines = _folded(text, WIDTH - indent)
    yield f"{first}{lines[0]}".rstrip()
    yield from (f"{' ' * indent}{line}" for line in lines[1:])


def _folded(text: str, width: int) -> list[str]:
    """Lines of about this width; what stands between backticks is on one line, however long."""
    parts = text.split("`")
    kept = "`".join(part.replace(" ", "\0") if index % 2 else part for index, part in enumerate(parts))
    lines = textwrap.wrap(kept, width, break_long_words=False, break_on_hyphens=False)
    return [line.replace("\0", " ") for line in lines] or [""]
