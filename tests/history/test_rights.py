"""Forged authors, rights granted to oneself, rights lost, addresses that change hands: who may, by the rules before the change."""

from __future__ import annotations

import pytest

from tests.cli.place import FEEDS, PERMISSIONS
from tests.history.stories import (
    ADA,
    GRACE,
    LEAF,
    MALLORY,
    PERMISSIONS_FILE,
    Place,
    approve,
    behind,
    edit,
    merge,
    packages,
    planned,
    published,
    records,
    row,
    rows,
    switch,
    text,
    verified,
)

GRANT = "permissions:\n", "permissions:\n  - {allow: promote-packages, user: everyone}\n"
GRACE_AT_HOME = ("G. Hopper", "amazing.grace@example.net")
NAMESAKE = ("Grace Miller", GRACE[1])


def promotions(place: Place) -> list[tuple[str, tuple[str, list[str]]]]:
    return [(record["package"], behind(record)) for record in records(place) if record["change"] == "promote"]


def held(place: Place) -> dict[str, str]:
    """Reasons of what is held, by path."""
    return {hold["path"]: hold["reason"] for hold in planned(place)["holds"]}


# --- forged author ----------------------------------------------------------------------------------------------------------------


def test_a_forged_author_is_shown_as_claimed_everywhere(place):
    """Git lets anybody write any name; without signatures or a forge there is nothing else to go by, and every name says so."""
    approve(place, "leaf", by=ADA)  # mallory at the keyboard
    assert "by Ada Lovelace <ada@example.org> (claimed)" in place.run("plan").out
    assert place.run("apply").code == 0
    assert row(place, "leaf")["author"]["assurance"] == "claimed"
    assert "by Ada Lovelace <ada@example.org> (claimed)" in place.run("history", "leaf").out
    assert "by Ada Lovelace <ada@example.org> (claimed)" in place.run("explain", "approved-pypi", "leaf", "1.2").out
    (record,) = [record for record in records(place) if record["change"] == "promote"]
    assert record["author"]["assurance"] == "claimed"


def test_a_forged_author_does_not_count_where_signatures_are_asked_for(place, keys):
    known = f'emails: [ada@example.org], signing_keys: ["{keys["ada"].public}"]'
    edit(place, PERMISSIONS_FILE, "emails: [ada@example.org]", known)
    place.write("policies/review.yaml", "rule: review\nparams: {min_assurance: signed, author_counts: true}\n")
    place.commit("Only what is signed", by=ADA)
    approve(place, "leaf", by=ADA)
    reasons = held(place)
    assert "Ada Lovelace (only claimed)" in reasons["policies/review.yaml"]
    assert place.run("apply").code == 5
    assert published(place) == []
    place.git("rm", "-q", "policies/review.yaml")
    place.commit("It is in the way", by=ADA)  # mallory again: the policy is asked before it goes
    assert place.run("apply").code == 5
    assert published(place) == []
    assert any("policies/review.yaml" in path for path in held(place))


def test_a_forged_approver_in_a_trailer_is_claimed_and_does_not_count_there(place):
    place.write("policies/review.yaml", "rule: review\nparams: {min_assurance: signed, rule_files: false}\n")
    place.commit("Only what is signed", by=ADA)
    approve(place, "leaf", by=MALLORY, message=f"Approve leaf\n\nApproved-by: {GRACE[0]} <{GRACE[1]}>")
    assert row(place, "leaf")["approvers"] == [{"name": GRACE[0], "email": GRACE[1], "assurance": "claimed"}]
    assert place.run("apply").code == 5


# --- self-grant -------------------------------------------------------------------------------------------------------------------


def test_a_self_grant_in_the_same_change_does_not_count(place):
    edit(place, PERMISSIONS_FILE, *GRANT)
    approve(place, "leaf", by=MALLORY)
    assert held(place).keys() == {PERMISSIONS_FILE, LEAF}
    assert place.run("apply").code == 5
    assert (published(place), row(place, "leaf")["outcome"]) == ([], "held")


def test_a_self_grant_in_the_same_change_counts_from_the_next_one_on_where_an_administrator_lands_it(place):
    switch(place, "request", new=True)
    edit(place, PERMISSIONS_FILE, "[ada, grace]", "[ada, grace, mallory]")
    edit(place, PERMISSIONS_FILE, "groups:", "  mallory: {name: Mallory, emails: [mallory@example.org]}\ngroups:")
    approve(place, "leaf", by=MALLORY)
    switch(place, "main")
    place.git("merge", "-q", "--squash", "request")
    place.commit("Squashed\n\nApproved-by: Ada Lovelace <ada@example.org>", by=MALLORY)
    approve(place, "sample", by=MALLORY)
    assert place.run("apply").code == 0
    assert promotions(place) == [("leaf", (MALLORY[1], [ADA[1]])), ("sample", (MALLORY[1], []))]
    verified(place)


def test_a_self_grant_one_commit_earlier_by_somebody_not_entitled_does_not_count(place):
    edit(place, PERMISSIONS_FILE, *GRANT)
    place.commit("Let me", by=MALLORY)
    for _ in range(3):
        place.commit("Time goes by", by=ADA)
    approve(place, "leaf", by=MALLORY)
    assert "nobody behind this change (Mallory <mallory@example.org>) may administer" in held(place)[PERMISSIONS_FILE]
    assert place.run("apply").code == 5
    assert published(place) == []
    assert "everyone" not in place.run("who", "approved-pypi").out


def test_a_self_grant_by_a_promoter_who_does_not_administer_does_not_count(place):
    edit(place, PERMISSIONS_FILE, "{allow: administer, user: ada}", "{allow: administer, user: grace}")
    place.commit("It is mine now", by=GRACE)
    assert PERMISSIONS_FILE in held(place)
    assert place.run("can", "grace", "administer").code == 5
    assert place.run("can", "ada", "administer").code == 0


# --- adoption ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", [MALLORY, GRACE])
def test_adopts_by_somebody_not_entitled_brings_nothing_into_force(place, by):
    edit(place, PERMISSIONS_FILE, *GRANT)
    place.commit("Let me", by=MALLORY)
    place.commit(f"Taken over\n\nAdopts: {PERMISSIONS_FILE}", by=by)
    approve(place, "leaf", by=MALLORY)
    assert f"nobody behind this change ({by[0]} <{by[1]}>) may administer" in held(place)[PERMISSIONS_FILE]
    assert place.run("apply").code == 5
    assert published(place) == []


def test_adopts_on_the_branch_or_in_a_quotation_is_nobodys_word(place):
    edit(place, PERMISSIONS_FILE, *GRANT)
    place.commit("Let me", by=MALLORY)
    switch(place, "request", new=True)
    place.commit(f"Taken over\n\nAdopts: {PERMISSIONS_FILE}", by=ADA)
    switch(place, "main")
    merge(place, "request", by=MALLORY)
    place.commit(f"Look\n\n> Adopts: {PERMISSIONS_FILE}", by=ADA)
    place.commit(f"Adopts: {PERMISSIONS_FILE}", by=ADA)  # a subject, no trailer
    approve(place, "leaf", by=MALLORY)
    assert PERMISSIONS_FILE in held(place)
    assert place.run("apply").code == 5


def test_adopts_by_an_administrator_makes_it_good_from_there_on(place):
    edit(place, PERMISSIONS_FILE, *GRANT)
    place.commit("Let me", by=MALLORY)
    approve(place, "leaf", by=MALLORY)
    place.commit(f"As it is\n\nAdopts: {PERMISSIONS_FILE}", by=ADA)
    approve(place, "sample", by=MALLORY)
    done = place.run("apply", "--format", "json")
    assert (packages(done.json["applied"]), packages(done.json["holds"])) == (["sample"], ["leaf"])
    verified(place)


# --- rights that are lost ---------------------------------------------------------------------------------------------------------


def test_an_author_who_is_removed_later_keeps_history_and_records_and_approves_nothing_more(place):
    approve(place, "leaf", by=GRACE)
    assert place.run("apply").code == 0
    edit(place, PERMISSIONS_FILE, "  grace: {name: Grace Hopper, emails: [grace@example.org]}\n", "")
    edit(place, PERMISSIONS_FILE, "[ada, grace]", "[ada]")
    place.commit("Grace has left", by=ADA)
    approve(place, "sample", by=GRACE)
    done = place.run("apply", "--format", "json")
    assert (done.code, done.json["applied"], packages(done.json["holds"]), done.json["drift"]) == (5, [], ["sample"], [])
    assert behind(row(place, "leaf")) == (GRACE[1], [])
    assert promotions(place) == [("leaf", (GRACE[1], []))]
    assert "declared approved, published listed" in place.run("explain", "approved-pypi", "leaf", "1.2").out
    verified(place)


def test_an_author_who_is_removed_before_the_apply_is_promoted_all_the_same(place):
    """What lands is judged by the rules before it: when it is applied changes nothing."""
    approve(place, "leaf", by=GRACE)
    edit(place, PERMISSIONS_FILE, "[ada, grace]", "[ada]")
    place.commit("Grace does something else now", by=ADA)
    approve(place, "sample", by=GRACE)
    done = place.run("apply", "--format", "json")
    assert (packages(done.json["applied"]), packages(done.json["holds"])) == (["leaf"], ["sample"])
    verified(place)


def test_a_right_that_is_lost_between_approval_and_landing_is_lost(place):
    switch(place, "request", new=True)
    approve(place, "leaf", by=GRACE)
    switch(place, "main")
    edit(place, PERMISSIONS_FILE, "[ada, grace]", "[ada]")
    place.commit("Grace does something else now", by=ADA)
    merge(place, "request", by=MALLORY)
    assert "(Grace Hopper <grace@example.org>, Mallory <mallory@example.org>)" in planned(place)["holds"][0]["reason"]
    assert place.run("apply").code == 5
    assert published(place) == []


def test_a_right_that_is_won_between_approval_and_landing_counts(place):
    switch(place, "request", new=True)
    approve(place, "leaf", by=MALLORY)
    switch(place, "main")
    edit(place, PERMISSIONS_FILE, "groups:", "  mallory: {name: Mallory, emails: [mallory@example.org]}\ngroups:")
    edit(place, PERMISSIONS_FILE, "[ada, grace]", "[ada, grace, mallory]")
    place.commit("Mallory may", by=ADA)
    merge(place, "request", by=MALLORY)
    assert place.run("apply").code == 0
    assert promotions(place) == [("leaf", (MALLORY[1], []))]


def test_a_group_that_changes_gives_and_takes_rights_from_the_next_landing_on(place):
    edit(place, PERMISSIONS_FILE, "groups:", "  alan: {name: Alan Turing, emails: [alan@example.org]}\ngroups:\n  interns: [alan]")
    place.commit("Alan is here", by=ADA)
    alan = ("Alan Turing", "alan@example.org")
    approve(place, "leaf", by=alan)
    edit(place, PERMISSIONS_FILE, "[ada, grace]", '[ada, "@interns"]')
    place.commit("Interns instead of Grace", by=ADA)
    approve(place, "sample", by=alan)
    approve(place, "Leaf", by=GRACE, feed="approved-nuget")
    done = place.run("apply", "--format", "json")
    assert (packages(done.json["applied"]), packages(done.json["holds"])) == (["sample"], ["Leaf", "leaf"])
    assert ("grant", "alan") in {(row["change"], row["user"]) for row in done.json["access"]}
    verified(place)


# --- addresses --------------------------------------------------------------------------------------------------------------------


def test_a_user_is_removed_and_later_somebody_else_has_the_same_address(place):
    approve(place, "leaf", by=GRACE)
    assert place.run("apply").code == 0
    edit(place, PERMISSIONS_FILE, "  grace: {name: Grace Hopper, emails: [grace@example.org]}\n", "")
    edit(place, PERMISSIONS_FILE, "[ada, grace]", "[ada]")
    place.commit("Grace has left", by=ADA)
    edit(place, PERMISSIONS_FILE, "groups:", "  miller: {name: Grace Miller, emails: [grace@example.org]}\ngroups:")
    place.commit("Another Grace is here", by=ADA)
    approve(place, "sample", by=NAMESAKE)
    done = place.run("apply", "--format", "json")
    assert (done.code, done.json["applied"], packages(done.json["holds"])) == (5, [], ["sample"])
    assert promotions(place) == [("leaf", (GRACE[1], []))]
    assert row(place, "leaf")["author"]["name"] == GRACE[0]
    assert row(place, "sample")["author"]["name"] == NAMESAKE[0]
    edit(place, PERMISSIONS_FILE, "[ada]", "[ada, miller]")
    place.commit("She may", by=ADA)
    place.git("rm", "-q", "approvals/approved-pypi/sample/1.0.yaml")
    place.commit("Once more", by=NAMESAKE)
    approve(place, "sample", by=NAMESAKE)
    assert place.run("apply").code == 0
    assert row(place, "leaf")["author"]["name"] == GRACE[0], "the old one stays the first one's"
    verified(place)


def test_the_right_of_a_new_owner_of_an_address_does_not_cure_what_the_old_one_landed(place):
    approve(place, "leaf", by=MALLORY)
    edit(place, PERMISSIONS_FILE, "groups:", "  alan: {name: Alan Turing, emails: [mallory@example.org]}\ngroups:")
    edit(place, PERMISSIONS_FILE, "[ada, grace]", "[ada, grace, alan]")
    place.commit("Alan has that address now", by=ADA)
    assert place.run("apply").code == 5
    assert published(place) == []


def _with_two_addresses(place: Place, *more: str) -> None:
    edit(place, PERMISSIONS_FILE, "[grace@example.org]", f"[grace@example.org, {GRACE_AT_HOME[1]}]")
    place.write("policies/review.yaml", "rule: review\nparams: {approvers: 1, rule_files: false}\n")
    place.commit("Somebody else must look at it", by=ADA)


def test_two_people_named_by_several_e_mails_are_told_apart_as_users(place):
    _with_two_addresses(place)
    switch(place, "request", new=True)
    approve(place, "leaf", by=GRACE)
    switch(place, "main")
    merge(place, "request", by=GRACE_AT_HOME)
    (hold,) = planned(place)["holds"]
    assert "Grace Hopper (had a hand in it)" in hold["reason"]
    assert behind(row(place, "leaf")) == (GRACE[1], []), "her own other address approves nothing"
    assert place.run("apply").code == 5
    assert published(place) == []


def test_two_people_named_by_several_e_mails_satisfy_the_separation_of_duties(place):
    _with_two_addresses(place)
    switch(place, "request", new=True)
    approve(place, "leaf", by=GRACE_AT_HOME)
    switch(place, "main")
    merge(place, "request", by=ADA)
    assert place.run("apply").code == 0
    assert promotions(place) == [("leaf", (GRACE_AT_HOME[1], [ADA[1]]))]
    verified(place)


def test_an_address_in_capitals_is_the_same_person(place):
    _with_two_addresses(place)
    switch(place, "request", new=True)
    approve(place, "leaf", by=GRACE)
    switch(place, "main")
    merge(place, "request", by=("GRACE", GRACE[1].upper()))
    assert place.run("apply").code == 5


def test_who_committed_on_the_branch_what_another_wrote_had_a_hand_in_it(place):
    _with_two_addresses(place)
    switch(place, "request", new=True)
    assert place.run("approve", "approved-pypi", "leaf", "-m", "x").code == 0
    place.git("add", "-A")
    place.git("commit", "-q", "--author", f"{MALLORY[0]} <{MALLORY[1]}>", "-m", "Approve", by=GRACE)
    switch(place, "main")
    merge(place, "request", by=GRACE_AT_HOME)
    (hold,) = planned(place)["holds"]
    assert "Grace Hopper (had a hand in it)" in hold["reason"] or "G. Hopper (had a hand in it)" in hold["reason"]
    assert place.run("apply").code == 5


# --- the files that say who may ---------------------------------------------------------------------------------------------------


def test_a_permission_file_that_is_broken_at_one_commit_stops_there_before_any_write(place):
    approve(place, "leaf", by=ADA)
    good = text(place, PERMISSIONS_FILE)
    edit(place, PERMISSIONS_FILE, "permissions:", "permissions: [")
    broken = place.commit("Oops", by=MALLORY)
    for command in ("plan", "apply", "history"):
        done = place.run(command)
        assert (done.code, done.out) == (4, "")
        assert PERMISSIONS_FILE in done.err
    assert not (place.root / ".feeds").exists()
    place.write(PERMISSIONS_FILE, good)
    place.commit("As it was", by=MALLORY)  # putting back what is in force takes no right
    assert place.run("apply", "--ref", broken).code == 4
    assert place.run("apply").code == 0
    assert promotions(place) == [("leaf", (ADA[1], []))]
    verified(place)


def test_a_permission_file_that_is_broken_at_one_commit_lets_nobody_in_while_it_is(place):
    good = text(place, PERMISSIONS_FILE)
    edit(place, PERMISSIONS_FILE, "permissions:", "permissions: [")
    assert "leaf" not in good
    place.commit("Oops", by=MALLORY)
    place.write(LEAF, "from: public-pypi\nreason: x\nfiles:\n  leaf-1.2.tar.gz: {size: 1, sha256: " + "a" * 64 + "}\n")
    place.commit("Meanwhile", by=MALLORY)
    place.write(PERMISSIONS_FILE, good.replace("permissions:\n", "permissions:\n  - {allow: promote-packages, user: everyone}\n"))
    place.commit("Repaired, and a little more", by=MALLORY)
    reasons = held(place)
    assert "Mallory" in reasons[PERMISSIONS_FILE]
    assert "Mallory" in reasons[LEAF]
    assert place.run("apply").code == 5


def test_a_permission_file_that_is_broken_at_one_commit_and_repaired_otherwise_has_to_be_adopted(place):
    edit(place, PERMISSIONS_FILE, "permissions:", "permissions: [")
    place.commit("Oops", by=MALLORY)
    place.write(PERMISSIONS_FILE, PERMISSIONS + "  - {allow: manage-feed, user: grace}\n")
    place.commit("Repaired, and a line more", by=ADA)
    approve(place, "leaf", by=ADA)
    assert "an earlier change of this file is not in force" in held(place)[PERMISSIONS_FILE]
    assert place.run("can", "grace", "manage-feed").code == 5
    place.commit(f"As it is\n\nAdopts: {PERMISSIONS_FILE}", by=ADA)
    assert planned(place)["holds"] == []
    assert place.run("can", "grace", "manage-feed").code == 0


def test_the_last_two_who_can_change_reviewed_rules_cannot_be_made_one(place):
    edit(place, PERMISSIONS_FILE, "{allow: administer, user: ada}", "{allow: administer, group: senior-developers}")
    place.write("policies/review.yaml", "rule: review\n")
    place.commit("Two must agree", by=ADA)
    approve(place, "leaf", by=ADA, message=f"Approve leaf\n\nApproved-by: {GRACE[0]} <{GRACE[1]}>")
    edit(place, PERMISSIONS_FILE, "{allow: administer, group: senior-developers}", "{allow: administer, user: ada}")
    place.commit(f"Only Ada from now on\n\nApproved-by: {GRACE[0]} <{GRACE[1]}>", by=ADA)
    done = place.run("apply")
    assert (done.code, done.out) == (4, "")
    assert "policies/review.yaml:1: params: found 1 person who may administer (ada), expected 2" in done.err
    assert not (place.root / ".feeds").exists()
    edit(place, PERMISSIONS_FILE, "{allow: administer, user: ada}", "{allow: administer, group: senior-developers}")
    place.commit("As it was", by=MALLORY)  # putting back what is in force takes no right
    assert place.run("apply").code == 0
    assert promotions(place) == [("leaf", (ADA[1], [GRACE[1]]))]
    verified(place)


def test_a_root_without_policies_is_judged_by_the_trust_anchor_that_comes_later(tmp_path):
    place = Place(tmp_path / "early")
    place.root.mkdir()
    place.git("init", "-q", "-b", "main")
    place.git("config", "user.name", ADA[0])
    place.git("config", "user.email", ADA[1])
    place.write(".gitignore", "/.feeds/\n/upstream/\n")
    place.write("feeds.yaml", FEEDS)
    place.offer_wheel("leaf", "1.2")
    place.offer_wheel("sample", "1.0")
    place.commit("No policies yet", by=MALLORY)
    early = place.run("plan")
    assert (early.code, early.out) == (4, "")
    assert PERMISSIONS_FILE in early.err
    place.write(PERMISSIONS_FILE, PERMISSIONS)
    switch(place, "draft", new=True)
    place.commit("Only to write the approvals", by=ADA)
    leaf = place.run("approve", "approved-pypi", "leaf", "-m", "x")
    assert leaf.code == 0
    written = text(place, LEAF)
    place.git("switch", "-q", "-f", "main")
    place.git("clean", "-q", "-f", "-d")
    place.write(LEAF, written)
    place.commit("Approved before anybody could say who may", by=MALLORY)
    place.write(PERMISSIONS_FILE, PERMISSIONS)
    place.commit("Who may", by=ADA)
    approve(place, "sample", by=GRACE)
    done = place.run("apply", "--format", "json")
    assert (done.code, packages(done.json["applied"]), packages(done.json["holds"])) == (5, ["sample"], ["leaf"])
    assert "Mallory" in done.json["holds"][0]["reason"]
    assert place.run("endorse", "approved-pypi", "leaf", "1.2", "-m", "It is good", "--commit").code == 0
    assert place.run("apply").code == 0
    verified(place)
    assert rows(place, "--author", "mallory")[0]["outcome"] == "applied"
