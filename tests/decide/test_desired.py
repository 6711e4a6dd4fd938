from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from reconciler.decide.authority import HeldEvent, Standing
from reconciler.decide.desired import authority_holds, desired_of, malformed_holds
from reconciler.model.declared import Approvals, Deprecation, Line, MalformedApproval, Withdrawal
from reconciler.model.facts import facts_of
from reconciler.model.words import Problem
from tests.support.declared import (
    NOW,
    OTHER,
    PAYMENTS,
    PUBLIC,
    approval,
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
    return Standing(**{"facts": facts_of(text), "author": landing.author, "author_commit": landing, "landing": landing, **more})


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
    [Standing(), standing(approval("a"), landing=None), standing(approval("a"), facts={"from": "public"})],
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
