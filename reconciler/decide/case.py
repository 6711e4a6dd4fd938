"""One event of an approval before its judge: the rules that judge it, who speaks for it, and what stands after it; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from reconciler.decide.endorsing import endorsers_of, once, voice_of
from reconciler.decide.rights import Ask, decide_right, who_may
from reconciler.decide.rules import RULES
from reconciler.decide.rules.interface import Facts as RuleFacts
from reconciler.decide.rules.interface import Subject, applies, judge
from reconciler.decide.rules.review import REVIEW, could_still
from reconciler.decide.standing import LIFECYCLE, Backing, HeldEvent, Standing
from reconciler.decide.voices import Act, Heard, heard
from reconciler.model.declared import Policy, Rules
from reconciler.model.events import ASSURANCES, Commit, Event, Voice
from reconciler.model.evidence import Evidence, distinct
from reconciler.model.facts import FILE, Facts, facts_of
from reconciler.model.proofs import NO_GROUNDS, Grounds, Proofs
from reconciler.model.verdicts import Judgement, worst
from reconciler.model.words import CommitId, FeedName, Identity


def lets_in(fact: str, event: Event, before: Standing) -> bool:
    """Whether what an event does to a fact brings something in, which must be reviewed, or takes back, which must not wait."""
    value, known = event.moved[fact], before.facts.get(fact)
    if fact in event.dropped:
        return True
    match fact:
        case "withdrawn":
            return value is None
        case "expires":
            return known is not None and (value is None or value > known)
        case "deprecated":
            return False
        case _:
            return True


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One event before its judge: what stood before it, the rules that judge it, who speaks for it."""

    event: Event
    before: Standing
    past: Rules
    ask: Ask
    heard: Heard
    endorsers: tuple[Voice, ...]
    policies: tuple[Policy, ...]
    waits: str
    """What the forge must say first; "" if nothing."""

    @classmethod
    def of(cls, event: Event, before: Standing, past: Rules, proofs: Proofs, *, said: Evidence | None, unsettled: bool) -> Case:
        """Hears everybody behind the event; `said` is what the forge said of its landing commit, at one time."""
        endorses = event.approval is not None and event.moved.get("endorsed") is not None
        endorsers: tuple[Voice, ...] = ()
        ask = _ask(event.identity, _source(event, before), past)
        voices = _heard(event, past, proofs, ask, said)
        if endorses and event.approval is not None:
            of_the_file = _ask(event.identity, event.approval.source, past)
            speaking = _heard(event, past, proofs, of_the_file, said)
            if endorsers := endorsers_of(event, before, speaking, past):
                ask, voices = of_the_file, speaking
        inside = event.approval is not None and any(lets_in(fact, event, before) for fact in event.moved)
        subject = Subject(feed=event.identity.feed, package=event.identity.package)
        return cls(
            event=event,
            before=before,
            past=past,
            ask=ask,
            heard=voices,
            endorsers=endorsers,
            policies=tuple(p for p in past.policies if p.rule == REVIEW and applies(p, subject)) if inside else (),
            waits=_waits((event.landing.id, *(before.waiting if endorsers else ())), past, proofs, unsettled=unsettled) if inside else "",
        )

    def held(self, now: Rules) -> HeldEvent | None:
        """Why the event moves nothing; None if it does."""
        if self.event.approval is None:
            return None
        if self.waits:
            held = self._hold(self.waits, now, rule=REVIEW, waiting=True)
            return replace(held, line=self.past.forge.where if self.past.forge else None)
        if not self.endorsers and not self.heard.entitled:
            names = ", ".join(dict.fromkeys(f"{v.person.name} <{v.person.email}>" for v in self.heard.voices))
            reason = f"nobody behind this approval ({names}) may promote from {self.ask.source or 'any feed'} to {self.ask.target}"
            return self._hold(reason, now, rule="")
        found = worst(self.judgements)
        if found is not None and found.stops:
            return self._short(found, self._hold(found.verdict.reason, now, rule=REVIEW))
        return None

    def held_with(self, other: HeldEvent, now: Rules) -> HeldEvent | None:
        """Why the event lets nothing in beside one that is held; None if it does not let in anything."""
        if self.event.approval is None or not any(lets_in(fact, self.event, self.before) for fact in self.event.moved):
            return None
        held = self._hold(f"what landed together with it is held: {other.reason}", now, rule=other.rule, waiting=other.waiting)
        return replace(held, line=other.line, known=other.known)

    def _short(self, found: Judgement, held: HeldEvent) -> HeldEvent:
        """An event behind which too few people stand, with those who could still."""
        params = next(policy.params for policy in self.policies if policy.where == found.policy)
        candidates = could_still(held.candidates, self._counted, params)
        return replace(held, line=found.policy, candidates=candidates, known=params.min_assurance)

    @property
    def judgements(self) -> tuple[Judgement, ...]:
        """What the policies about reviews say."""
        subject = Subject(feed=self.event.identity.feed, package=self.event.identity.package)
        return tuple(judge(RULES.__getitem__, self.policies, subject, RuleFacts(voices=self._counted)))

    @property
    def _counted(self) -> tuple[Voice, ...]:
        """Who may count: of an endorsement, those who endorsed the file as it stands, and those behind the one event that was held."""
        if not self.endorsers:
            return self.heard.voices
        earlier = self.before.held[0].voices if len(self.before.held) == 1 else ()
        return once(self.past, (*self.endorsers, *self.before.endorsers, *earlier))

    def _hold(self, reason: str, now: Rules, *, rule: str, waiting: bool = False) -> HeldEvent:
        right_of = (decide_right(self.past.permissions, voice.user, self.ask) for voice in self.heard.voices)
        return HeldEvent(
            event=self.event,
            reason=reason,
            line=next((right.line for right in right_of if right.line), None),
            candidates=who_may(now.permissions, _ask(self.event.identity, _source(self.event, self.before), now)),
            rule=rule,
            waiting=waiting,
            voices=self.heard.voices,
            grounds=Grounds(signatures=self.heard.signatures, evidence=self.heard.evidence, objections=self.heard.objections),
        )

    def moved(self, held: HeldEvent | None) -> Standing:
        """What stands after the event."""
        event, before = self.event, self.before
        if event.approval is None:
            return Standing()
        endorsed = event.approval.endorsed if "endorsed" in event.moved else before.endorsed
        pending = {fact: other for fact, other in before.pending.items() if fact not in event.moved}
        before = before if event.moved.keys() <= {"endorsed"} else replace(before, endorsers=(), endorsements=())
        if held is not None:
            endorsers = once(self.past, (*before.endorsers, *self.endorsers))
            endorsements = (*before.endorsements, *((held,) if self.endorsers else ()))
            if self.endorsers and event.moved.keys() == {"endorsed"}:  # not enough yet: what waits still waits, for fewer
                pending = {fact: _told_anew(old, held) for fact, old in before.pending.items()}
            else:
                pending |= {fact: held for fact, value in event.moved.items() if before.facts.get(fact) != value or fact in event.dropped}
            return replace(before, pending=pending, endorsers=endorsers, endorsements=endorsements, endorsed=endorsed)
        if self.endorsers:
            return self._endorsed(
                replace(before, facts=facts_of(event.approval), pending={}, endorsers=(), endorsements=(), endorsed=endorsed)
            )
        facts = {fact: value for fact, value in {**before.facts, **event.moved}.items() if value is not None}
        backing = self._backing(event.author, self.heard.voices[0], self.heard.voices[1:])
        new = dict.fromkeys(sorted(_lifecycle(before.facts, facts)), backing)
        moved_by = {fact: old for fact, old in before.moved_by.items() if fact not in new} | new  # the last to move comes last
        standing = replace(before, facts=facts, moved_by=moved_by, pending=pending, endorsed=endorsed)
        return replace(standing, backing=backing) if any(map(_names_people, event.moved.keys() - event.dropped)) else standing

    @property
    def grounds(self) -> Grounds:
        """On what the event rests, whether or not it is held; the line is that which entitles somebody, the best known of those whom one
        does."""
        voices = sorted(self.endorsers or self.heard.voices, key=lambda voice: -ASSURANCES.index(voice.assurance))
        rights = (decide_right(self.past.permissions, voice.user, self.ask) for voice in voices if voice.entitled)
        return Grounds(
            line=next((right.line for right in rights if right.allowed), None),
            signatures=self.heard.signatures,
            evidence=self.heard.evidence,
            judgements=self.judgements,
            objections=self.heard.objections,
        )

    def _backing(self, author_commit: Commit, author: Voice, approvers: Iterable[Voice], earlier: Grounds = NO_GROUNDS) -> Backing:
        mine = self.grounds
        before = [earlier, *(held.grounds for held in self.before.endorsements if self.endorsers)]
        return Backing(
            author=author.named,
            author_commit=author_commit,
            approvers=tuple(voice.named for voice in approvers),
            landing=self.event.landing,
            endorsed=self.before.waiting if self.endorsers else (),
            grounds=replace(
                mine,
                signatures=tuple(sorted({*mine.signatures, *(one for grounds in before for one in grounds.signatures)})),
                evidence=distinct((*mine.evidence, *(one for grounds in before for one in grounds.evidence))),
                objections=tuple(dict.fromkeys((*mine.objections, *(one for grounds in before for one in grounds.objections)))),
            ),
        )

    def _endorsed(self, standing: Standing) -> Standing:
        """The standing of an approval as it is endorsed: authors stay, that of the files is the first whose files or source had no
        authority."""
        before, event, past = self.before, self.event, self.past
        backers = (*before.endorsers, *self.endorsers, *self.heard.voices[1:])

        def backing(author: Commit, known: Voice, earlier: Iterable[Voice], grounds: Grounds = NO_GROUNDS) -> Backing:
            first, *others = once(past, (known, *earlier, *backers))
            return self._backing(author, first, others, grounds)

        mine = (event.author, self.heard.voices[0])
        wrote = {fact: (held.event.author, held.voices[0]) for fact, held in before.pending.items()} | dict.fromkeys(event.moved, mine)
        moved = {fact: backing(*wrote.get(fact, mine), ()) for fact in sorted(_lifecycle(before.facts, standing.facts))}
        standing = replace(standing, moved_by={fact: old for fact, old in before.moved_by.items() if fact not in moved} | moved)
        waiting = [held for held in before.held if any(map(_names_people, held.event.moved.keys() - held.event.dropped))]
        if waiting:
            first = waiting[0]
            entitled = [voice for voice in first.voices[1:] if voice.entitled]
            return replace(standing, backing=backing(first.event.author, first.voices[0], entitled, first.grounds))
        if any(map(_names_people, event.moved.keys() - event.dropped)) or before.backing is None:
            return replace(standing, backing=backing(*mine, ()))
        old = before.backing
        return replace(standing, backing=backing(old.author_commit, voice_of(old.author), map(voice_of, old.approvers), old.grounds))


def _waits(landings: Iterable[CommitId], past: Rules, proofs: Proofs, *, unsettled: bool) -> str:
    """What the forge must say before an event, and those that it endorses, can be judged; "" for nothing."""
    if unsettled:
        return "the forge cannot say whether an earlier change of the rules is in force, which may judge it otherwise"
    unheard = (landing for landing in landings if past.forge and landing not in proofs.evidence)
    unanswered = next((proofs.unanswered[landing] for landing in unheard if landing in proofs.unanswered), None)
    return f"the forge cannot say who reviewed it: {unanswered}" if unanswered is not None else ""


def _heard(event: Event, past: Rules, proofs: Proofs, ask: Ask, said: Evidence | None) -> Heard:
    act = Act(
        author=event.author,
        landing=event.landing,
        witnesses=event.witnesses,
        contributors=event.contributors,
        files={event.path: event.blob},
        said=said,
    )
    return heard(act, past, proofs, lambda user: decide_right(past.permissions, user, ask))


def _told_anew(old: HeldEvent, held: HeldEvent) -> HeldEvent:
    """An event that is still held, for the reason that its endorsement is."""
    return replace(
        old,
        reason=held.reason,
        line=held.line,
        candidates=held.candidates,
        known=held.known,
        rule=held.rule,
        waiting=held.waiting,
    )


def _source(event: Event, before: Standing) -> FeedName | None:
    """Where the approval promotes from once the event has moved its facts; None where nothing says so.

    It is not always what the file says: a `from:` that is itself held entitles nobody who comes later.
    """
    written = event.approval.source if event.approval else None
    said = event.moved["from"] if "from" in event.moved else before.facts.get("from", written)
    return FeedName(said) if said is not None else None


def _ask(identity: Identity, source: FeedName | None, rules: Rules) -> Ask:
    declared = rules.settings.feeds.get(identity.feed)
    if source is None and declared is not None and len(declared.promotes_from) == 1:
        source = declared.promotes_from[0]
    return Ask(task="promote-packages", source=source, target=identity.feed)


def _lifecycle(before: Facts, after: Facts) -> frozenset[str]:
    """The facts with people of their own whose authorised value changes: who repeats or restores a value has moved nothing."""
    return frozenset(fact for fact in LIFECYCLE if before.get(fact) != after.get(fact))


def _names_people(fact: str) -> bool:
    return fact == "from" or fact.startswith(FILE)
