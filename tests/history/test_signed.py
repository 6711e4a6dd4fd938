"""Signatures of commits, from the key in permissions.yaml to the record: whose name counts for more than its header."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.history.site import ALAN, BOB, GRACE, MALLORY, SIGNED, Site, approval, people, permissions, rules
from tests.support.repositories import ADA, START
from tests.support.signing import sign_tip

LEAF = approval("leaf")
BEGIN = datetime.fromtimestamp(START, UTC)
END = (BEGIN + timedelta(days=31)).date()
BEFORE, AFTER = BEGIN + timedelta(days=2), BEGIN + timedelta(days=40)


@pytest.fixture
def site(tmp_path) -> Site:
    return Site(tmp_path / "re po")


def until(key) -> str:
    return f"{{key: {key.public}, valid_until: {END}}}"


def signed_by(site: Site, files, key, *, by=GRACE, **how):
    site.land(files, by=by, **how)
    return sign_tip(site.repo, key)


# --- whose ------------------------------------------------------------------------------------------------------------------------


def test_who_signs_what_they_approve_is_signed_in_plan_record_history_and_explain(site, keys):
    site.land(rules(keys={"grace": [keys["grace"].public]}))
    landed = signed_by(site, LEAF, keys["grace"])
    (change,) = site.plan()["changes"]
    assert people(change) == [("Grace Hopper", "signed")]
    assert site.apply().code == 0
    record = site.record("leaf")
    assert people(record) == [("Grace Hopper", "signed")]
    (signature,) = record["signatures"]
    assert (signature["commit"], signature["user"], signature["key"]) == (landed, "grace", keys["grace"].fingerprint)
    (row,) = site.run("history", "--format", "json").json
    assert people(row) == [("Grace Hopper", "signed")]
    assert "Grace Hopper <grace@example.org> (signed)" in site.run("explain", "approved-pypi", "leaf", "1.0").out
    assert site.run("verify").code == 0


def test_somebody_else_s_signature_proves_no_author_and_makes_the_signer_an_approver(site, keys):
    site.land(rules(keys={"grace": [keys["grace"].public]}))
    signed_by(site, LEAF, keys["grace"], by=ADA)
    assert site.apply().code == 0
    assert people(site.record("leaf")) == [("Ada Lovelace", "claimed"), ("Grace Hopper", "signed")]


def test_a_signature_of_an_inner_commit_by_somebody_else_says_nothing(site, keys):
    site.land(rules(keys={"grace": [keys["grace"].public]}))
    site.repo.branch("topic")
    site.land(LEAF, by=MALLORY, on="topic")
    sign_tip(site.repo, keys["grace"], on="topic")
    site.repo.merge("topic", by=MALLORY)
    assert site.apply().code == 5
    assert site.promoted() == set()


def test_commits_of_a_branch_are_signed_by_their_authors_and_the_merge_by_the_reviewer(site, keys):
    site.land(rules(keys={"grace": [keys["grace"].public], "alan": [keys["alan"].public]}))
    site.repo.branch("topic")
    inner = site.land(LEAF, by=GRACE, on="topic")
    inner = sign_tip(site.repo, keys["grace"], on="topic")
    site.repo.merge("topic", by=ALAN)
    merge = sign_tip(site.repo, keys["alan"])
    assert site.apply().code == 0
    record = site.record("leaf")
    assert people(record) == [("Grace Hopper", "signed"), ("Alan Turing", "signed")]
    assert {(one["commit"], one["user"]) for one in record["signatures"]} == {(inner, "grace"), (merge, "alan")}


def test_a_signer_who_is_not_entitled_lets_nothing_in(site, keys):
    site.land(rules(keys={"bob": [keys["bob"].public]}))
    signed_by(site, LEAF, keys["bob"], by=BOB)
    assert site.apply().code == 5
    assert site.promoted() == set()


def test_a_key_that_no_rules_name_says_nothing(site, keys):
    site.land(rules())
    signed_by(site, LEAF, keys["stranger"])
    assert site.apply().code == 0
    assert people(site.record("leaf")) == [("Grace Hopper", "claimed")]
    assert site.record("leaf")["signatures"] == []


# --- a key has its time -----------------------------------------------------------------------------------------------------------


def test_a_key_that_has_expired_does_not_count_for_a_date_set_back(site, keys):
    site.land(rules(keys={"grace": [until(keys["grace"])]}, more=SIGNED))
    signed_by(site, LEAF, keys["grace"])  # its commits claim to be of the time when it was valid; it is first seen today
    assert site.apply().code == 5
    hold = site.hold("leaf")
    assert "signed" in hold["reason"]
    assert "Grace Hopper (only claimed)" in hold["reason"]
    assert site.promoted() == set()


def test_what_an_apply_saw_before_a_key_expired_counts_for_ever(site, keys):
    site.land(rules(keys={"grace": [until(keys["grace"])]}, more=SIGNED))
    landed = signed_by(site, LEAF, keys["grace"])
    assert site.apply_at(BEFORE).outcome == "done"
    assert f"state/evidence/{landed}/seen.json" in site.store()
    before = site.record("leaf")
    assert people(before) == [("Grace Hopper", "signed")]
    late = signed_by(site, approval("twig"), keys["grace"])
    assert site.apply_at(AFTER).outcome == "held"
    assert site.apply().code == 5
    assert site.records() == [before]
    assert [hold["package"] for hold in site.plan()["holds"]] == ["twig"]
    assert late in site.hold("twig")["reason"] or late[:12] in site.hold("twig")["reason"]
    assert site.run("verify").code == 0


def test_what_was_seen_in_time_but_could_not_be_fetched_then_is_promoted_later(site, keys):
    site.land(rules(keys={"grace": [until(keys["grace"])]}, more=SIGNED))
    (wheel,) = site.repo.path.glob("upstream/pypi/leaf*")
    wheel.rename(site.repo.path / "away.whl")
    signed_by(site, LEAF, keys["grace"])
    site.apply_at(BEFORE)
    assert site.promoted() == set()
    (site.repo.path / "away.whl").rename(wheel)
    assert site.apply().code == 0
    assert people(site.record("leaf")) == [("Grace Hopper", "signed")]
    assert site.run("verify").code == 0


def test_a_clock_that_runs_backwards_breaks_nothing(site, keys):
    site.land(rules(keys={"grace": [until(keys["grace"])]}, more=SIGNED))
    signed_by(site, LEAF, keys["grace"])
    site.apply_at(BEFORE)
    records = site.records()
    signed_by(site, approval("twig"), keys["grace"])
    assert site.apply_at(BEFORE - timedelta(days=1)).outcome == "done"
    assert site.records()[:1] == records
    assert [people(record) for record in site.records()] == [[("Grace Hopper", "signed")]] * 2
    assert site.run("verify").code == 0
    assert site.apply().code == 0


def test_a_key_is_not_valid_before_its_time(site, keys):
    later = {"grace": [f"{{key: {keys['grace'].public}, valid_from: {END}}}"]}
    site.land(rules(keys=later, more=SIGNED))
    signed_by(site, LEAF, keys["grace"])
    assert site.apply().code == 5
    site.repo.now = int(AFTER.timestamp())
    signed_by(site, approval("twig"), keys["grace"])
    assert site.apply().code == 5
    assert site.promoted() == {"twig"}


def test_a_revoked_key_takes_back_nothing_and_lets_nothing_in(site, keys):
    site.land(rules(keys={"grace": [keys["grace"].public]}, more=SIGNED))
    signed_by(site, LEAF, keys["grace"])
    assert site.apply().code == 0
    before = site.record("leaf")
    site.land({"policies/permissions.yaml": permissions({"grace": [f"{{key: {keys['grace'].public}, revoked: 2026-01-01}}"]})})
    signed_by(site, approval("twig"), keys["grace"])
    assert site.apply().code == 5
    assert site.records() == [before]
    assert "leaf" not in {hold["package"] for hold in site.plan()["holds"]}
    assert site.run("verify").code == 0


def test_a_key_that_comes_with_the_change_it_signs_says_nothing_of_it(site, keys):
    site.land(rules(more=SIGNED))
    added = {"policies/permissions.yaml": permissions({"grace": [keys["grace"].public]})}
    site.land({**added, **LEAF}, by=GRACE, committer=ADA)
    sign_tip(site.repo, keys["grace"])
    assert site.apply().code == 5
    assert site.promoted() == set()
    assert "Grace Hopper (only claimed)" in site.hold("leaf")["reason"]


def test_a_key_that_is_somebody_else_s_later_stays_whose_it_was(site, keys):
    site.land(rules(keys={"grace": [keys["grace"].public]}, more=SIGNED))
    signed_by(site, LEAF, keys["grace"])
    site.land({"policies/permissions.yaml": permissions({"alan": [keys["grace"].public]})})
    signed_by(site, approval("twig"), keys["grace"], by=ALAN)
    signed_by(site, approval("bark"), keys["grace"], by=GRACE)
    assert site.apply().code == 0
    assert people(site.record("leaf")) == [("Grace Hopper", "signed")]
    assert people(site.record("twig")) == [("Alan Turing", "signed")]
    assert people(site.record("bark")) == [("Grace Hopper", "claimed"), ("Alan Turing", "signed")]


# --- rules that ask for signatures ------------------------------------------------------------------------------------------------


def test_what_must_be_signed_waits_for_an_endorsement_that_is(site, keys):
    site.land(rules(keys={"grace": [keys["grace"].public], "alan": [keys["alan"].public]}, more=SIGNED))
    site.land(LEAF, by=GRACE)
    hold = site.hold("leaf")
    assert "known as signed or better; so far 0; not counted: Grace Hopper (only claimed)" in hold["reason"]
    assert "reconciler endorse approved-pypi leaf 1.0" in hold["remedy"]
    assert site.apply().code == 5
    endorsed = approval("leaf", more="endorsed:\n  - {by: alan, reason: I looked}\n")
    site.land(endorsed, by=ALAN)
    assert site.apply().code == 5
    site.land(approval("leaf", more="endorsed:\n  - {by: alan, reason: I looked}\n  - {by: alan, reason: and sign it}\n"), by=ALAN)
    sign_tip(site.repo, keys["alan"])
    assert site.apply().code == 0
    assert people(site.record("leaf")) == [("Grace Hopper", "claimed"), ("Alan Turing", "signed")]
    assert site.run("verify").code == 0


def test_two_signed_endorsements_are_both_recorded_with_their_signatures(site, keys):
    two = {"policies/review.yaml": SIGNED["policies/review.yaml"].replace("{min", "{approvers: 2, min")}
    named = {
        name: [keys[name].public] if name == "alan" else [f"{{key: {keys[name].public}, valid_until: 2999-01-01}}"]
        for name in ("ada", "alan")
    }
    site.land(rules(keys=named, more=two))
    site.land(LEAF, by=GRACE)
    lines = ""
    for name, person, code in (("alan", ALAN, 5), ("ada", ADA, 0)):
        lines += f"  - {{by: {name}, reason: I looked}}\n"
        site.land(approval("leaf", more=f"endorsed:\n{lines}"), by=person)
        sign_tip(site.repo, keys[name])
        assert site.apply_at(BEFORE).outcome == ("held" if code else "done")
    record = site.record("leaf")
    assert {name for name, known in people(record) if known == "signed"} == {"Alan Turing", "Ada Lovelace"}
    assert {one["user"] for one in record["signatures"]} == {"alan", "ada"}
    assert site.run("verify").code == 0


def test_an_author_who_endorses_their_own_approval_with_a_signature_is_signed(site, keys):
    site.land(rules(keys={"grace": [keys["grace"].public]}, more=SIGNED))
    site.land(LEAF, by=GRACE)
    signed_by(site, approval("leaf", more="endorsed:\n  - {by: grace, reason: It was me}\n"), keys["grace"])
    assert site.apply().code == 0
    assert people(site.record("leaf")) == [("Grace Hopper", "signed")]
    assert site.run("verify").code == 0


def test_a_forged_administrator_lifts_no_policy_that_asks_for_signatures(site, keys):
    policy = {"policies/review.yaml": SIGNED["policies/review.yaml"].replace("rule_files: false", "rule_files: true")}
    site.land(rules(keys={"ada": [keys["ada"].public]}, more=policy))
    site.land({"policies/review.yaml": None}, by=ADA)  # whoever it was
    site.land(LEAF, by=ADA)
    assert site.apply().code == 5
    assert site.promoted() == set()
    assert {hold["path"] for hold in site.plan()["holds"]} >= {"policies/review.yaml"}
    site.land({}, "Take it over\n\nAdopts: policies/review.yaml", by=ADA)
    sign_tip(site.repo, keys["ada"])
    site.land({}, "Nothing")
    assert {hold["path"] for hold in site.plan()["holds"]} == {"policies/review.yaml"}, "the approval is judged by the rules before it"


def test_commits_and_their_signatures_may_come_in_one_pass_or_in_many(tmp_path, keys):
    ledgers = []
    for name, often in (("often", True), ("once", False)):
        site = Site(tmp_path / name)
        steps = [
            lambda site: site.land(rules(keys={"grace": [keys["grace"].public]}, more=SIGNED)),
            lambda site: signed_by(site, LEAF, keys["grace"]),
            lambda site: site.land(approval("twig"), by=ALAN),
            lambda site: site.land({"policies/permissions.yaml": permissions({"alan": [keys["grace"].public]})}),
            lambda site: signed_by(site, approval("bark"), keys["grace"], by=ALAN),
        ]
        for step in steps:
            step(site)
            if often:
                site.apply()
        site.apply()
        ledgers.append({record["package"]: (people(record), record["commit"], record["right"]) for record in site.records()})
    assert ledgers[0] == ledgers[1]
    assert ledgers[0].keys() == {"leaf", "bark"}


def test_a_second_pass_over_signatures_writes_nothing(site, keys):
    site.land(rules(keys={"grace": [until(keys["grace"])]}, more=SIGNED))
    signed_by(site, LEAF, keys["grace"])
    site.apply_at(BEFORE)
    site.apply()
    before = site.store()
    site.apply()
    assert site.store() == before
