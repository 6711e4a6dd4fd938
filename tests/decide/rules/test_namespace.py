import time

import pytest

from reconciler.decide.lookalikes import SHORTEST, lookalikes_of
from reconciler.decide.rules.interface import Facts, Subject
from reconciler.decide.rules.namespace import check, unmet
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.model.verdicts import ALLOW
from reconciler.model.words import FeedName, PackageKey
from tests.decide.rules.policies import policy_of, problems_of
from tests.support.declared import rules

PATH = "policies/names.yaml"


def judge(name, type_="nuget", source="public", package=None, **params):
    key = PackageKey(package) if package is not None else ECOSYSTEMS[type_].normalize_name(name)
    subject = Subject(feed=FeedName("approved"), package=key, name=name, language=ECOSYSTEMS[type_])
    facts = Facts(source=FeedName(source) if source is not None else None)
    (verdict,) = check(subject, policy_of("namespace", PATH, **params), facts)
    return verdict


@pytest.mark.parametrize(
    ("type_", "name", "reserved", "source", "passes"),
    [
        ("nuget", "Contoso.Logging", ["Contoso.*"], "public", False),
        ("nuget", "Contoso.Logging", ["Contoso.*"], "internal", True),
        ("nuget", "CONTOSO.logging", ["contoso.*"], "public", False),
        ("nuget", "Contoso-Logging", ["Contoso.*"], "public", False),
        ("nuget", "Contoso", ["Contoso.*"], "public", True),
        ("nuget", "Contoso", ["Contoso*"], "public", False),
        ("nuget", "Serilog", ["Contoso.*"], "public", True),
        ("nuget", "Serilog", ["Contoso.*"], "internal", True),
        ("pypi", "contoso_logging", "contoso-*", "public", False),
        ("pypi", "contoso.logging", "Contoso_*", "public", False),
        ("npm", "@contoso/logging", ["@contoso/*"], "public", False),
        ("npm", "@contoso2/logging", ["@contoso/*"], "public", True),
    ],
)
def test_a_reserved_name_comes_from_its_own_feeds(type_, name, reserved, source, passes):
    verdict = judge(name, type_, source, reserved=reserved, sources=["internal", "internal-too"])
    assert verdict.level == ("allow" if passes else "deny")


def test_who_may_provide_a_reserved_name_is_told():
    verdict = judge("Contoso.Logging", reserved="Contoso.*", sources=["internal", "internal-too"])
    assert verdict.reason == '"Contoso.Logging" is reserved as "Contoso.*": only internal or internal-too may provide it, not public'
    assert verdict.remedy == "promote it from internal or internal-too"
    verdict = judge("Contoso.Logging", reserved="Contoso.*")
    assert verdict.reason == '"Contoso.Logging" is reserved as "Contoso.*": no feed may provide it'
    assert verdict.remedy.startswith("choose another package, or name the feeds that may provide it in sources of policies/")


@pytest.mark.parametrize(
    ("type_", "name", "protected", "passes"),
    [
        ("nuget", "Newtonsoft.Json", "Newtonsoft.Json", True),
        ("nuget", "newtonsoft.json", "Newtonsoft.Json", True),
        ("nuget", "Newtonsoft-Json", "Newtonsoft.Json", False),
        ("nuget", "NewtonsoftJson", "Newtonsoft.Json", False),
        ("nuget", "Newtons0ft.Json", "Newtonsoft.Json", False),
        ("nuget", "Newtonsoft.Js0n", "Newtonsoft.Json", False),
        ("nuget", "SeriIog", "Serilog", False),
        ("nuget", "Ser1log", "Serilog", False),
        ("nuget", "rnvvc", "mwc", False),
        ("pypi", "zope_interface", "zope.interface", True),
        ("pypi", "Zope-Interface", "zope.interface", True),
        ("pypi", "zopeinterface", "zope.interface", False),
        ("pypi", "reque5ts", "requests", False),  # one letter
        ("pypi", "reqeusts", "requests", False),
        ("pypi", "request", "requests", False),
        ("pypi", "requestss", "requests", False),
        ("pypi", "rquests", "requests", False),
        ("pypi", "requests-oauthlib", "requests", True),
        ("pypi", "httpx", "requests", True),
        ("pypi", "six2", "six", True),  # too short for slips
        ("pypi", "s1x", "six", False),
        ("npm", "types-node", "@types/node", False),
        ("npm", "@types/node", "@types/node", True),
        ("npm", "@types/nodee", "@types/node", False),
        ("npm", "lodash", "lodash", True),
        ("npm", "1odash", "lodash", False),
    ],
)
def test_what_is_mistaken_for_a_protected_name(type_, name, protected, passes):
    assert judge(name, type_, protected=protected).level == ("allow" if passes else "deny")


@pytest.mark.parametrize(
    "name",
    [
        "Anotar.S\u0435ril\u043eg.Fody",
        "Anotar.Seril\u03bfg.Fody",
        "ANOTAR.SERIL\u041eG.FODY",
        "Anotar.\uff33erilog.Fody",
        "Anotar.Ser\u00eclog.Fody",
        "Anotar.Ser\u200bilog.Fody",
        "An\u043et\u0430r.\u0405\u0435ril\u043eg.F\u043ed\u0443",
    ],
)
def test_letters_of_other_alphabets_are_seen(name):
    assert judge(name, package=name.lower(), protected="Anotar.Serilog.Fody", typos="false").level == "deny"


def test_a_capital_is_seen_as_it_is_spelled():
    name = "\u0397angfire"
    assert judge(name, package=name.lower(), protected="Hangfire", typos="false").level == "deny"


def test_another_alphabet_alone_is_no_violation():
    name = "\u041f\u0440\u0438\u0432\u0435\u0442"
    assert judge(name, package=name.lower(), protected="Anotar.Serilog.Fody") == ALLOW


def test_a_mistaken_name_is_told_with_the_one_that_it_is_mistaken_for():
    verdict = judge("Newtons0ft.Json", protected=["Serilog", "Newtonsoft.Json"])
    assert verdict.reason == '"Newtons0ft.Json" looks like "Newtonsoft.Json", and is another package'
    assert verdict.remedy == (
        "approve Newtonsoft.Json if that is meant; if this one is, too, add it to protected in policies/names.yaml, or waive the rule for it"
    )
    verdict = judge("reqeusts", "pypi", protected="requests")
    assert verdict.reason == '"reqeusts" is one letter away from "requests", and is another package'
    verdict = judge("S\u0435rilog", package="s\u0435rilog", protected="Serilog")
    assert verdict.reason == ('"S\u0435rilog" (with U+0435 CYRILLIC SMALL LETTER IE) looks like "Serilog", and is another package')
    verdict = judge("Ser\u200bilog", package="ser\u200bilog", protected="Serilog")
    assert verdict.reason == '"Ser\\u200bilog" (with U+200B ZERO WIDTH SPACE) looks like "Serilog", and is another package'


@pytest.mark.parametrize(
    ("type_", "name", "reserved", "passes"),
    [
        ("nuget", "C0ntoso.Logging", "Contoso.*", False),
        ("nuget", "C0ntoso.Logging.Extra", "Contoso.*", False),
        ("nuget", "Contosoft.Logging", "Contoso.*", True),
        ("nuget", "ContosoLogging", "Contoso.*", True),
        ("npm", "@c0ntoso/x", "@contoso/*", False),
        ("nuget", "Contosa", "Contoso", False),
        ("nuget", "Contosa.Logging", "Contoso.*", True),  # slips are looked for in whole names only
    ],
)
def test_what_is_mistaken_for_a_reserved_name(type_, name, reserved, passes):
    assert judge(name, type_, reserved=reserved).level == ("allow" if passes else "deny")


def test_what_comes_from_the_own_feeds_is_trusted_with_names():
    assert judge("Newtons0ft.Json", source="internal", sources="internal", protected="Newtonsoft.Json") == ALLOW


def test_two_protected_names_may_be_alike():
    assert judge("psycopg2", "pypi", protected=["psycopg", "psycopg2"]) == ALLOW
    assert judge("psycopg3", "pypi", protected=["psycopg", "psycopg2"]).level == "deny"


def test_slips_may_be_left_alone():
    assert judge("reqeusts", "pypi", protected="requests", typos="false") == ALLOW
    assert judge("requ3sts", "pypi", protected="requests", typos="false") == ALLOW
    assert judge("reque-sts", "pypi", protected="requests", typos="false").level == "deny"


def test_a_package_without_a_known_source_is_held():
    verdict = judge("Serilog", source=None, reserved="Contoso.*", on_violation="warn")
    assert (verdict.level, verdict.unknown, verdict.reason) == ("hold", True, "nobody knows which feed provides it")


@pytest.mark.parametrize("on_violation", ["warn", "hold", "deny"])
def test_a_violation_is_what_the_policy_says(on_violation):
    assert judge("Contoso.X", reserved="Contoso.*", on_violation=on_violation).level == on_violation
    assert judge("Ser1log", protected="Serilog", on_violation=on_violation).level == on_violation


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"reserved": "Contoso.*", "sources": "public"}, None),
        ({"protected": "Serilog"}, None),
        ({"reserved": "Contoso.*", "sources": ["public", "internal"]}, "sources that are no feeds: internal"),
        ({}, "neither reserved nor protected names"),
        ({"sources": "public"}, "neither reserved nor protected names"),
    ],
)
def test_a_policy_about_nothing_or_about_feeds_that_there_are_not_is_an_error(params, found):
    answer = unmet(policy_of("namespace", **params), rules())
    assert (answer.found if answer else None) == found


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({"protected": ["Serilog*"]}, "params.protected[0]: found 'Serilog*', expected a name, without wildcards"),
        ({"sources": "internal-*"}, "params.sources: found 'internal-*', expected a name, without wildcards"),
        ({"reserved": ["!x"]}, "params.reserved[0]: found '!x', expected a pattern as in"),
        ({"reserved": []}, "params.reserved: found none, expected at least one"),
        ({"typos": "yes"}, "params.typos: found 'yes', expected true or false"),
    ],
)
def test_what_is_wrong_with_the_parameters_is_told(params, problem):
    (told,) = problems_of("namespace", **params)
    assert told.startswith(f"policies/p.yaml:2: {problem}")


@pytest.mark.parametrize("name", ["\u0131" * 100, "*" * 100, "rn" * 5_000, "\ufdfa" * 1_000, "\U0001f1e6" * 100, "\ud800", "a" * 10_000])
def test_no_name_is_too_strange_or_too_long_to_be_compared(name):
    started = time.perf_counter()
    assert lookalikes_of(["Serilog", "Contoso.*"], slips=["Serilog"]).of(name) is None
    assert time.perf_counter() - started < 5


def test_slips_are_one_letter_left_out_added_replaced_or_moved():
    taken = lookalikes_of(["abcde"], slips=["abcde"])
    near = {"abcd", "bcde", "abcdex", "xabcde", "abxcde", "abxde", "abced", "bcdea"}
    assert {name for name in [*near, "abc", "abcdexx", "xbcdx", "edcba"] if taken.of(name)} == near
    assert len("abcde") == SHORTEST


def test_a_hundred_thousand_names_are_compared_with_a_thousand_in_seconds():
    protected = [f"package-number-{n}" for n in range(1_000)]
    policy = policy_of("namespace", PATH, protected=protected, reserved=["Contoso.*", "Fabrikam.*", "internal-*"])
    subjects = [
        Subject(
            feed=FeedName("approved"), package=PackageKey(f"some-other-name-{n}"), name=f"Some.Other.Name.{n}", language=ECOSYSTEMS["nuget"]
        )
        for n in range(1_000)
    ]
    facts = Facts(source=FeedName("public"))
    started = time.perf_counter()
    for number in range(100_000):
        assert check(subjects[number % 1_000], policy, facts) == (ALLOW,)
    assert time.perf_counter() - started < 60
