"""What each approval asks for once its history and the clock have been judged: declared x authority x now -> desired; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time

from reconciler.decide.judging import NOT_JUDGED, Judged
from reconciler.decide.standing import HeldEvent, Standing
from reconciler.decide.table import DeclaredState
from reconciler.model.declared import Approvals, ApprovedFile, DeclaredApproval, Deprecation, MalformedApproval, Settings, Withdrawal
from reconciler.model.facts import deprecation_of, files_of, withdrawal_of
from reconciler.model.packages import ListedState
from reconciler.model.permissions import Line
from reconciler.model.plan import Hold
from reconciler.model.words import FeedName, Identity, PackageKey


@dataclass(frozen=True, kw_only=True, slots=True)
class Desired:
    """One approval, judged. All but `declared` is what somebody entitled stands for, which may be older than what the file says."""

    declared: DeclaredApproval
    state: DeclaredState
    source: FeedName | None
    files: tuple[ApprovedFile, ...]
    expires: datetime | None
    withdrawn: Withdrawal | None
    deprecated: Deprecation | None
    standing: Standing
    judged: Judged = NOT_JUDGED
    """What the policies say of it; only what is approved is judged."""

    def denied(self, published: ListedState | None) -> bool:
        """Whether somebody entitled approved it, and a policy stops it all the same, as it is published (None: not at all)."""
        return self.state == "approved" and self.judged.stops(published)


def desired_of(
    approvals: Approvals, standings: Mapping[Identity, Standing], settings: Settings, now: datetime
) -> Mapping[Identity, Desired]:
    """Every readable approval, judged at an instant (aware UTC)."""
    frozen = approvals.frozen()
    return {
        identity: _judge(declared, standings.get(identity, Standing()), settings, now=now, frozen=frozen)
        for identity, declared in approvals.valid.items()
    }


def _judge(
    declared: DeclaredApproval, standing: Standing, settings: Settings, *, now: datetime, frozen: frozenset[tuple[FeedName, PackageKey]]
) -> Desired:
    files = files_of(standing.facts)
    feed = settings.feeds[declared.identity.feed]
    only = feed.promotes_from[0] if len(feed.promotes_from) == 1 else None
    source = FeedName(standing.facts["from"]) if "from" in standing.facts else only
    expires = _midnight(standing.facts["expires"]) if "expires" in standing.facts else None
    state: DeclaredState = "approved"
    if (declared.identity.feed, declared.identity.package) in frozen:
        state = "malformed"
    elif "withdrawn" in standing.facts:  # also where nobody entitled stands behind the files: it is taken back, whoever wrote them
        state = "withdrawn"
    elif not files or standing.backing is None or source not in feed.promotes_from:
        state = "void"
    elif expires is not None and expires <= now:
        state = "expired"
    return Desired(
        declared=declared,
        state=state,
        source=source,
        files=files,
        expires=expires,
        withdrawn=withdrawal_of(standing.facts),
        deprecated=deprecation_of(standing.facts),
        standing=standing,
    )


def _midnight(day: str) -> datetime:
    """An approval is not valid from that day 00:00Z on."""
    return datetime.combine(date.fromisoformat(day), time(), UTC)


# --- what is not carried out, and why -------------------------------------------------------------------------------------------


def authority_holds(desired: Desired) -> Iterator[Hold]:
    """One hold for each event of an approval that nobody entitled stands behind; a void approval has at least one."""
    for held in desired.standing.held:
        yield _held(desired.declared, held)
    if desired.state == "void" and not desired.standing.held:
        reason = "no landing commit says what this file says, so nobody is known to stand behind it"
        remedy = "land the file again, as a regular file, in a commit of somebody who may promote-packages"
        yield _hold(desired.declared, reason, remedy, line=None)


def _held(declared: DeclaredApproval, held: HeldEvent) -> Hold:
    reason = f"{held.reason} (commit {held.event.landing.id[:12]})"
    if held.waiting:
        remedy = "`reconciler plan` asks the forge; until it answers, nothing of it is let in, and nothing is removed"
        return replace(_hold(declared, reason, remedy, line=held.line), kind="rule", rule=held.rule, waiting=True)
    command = f"`reconciler endorse {declared.identity.feed} {declared.package} {declared.version} -m REASON`"
    if held.rule:
        remedy = f"{_who(held)}: {_known_as(held, command)}"
        return replace(_hold(declared, reason, remedy, line=held.line), kind="rule", rule=held.rule)
    remedy = f"{_who(held)}: {command}, or an `Approved-by:` trailer on a new landing commit"
    return _hold(declared, reason, remedy, line=held.line)


def _who(held: HeldEvent) -> str:
    """Who can cure it. Of a rule that counts people, only declared users count."""
    if not held.candidates:
        grant = "an administrator must first grant promote-packages in policies/permissions.yaml"
        return f"nobody else may, by the rules now: {grant}, then" if held.rule else f"nobody may, by the rules now: {grant}"
    if "everyone" in held.candidates:
        return "any declared user can" if held.rule else "any git author can now"
    return f"{', '.join(held.candidates)} can"


def _known_as(held: HeldEvent, command: str) -> str:
    """What they do, so that they are known as well as the rule asks."""
    match held.known:
        case "claimed":
            return command
        case "signed":
            return f"{command}, in a commit that they sign"
        case "reviewed":
            pulls = [one.pull_request for one in held.grounds.evidence if one.pull_request]
            first = f"approve {pulls[0].link}, if it still can be (the forge is asked again), or " if pulls else ""
            return f"{first}{command} in a pull request of somebody else, which they approve"


def _hold(declared: DeclaredApproval, reason: str, remedy: str, *, line: Line | None) -> Hold:
    return Hold(
        feed=declared.identity.feed,
        package=declared.package,
        version=declared.version,
        kind="authority",
        rule=_rule(line),
        reason=reason,
        remedy=remedy,
        path=line.path if line else declared.path,
        line=line.line if line else 1,
    )


def _rule(line: Line | None) -> str:
    return f"denied by {line}" if line else "no line of policies/permissions.yaml allows it"


def malformed_holds(malformed: MalformedApproval) -> Iterator[Hold]:
    """One hold for each problem of an approval file that cannot be used."""
    identity = malformed.identity
    for problem in malformed.problems:
        key = f"{problem.key}: " if problem.key else ""
        found = f"found {problem.found}, " if problem.found else ""
        yield Hold(
            feed=identity.feed if identity else "",
            package=identity.package if identity else "",
            version=identity.version if identity else "",
            kind="malformed",
            rule="",
            reason=f"{key}{found}expected {problem.expected}",
            remedy="correct the file; until then the package is neither promoted nor withdrawn",
            path=problem.path,
            line=problem.line,
        )
