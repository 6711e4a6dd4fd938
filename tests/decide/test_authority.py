"""Who stands behind an approval: stories of one file, told by `standings.py`."""

from dataclasses import replace

import pytest

from reconciler.decide.authority import authorise
from reconciler.decide.standing import Standing
from reconciler.model.declared import Withdrawal
from reconciler.model.events import Person
from reconciler.model.facts import facts_of
from reconciler.model.permissions import Line
from tests.decide.standings import (
    AB,
    FROM_OTHER,
    FROM_PUBLIC,
    IN_PAYMENTS,
    LINES,
    RULES,
    SOURCES,
    A,
    files,
    in_force,
    in_payments,
    names,
    standing,
)
from tests.support.declared import APPROVED, OTHER, approval, commit, event, file, identity, person, rules

# --- who is entitled ----------------------------------------------------------------------------------------------------------------


def test_an_author_who_may_promote():
    approved = standing(first := event(1, "ada", None, A))
    assert approved.facts == facts_of(A)
    assert approved.author == person("ada")
    assert approved.author_commit == first.author
    assert approved.landing == first.landing
    assert approved.approvers == ()
    assert approved.line == Line(path="policies/permissions.yaml", line=10)
    assert approved.held == ()


def test_an_author_who_may_not_leaves_the_approval_void():
    void = standing(event(1, "mallory", None, A))
    assert (void.facts, void.author, void.landing, void.line) == ({}, None, None, None)
    (held,) = void.held
    assert held.reason == "nobody behind this approval (Mallory <mallory@example.org>) may promote from public to approved"
    assert held.line is None
    assert held.candidates == ("ada", "grace")


def test_the_line_that_denies_is_named():
    (held,) = standing(event(1, "alan", None, A)).held
    assert held.line == Line(path="policies/permissions.yaml", line=11)


def test_an_approver_who_may_promote_stands_for_an_author_who_may_not():
    approved = standing(event(1, "alan", None, A, landed_by="mallory grace"))
    assert approved.author == person("alan")
    assert names(approved.approvers) == ["Mallory", "Grace"]
    assert approved.line == Line(path="policies/permissions.yaml", line=12), "the line that allows, not the one that denies the author"


def test_an_author_is_not_an_approver_under_another_address():
    ada_at_home = Person(name="A.", email="ada@home.example")
    approved = standing(event(1, commit(1, ada_at_home), None, A, landed_by="ada grace"))
    assert names(approved.approvers) == ["Grace"]


def test_all_that_was_judged_is_told_in_landing_order():
    events = [event(1, "mallory", None, A), event(2, "ada", A, AB, landed_by="grace")]
    judged = authorise(events, in_force((0, RULES))).judged
    assert [(j.event.position, names(j.approvers), j.held is None) for j in judged] == [(1, [], False), (2, ["Grace"], True)]


def test_everyone_may_promote_where_a_line_says_so():
    everyone = in_force((0, rules("allow: promote-packages, user: everyone")))
    assert standing(event(1, "mallory", None, A), by=everyone).author == person("mallory")


# --- which rules count ----------------------------------------------------------------------------------------------------------------


def test_rights_are_judged_by_the_rules_before_the_landing_commit():
    granted = rules(*LINES, "allow: promote-packages, user: everyone")
    assert standing(event(5, "mallory", None, A), by=in_force((0, RULES), (5, granted))).held
    assert not standing(event(6, "mallory", None, A), by=in_force((0, RULES), (5, granted))).held


def test_approvals_up_to_the_trust_anchor_are_judged_by_its_own_rules():
    for position in (0, 3, 5):
        assert standing(event(position, "ada", None, A), by=in_force((5, RULES))).author == person("ada")
        assert standing(event(position, "mallory", None, A), by=in_force((5, RULES))).held


def test_losing_a_right_later_changes_nothing():
    later = in_force((0, RULES), (5, rules("deny: promote-packages, user: ada")))
    assert standing(event(1, "ada", None, A), by=later) == standing(event(1, "ada", None, A))


def test_candidates_are_told_by_the_rules_of_now():
    later = in_force((0, RULES), (5, rules("allow: promote-packages, user: alan")))
    (held,) = standing(event(1, "mallory", None, A), by=later).held
    assert held.candidates == ("alan",)


def test_gaining_a_right_later_legalises_nothing():
    later = in_force((0, RULES), (5, rules("allow: promote-packages, user: everyone")))
    (held,) = standing(event(1, "mallory", None, A), by=later).held
    assert held.candidates == ("everyone", "ada", "alan", "grace")


# --- extensions and other changes -----------------------------------------------------------------------------------------------------


def test_an_extension_by_somebody_not_entitled_keeps_the_earlier_files_and_is_held():
    first = event(1, "ada", None, A)
    extended = standing(first, event(2, "mallory", A, AB))
    assert files(extended) == ["a"]
    assert (extended.author, extended.landing) == (person("ada"), first.landing)
    assert [h.event.position for h in extended.held] == [2]


def test_an_extension_by_somebody_entitled_is_theirs():
    extended = standing(event(1, "ada", None, A), second := event(2, "grace", A, AB))
    assert files(extended) == ["a", "b"]
    assert (extended.author, extended.landing) == (person("grace"), second.landing)


def test_another_digest_by_somebody_not_entitled_keeps_the_reviewed_one():
    changed = standing(event(1, "ada", None, A), event(2, "mallory", A, approval(file("a", "evil"))))
    assert changed.facts == facts_of(A)


def test_a_held_change_that_is_taken_back_is_asked_for_no_more():
    events = [event(1, "ada", None, A), event(2, "mallory", A, AB), event(3, "mallory", AB, A)]
    assert standing(*events).held == ()
    assert standing(*events).facts == facts_of(A)


def test_of_two_held_changes_of_one_fact_the_later_is_asked_for():
    evil = approval("a", file("b", "evil"))
    assert [h.event.position for h in standing(event(1, "ada", None, A), event(2, "mallory", A, AB), event(3, "eve", AB, evil)).held] == [3]


def test_a_held_fact_stays_held_when_somebody_entitled_changes_another():
    abc = approval("a", "b", "c")
    corrected = approval("a", file("b", "corrected"), "c")
    told = standing(event(1, "ada", None, A), event(2, "mallory", A, abc), event(3, "grace", abc, corrected))
    assert files(told) == ["a", "b"]
    assert [h.event.position for h in told.held] == [2], "c is still in the file, and still nobody's word"
    last = standing(
        event(1, "ada", None, A), event(2, "mallory", A, abc), event(3, "grace", abc, corrected), event(4, "ada", corrected, AB)
    )
    assert last.held == ()


def test_two_held_changes_are_both_asked_for():
    events = [event(1, "ada", None, A), event(2, "mallory", A, AB), event(3, "eve", AB, approval("a", "b", expires="2027-01-01"))]
    assert [h.event.position for h in standing(*events).held] == [2, 3]
    assert standing(*events).held[0].candidates == ("ada", "grace")


def test_somebody_entitled_who_repeats_what_was_held_stands_for_it():
    none = approval("a")
    events = [event(1, "ada", None, A), event(2, "mallory", A, AB), event(3, "mallory", AB, none), event(4, "ada", none, AB)]
    assert files(standing(*events)) == ["a", "b"]
    assert standing(*events).held == ()


# --- expiry -------------------------------------------------------------------------------------------------------------------------


def test_an_expiry_moves_by_somebody_entitled_and_names_nobody_new():
    expiring = approval("a", expires="2027-01-01")
    events = [event(1, "ada", None, A), event(2, "grace", A, expiring)]
    assert standing(*events).facts["expires"] == "2027-01-01"
    assert standing(*events).author == person("ada"), "who moves a date has not looked at the files"
    assert "expires" not in standing(*events, event(3, "ada", expiring, A)).facts


@pytest.mark.parametrize("day", ["2026-12-01", "2099-01-01", ""])
def test_an_expiry_moves_for_nobody_else_whether_shorter_or_longer(day):
    before, after = approval("a", expires="2027-01-01"), approval("a", expires=day)
    told = standing(event(1, "ada", None, before), event(2, "mallory", before, after))
    assert told.facts["expires"] == "2027-01-01"
    assert [h.event.position for h in told.held] == [2]


# --- deletion -----------------------------------------------------------------------------------------------------------------------


def test_a_deletion_needs_no_authority():
    assert standing(event(1, "ada", None, A), event(2, "mallory", A, None)) == Standing()


def test_a_void_approval_that_is_deleted_is_held_no_more():
    assert standing(event(1, "mallory", None, A), event(2, "mallory", A, None)) == Standing()


def test_a_deletion_is_judged_without_a_hold():
    judged = authorise([event(1, "ada", None, A), event(2, "mallory", A, None)], in_force((0, RULES))).judged
    assert judged[1].held is None


def test_an_approval_after_a_deletion_is_judged_anew():
    gone = [event(1, "ada", None, A), event(2, "ada", A, None)]
    assert standing(*gone, event(3, "mallory", None, A)).facts == {}
    assert standing(*gone, event(3, "grace", None, A)).author == person("grace")


# --- where it comes from ------------------------------------------------------------------------------------------------------------


def test_the_source_that_the_approval_names_is_what_somebody_must_be_entitled_for():
    assert in_payments(event(1, "ada", None, FROM_PUBLIC, of=IN_PAYMENTS)).author == person("ada")
    assert in_payments(event(1, "ada", None, FROM_OTHER, of=IN_PAYMENTS)).held
    assert in_payments(event(1, "grace", None, FROM_OTHER, of=IN_PAYMENTS)).facts["from"] == OTHER


def test_the_only_source_of_a_feed_counts_where_none_is_named():
    unnamed = approval("a", source=None)
    assert standing(event(1, "ada", None, unnamed), by=SOURCES).author == person("ada")
    assert standing(event(1, "grace", None, unnamed), by=SOURCES).held


def test_where_no_source_is_known_a_line_for_one_source_does_not_do():
    (held,) = in_payments(event(1, "ada", None, approval("a", source=None), of=IN_PAYMENTS)).held
    assert "may promote from any feed to payments" in held.reason


def test_a_feed_that_the_rules_of_then_did_not_have():
    young = identity(feed=APPROVED)
    without = rules(
        "allow: promote-packages, user: ada", feeds="feeds:\n  public: {type: pypi, usage: proxy, connectors: [{upstream: x}]}\n"
    )
    assert standing(event(1, "ada", None, A, of=young), by=in_force((0, without))).author == person("ada")


def test_another_source_is_somebody_elses_to_say():
    moved = in_payments(event(1, "ada", None, FROM_PUBLIC, of=IN_PAYMENTS), event(2, "ada", FROM_PUBLIC, FROM_OTHER, of=IN_PAYMENTS))
    assert moved.facts["from"] == "public"
    moved = in_payments(event(1, "ada", None, FROM_PUBLIC, of=IN_PAYMENTS), event(2, "grace", FROM_PUBLIC, FROM_OTHER, of=IN_PAYMENTS))
    assert (moved.facts["from"], moved.author) == ("other", person("grace"))


def test_a_source_that_is_held_entitles_nobody_who_comes_later():
    events = [
        event(1, "ada", None, FROM_PUBLIC, of=IN_PAYMENTS),
        event(2, "mallory", FROM_PUBLIC, FROM_OTHER, of=IN_PAYMENTS),
        event(3, "grace", FROM_OTHER, approval("a", "b", source=OTHER), of=IN_PAYMENTS),
    ]
    told = in_payments(*events)
    assert files(told) == ["a"], "it would come from public, from where grace may not promote"
    assert [h.event.position for h in told.held] == [2, 3]


def test_a_source_that_is_dropped_falls_back_to_the_only_one():
    unnamed = approval("a", source=None)
    told = standing(event(1, "ada", None, A), event(2, "grace", A, unnamed))
    assert "from" not in told.facts
    assert told.author == person("grace")


# --- one landing commit, several authors --------------------------------------------------------------------------------------------


def test_what_lands_in_one_commit_is_let_in_together_or_not_at_all():
    """Nobody entitled ever said that the version has the one file only."""
    events = [
        event(1, "ada", None, AB, only=["file:a", "from"], landed_by="alan"),
        event(1, "mallory", None, AB, only=["file:b"], landed_by="alan"),
    ]
    told = standing(*events)
    assert (files(told), told.author) == ([], None)
    assert [h.event.author.author for h in told.held] == [person("ada"), person("mallory")]
    assert told.held[0].reason == f"what landed together with it is held: {told.held[1].reason}"
    assert told.held[0].line == told.held[1].line


def test_what_was_let_in_before_stays_where_an_extension_is_held_in_part():
    three = approval("a", "b", "c")
    events = [
        event(1, "ada", None, A),
        event(2, "ada", A, three, only=["file:b"], landed_by="alan"),
        event(2, "mallory", A, three, only=["file:c"], landed_by="alan"),
    ]
    assert files(standing(*events)) == ["a"]
    assert files(standing(*events, event(3, "ada", three, approval("a", "b")))) == ["a"], "what is taken out again brings nothing in"
    endorsed = approval("a", "b", "c", endorsed=["ada"])
    assert files(standing(*events, event(3, "ada", three, endorsed))) == ["a", "b", "c"]


def test_somebody_entitled_takes_back_whatever_landed_beside_it():
    taken = replace(AB, withdrawn=Withdrawal(action="unlist", since=None, reason="It phones home."))
    events = [
        event(1, "ada", None, A),
        event(2, "ada", A, taken, only=["withdrawn"], landed_by="alan"),
        event(2, "mallory", A, taken, only=["file:b"], landed_by="alan"),
    ]
    assert sorted(standing(*events).facts) == ["file:a", "from", "withdrawn"]


def test_a_limit_that_was_dropped_on_the_way_by_somebody_not_entitled_lets_nothing_in():
    dropped = replace(event(1, "mallory", None, A, only=[], landed_by="alan"), moved={"expires": None}, dropped=frozenset({"expires"}))
    told = standing(event(1, "ada", None, A, landed_by="alan"), dropped)
    assert (files(told), [h.event.author.author for h in told.held]) == ([], [person("ada"), person("mallory")])
    assert files(standing(event(1, "ada", None, A, landed_by="grace"), dropped)) == []
    by_ada = replace(dropped, author=commit(1, person("ada")))
    assert files(standing(event(1, "ada", None, A, landed_by="alan"), by_ada)) == ["a"]
