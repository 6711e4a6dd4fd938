"""Endorsements: somebody entitled stands for what its author was not entitled to approve."""

import pytest

from reconciler.model.facts import facts_of
from reconciler.model.permissions import Line
from tests.decide.standings import AB, FROM_OTHER, IN_PAYMENTS, A, files, in_payments, names, standing
from tests.support.declared import OTHER, approval, event, file, person


def test_an_endorsement_authorises_the_file_as_it_stands_and_its_author_stays():
    first, second = event(1, "mallory", None, A), event(2, "ada", A, endorsed := approval("a", endorsed=["ada"]))
    told = standing(first, second)
    assert told.facts == facts_of(endorsed)
    assert (told.author, told.author_commit) == (person("mallory"), first.author)
    assert names(told.approvers) == ["Ada"]
    assert told.landing == second.landing
    assert told.line == Line(path="policies/permissions.yaml", line=10)
    assert told.held == ()


def test_it_covers_everything_that_several_people_wrote():
    evil = approval("a", file("b", "evil"), expires="2027-01-01")
    events = [event(1, "mallory", None, AB), event(2, "eve", AB, evil)]
    told = standing(*events, event(3, "grace", evil, approval("a", file("b", "evil"), expires="2027-01-01", endorsed=["grace"])))
    assert files(told) == ["a", "b"]
    assert told.facts["expires"] == "2027-01-01"
    assert (told.author, names(told.approvers)) == (person("mallory"), ["Grace"])
    assert told.held == ()


def test_the_endorser_of_an_extension_approves_what_its_author_wrote():
    events = [event(1, "ada", None, A, landed_by="ada grace"), event(2, "mallory", A, AB)]
    told = standing(*events, event(3, "grace", AB, approval("a", "b", endorsed=["grace"])))
    assert (told.author, names(told.approvers), files(told)) == (person("mallory"), ["Grace"], ["a", "b"])


def test_the_endorser_of_what_was_authorised_joins_its_approvers():
    events = [event(1, "alan", None, A, landed_by="grace"), second := event(2, "ada", A, approval("a", endorsed=["ada"]))]
    told = standing(*events)
    assert (told.author, names(told.approvers)) == (person("alan"), ["Grace", "Ada"])
    assert told.landing == second.landing


def test_a_held_date_does_not_make_its_writer_the_author():
    late = approval("a", expires="2099-01-01")
    events = [event(1, "ada", None, A), event(2, "mallory", A, late)]
    told = standing(*events, event(3, "grace", late, approval("a", expires="2099-01-01", endorsed=["grace"])))
    assert (told.author, names(told.approvers), told.facts["expires"]) == (person("ada"), ["Grace"], "2099-01-01")


@pytest.mark.parametrize("by", ["ada", "ada@example.org", "ADA@example.org", "ada@home.example"])
def test_the_endorser_is_named_by_id_or_by_any_of_their_addresses(by):
    assert files(standing(event(1, "mallory", None, A), event(2, "ada", A, approval("a", endorsed=[by])))) == ["a"]


def test_an_endorsement_that_a_developer_prepares_and_the_endorser_lands():
    told = standing(event(1, "mallory", None, A), event(2, "alan", A, approval("a", endorsed=["ada"]), landed_by="ada"))
    assert (told.author, names(told.approvers)) == (person("mallory"), ["Ada"])


def test_an_endorsement_in_the_name_of_somebody_else_authorises_nothing():
    """`by` is neither author nor witness of that commit: anybody could have written it."""
    told = standing(event(1, "mallory", None, A), event(2, "mallory", A, approval("a", endorsed=["ada"])))
    assert told.facts == {}
    assert [h.event.position for h in told.held] == [1, 2]


def test_an_endorsement_in_somebody_elses_name_by_an_entitled_person_authorises_itself_only():
    told = standing(event(1, "mallory", None, A), event(2, "grace", A, approval("a", endorsed=["ada"])))
    assert files(told) == []
    assert [h.event.position for h in told.held] == [1]


def test_an_endorsement_by_somebody_not_entitled_that_an_entitled_person_merges():
    told = standing(event(1, "mallory", None, A), event(2, "eve", A, approval("a", endorsed=["eve@example.org"]), landed_by="grace"))
    assert files(told) == [], "grace has let a remark in, she has not endorsed the files"
    assert [h.event.position for h in told.held] == [1]


def test_an_old_endorsement_does_not_speak_for_what_came_after_it():
    once = approval("a", endorsed=["ada"])
    more = approval("a", "b", endorsed=["ada"])
    twice = approval("a", "b", endorsed=["ada", "eve@example.org"])
    events = [event(1, "mallory", None, A), event(2, "ada", A, once), event(3, "mallory", once, more)]
    assert files(standing(*events)) == ["a"]
    told = standing(*events, event(4, "eve", more, twice, landed_by="ada"))
    assert files(told) == ["a"], "ada let another endorsement in, hers is of the time before"
    assert [h.event.position for h in told.held] == [3]


def test_an_endorsement_that_is_taken_out_again_leaves_what_it_authorised():
    once = approval("a", endorsed=["ada"])
    told = standing(event(1, "mallory", None, A), event(2, "ada", A, once), event(3, "ada", once, A))
    assert (files(told), told.author, names(told.approvers)) == (["a"], person("mallory"), ["Ada"])


def test_the_endorser_must_be_entitled_for_the_source_that_the_file_names():
    endorsed = approval("a", source=OTHER, endorsed=["ada"])
    told = in_payments(event(1, "mallory", None, FROM_OTHER, of=IN_PAYMENTS), event(2, "ada", FROM_OTHER, endorsed, of=IN_PAYMENTS))
    assert told.facts == {}


def test_an_approval_that_is_written_and_endorsed_in_one_pull_request():
    endorsed = approval("a", endorsed=["ada"])
    facts = {"endorsed": event(1, "ada", None, endorsed, only=["endorsed"], landed_by="github ada")}
    facts["rest"] = event(1, "mallory", None, endorsed, only=["file:a", "from"], landed_by="github ada")
    told = standing(*facts.values())
    assert (told.author, files(told)) == (person("mallory"), ["a"])


def test_and_whose_merger_is_nobody():
    endorsed = approval("a", endorsed=["ada"])
    own = event(1, "ada", None, endorsed, only=["endorsed"], landed_by="mallory")
    told = standing(own, event(1, "mallory", None, endorsed, only=["file:a", "from"], landed_by="mallory"))
    assert (told.author, names(told.approvers), files(told), told.held) == (person("mallory"), ["Ada"], ["a"], ())


def test_an_approval_that_its_own_author_endorses():
    told = standing(event(1, "ada", None, approval("a", endorsed=["ada"])))
    assert (told.author, told.approvers, files(told)) == (person("ada"), (), ["a"])
