"""What every ecosystem keeps about which dependencies apply for what: one suite over the table of ecosystems.

A new one needs a row in DECLARED and in CONDITIONS.
"""

from __future__ import annotations

import time
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.ecosystems import ECOSYSTEMS
from reconciler.model.packages import Dependency
from tests.contracts.samples import SPEAKING

DECLARED: Final = {
    "npm": {},
    "nuget": {"frameworks": ["net8.0", "net48", "netstandard2.0", "net8.0-windows10.0.19041", "uap10.0", "portable-net45+win8"]},
    "pypi": {"python": ["3.9", "3.11.4", "3.13"], "platforms": ["linux_x86_64", "win32", "macosx_arm64"]},
}
CONDITIONS: Final = {
    "npm": ["", "optional", "peer", "peer optional", "bundled", "optional bundled"],
    "nuget": ["", "net6.0", ".NETStandard2.0", ".NETFramework4.5", "net40-client", "portable-net45+win8+wpa81", "any", "agnostic"],
    "pypi": ["", "python_version < '3.10'", "extra == 'a'", "extra == 'b' and sys_platform == 'win32'", "platform_release > '1'"],
}
HOSTILE: Final = [
    "(" * 10_000, ")" * 10_000, "(" * 5_000 + ")" * 5_000, "extra == 'a' or " * 600, "or and or", "\0", "\ud800", "\u202e", "é" * 5_000,
    "unknown1.0", "net" + "9" * 5_000, "net8.0-" + "x" * 5_000, "portable-" * 1_000, "portable-" + "net45+" * 1_000, ",", ",,Version=", "%",
    ".NETFramework,Version=x", "Version=1.0,Version=2.0", "%2525252b", "-", "''", "'a' == 'a'", "python_version ~= os_name", "1e999",
]  # fmt: skip
EXTRAS: Final = st.frozensets(st.sampled_from(["a", "B", "", "a b", "é", "x" * 1000]), max_size=3)


def test_every_ecosystem_has_rows():
    assert DECLARED.keys() == CONDITIONS.keys() == ECOSYSTEMS.keys()


@pytest.fixture(params=sorted(ECOSYSTEMS))
def kind(request):
    return request.param


@pytest.fixture(params=sorted(SPEAKING))
def spoken(request):
    return SPEAKING[request.param][0].targeting


@pytest.fixture
def targeting(kind):
    return ECOSYSTEMS[kind].targeting


def declared(conditions: list[str]) -> list[Dependency]:
    """Each condition with two dependencies, the second of which is the same for all."""
    return [Dependency(name=name, range="1.0", condition=one) for i, one in enumerate(conditions) for name in (f"D{i}", "Shared")]


def some_dependencies(kind: str) -> st.SearchStrategy[list[Dependency]]:
    names, ranges = st.sampled_from(["A", "b", "C.d"]), st.sampled_from(["", "1.0", "[x]>=1", "@ https://example.org/", "\0(("])
    conditions = st.sampled_from([*CONDITIONS[kind], *HOSTILE]) | st.text(max_size=20)
    return st.lists(st.builds(Dependency, name=names, range=ranges, condition=conditions), max_size=12)


def test_every_key_and_no_other_is_one_of_targets(kind, targeting):
    assert tuple(DECLARED[kind]) == targeting.keys
    found = targeting.targets(DECLARED[kind])
    assert len(found) == len(set(found))
    assert targeting.targets({}) == ()
    for key in targeting.keys:
        assert targeting.targets({key: [*DECLARED[kind][key], *DECLARED[kind][key]]}) == targeting.targets({key: DECLARED[kind][key]})
        for text in (*HOSTILE, "", " ", "\n"):
            with pytest.raises(ValueError, match="no "):
                targeting.targets({key: [text]})


def test_what_is_needed_without_a_condition_applies_everywhere(spoken):
    for target in (None, *spoken.targets({})):
        (edge,) = spoken.edges([Dependency(name="A", range="1.0")], (), target, frozenset())
        assert (edge.name, edge.range, edge.extras) == ("A", "1.0", ())
    assert spoken.edges([], (), None, frozenset()) == ()


def test_edges_are_sorted_and_each_is_there_once(kind, targeting):
    for target in (None, *targeting.targets(DECLARED[kind])):
        dependencies = declared(CONDITIONS[kind])
        found = targeting.edges(dependencies, CONDITIONS[kind], target, frozenset({"a"}))
        assert list(found) == sorted(set(found))
        assert found == targeting.edges([*reversed(dependencies), *dependencies], CONDITIONS[kind], target, frozenset({"a"}))


@pytest.mark.parametrize("name", sorted(ECOSYSTEMS))
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_target_has_all_that_some_target_has_and_nothing_raises(name, data):
    targeting = ECOSYSTEMS[name].targeting
    dependencies = data.draw(some_dependencies(name))
    frameworks = data.draw(st.lists(st.sampled_from([*CONDITIONS[name], *HOSTILE]), max_size=4))
    extras = data.draw(EXTRAS)
    every = targeting.edges(dependencies, frameworks, None, extras)
    for target in targeting.targets(DECLARED[name]):
        found = targeting.edges(dependencies, frameworks, target, extras)
        assert set(found) <= set(every)
        assert list(found) == sorted(set(found))
    assert {edge.name for edge in every} <= {one.name for one in dependencies}
    assert set(targeting.edges(dependencies, frameworks, None, frozenset())) <= set(every)


def test_hostile_conditions_take_no_time(kind, targeting):
    dependencies = [Dependency(name=f"D{i}", range="", condition=f"{one}{i}") for i in range(20) for one in HOSTILE]
    started = time.monotonic()
    for target in (None, *targeting.targets(DECLARED[kind])):
        targeting.edges(dependencies, [f"net4.{i}.{j}" for i in range(8) for j in range(1_000)], target, frozenset({"a", "b"}))
    assert time.monotonic() - started < 10
