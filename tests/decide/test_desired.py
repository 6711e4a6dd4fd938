import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from reconciler.decide.authority import authorise
from reconciler.decide.desired import authority_holds, desired_of, malformed_holds
from reconciler.decide.standing import HeldEvent, Standing
from reconciler.declaration import KINDS
from reconciler.declare.policies import read_policy
from reconciler.model.declared import Approvals, Deprecation, Forge, MalformedApproval, Withdrawal
from reconciler.model.evidence import Account, Evidence, PullRequest, Review
from reconciler.model.facts import facts_of
from reconciler.model.permissions import Line
from reconciler.model.proofs import NOTHING, Proofs
from reconciler.model.words import CommitId, Problem
from tests.decide.standings import in_force
from tests.support.declared import (
    NOW,
    OTHER,
    PAYMENTS,
    PUBLIC,
    approval,
    backing,
    commit,
    declared,
    desired,
    event,
    file,
    identity,
    person,
    rules,
)

BAD = Withdrawal(action="quarantine", reason="Steals credentials.", since=date(2026, 11, 20))
SETTINGS = rules().settings
PKG = identity()


def standing(text, **more):
    landing = commit(1, person("ada"))
    return Standing(**{"facts": facts_of(text), "backing": backing(landing), **more})


def approvals(*valid, malformed=()):
    return Approvals(found=True, valid={one.identity: one for one in valid}, malformed=tuple(malformed))


def judged(text, told=None, *, of=PKG, malformed=(), now=NOW):
    standings = {of: standing(text) if told is None else told}
    return desired_of(approvals(declared(of, text), malformed=malformed), standings, SETTINGS, now)[of]


def test_an_authorised_approval_is_approved():
    one = judged(approval("a", "b"))
    assert (one.state, one.source, one.files, one.expires) == ("approved", PUBLIC, (file("a"), file("b")), None)


def test_files_and_source_are_the_authorised_ones_not_the_written_ones():
    one = judged(approval("a", "b", expires="2026-01-01"), standing(approval("a")))
    assert (one.state, one.files, one.expires) == ("approved", (file("a"),), None)


@pytest.mark.parametrize(
    "told",
    [Standing(), standing(approval("a"), backing=None), standing(approval("a"), facts={"from": "public"})],
    ids=["none", "nobody", "no file"],
)
def test_without_an_authorised_file_it_is_void(told):
    assert judged(approval("a"), told).state == "void"


def test_an_approval_of_which_no_history_is_known_is_void():
    one = desired_of(approvals(declared(PKG, approval("a"))), {}, SETTINGS, NOW)[PKG]
    assert one.state == "void"
    (hold,) = authority_holds(one)
    assert (hold.kind, hold.path, hold.line) == ("authority", "approvals/approved/pkg/1.yaml", 1)
    assert "nobody is known to stand behind it" in hold.reason


def test_the_only_source_stands_in_where_none_is_authorised():
    assert judged(approval("a", source=None)).source == PUBLIC


def test_two_sources_and_none_authorised_is_void():
    one = judged(approval("a", source=None), of=identity(feed=PAYMENTS))
    assert (one.state, one.source) == ("void", None)


def test_a_source_that_the_feed_no_longer_promotes_from_is_void():
    assert judged(approval("a", source=OTHER)).state == "void"
    assert judged(approval("a", source=OTHER), of=identity(feed=PAYMENTS)).state == "approved"


@pytest.mark.parametrize(
    ("now", "state"),
    [
        (datetime(2026, 11, 30, 23, 59, 59, 999999, tzinfo=UTC), "approved"),
        (datetime(2026, 12, 1, tzinfo=UTC), "expired"),
        (datetime(2030, 1, 1, tzinfo=UTC), "expired"),
    ],
)
def test_an_approval_expires_at_midnight_utc(now, state):
    one = judged(approval("a", expires="2026-12-01"), now=now)
    assert (one.state, one.expires) == (state, datetime(2026, 12, 1, tzinfo=UTC))


def test_void_before_expired():
    assert judged(approval("a", expires="2020-01-01"), Standing(facts={"expires": "2020-01-01"})).state == "void"


def test_a_withdrawal_is_stronger_than_its_expiry_and_needs_nobody_behind_the_files():
    taken = replace(approval("a", expires="2026-01-01"), withdrawn=BAD)
    assert (judged(taken).state, judged(taken).withdrawn) == ("withdrawn", BAD)
    nobody = Standing(facts={"withdrawn": facts_of(taken)["withdrawn"]})
    assert (judged(taken, nobody).state, judged(taken, nobody).files) == ("withdrawn", ())


def test_a_withdrawal_and_a_deprecation_without_authority_are_none():
    one = judged(replace(approval("a"), withdrawn=BAD, deprecated=Deprecation(reason="Old.", use="")), standing(approval("a")))
    assert (one.state, one.withdrawn, one.deprecated) == ("approved", None, None)


def test_a_malformed_file_freezes_its_package_and_no_other():
    broken = MalformedApproval(path="x", identity=identity(version="2.0"), problems=())
    elsewhere = MalformedApproval(path="y", identity=None, problems=())
    assert judged(approval("a"), malformed=[broken]).state == "malformed"
    assert judged(approval("a"), malformed=[elsewhere]).state == "approved"
    assert judged(approval("a"), of=identity("other"), malformed=[broken]).state == "approved"
    assert judged(approval("a"), of=identity(feed=PAYMENTS), malformed=[broken]).state == "approved"


# --- what is not carried out ------------------------------------------------------------------------------------------------------


def holds_of(*, line=None, candidates=()):
    held = HeldEvent(event=event(1, "mallory", None, approval("a")), reason="nobody may", line=line, candidates=candidates)
    one = judged(approval("a"), Standing(pending={"file:a": held, "from": held}))
    return list(authority_holds(one))


def test_one_hold_for_each_event_however_many_facts_it_moves():
    (hold,) = holds_of(candidates=("ada", "grace"))
    assert (hold.feed, hold.package, hold.version, hold.kind) == ("approved", "pkg", "1", "authority")
    assert hold.reason == f"nobody may (commit {commit(1, person('mallory')).id[:12]})"
    assert hold.rule == "no line of policies/permissions.yaml allows it"
    assert (
        hold.remedy == "ada, grace can: `reconciler endorse approved pkg 1 -m REASON`, or an `Approved-by:` trailer on a new landing commit"
    )
    assert (hold.path, hold.line, hold.waiting) == ("approvals/approved/pkg/1.yaml", 1, False)


def test_the_line_that_denies_is_where_the_hold_points():
    (hold,) = holds_of(line=Line(path="policies/permissions.yaml", line=11))
    assert (hold.rule, hold.path, hold.line) == ("denied by policies/permissions.yaml:11", "policies/permissions.yaml", 11)


@pytest.mark.parametrize(
    ("candidates", "says"),
    [
        ((), "nobody may, by the rules now: an administrator must first grant promote-packages"),
        (("everyone", "ada"), "any git author can now: "),
        (("ada",), "ada can: "),
    ],
)
def test_the_remedy_names_who_could(candidates, says):
    assert holds_of(candidates=candidates)[0].remedy.startswith(says)


# --- held by a policy about reviews -----------------------------------------------------------------------------------------------

LANDED = event(1, "alan", None, approval("a"), landed_by="grace")
RIGHTS = rules("allow: promote-packages, group: seniors, from: public")
FORGE = Forge(kind="github", url="https://api.github.com", project="acme/approvals", where=Line(path="policies/forge.yaml", line=1))


def short(event=LANDED, *, proofs=NOTHING, forge=None, lines=RIGHTS, **params):
    """The holds of an approval that lands under one policy with these parameters, as the real judge has it."""
    text = f"rule: review\nparams: {json.dumps({key: str(value).lower() for key, value in params.items()})}\n"
    policy = read_policy("policies/review.yaml", text.encode(), KINDS.rules).value
    told = replace(lines, policies=(policy,), forge=forge)
    one = judged(approval("a"), authorise([event], in_force((0, told)), proofs).standings[PKG])
    assert one.state == "void"
    return list(authority_holds(one))


def said(*reviewers, landing=LANDED):
    """What the forge said: these accounts, which are those of declared users, approved the head that landed."""
    accounts = {"ada": Account(id=4711, login="ada"), "stranger": Account(id=1, login="stranger")}
    reviews = [Review(by=accounts[name], state="approved", commit=CommitId("head"), at=None) for name in reviewers]
    pull = PullRequest(
        forge="github",
        project="acme/approvals",
        number=7,
        link="https://forge.example/acme/approvals/7",
        method="merge",
        opener=None,
        merger=None,
        merged_at=NOW,
        head=CommitId("head"),
        landed=landing.landing.id,
        commits=(),
        authors=(),
        committers=(),
        addresses=(),
        all_commits=True,
        reviews=tuple(reviews),
        files={landing.path: landing.blob},
        whole=True,
    )
    return Proofs(now=NOW, evidence={landing.landing.id: (Evidence(commit=landing.landing.id, pull_request=pull),)})


def test_too_few_reviewers_are_a_hold_of_the_rule_at_the_line_of_its_policy():
    (hold,) = short(approvers=2)
    assert (hold.kind, hold.rule, hold.path, hold.line, hold.waiting) == ("rule", "review", "policies/review.yaml", 1, False)
    assert "so far 1 (grace)" in hold.reason
    assert LANDED.landing.id[:12] in hold.reason


def test_the_remedy_of_a_review_names_who_does_not_count_yet():
    assert short(approvers=2)[0].remedy == "ada can: `reconciler endorse approved pkg 1 -m REASON`"


def test_who_had_a_hand_in_it_cannot_cure_it_unless_authors_count():
    mine = event(1, "ada", None, approval("a"), landed_by="alan")
    (hold,) = short(replace(mine, contributors=(mine.author.author,)))
    assert hold.remedy.startswith("grace can: ")
    (hold,) = short(replace(mine, contributors=(mine.author.author,)), author_counts=True, approvers=2)
    assert hold.remedy.startswith("grace can: ")
    (hold,) = short(replace(mine, contributors=(mine.author.author,)), author_counts=True, min_assurance="signed")
    assert hold.remedy.startswith("ada, grace can: ")


def test_who_is_not_known_well_enough_can_still_cure_it_by_being_known_better():
    (hold,) = short(min_assurance="signed")
    assert hold.remedy == "ada, grace can: `reconciler endorse approved pkg 1 -m REASON`, in a commit that they sign"
    (hold,) = short(min_assurance="reviewed")
    elsewhere = "`reconciler endorse approved pkg 1 -m REASON` in a pull request of somebody else, which they approve"
    assert hold.remedy == f"ada, grace can: {elsewhere}"


def test_the_pull_request_that_landed_is_named_as_it_may_still_be_approved():
    (hold,) = short(proofs=said("ada"), forge=FORGE, min_assurance="reviewed", approvers=2)
    first = (
        "grace can: approve https://forge.example/acme/approvals/7, if it still can be (the forge is asked again), or `reconciler endorse"
    )
    assert hold.remedy.startswith(first)


def test_where_nobody_else_may_an_administrator_comes_first():
    (hold,) = short(lines=rules("allow: promote-packages, user: grace"), approvers=2)
    assert hold.remedy.startswith("nobody else may, by the rules now: an administrator must first grant promote-packages")
    assert hold.remedy.endswith("then: `reconciler endorse approved pkg 1 -m REASON`")


def test_everyone_means_every_declared_user_where_people_are_counted():
    assert short(lines=rules("allow: promote-packages, user: everyone"), approvers=3)[0].remedy.startswith("any declared user can: ")


def test_a_forge_that_does_not_answer_is_waited_for_whoever_is_named():
    (hold,) = short(forge=FORGE, proofs=Proofs(now=NOW, unanswered={LANDED.landing.id: "no answer within 30 s"}))
    assert (hold.kind, hold.rule, hold.path, hold.line, hold.waiting) == ("rule", "review", "policies/forge.yaml", 1, True)
    assert "the forge cannot say who reviewed it: no answer within 30 s" in hold.reason
    assert hold.remedy == "`reconciler plan` asks the forge; until it answers, nothing of it is let in, and nothing is removed"


def test_who_is_not_entitled_at_all_is_held_by_the_rights_not_by_the_policy():
    (hold,) = short(event(1, "mallory", None, approval("a")), approvers=2)
    assert (hold.kind, hold.path) == ("authority", "approvals/approved/pkg/1.yaml")


def test_an_approved_one_without_held_events_has_no_hold():
    assert list(authority_holds(desired("a"))) == []


def test_each_problem_of_a_malformed_file_is_a_hold():
    first = Problem(path="p.yaml", line=3, key="files", found="nothing", expected="a mapping")
    second = Problem(path="p.yaml", line=1, key="", found="", expected="a regular file")
    known, unknown = malformed_holds(MalformedApproval(path="p.yaml", identity=PKG, problems=(first, second)))
    assert (known.feed, known.package, known.version, known.kind) == ("approved", "pkg", "1", "malformed")
    assert (known.path, known.line, known.reason) == ("p.yaml", 3, "files: found nothing, expected a mapping")
    assert unknown.reason == "expected a regular file"
    (nowhere,) = malformed_holds(MalformedApproval(path="p.yaml", identity=None, problems=(first,)))
    assert (nowhere.feed, nowhere.package, nowhere.version) == ("", "", "")
