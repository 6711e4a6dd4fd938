"""How each person behind an event is known: the signature or the review that says so, or why there is none that does; pure.

What counts was decided before (`voices.py`); this tells it, for somebody who wants to see it with their own eyes.
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.decide.case import Case
from reconciler.decide.people import same_person
from reconciler.decide.trust import objection, signer_of
from reconciler.model.events import Commit, Voice
from reconciler.model.evidence import PullRequest, Review
from reconciler.model.proofs import Known, Proofs


def known(case: Case, proofs: Proofs) -> Iterator[Known]:
    """Everybody behind an event, its author first."""
    for index, voice in enumerate(case.heard.voices):
        commit = case.event.author if index == 0 else case.event.landing
        signed = {one.commit: one for one in case.heard.signatures if one.user == voice.user}
        signature = signed.get(commit.id) or next(iter(signed.values()), None)
        pull_request, review = next(_reviews(case, voice), (None, None))
        yield Known(
            voice=voice,
            commit=commit,
            signature=signature,
            review=review,
            pull_request=pull_request,
            doubt="" if signature else _doubt(commit, voice, case, proofs),
        )


def _reviews(case: Case, voice: Voice) -> Iterator[tuple[PullRequest, Review]]:
    """The reviews that speak for somebody: of what landed, as it was at the end."""
    for one in case.heard.evidence:
        pull = one.pull_request
        for review in pull.reviews if pull is not None else ():
            counts = review.state == "approved" and pull is not None and review.commit == pull.head
            if counts and pull is not None and same_person(case.past.permissions, review.by.person(pull.forge), voice.person):
                yield pull, review


def _doubt(commit: Commit, voice: Voice, case: Case, proofs: Proofs) -> str:
    """Why the signature of a commit does not say that somebody made it; "" where it carries none."""
    if not commit.signature:
        return ""
    fingerprint = proofs.signatures.get(commit.id)
    if fingerprint is None:
        return f"its {commit.signature} signature is not a good one by a declared key"
    signer = signer_of(case.past.permissions, fingerprint)
    if signer is None:
        return f"signed with {fingerprint}, a key that nobody had by the rules before it"
    user, key = signer
    seen_at = proofs.seen.get(case.event.landing.id, proofs.now)
    if why := objection(key, committed_at=commit.committed_at, seen_at=seen_at):
        return f"signed with {fingerprint}, which does not count: {why}"
    return "" if user.id == voice.user else f"signed with {fingerprint}, the key of {user.id}"
