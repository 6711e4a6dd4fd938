"""What every rule keeps, whatever it judges: the row in RULES is all that it takes to be held to it."""

from dataclasses import replace
from datetime import UTC
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.decide.rules import RULES
from reconciler.decide.rules.interface import Facts, Subject
from reconciler.declaration import KINDS
from reconciler.declare.load import load_rules
from reconciler.declare.policies import read_policy
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.model.verdicts import LEVELS
from reconciler.model.waivers import Waivable
from reconciler.model.words import FeedName, PackageKey
from tests.contracts.facts import FACTS

FEEDS = b"feeds: {public: {type: pypi, usage: proxy, connectors: [{upstream: x}]}}\n"
SUBJECT = Subject(
    feed=FeedName("approved-nuget"), package=PackageKey("newtonsoft.json"), name="Newtonsoft.Json", language=ECOSYSTEMS["nuget"]
)
SAMPLES = {
    "age": "{min_age: 7d}",
    "size": "{max_file: 50 MB, max_total: 2 GiB}",
}
"""Parameters for rules that have one without a default."""


def policy(name, on_violation="hold"):
    text = f"rule: {name}\non_violation: {on_violation}\nparams: {SAMPLES.get(name, '{}')}\n"
    read = read_policy("policies/x.yaml", text.encode(), KINDS.rules)
    assert read.value is not None, [str(problem) for problem in read.problems]
    return read.value


@pytest.fixture(params=sorted(RULES))
def name(request):
    return request.param


def test_a_policy_that_says_nothing_but_its_rule_can_be_read_or_says_what_it_lacks(name):
    read = read_policy("policies/x.yaml", f"rule: {name}\n".encode(), KINDS.rules)
    assert (read.value is None) == bool(read.problems)


@pytest.mark.parametrize("on_violation", ["warn", "hold", "deny"])
def test_a_rule_that_lacks_its_fact_holds_whatever_violations_lead_to_and_says_why(name, on_violation):
    verdicts = RULES[name].check(SUBJECT, policy(name, on_violation), Facts())
    assert max(LEVELS.index(verdict.level) for verdict in verdicts) >= LEVELS.index("hold")
    assert all(verdict.reason for verdict in verdicts)
    assert any(verdict.unknown for verdict in verdicts)


def test_the_same_gives_the_same(name):
    one, other = (RULES[name].check(SUBJECT, policy(name), Facts()) for _ in range(2))
    assert one == other


@pytest.mark.parametrize("on_violation", ["warn", "hold", "deny"])
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(facts=FACTS)
def test_whatever_the_facts_are_verdicts_are_well_formed(name, on_violation, facts):
    asked = policy(name, on_violation)
    verdicts = RULES[name].check(SUBJECT, asked, facts)
    assert verdicts == RULES[name].check(SUBJECT, asked, facts), "the same gives the same"
    for verdict in verdicts:
        assert verdict.level in LEVELS
        assert verdict.level == "allow" or verdict.reason.strip(), "what does not allow says why"
        assert all(one and type(one) is str for one in verdict.ids)
        assert verdict.until is None or verdict.until.utcoffset() is not None
        assert not verdict.unknown or verdict.level == "hold", "what is not known lets nothing in, and denies nothing"
        assert verdict.level != "hold" or verdict.unknown or on_violation != "warn", "a policy that warns holds only what is not known"


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(facts=FACTS, rest=st.data())
def test_until_the_instant_that_it_names_a_rule_says_the_same(name, facts, rest):
    asked = policy(name)
    verdicts = RULES[name].check(SUBJECT, asked, facts)
    instants = [verdict.until for verdict in verdicts if verdict.until is not None]
    if instants and facts.now is not None and min(instants) > facts.now:
        first = min(instants)
        before = rest.draw(st.datetimes(facts.now.replace(tzinfo=None), first.replace(tzinfo=None), timezones=st.just(UTC)))
        if before < first:
            then = RULES[name].check(SUBJECT, asked, replace(facts, now=before))
            assert [one.level for one in then] == [one.level for one in verdicts]


def test_it_says_how_a_waiver_may_name_what_it_says(name):
    assert RULES[name].waivable in get_args(Waivable)
    assert isinstance(RULES[name].reads_archives, bool)


def test_every_parameter_is_described_for_an_editor(name):
    assert all(field.description for field in RULES[name].Params.model_fields.values())


def test_every_rule_says_what_it_is(name):
    assert RULES[name].__doc__
    assert f"`{name}`" in (RULES[name].__doc__ or "").split("\n")[0]


def test_whether_a_policy_can_be_met_is_told_without_a_fact(name):
    empty = load_rules({"feeds.yaml": FEEDS, "policies/permissions.yaml": b"permissions: []\n"}, KINDS)
    found = RULES[name].unmet(policy(name), empty)
    assert found is None or (found.found and found.expected)
