"""Who stands behind a withdrawal, a deprecation and an expiry: stories of one file, told by `standings.py`."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.decide.standing import Standing
from reconciler.model.declared import Deprecation, Withdrawal
from reconciler.model.facts import deprecation_of, facts_of, withdrawal_of
from reconciler.model.permissions import Line
from tests.decide.standings import AB, LINES, RULES, A, files, in_force, names, standing
from tests.support.declared import approval, backing, claimed, commit, event, person, rules

BAD = Withdrawal(action="quarantine", reason="Steals credentials.", since=date(2026, 11, 20))
MILD = Withdrawal(action="unlist", reason="Broken on Windows.", since=None)
OLD = Deprecation(reason="No longer maintained.", use="pkg 2.0")
TAKEN, UNLISTED, DEPRECATED = replace(A, withdrawn=BAD), replace(A, withdrawn=MILD), replace(A, deprecated=OLD)
EXPIRING = approval("a", expires="2027-01-01")


def endorsed(text, *by):
    return replace(text, endorsed=approval("a", endorsed=by).endorsed)


# --- by somebody entitled -----------------------------------------------------------------------------------------------------------


def test_who_takes_back_is_known_apart_from_who_approved():
    first, second = event(1, "ada", None, A), event(2, "grace", A, TAKEN)
    told = standing(first, second)
    assert withdrawal_of(told.facts) == BAD
    assert (told.author, told.author_commit, told.landing) == (person("ada"), first.author, first.landing)
    assert told.moved_by == {
        "withdrawn": backing(
            second.landing, author="grace", author_commit=second.author, line=Line(path="policies/permissions.yaml", line=12)
        )
    }
    assert told.held == ()


def test_the_people_behind_files_and_source_as_one():
    told = standing(first := event(1, "alan", None, A, landed_by="grace ada"))
    assert told.backing == backing(first.landing, "grace", "ada", author="alan", author_commit=first.author, line=told.line)
    assert names(told.approvers) == ["Grace", "Ada"]
    assert Standing().backing is None
    assert standing(event(1, "mallory", None, A)).backing is None


def test_behind_a_fact_that_was_never_moved_stand_those_behind_the_files():
    told = standing(event(1, "ada", None, A), event(2, "grace", A, TAKEN))
    assert told.behind("withdrawn") == told.moved_by["withdrawn"]
    assert told.behind("deprecated") == told.behind("expires") == told.backing
    assert Standing().behind("withdrawn") is None


@pytest.mark.parametrize(
    ("fact", "before", "after"),
    [
        ("withdrawn", A, TAKEN),
        ("withdrawn", TAKEN, A),
        ("withdrawn", TAKEN, UNLISTED),
        ("deprecated", A, DEPRECATED),
        ("deprecated", DEPRECATED, A),
        ("expires", A, EXPIRING),
        ("expires", EXPIRING, A),
        ("expires", EXPIRING, approval("a", expires="2026-12-01")),
        ("expires", EXPIRING, approval("a", expires="2099-01-01")),
    ],
)
@pytest.mark.parametrize("who", ["ada", "grace"], ids=["may promote", "may administer"])
def test_the_last_who_moves_a_fact_is_behind_it(fact, before, after, who):
    told = standing(event(1, "ada", None, before), second := event(2, who, before, after))
    assert told.facts == facts_of(after)
    assert (told.moved_by[fact].author, told.moved_by[fact].landing) == (claimed(who), second.landing)
    assert told.author == person("ada")
    assert told.held == ()


def test_each_fact_has_its_own_people():
    both = replace(TAKEN, deprecated=OLD)
    told = standing(event(1, "ada", None, EXPIRING), event(2, "grace", EXPIRING, TAKEN), event(3, "ada", TAKEN, both, landed_by="grace"))
    assert {fact: backing.author.name for fact, backing in told.moved_by.items()} == {
        "expires": "Grace",
        "withdrawn": "Grace",
        "deprecated": "Ada",
    }
    assert names(told.moved_by["deprecated"].approvers) == ["Grace"]
    assert told.moved_by["withdrawn"].approvers == ()


def test_an_extension_of_what_is_withdrawn_names_new_people_for_the_files_only():
    more = replace(AB, withdrawn=BAD)
    told = standing(event(1, "ada", None, A), event(2, "ada", A, TAKEN), event(3, "grace", TAKEN, more))
    assert (told.author, told.moved_by["withdrawn"].author) == (person("grace"), claimed("ada"))


def test_an_approval_that_arrives_withdrawn_is_one_persons_word():
    """`withdraw` writes a deleted file again from the record: files and withdrawal come together."""
    events = [event(1, "ada", None, A), event(2, "mallory", A, None), third := event(3, "grace", None, TAKEN)]
    told = standing(*events)
    assert told.facts == facts_of(TAKEN)
    assert told.backing == told.moved_by["withdrawn"]
    assert (told.author, told.landing) == (person("grace"), third.landing)


def test_a_deletion_takes_all_facts_without_authority():
    assert standing(event(1, "ada", None, TAKEN), event(2, "mallory", TAKEN, None)) == Standing()


def test_and_whoever_deletes_and_writes_it_again_gives_nothing_back():
    events = [event(1, "ada", None, A), event(2, "ada", A, TAKEN), event(3, "mallory", TAKEN, None), event(4, "mallory", None, A)]
    assert standing(*events).facts == {}


def test_a_withdrawal_that_somebody_entitled_merges():
    told = standing(event(1, "ada", None, A), event(2, "alan", A, TAKEN, landed_by="github grace"))
    assert told.moved_by["withdrawn"].author == claimed("alan")
    assert names(told.moved_by["withdrawn"].approvers) == ["Github", "Grace"]
    assert told.moved_by["withdrawn"].grounds.line == Line(path="policies/permissions.yaml", line=12)
    assert names(told.approvers) == [], "who lets a withdrawal in has not looked at the files"


# --- by somebody who is not ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [(A, TAKEN), (TAKEN, A), (TAKEN, UNLISTED), (A, DEPRECATED), (DEPRECATED, A), (A, EXPIRING), (EXPIRING, A)],
    ids=["withdrawn", "given back", "only unlisted", "deprecated", "no more deprecated", "expiring", "no more expiring"],
)
@pytest.mark.parametrize("who", ["mallory", "alan"])
def test_it_is_held_and_the_earlier_value_stays(before, after, who):
    told = standing(event(1, "ada", None, before), event(2, who, before, after))
    assert told.facts == facts_of(before)
    assert set(told.moved_by) == facts_of(before).keys() & {"withdrawn", "deprecated", "expires"}
    (held,) = told.held
    assert held.event.position == 2
    assert held.candidates == ("ada", "grace")


def test_what_is_held_and_taken_back_has_moved_nothing():
    events = [event(1, "ada", None, A), event(2, "mallory", A, TAKEN), event(3, "grace", TAKEN, A)]
    assert standing(*events).moved_by == {}, "the version was never withdrawn, so grace gave nothing back"
    assert standing(*events).held == ()
    restored = [event(1, "ada", None, TAKEN), event(2, "mallory", TAKEN, A), event(3, "grace", A, TAKEN)]
    assert standing(*restored).moved_by == standing(restored[0]).moved_by
    assert standing(*restored).held == ()


def test_somebody_entitled_who_writes_it_anew_is_its_author():
    told = standing(event(1, "ada", None, A), event(2, "mallory", A, TAKEN), event(3, "grace", TAKEN, UNLISTED))
    assert withdrawal_of(told.facts) == MILD
    assert (told.moved_by["withdrawn"].author, told.held) == (claimed("grace"), ())


def test_a_withdrawal_of_what_nobody_stands_for_is_authorised_all_the_same():
    told = standing(event(1, "mallory", None, A), event(2, "ada", A, TAKEN))
    assert (files(told), withdrawal_of(told.facts), told.author) == ([], BAD, None)
    assert told.behind("withdrawn") == told.moved_by["withdrawn"]
    assert [held.event.position for held in told.held] == [1]


# --- endorsed -----------------------------------------------------------------------------------------------------------------------


def test_an_endorsed_withdrawal_keeps_its_author_and_the_endorser_approves():
    first, second = event(1, "ada", None, A), event(2, "alan", A, TAKEN, landed_by="mallory")
    third = event(3, "grace", TAKEN, endorsed(TAKEN, "grace"))
    told = standing(first, second, third)
    assert withdrawal_of(told.facts) == BAD
    assert told.moved_by == {
        "withdrawn": backing(
            third.landing,
            "grace",
            author="alan",
            author_commit=second.author,
            line=Line(path="policies/permissions.yaml", line=12),
            endorsed=(second.landing.id,),
        )
    }
    assert (told.author, names(told.approvers), told.held) == (person("ada"), ["Grace"], ())


def test_an_endorsed_return_has_its_author_too():
    events = [event(1, "ada", None, TAKEN), event(2, "alan", TAKEN, A), event(3, "grace", A, endorsed(A, "grace"))]
    told = standing(*events)
    assert withdrawal_of(told.facts) is None
    assert (told.moved_by["withdrawn"].author, names(told.moved_by["withdrawn"].approvers)) == (claimed("alan"), ["Grace"])


def test_an_endorsement_that_comes_later_is_none_of_what_was_authorised_before():
    events = [event(1, "ada", None, A), event(2, "ada", A, TAKEN)]
    told = standing(*events, event(3, "grace", TAKEN, endorsed(TAKEN, "grace")))
    assert told.moved_by == standing(*events).moved_by


def test_a_withdrawal_that_is_written_and_endorsed_in_one_commit():
    told = standing(event(1, "ada", None, A), event(2, "alan", A, endorsed(TAKEN, "grace"), landed_by="grace"))
    assert (told.moved_by["withdrawn"].author, names(told.moved_by["withdrawn"].approvers)) == (claimed("alan"), ["Grace"])
    assert told.author == person("ada")


def test_a_withdrawal_that_is_written_by_one_and_endorsed_by_another_in_one_pull_request():
    after = endorsed(TAKEN, "grace")
    told = standing(
        event(1, "ada", None, A),
        event(2, "grace", A, after, only=["endorsed"], landed_by="mallory"),
        event(2, "alan", A, after, only=["withdrawn"], landed_by="mallory"),
    )
    assert (told.moved_by["withdrawn"].author, names(told.moved_by["withdrawn"].approvers)) == (claimed("alan"), ["Grace", "Mallory"])


def test_an_extension_that_is_written_and_endorsed_in_one_commit_is_its_writers():
    told = standing(event(1, "ada", None, A, landed_by="ada grace"), event(2, "mallory", A, endorsed(AB, "grace"), landed_by="grace"))
    assert (files(told), told.author, names(told.approvers)) == (["a", "b"], person("mallory"), ["Grace"])


def test_of_two_who_wrote_it_the_later_is_the_author():
    events = [event(1, "ada", None, A), event(2, "mallory", A, TAKEN), event(3, "alan", TAKEN, UNLISTED)]
    told = standing(*events, event(4, "grace", UNLISTED, endorsed(UNLISTED, "grace")))
    assert (withdrawal_of(told.facts), told.moved_by["withdrawn"].author) == (MILD, claimed("alan"))


def test_an_approval_that_was_void_and_withdrawn_is_endorsed_as_it_stands():
    events = [event(1, "mallory", None, A), event(2, "alan", A, DEPRECATED), event(3, "ada", DEPRECATED, endorsed(DEPRECATED, "ada"))]
    told = standing(*events)
    assert (told.author, deprecation_of(told.facts), told.moved_by["deprecated"].author) == (person("mallory"), OLD, claimed("alan"))


# --- rights of then, and any story ----------------------------------------------------------------------------------------------------


def test_a_group_that_changes_later_alters_nothing():
    events = [event(1, "ada", None, A), event(2, "ada", A, TAKEN), event(3, "alan", TAKEN, DEPRECATED)]
    later = in_force((0, RULES), (5, rules("deny: promote-packages, group: seniors", "allow: administer, user: alan")))
    assert standing(*events, by=later).facts == standing(*events).facts == facts_of(TAKEN)
    assert standing(*events, by=later).moved_by == standing(*events).moved_by
    assert standing(*events, event(6, "ada", DEPRECATED, UNLISTED), by=later).facts == facts_of(TAKEN)


def test_a_right_for_another_source_withdraws_nothing():
    elsewhere = in_force((0, rules(*LINES)), (2, rules("allow: promote-packages, user: ada, from: other")))
    assert standing(event(1, "ada", None, A), event(3, "ada", A, TAKEN), by=elsewhere).facts == facts_of(A)


STATES = [A, TAKEN, UNLISTED, DEPRECATED, replace(UNLISTED, deprecated=OLD), EXPIRING]


@given(st.lists(st.tuples(st.sampled_from(["ada", "grace", "mallory", "alan"]), st.sampled_from(STATES)), max_size=8))
def test_behind_every_value_stands_who_last_changed_it_with_a_right(story):
    events, before = [event(0, "ada", None, A)], A
    values: dict[str, str | None] = {}
    movers = {}
    for position, (who, after) in enumerate(story, start=1):
        if facts_of(before) != facts_of(after):
            events.append(event(position, who, before, after))
            for fact, value in events[-1].moved.items() if who in {"ada", "grace"} else ():
                if values.get(fact) != value:
                    values[fact], movers[fact] = value, (claimed(who), commit(position, person(who)))
        before = after
    told = standing(*events)
    assert told.facts == {**facts_of(A), **{fact: value for fact, value in values.items() if value is not None}}
    assert {fact: (backing.author, backing.landing) for fact, backing in told.moved_by.items()} == movers
    assert set(told.pending) == {
        fact for fact in facts_of(before).keys() | values.keys() if facts_of(before).get(fact) != told.facts.get(fact)
    }
