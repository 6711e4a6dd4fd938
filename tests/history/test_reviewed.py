"""Reviews at a forge, from the pull request to the record: who may let in what, and what a review does not say."""

from __future__ import annotations

import pytest

from reconciler.model.events import Person
from tests.history.site import (
    ALAN,
    BOB,
    GRACE,
    MALLORY,
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
BY_ADA = [("Ada Lovelace", "claimed")]


def begin(site: Site, forge: ForgeServer, approvers: int = 1, **params: str) -> None:
    site.land(rules(more={**forge_file(forge), "policies/review.yaml": reviewed(approvers, **params)}))


def opened(site: Site, forge: ForgeServer, files=LEAF, *, by=ADA, login: str | None = "ada", branch: str = "topic") -> Pull:
    """A pull request with one commit."""
    site.repo.branch(branch)
    site.land(files, f"Approve on {branch}", by=by, on=branch)
    return forge.open(branch, by=login)


# --- how it landed ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_a_review_counts_however_the_pull_request_landed(site, forge, method):
    begin(site, forge)
    pull = opened(site, forge)
    forge.review(pull, by="grace")
    forge.merge(pull, method, by="grace")
    (change,) = site.plan()["changes"]
    assert people(change) == [*BY_ADA, ("Grace Hopper", "reviewed")]
    assert site.apply().code == 0
    record = site.record("leaf")
    assert people(record) == people(change)
    (evidence,) = record["evidence"]
    assert evidence["pull_request"].endswith("/1")
    assert f"state/evidence/{record['commit']}/{evidence['sha256']}.json" in site.store()
    assert [verdict["verdict"] for verdict in record["verdicts"]] == ["allow"]
    assert site.run("verify").code == 0
    (row,) = site.run("history", "--format", "json").json
    assert people(row) == people(change)
    address = record["approvers"][-1]["email"]
    assert address == f"12{'+' if forge.kind == 'github' else '-'}grace@users.noreply.{forge.kind}.com"
    told = " ".join(site.run("explain", "approved-pypi", "leaf", "1.0").out.split())
    assert f"approved by Grace Hopper <{address}> (reviewed)" in told


# --- who reviewed it --------------------------------------------------------------------------------------------------------------


def not_counted(site: Site, why: str) -> None:
    assert site.apply().code == 5
    hold = site.hold("leaf")
    assert why in hold["reason"]
    assert (hold["kind"], hold["rule"], hold["path"]) == ("rule", "review", "policies/review.yaml")
    assert site.promoted() == set()


def test_a_reviewer_who_may_not_promote_does_not_count(site, forge):
    begin(site, forge)
    pull = opened(site, forge)
    forge.review(pull, by="bob")
    forge.review(pull, by="mallory")
    forge.merge(pull, by="grace")
    not_counted(site, "Bob (not entitled), mallory (no declared user)")


def test_an_author_s_review_of_their_own_pull_request_does_not_count(site, forge):
    begin(site, forge)
    pull = opened(site, forge)
    forge.review(pull, by="ada")
    forge.merge(pull, by="grace")
    not_counted(site, "Ada Lovelace (had a hand in it)")


def test_the_opener_s_review_does_not_count_though_somebody_else_wrote_it(site, forge):
    begin(site, forge)
    pull = opened(site, forge, by=BOB, login="grace")
    forge.review(pull, by="grace")
    forge.merge(pull, by="grace", author=BOB)
    not_counted(site, "Grace Hopper (had a hand in it)")


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_a_reviewer_who_pushed_a_commit_to_the_branch_does_not_count(site, forge, method):
    begin(site, forge)
    pull = opened(site, forge)
    site.land({"README.md": "by the way\n"}, "And this", by=GRACE, on="topic")
    forge.push(pull)
    forge.review(pull, by="grace")
    forge.merge(pull, method, by="ada")
    not_counted(site, "Grace Hopper (had a hand in it)")


def test_a_commit_beyond_those_that_a_forge_names_hides_no_hand(tmp_path):
    site = Site(tmp_path / "re po")
    with ForgeServer("github", site.repo) as server:
        forge = known(server)
        begin(site, forge)
        pull = opened(site, forge)
        for number in range(250):
            site.land({"README.md": f"{number}\n"}, "More", by=GRACE if number == 249 else ADA, on="topic")
        forge.push(pull)
        forge.review(pull, by="grace")
        forge.merge(pull, "squash")
        not_counted(site, "Grace Hopper (had a hand in it)")


def test_the_opener_who_squashes_what_another_wrote_is_the_author_and_has_had_a_hand_in_it(site, forge):
    begin(site, forge, author_counts="true")
    pull = opened(site, forge, by=BOB, login="grace")
    forge.review(pull, by="alan")
    forge.merge(pull, "squash", by="grace", author=GRACE)
    assert site.apply().code == 0
    assert people(site.record("leaf")) == [("Grace Hopper", "claimed"), ("Alan Turing", "reviewed")]


@pytest.mark.parametrize("method", ["merge", "squash"])
def test_an_undeclared_account_of_the_same_login_is_nobody(site, forge, method):
    begin(site, forge)
    pull = opened(site, forge)
    pull_by = (666, "grace")
    forge.review(pull, by="mallory").by = pull_by
    forge.merge(pull, method)
    not_counted(site, "grace (no declared user)")


def test_the_opener_of_a_pull_request_cannot_endorse_it_as_somebody_who_had_no_hand_in_it(site, forge):
    begin(site, forge, min_assurance="claimed")
    pull = opened(site, forge, by=BOB, login="grace")
    forge.merge(pull, by="grace", author=BOB)
    assert site.apply().code == 5
    site.land(approval("leaf", more="endorsed:\n  - {by: grace, reason: I say so}\n"), by=GRACE)
    assert site.apply().code == 5
    assert site.promoted() == set()
    assert "Grace Hopper (had a hand in it)" in site.hold("leaf")["reason"]


def test_a_review_of_an_older_commit_does_not_count(site, forge):
    begin(site, forge)
    pull = opened(site, forge)
    forge.review(pull, by="grace")
    site.land({**approval("leaf", reason="another"), **approval("twig")}, "One more", by=ADA, on="topic")
    forge.push(pull)
    forge.merge(pull)
    not_counted(site, "so far 0")
    assert "twig" in {hold["package"] for hold in site.plan()["holds"]}


def test_an_approval_that_was_taken_back_does_not_count(site, forge):
    begin(site, forge)
    pull = opened(site, forge)
    said = forge.review(pull, by="grace")
    if forge.kind == "github":
        said.state = "DISMISSED"
    else:
        forge.review(pull, by="grace", state="UNAPPROVED")
    forge.merge(pull)
    not_counted(site, "so far 0")


def test_changes_requested_after_an_approval_take_it_back_and_comments_do_not(tmp_path):
    site = Site(tmp_path / "re po")
    with ForgeServer("github", site.repo) as server:
        forge = known(server)
        begin(site, forge)
        pull = opened(site, forge)
        forge.review(pull, by="grace")
        forge.review(pull, by="grace", state="CHANGES_REQUESTED")
        forge.review(pull, by="alan", state="COMMENTED")
        forge.merge(pull)
        not_counted(site, "so far 0")
        forge.review(pull, by="grace")
        forge.review(pull, by="grace", state="COMMENTED")
        assert site.apply().code == 0


def test_one_person_with_two_accounts_and_two_addresses_counts_once(site, forge):
    begin(site, forge, 2, min_assurance="claimed", author_counts="true")
    text = permissions({}).replace("[grace@example.org]", "[grace@example.org, hopper@example.com]")
    site.land({"policies/permissions.yaml": text})
    pull = opened(site, forge, by=Person(name="G. Hopper", email="hopper@example.com"), login="grace")
    forge.review(pull, by="grace")
    forge.merge(pull, author=GRACE, message="Merge\n\nApproved-by: Grace <grace@example.org>\nReviewed-by: G <hopper@example.com>")
    assert site.apply().code == 5
    assert "so far 1 (grace)" in site.hold("leaf")["reason"]


# --- two are needed ---------------------------------------------------------------------------------------------------------------


def test_one_of_two_holds_and_a_second_review_after_the_merge_cures_it(site, forge):
    begin(site, forge, 2)
    pull = opened(site, forge)
    forge.review(pull, by="grace")
    forge.merge(pull, by="grace")
    assert site.apply().code == 5
    hold = site.hold("leaf")
    assert "2 entitled people, who had no hand in it, must stand behind it, known as reviewed or better; so far 1 (grace)" in hold["reason"]
    assert hold["remedy"].startswith("alan can: ")
    forge.review(pull, by="alan")
    assert site.apply().code == 0
    assert people(site.record("leaf")) == [*BY_ADA, ("Grace Hopper", "reviewed"), ("Alan Turing", "reviewed")]
    assert site.run("verify").code == 0


def test_two_endorsements_one_after_the_other_make_two(site, forge):
    begin(site, forge, 2, min_assurance="claimed")
    pull = opened(site, forge, by=BOB, login="bob")
    forge.merge(pull, author=BOB)
    assert site.apply().code == 5
    one = "  - {by: grace, reason: I looked}\n"
    site.land(approval("leaf", more=f"endorsed:\n{one}"), by=GRACE)
    assert site.apply().code == 5
    assert "so far 1 (grace)" in site.hold("leaf")["reason"]
    site.land(approval("leaf", more=f"endorsed:\n{one}  - {{by: alan, reason: Me too}}\n"), by=ALAN)
    assert site.apply().code == 0
    assert people(site.record("leaf"))[0] == ("Bob", "claimed")
    assert {name for name, _ in people(site.record("leaf"))[1:]} >= {"Grace Hopper", "Alan Turing"}
    assert site.run("verify").code == 0


def test_two_endorsements_in_pull_requests_that_others_wrote_down_count_by_their_reviews(site, forge):
    begin(site, forge, 2)
    pull = opened(site, forge)
    forge.merge(pull)
    assert site.apply().code == 5
    lines = ""
    for login, code in (("grace", 5), ("alan", 0)):
        lines += f"  - {{by: {login}, reason: I looked}}\n"
        endorsing = opened(site, forge, approval("leaf", more=f"endorsed:\n{lines}"), by=BOB, login="bob", branch=f"by-{login}")
        forge.review(endorsing, by=login)
        forge.merge(endorsing, author=BOB)
        assert site.apply().code == code
    record = site.record("leaf")
    assert [one for one in people(record) if one[1] == "reviewed"] == [("Grace Hopper", "reviewed"), ("Alan Turing", "reviewed")]
    assert len(record["evidence"]) == 3
    assert site.run("verify").code == 0


def test_one_who_endorses_twice_is_one(site, forge):
    begin(site, forge, 2, min_assurance="claimed")
    pull = opened(site, forge, by=BOB, login="bob")
    forge.merge(pull, author=BOB)
    one = "  - {by: grace, reason: I looked}\n"
    site.land(approval("leaf", more=f"endorsed:\n{one}"), by=GRACE)
    site.land(approval("leaf", more=f"endorsed:\n{one}  - {{by: grace@example.org, reason: Me too}}\n"), by=GRACE)
    assert site.apply().code == 5
    assert "so far 1 (grace)" in site.hold("leaf")["reason"]


def test_an_endorsement_counts_as_reviewed_where_its_own_pull_request_was(site, forge):
    begin(site, forge)
    pull = opened(site, forge)
    forge.merge(pull)
    assert site.apply().code == 5
    endorsing = opened(
        site, forge, approval("leaf", more="endorsed:\n  - {by: grace, reason: I looked}\n"), by=ADA, login="ada", branch="endorse"
    )
    forge.review(endorsing, by="grace")
    forge.merge(endorsing)
    assert site.apply().code == 0
    record = site.record("leaf")
    assert people(record) == [*BY_ADA, ("Grace Hopper", "reviewed")]
    assert site.run("verify").code == 0


# --- what landed is not what was reviewed -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["merge", "squash"])
def test_an_evil_merge_of_a_reviewed_pull_request_is_not_reviewed(site, forge, method):
    begin(site, forge)
    pull = opened(site, forge)
    forge.review(pull, by="grace")
    evil = approval("leaf", reason="other words")
    if method == "merge":
        forge.merge(pull, by="mallory", also=evil)
    else:
        forge.merged(pull, "squash", (site.land(evil, by=ADA),), by="mallory")
        pull.squashed = pull.landed[0]
    assert site.apply().code == 5
    assert site.promoted() == set()


def test_what_a_merge_adds_beside_what_was_reviewed_is_not_reviewed(site, forge):
    begin(site, forge)
    pull = opened(site, forge)
    forge.review(pull, by="grace")
    forge.merge(pull, also=approval("twig"))
    assert site.apply().code == 5
    assert site.promoted() == {"leaf"}


def test_a_direct_push_has_no_pull_request_whoever_it_names(site, forge):
    begin(site, forge)
    site.land(LEAF, "Approve\n\nReviewed-by: Grace Hopper <grace@example.org>", by=ADA)
    assert site.apply().code == 5
    assert "Grace Hopper (only claimed)" in site.hold("leaf")["reason"]


def test_a_pull_request_that_the_forge_names_and_git_does_not_bear_out_counts_for_nothing(site, forge):
    begin(site, forge)
    other = opened(site, forge, approval("twig"))
    forge.review(other, by="grace")
    (landed,) = forge.merge(other)
    mine = site.land(LEAF, by=MALLORY)
    other.landed.append(mine)
    other.commits.append(other.commits[0].__class__(**{**vars(other.commits[0]), "id": mine}))
    done = site.apply()
    assert done.code in {5, 6}
    assert site.promoted() <= {"twig"}
    assert landed != mine


# --- rule files -------------------------------------------------------------------------------------------------------------------


def test_a_forged_administrator_cannot_lift_the_policy_and_a_reviewed_change_can_for_ever(site, forge):
    text = permissions({}).replace("user: ada}", "group: admins}").replace("  seniors:", "  admins: [ada, grace]\n  seniors:")
    policy = reviewed(rule_files="true")
    site.land({**rules(), "policies/permissions.yaml": text, **forge_file(forge), "policies/review.yaml": policy})
    site.land({"policies/review.yaml": policy.replace("reviewed", "claimed")}, by=ADA)  # whoever that was
    site.land(LEAF, by=ADA)
    assert site.apply().code == 5
    assert site.promoted() == set()
    assert "policies/review.yaml" in {hold["path"] for hold in site.plan()["holds"]}
    site.land({"policies/review.yaml": policy}, "Back", by=ADA)
    lifted = {"policies/review.yaml": "rule: review\nparams: {author_counts: true, rule_files: false}\n"}
    pull = opened(site, forge, lifted, by=ADA, login="ada")
    forge.review(pull, by="grace")
    forge.merge(pull)
    site.land(approval("twig"), by=ADA)
    assert site.apply().code == 5
    assert site.promoted() == {"twig"}
    before = site.store()
    forge.requests.clear()
    forge.always = Answer(status=404)
    site.land({path_of("leaf"): None}, "No more of this")
    assert site.apply().code == 0
    assert forge.asked() == []
    assert before.keys() <= site.store().keys()
    assert site.run("verify").code == 0
