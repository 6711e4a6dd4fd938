"""Who stands for what somebody else has written: the voices of an endorsement, and lists of people in which each is once; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from reconciler.decide.people import same_person, user_of
from reconciler.decide.standing import Standing
from reconciler.decide.voices import Heard, had_a_hand
from reconciler.model.declared import Endorsement, Rules
from reconciler.model.events import ASSURANCES, Event, Named, Person, Voice


def voice_of(named: Named) -> Voice:
    """Somebody behind what stood before, for a list of people."""
    person = Person(name=named.name, email=named.email)
    return Voice(person=person, user=None, assurance=named.assurance, entitled=False, contributed=True)


def once(past: Rules, voices: Iterable[Voice]) -> tuple[Voice, ...]:
    """Each person once, where they come first: as well known as they ever were, and with a hand in it if they ever had one."""
    found: list[Voice] = []
    for voice in voices:
        index = next((i for i, known in enumerate(found) if same_person(past.permissions, voice.person, known.person)), None)
        if index is None:
            found.append(voice)
        else:
            known = found[index]
            assurance = max(known.assurance, voice.assurance, key=ASSURANCES.index)
            found[index] = replace(known, assurance=assurance, contributed=known.contributed or voice.contributed)
    return tuple(found)


def endorsers_of(event: Event, before: Standing, voices: Heard, past: Rules) -> tuple[Voice, ...]:
    """The voices whom an endorsement that the event adds is `by`, and who may promote what the file says.

    Whoever wrote what is endorsed has had a hand in it; who only writes the endorsement has not.
    """
    added = [e for e in (event.approval.endorsed if event.approval else ()) if e not in before.endorsed]
    wrote = [person for held in before.held for person in (held.event.author.author, *held.event.contributors, *had_a_hand(held.grounds))]
    alone = event.moved.keys() <= {"endorsed"}
    return tuple(
        replace(voice, contributed=any(same_person(past.permissions, voice.person, p) for p in wrote) or (voice.contributed and not alone))
        for voice in voices.voices
        if voice.entitled and any(_is_by(endorsement, voice.person, past) for endorsement in added)
    )


def _is_by(endorsement: Endorsement, person: Person, past: Rules) -> bool:
    by = endorsement.by
    return by == user_of(past.permissions, person) or same_person(past.permissions, person, Person(name="", email=by))
