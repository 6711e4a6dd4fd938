"""What every rule keeps, whatever it judges: the row in RULES is all that it takes to be held to it."""

import pytest

from reconciler.decide.rules import RULES
from reconciler.decide.rules.interface import Facts, Subject
from reconciler.declaration import KINDS
from reconciler.declare.load import load_rules
from reconciler.declare.policies import read_policy
from reconciler.model.verdicts import LEVELS
from reconciler.model.words import FeedName, PackageKey

FEEDS = b"feeds: {public: {type: pypi, usage: proxy, connectors: [{upstream: x}]}}\n"
SUBJECT = Subject(feed=FeedName("approved-nuget"), package=PackageKey("newtonsoft.json"))


def policy(name, on_violation="hold"):
    read = read_policy("policies/x.yaml", f"rule: {name}\non_violation: {on_violation}\n".encode(), KINDS.rules)
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


def test_every_parameter_is_described_for_an_editor(name):
    assert all(field.description for field in RULES[name].Params.model_fields.values())


def test_every_rule_says_what_it_is(name):
    assert RULES[name].__doc__
    assert f"`{name}`" in (RULES[name].__doc__ or "").split("\n")[0]


def test_whether_a_policy_can_be_met_is_told_without_a_fact(name):
    empty = load_rules({"feeds.yaml": FEEDS, "policies/permissions.yaml": b"permissions: []\n"}, KINDS)
    found = RULES[name].unmet(policy(name), empty)
    assert found is None or (found.found and found.expected)
