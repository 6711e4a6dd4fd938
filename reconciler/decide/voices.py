"""Who stands behind something that landed, and how each is known; pure.

| voice                                                         | known as |
|---------------------------------------------------------------|----------|
| the author of the commit that wrote it                        | claimed; signed if that commit carries a signature of their own key |
| author and committer of the landing commit, who approve it    | the same, of the landing commit |
| `Approved-by`, `Reviewed-by` trailers of the landing commit   | claimed  |
| who signed the landing commit, whatever names it carries      | signed   |
| who approved its pull request at the forge, as it stood       | reviewed |

A key is looked up in the permissions before the change; a signature by a key that is revoked there, or was not valid both at the date
that the commit claims and when an apply first saw it, says nothing. A review says something of a file only if the file that landed is, byte
for byte, the one at the commit that the reviewer looked at, and that commit was the last of the pull request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.decide.people import same_person, user_of
from reconciler.decide.rights import Right
from reconciler.decide.trust import objection, signer_of
from reconciler.model.declared import Forge, Rules
from reconciler.model.events import ASSURANCES, Assurance, Commit, Person, Voice
from reconciler.model.evidence import Evidence, PullRequest
from reconciler.model.permissions import Permissions, User
from reconciler.model.proofs import Grounds, Proofs, Signature
from reconciler.model.words import BlobId, CommitId


@dataclass(frozen=True, kw_only=True, slots=True)
class Act:
    """Something that landed: who wrote it, with which commit it landed, who witnesses it, and the files (None: deleted) that it is about.

    `said` is what the forge said of the landing commit, at one time.
    """

    author: Commit
    landing: Commit
    witnesses: tuple[Person, ...]
    contributors: tuple[Person, ...]
    files: Mapping[str, BlobId | None]
    said: Evidence | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """All voices behind an act, the author's first, each person once; signatures and evidence that they come from; good signatures that do
    not count, each with the reason."""

    voices: tuple[Voice, ...]
    signatures: tuple[Signature, ...]
    evidence: tuple[Evidence, ...]
    objections: tuple[str, ...]

    @property
    def entitled(self) -> bool:
        """Whether anybody is."""
        return any(voice.entitled for voice in self.voices)


def heard(act: Act, rules: Rules, proofs: Proofs, right_of: Callable[[str | None], Right]) -> Heard:
    """Everybody behind an act by the rules before it; `right_of` says whether a user (None: nobody declared) may do it."""
    permissions = rules.permissions
    signed = {commit.id: _signature(commit, act.landing.id, permissions, proofs) for commit in (act.author, act.landing)}
    signatures = {commit: one for commit, one in signed.items() if isinstance(one, Signature)}
    objections = tuple(one for one in signed.values() if isinstance(one, str))
    evidence = (act.said,) if act.said is not None and _is_about(act.said, act, rules.forge) else ()
    hands = [*act.contributors, *(person for one in evidence for person in _contributors(one.pull_request))]
    mine = {user for person in (act.author.author, *hands) if (user := user_of(permissions, person))}
    found: list[Voice] = []
    for person, assurance in _claims(act, signatures, evidence, permissions):
        user = user_of(permissions, person)
        index = next((i for i, known in enumerate(found) if same_person(permissions, person, known.person)), None)
        if index is not None:
            found[index] = replace(found[index], assurance=max(found[index].assurance, assurance, key=ASSURANCES.index))
            continue
        contributed = user in mine or any(same_person(permissions, person, other) for other in hands)
        allowed = right_of(user).allowed
        found.append(Voice(person=person, user=user, assurance=assurance, entitled=allowed, contributed=contributed))
    return Heard(voices=tuple(found), signatures=tuple(sorted(signatures.values())), evidence=evidence, objections=objections)


def answers(proofs: Proofs, landing: CommitId) -> Sequence[Evidence | None]:
    """What the forge said of a landing commit, the newest last, each time for itself: a review that was taken back does not add up with
    a later one. None alone where it said nothing."""
    return proofs.evidence.get(landing) or (None,)


def had_a_hand(grounds: Grounds) -> Iterator[Person]:
    """Who opened the pull requests that something rests on, and who wrote or committed any of them."""
    return (person for one in grounds.evidence for person in _contributors(one.pull_request))


def _claims(
    act: Act, signatures: Mapping[CommitId, Signature], evidence: Iterable[Evidence], permissions: Permissions
) -> Iterator[tuple[Person, Assurance]]:
    """Each name with how it is known, the author's first; one person may come several times."""
    wrote, landed = signatures.get(act.author.id), signatures.get(act.landing.id)
    author = act.author.author
    yield author, "signed" if wrote and wrote.user == user_of(permissions, author) else "claimed"
    for person in act.witnesses:
        yield person, "signed" if landed and landed.user == user_of(permissions, person) else "claimed"
    if landed:
        yield _as_person(permissions.users[landed.user], Person(name="", email="")), "signed"
    for one in evidence:
        if one.pull_request is not None:
            for person in _reviewers(one.pull_request):
                user = user_of(permissions, person)
                yield (_as_person(permissions.users[user], person) if user else person), "reviewed"


def _as_person(user: User, known: Person) -> Person:
    """A declared user as a person; the address by which they are known, else the first one declared."""
    return Person(name=user.name, email=known.email or min(user.emails, default=""))


def _signature(commit: Commit, landing: CommitId, permissions: Permissions, proofs: Proofs) -> Signature | str | None:
    """The signature of a commit, if it counts; why it does not, if it is good all the same."""
    fingerprint = proofs.signatures.get(commit.id)
    if fingerprint is None:
        return None
    found = signer_of(permissions, fingerprint)
    if found is None:
        return f"the signature by {fingerprint} on commit {commit.id[:12]} does not count: by the rules before it the key was nobody's"
    user, key = found
    seen_at = proofs.seen.get(landing, proofs.now)
    if why := objection(key, committed_at=commit.committed_at, seen_at=seen_at):
        return f"the signature by {fingerprint} of {user.id} on commit {commit.id[:12]} does not count: {why}"
    return Signature(commit=commit.id, user=user.id, fingerprint=fingerprint, seen_at=seen_at, frozen=landing in proofs.seen)


def _is_about(evidence: Evidence, act: Act, forge: Forge | None) -> bool:
    """Whether what landed is what a pull request at the forge of the rules had at its end."""
    pull = evidence.pull_request
    if pull is None or forge is None or (pull.forge, pull.project) != (forge.kind, forge.project):
        return False
    return all(path in pull.files and pull.files[path] == blob for path, blob in act.files.items())


def _reviewers(pull: PullRequest) -> Iterator[Person]:
    """Who approved the last state of a pull request."""
    for review in pull.reviews:
        if review.state == "approved" and review.commit == pull.head:
            yield review.by.person(pull.forge)


def _contributors(pull: PullRequest | None) -> Iterator[Person]:
    """Who opened, wrote or committed any of it; who reviewed it, too, where not all commits are known: some may be theirs."""
    if pull is not None:
        yield from (one.person(pull.forge) for one in (pull.opener, *pull.authors, *pull.committers) if one is not None)
        yield from (Person(name="", email=address) for address in pull.addresses)
        yield from () if pull.all_commits else _reviewers(pull)
