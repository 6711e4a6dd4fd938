"""What a forge said, frozen: asked for once, bounded, waited for where it is missing, and the same whichever pass asked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.observe.forge import FORGES
from tests.history.site import (
    ALAN,
    BOB,
    GRACE,
    PACKAGES,
    Site,
    approval,
    forge_file,
    known,
    path_of,
    people,
    permissions,
    reviewed,
    rules,
)
from tests.support.faulty_server import Answer
from tests.support.forge import ForgeServer, Pull
from tests.support.repositories import ADA

LEAF = approval("leaf")
ONLY_ONE = {"policies/review.yaml": reviewed().replace("rule: review", "rule: review\nfeeds: [approved-pypi]")}
GONE = Answer(status=503, headers={"Retry-After": "0"})
WITHDRAWN = "withdrawn: {action: quarantine, reason: It phones home.}\n"


def begin(site: Site, forge: ForgeServer, approvers: int = 1) -> None:
    site.land(rules(more={**forge_file(forge), "policies/review.yaml": reviewed(approvers)}))


def landed(site: Site, forge: ForgeServer, files: dict[str, Any] = LEAF, *, branch: str = "topic", by: str | None = "grace") -> Pull:
    """A pull request of Ada's, reviewed and merged."""
    site.repo.branch(branch)
    site.land(files, f"Approve on {branch}", by=ADA, on=branch)
    pull = forge.open(branch, by="ada")
    if by is not None:
        forge.review(pull, by=by)
    forge.merge(pull)
    return pull


# --- a forge that does not answer -------------------------------------------------------------------------------------------------


def test_without_the_forge_what_is_new_waits_and_nothing_else_changes(site, forge):
    begin(site, forge)
    landed(site, forge)
    assert site.apply().code == 0
    before = site.store()
    landed(site, forge, approval("twig"), branch="two")
    forge.always = GONE
    assert site.run("plan", "--detailed-exitcode").code == 0
    hold = site.hold("twig")
    assert hold["kind"] == "rule"
    assert "the forge cannot say who reviewed it: " in hold["reason"]
    assert "503" in hold["reason"]
    assert "until it answers, nothing of it is let in" in hold["remedy"]
    done = site.run("apply")
    assert done.code == 6
    assert "waiting" in done.out
    changed = {key for key, data in site.store().items() if before.get(key) != data}
    assert changed == {f"state/feeds/{feed}/head.json" for feed in ("approved-pypi", "approved-two")}
    assert before.keys() == site.store().keys()
    forge.always = None
    assert site.apply().code == 0
    assert people(site.record("twig")) == [("Ada Lovelace", "claimed"), ("Grace Hopper", "reviewed")]


def test_a_withdrawal_waits_for_no_forge(site, forge):
    begin(site, forge)
    landed(site, forge)
    assert site.apply().code == 0
    forge.always = GONE
    site.land(approval("leaf", more=WITHDRAWN), "Take it out", by=GRACE)
    assert site.apply().code == 0
    assert [record["change"] for record in site.records()] == ["promote", "quarantine"]
    assert people(site.records()[-1]) == [("Grace Hopper", "claimed")]


def test_a_withdrawal_of_what_waits_needs_no_forge_either(site, forge):
    begin(site, forge)
    landed(site, forge)
    forge.always = GONE
    assert site.apply().code == 6
    site.land(approval("leaf", more=WITHDRAWN), "Rather not", by=GRACE)
    assert site.apply().code in {0, 6}
    assert site.promoted() == set()
    forge.always = None
    assert site.apply().code == 0
    assert site.promoted() == set()


def test_a_forge_that_keeps_silent_is_not_asked_for_each_of_many(site, forge):
    begin(site, forge)
    for package in PACKAGES:
        landed(site, forge, approval(package), branch=package)
    for number in range(10):
        landed(site, forge, approval("leaf", f"2.{number}"), branch=f"leaf-{number}")
    forge.always = GONE
    forge.requests.clear()
    assert site.run("plan").code == 0
    assert len(set(forge.asked())) == 3
    assert len({hold["package"] + hold["version"] for hold in site.plan()["holds"]}) == 13


def test_what_waits_is_attributed_as_if_the_forge_had_always_answered(tmp_path):
    ledgers = []
    for name, faults in (("never", (False, False)), ("at first", (True, False)), ("at last", (False, True))):
        site = Site(tmp_path / name)
        with ForgeServer("github", site.repo) as server:
            forge = known(server)
            begin(site, forge)
            for branch, silent in zip(("leaf", "twig"), faults, strict=True):
                landed(site, forge, approval(branch), branch=branch)
                forge.always = GONE if silent else None
                assert site.apply().code == (6 if silent else 0)
            forge.always = None
            site.apply()
            assert site.apply().code == 0
            ledgers.append(attributed(site))
    assert ledgers[0].keys() == {"leaf", "twig"}
    assert ledgers[0] == ledgers[1] == ledgers[2]


def attributed(site: Site) -> dict[str, Any]:
    """What the ledger says of each promotion, apart from times, commits (which name the port of a forge's address) and heads."""
    return {
        record["package"]: (people(record), record["right"], record["reason"], len(record["evidence"]), record["verdicts"])
        for record in site.records()
        if record["change"] == "promote"
    }


def test_a_change_of_the_rules_that_may_be_in_force_lets_nobody_in_meanwhile(site, forge):
    policy = reviewed(rule_files="true").replace("reviewed", "claimed")
    text = permissions({}).replace("user: ada}", "group: admins}").replace("  seniors:", "  admins: [ada, alan]\n  seniors:")
    site.land({**rules(), "policies/permissions.yaml": text, **forge_file(forge), "policies/review.yaml": policy})
    without = {"policies/permissions.yaml": text.replace("seniors: [ada, grace, alan]", "seniors: [ada, alan]")}
    site.repo.branch("rules")
    site.land(without, "Grace leaves", by=ADA, on="rules")
    pull = forge.open("rules", by="ada")
    forge.review(pull, by="alan")
    (change,) = forge.merge(pull)
    site.repo.branch("topic")
    site.land(LEAF, by=BOB, on="topic")
    mine = forge.open("topic", by="bob")
    forge.review(mine, by="grace")
    forge.merge(mine, author=GRACE)
    forge.instead = [GONE] * 3
    assert site.apply().code == 6, "what the forge says of the rules is not known, what it says of the approval is"
    assert site.promoted() == set()
    assert change not in {evidence.split("/")[2] for evidence in site.store() if evidence.startswith("state/evidence/")}
    assert site.apply().code == 5
    assert site.promoted() == set()


def test_a_feed_without_a_policy_is_told_who_reviewed_all_the_same(site, forge):
    site.land(rules(more={**forge_file(forge), **ONLY_ONE}))
    landed(site, forge, {**approval("leaf"), **approval("leaf", feed="approved-two")})
    assert site.apply().code == 0
    assert {record["package"] for record in site.records("approved-two")} == {"leaf"}
    (record,) = site.records("approved-two")
    assert record["verdicts"] == []
    assert people(record)[-1] == ("Grace Hopper", "reviewed")


def test_what_is_judged_by_rules_without_a_forge_does_not_wait_for_one(site, forge):
    site.land(rules())
    site.land(LEAF, by=GRACE)
    site.land({**forge_file(forge), "policies/review.yaml": reviewed()}, "Reviews from now on")
    landed(site, forge, approval("twig"))
    forge.always = GONE
    assert site.apply().code == 6
    assert site.promoted() == {"leaf"}


# --- frozen -----------------------------------------------------------------------------------------------------------------------


def test_what_was_decided_is_never_asked_for_again_whatever_the_forge_says_now(site, forge):
    begin(site, forge)
    pull = landed(site, forge)
    assert site.apply().code == 0
    before = site.store()
    pull.reviews.clear()
    forge.requests.clear()
    assert site.apply().code == 0
    assert site.run("plan", "--refresh").code == 0
    assert site.run("verify").code == 0
    assert forge.requests == []
    assert site.store() == before
    site.land(approval("leaf", more=WITHDRAWN), by=GRACE)
    assert site.apply().code == 0
    site.land(approval("leaf"), "It may come back", by=ALAN)
    assert site.apply().code == 5, "bringing it back is a new act, and is reviewed anew"
    assert site.run("verify").code == 0


def test_a_review_that_decided_one_package_and_was_taken_back_does_not_decide_another(site, forge):
    two = reviewed(2).replace("rule: review", "rule: review\npackages: [twig]")
    site.land(rules(more={**forge_file(forge), "policies/one.yaml": reviewed(), "policies/two.yaml": two}))
    pull = landed(site, forge, {**LEAF, **approval("twig")})
    assert site.apply().code == 5
    record = site.record("leaf")
    pull.reviews.clear()
    forge.review(pull, by="alan")
    assert site.apply().code == 5
    assert "so far 1 (alan)" in site.hold("twig")["reason"]
    assert site.records() == [record]
    forge.review(pull, by="grace")
    assert site.apply().code == 0
    assert people(site.record("twig"))[1:] == [("Grace Hopper", "reviewed"), ("Alan Turing", "reviewed")]
    assert site.record("leaf") == record
    assert site.run("verify").code == 0


def test_evidence_that_was_lost_is_asked_for_and_frozen_again(site, forge):
    begin(site, forge)
    landed(site, forge)
    assert site.apply().code == 0
    before = site.store()
    (key,) = [key for key in before if key.startswith("state/evidence/")]
    (site.repo.path / ".feeds" / key).unlink()
    assert site.run("verify").code == 9
    forge.always = GONE
    assert site.apply().code == 6
    assert site.place.run("verify").code == 9
    forge.always = None
    assert site.apply().code == 0
    assert site.store()[key] == before[key]
    assert site.run("verify").code == 0


def test_a_plan_freezes_nothing(site, forge):
    begin(site, forge)
    pull = landed(site, forge)
    assert [change["package"] for change in site.plan()["changes"]] == ["leaf"]
    assert site.store() == {}
    pull.reviews.clear()
    assert site.plan()["changes"] == []


def test_many_packages_in_one_pull_request_cost_as_many_requests_as_one(tmp_path):
    asked = []
    for kind in FORGES:
        for many in (1, 50):
            names = [f"p{number}" for number in range(many)]
            site = Site(tmp_path / f"{kind}{many}", names)
            with ForgeServer(kind, site.repo) as server:
                forge = known(server)
                begin(site, forge)
                landed(site, forge, {path: text for name in names for path, text in approval(name).items()})
                assert site.apply().code == 0
                assert len(site.promoted()) == many
                asked.append(len(forge.requests))
                assert len([key for key in site.store() if key.startswith("state/evidence/")]) == 1
    assert asked[0] == asked[1]
    assert asked[3] <= asked[2] + 49, "GitLab tells the blobs of a folder at a time"


def test_a_digest_stays_from_plan_to_plan_and_can_be_accepted(site, forge):
    begin(site, forge)
    site.land({"feeds.yaml": rules()["feeds.yaml"] + "limits: {promotions: 1}\n"})
    landed(site, forge, {**LEAF, **approval("twig")})
    one, two = site.plan(), site.plan()
    assert one["digest"] == two["digest"]
    assert site.apply().code == 8
    assert site.promoted() == set()
    frozen = site.plan()
    assert frozen["digest"] == site.plan()["digest"]
    assert site.apply("--accept", frozen["digest"]).code == 0
    assert site.promoted() == {"leaf", "twig"}
    assert site.run("verify").code == 0


def test_a_review_that_comes_between_makes_another_plan(site, forge):
    begin(site, forge, 2)
    pull = landed(site, forge)
    digest = site.plan()["digest"]
    forge.review(pull, by="alan")
    assert site.plan()["digest"] != digest
    done = site.run("apply", "--accept", digest)
    assert (done.code, "has changed since it was accepted" in done.err) == (3, True)


# --- answers that are none --------------------------------------------------------------------------------------------------------


def test_a_forge_that_answers_with_another_pull_request_is_not_believed(site, forge):
    begin(site, forge)
    pull = landed(site, forge)
    other = Pull(**{**vars(pull), "number": 2, "reviews": list(pull.reviews)})
    forge.pulls[1] = other
    assert site.apply().code in {5, 6}
    assert site.promoted() == set()


def test_a_missing_token_is_named(site, forge, monkeypatch):
    begin(site, forge)
    landed(site, forge)
    forge.token = "secret"
    variable = f"RECONCILER_TOKEN_127_0_0_1_{forge.port}"
    assert variable in site.hold("leaf")["reason"]
    assert site.apply().code == 6
    monkeypatch.setenv(variable, "secret")
    assert site.apply().code == 0
    assert not [key for key, data in site.store().items() if b"secret" in data]


def test_a_forge_that_is_busy_is_asked_again_in_the_same_pass(site, forge):
    begin(site, forge)
    landed(site, forge)
    forge.instead = [Answer(status=429, headers={"Retry-After": "0"})]
    assert site.apply().code == 0
    assert site.promoted() == {"leaf"}


def test_the_review_that_counts_may_be_on_the_third_page(site, forge):
    begin(site, forge)
    pull = landed(site, forge, by=None)
    for number in range(250):
        forge.review(pull, by=f"stranger-{number}")
    forge.review(pull, by="grace")
    for said in pull.reviews:
        said.at = pull.versions[-1][1] + timedelta(seconds=1)
    assert site.apply().code == 0
    assert people(site.record("leaf"))[1] in {("Grace Hopper", "reviewed"), ("stranger-0", "reviewed")}
    assert ("Grace Hopper", "reviewed") in people(site.record("leaf"))


def test_a_clock_that_runs_backwards_asks_for_nothing_again(site, forge):
    begin(site, forge)
    landed(site, forge)
    now = datetime.now(UTC).replace(microsecond=0)
    assert site.apply_at(now).outcome == "done"
    before = site.records()
    forge.requests.clear()
    assert site.apply_at(now - timedelta(days=400)).outcome == "done"
    assert site.records() == before
    assert forge.requests == []
    assert site.run("verify").code == 0


# --- level-based ------------------------------------------------------------------------------------------------------------------


def story(site: Site, forge: ForgeServer) -> list[Callable[[], object]]:
    one = "  - {by: grace, reason: I looked}\n"
    lifted = {"policies/review.yaml": reviewed().replace("reviewed", "claimed")}
    return [
        lambda: begin(site, forge, 2),
        lambda: landed(site, forge, by=None),
        lambda: landed(site, forge, approval("twig"), branch="twig"),
        lambda: landed(site, forge, approval("leaf", more=f"endorsed:\n{one}"), branch="endorse-1", by="grace"),
        lambda: landed(
            site, forge, approval("leaf", more=f"endorsed:\n{one}  - {{by: alan, reason: So did I}}\n"), branch="endorse-2", by="alan"
        ),
        lambda: landed(site, forge, lifted, branch="lift"),
        lambda: landed(site, forge, approval("bark"), branch="bark"),
        lambda: site.land({"policies/permissions.yaml": permissions({}).replace("[ada, grace, alan]", "[ada]")}),
        lambda: site.land({path_of("twig"): None}),
        lambda: landed(site, forge, approval("twig"), branch="twig-2"),
    ]


@pytest.mark.parametrize("kind", FORGES)
def test_one_pass_at_the_end_attributes_as_passes_at_each_landing_commit(tmp_path: Path, kind):
    site = Site(tmp_path / "re po")
    with ForgeServer(kind, site.repo) as server:
        forge = known(server)
        codes = []
        for step in story(site, forge):
            step()
            codes.append(site.apply().code)
        often = told(site)
        done = site.run("verify")
        print(done.out)
        assert done.code == 0
        (site.repo.path / ".feeds").rename(tmp_path / "kept")
        assert site.apply().code == codes[-1]
        assert told(site) == often
        assert often.keys() >= {"leaf", "bark"}
        assert site.run("verify").code == 0


def told(site: Site) -> dict[str, Any]:
    """The promotions in a ledger, without when they were applied and by which pass."""
    passes = {"seq", "previous", "head", "applied_at", "applier"}
    return {r["package"]: {key: value for key, value in r.items() if key not in passes} for r in site.records() if r["change"] == "promote"}
