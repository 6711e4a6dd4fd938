"""Who speaks for something that landed, and how each is known: signatures and evidence as they come in, people as they come out."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.decide.rights import Right
from reconciler.decide.voices import Act, heard
from reconciler.model.declared import Forge
from reconciler.model.events import Person
from reconciler.model.evidence import Account, Evidence, PullRequest, Review
from reconciler.model.permissions import Line, Permissions, SigningKey, User
from reconciler.model.proofs import Proofs
from reconciler.model.words import BlobId, CommitId
from tests.support.declared import NOW, commit, person, rules

FORGE = Forge(kind="github", url="https://api.github.com", project="acme/approvals", where=Line(path="policies/forge.yaml", line=1))
PATH, BLOB = "approvals/approved/pkg/1.0.yaml", BlobId("b" * 40)
WROTE, LANDED = commit(1, person("alan")), commit(2, person("grace"))
ACCOUNTS = {"ada": Account(id=4711, login="ada"), "grace": Account(id=4712, login="gracie"), "eve": Account(id=6, login="eve")}


def key(name: str, **more: Any) -> SigningKey:
    bounds = {"valid_from": None, "valid_until": None, "revoked": None, **more}
    return SigningKey(key=f"ssh-ed25519 {name}", fingerprint=f"SHA256:{name}", where=Line(path="p", line=1), **bounds)


def told_rules(**keys: Any):
    """The usual rules, with grace's account, a key for each user named, and the forge."""
    base = rules("allow: promote-packages, user: grace")
    users = {
        id_: User(
            id=id_,
            name=user.name,
            emails=user.emails,
            github=4712 if id_ == "grace" else user.github,
            signing_keys=(keys[id_],) if id_ in keys else (),
        )
        for id_, user in base.permissions.users.items()
    }
    permissions = Permissions(users=users, groups=base.permissions.groups, permissions=base.permissions.permissions)
    return replace(base, permissions=permissions, forge=FORGE)


def pull(*, reviews=(), files=None, opener="eve", **more: Any) -> PullRequest:
    told = {
        "forge": "github",
        "project": "acme/approvals",
        "number": 7,
        "link": "https://forge.example/7",
        "method": "merge",
        "opener": ACCOUNTS[opener],
        "merger": ACCOUNTS["ada"],
        "merged_at": NOW,
        "head": CommitId("head"),
        "landed": LANDED.id,
        "commits": (),
        "authors": (),
        "committers": (),
        "addresses": (),
        "all_commits": True,
        "reviews": tuple(Review(by=ACCOUNTS[who], state=state, commit=CommitId(at), at=NOW) for who, state, at in reviews),
        "files": {PATH: BLOB} if files is None else files,
        "whole": True,
    }
    return PullRequest.model_validate({**told, **more})


def act(**more: Any) -> Act:
    told: dict[str, Any] = {
        "author": WROTE,
        "landing": LANDED,
        "witnesses": (LANDED.author,),
        "contributors": (WROTE.author,),
        "files": {PATH: BLOB},
        "said": None,
    }
    return Act(**{**told, **more})


def proofs(*, said: PullRequest | None = None, **more: Any) -> Proofs:
    evidence = {LANDED.id: (Evidence(commit=LANDED.id, pull_request=said),)} if said else {}
    return Proofs(now=NOW, evidence=evidence, **more)


def voices(proof: Proofs, one: Act | None = None, by=None):
    """(name, how known, whether they had a hand in it), in order; grace alone is entitled."""
    permissions = by or told_rules()
    said = next(iter(proof.evidence.get(LANDED.id, ())), None)
    found = heard(replace(one or act(), said=said), permissions, proof, lambda user: Right(allowed=user == "grace", line=None))
    assert [voice.user for voice in found.voices if voice.entitled] == [v.user for v in found.voices if v.user == "grace"]
    return [(voice.person.name, voice.assurance, voice.contributed) for voice in found.voices]


CLAIMED = [("Alan", "claimed", True), ("Grace", "claimed", False)]


def test_without_proofs_everything_is_a_claim():
    assert voices(proofs()) == CLAIMED


def test_a_signature_of_the_author_on_the_commit_that_wrote_it():
    by = told_rules(alan=key("alan"))
    assert voices(proofs(signatures={WROTE.id: "SHA256:alan"}), by=by)[0] == ("Alan", "signed", True)
    assert voices(proofs(signatures={LANDED.id: "SHA256:alan"}), by=by) == [("Alan", "signed", True), ("Grace", "claimed", False)]


def test_a_signature_of_somebody_else_does_not_speak_for_the_author():
    by = told_rules(ada=key("ada"))
    assert voices(proofs(signatures={WROTE.id: "SHA256:ada"}), by=by) == CLAIMED
    assert voices(proofs(signatures={LANDED.id: "SHA256:ada"}), by=by) == [*CLAIMED, ("Ada", "signed", False)]


def test_a_key_that_the_rules_before_the_change_do_not_have_says_nothing():
    assert voices(proofs(signatures={WROTE.id: "SHA256:alan", LANDED.id: "SHA256:grace"})) == CLAIMED


@pytest.mark.parametrize("bounds", [{"revoked": NOW.date()}, {"valid_until": datetime(2025, 1, 1, tzinfo=UTC).date()}])
def test_a_key_that_does_not_count_is_told(bounds):
    by = told_rules(grace=key("grace", **bounds))
    found = heard(act(), by, proofs(signatures={LANDED.id: "SHA256:grace"}), lambda _: Right(allowed=False, line=None))
    assert [voice.assurance for voice in found.voices] == ["claimed", "claimed"]
    assert found.signatures == ()
    assert len(found.objections) == 1


def test_when_a_commit_was_first_seen_decides_whether_an_expired_key_counts():
    until = datetime(2026, 6, 1, tzinfo=UTC)
    by = told_rules(grace=key("grace", valid_until=until.date()))
    signed = {LANDED.id: "SHA256:grace"}
    assert voices(proofs(signatures=signed), by=by)[1] == ("Grace", "claimed", False)
    assert voices(proofs(signatures=signed, seen={LANDED.id: datetime(2026, 5, 31, tzinfo=UTC)}), by=by)[1] == ("Grace", "signed", False)


def test_who_approved_the_last_state_of_the_pull_request_is_known_by_it():
    assert voices(proofs(said=pull(reviews=[("grace", "approved", "head")])))[1] == ("Grace", "reviewed", False)
    assert voices(proofs(said=pull(reviews=[("ada", "approved", "head")]))) == [*CLAIMED, ("Ada", "reviewed", False)]


def test_a_reviewer_who_is_nobody_declared_is_shown_by_the_account():
    assert voices(proofs(said=pull(opener="ada", reviews=[("eve", "approved", "head")])))[2:] == [("eve", "reviewed", False)]


@pytest.mark.parametrize(
    "said",
    [
        pull(reviews=[("grace", "approved", "older")]),
        pull(reviews=[("grace", "dismissed", "head")]),
        pull(reviews=[("grace", "changes-requested", "head")]),
        pull(reviews=[("grace", "commented", "head")]),
        pull(reviews=[("grace", "approved", "head")], files={}),
        pull(reviews=[("grace", "approved", "head")], files={PATH: BlobId("c" * 40)}),
        pull(reviews=[("grace", "approved", "head")], files={PATH: None}),
        pull(reviews=[("grace", "approved", "head")], project="eve/approvals"),
        pull(reviews=[("grace", "approved", "head")], forge="gitlab"),
    ],
    ids=[
        "older commit",
        "dismissed",
        "changes requested",
        "comment",
        "other files",
        "other content",
        "deleted",
        "other project",
        "other forge",
    ],
)
def test_a_review_that_is_not_of_what_landed_says_nothing(said):
    assert voices(proofs(said=said)) == CLAIMED


def test_where_the_rules_name_no_forge_nothing_of_one_counts():
    by = replace(told_rules(), forge=None)
    assert voices(proofs(said=pull(reviews=[("grace", "approved", "head")])), by=by) == CLAIMED


@pytest.mark.parametrize("role", ["opener", "authors", "committers"])
def test_who_opened_or_wrote_the_pull_request_had_a_hand_in_it(role):
    more = {role: ACCOUNTS["grace"]} if role == "opener" else {role: (ACCOUNTS["grace"],)}
    said = pull(reviews=[("grace", "approved", "head")]).model_copy(update=more)
    assert voices(proofs(said=said))[1] == ("Grace", "reviewed", True)


def test_a_second_address_makes_nobody_a_second_person():
    ada = Person(name="Somebody", email="ada@home.example")
    one = act(
        author=commit(1, person("ada")),
        contributors=(person("ada"),),
        witnesses=(ada, Person(name="A", email="4711+x@users.noreply.github.com")),
    )
    assert voices(proofs(), one) == [("Ada", "claimed", True)]


def test_the_best_of_what_is_known_of_somebody_counts():
    by = told_rules(grace=key("grace"))
    both = proofs(said=pull(reviews=[("grace", "approved", "head")]), signatures={LANDED.id: "SHA256:grace"})
    assert voices(both, by=by)[1] == ("Grace", "reviewed", False)
