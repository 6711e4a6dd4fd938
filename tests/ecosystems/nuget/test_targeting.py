"""Which dependencies of a package apply for a target framework: the groups of real shapes, by one of NuGet's own choices."""

import io

import pytest

from reconciler.ecosystems.nuget import inspect, targeting
from reconciler.ecosystems.nuget.targeting import MAX_GROUPS, edges, targets
from reconciler.model.packages import Dependency, Edge
from tests.support.nupkgs import nupkg


def group(framework, *names):
    return [Dependency(name=name, range="[1.0.0, )", condition=framework) for name in names]


FULL = [*group(".NETFramework4.5", "Old"), *group(".NETStandard2.0", "Standard"), *group("net6.0", "New", "Newer")]
FRAMEWORKS = (".NETFramework4.5", ".NETFramework4.6.2", ".NETStandard2.0", "net6.0")


def names(dependencies, frameworks, target):
    return [edge.name for edge in edges(dependencies, frameworks, target, frozenset())]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("net8.0", ["New", "Newer"]),
        ("net8.0-windows", ["New", "Newer"]),
        ("net5.0", ["Standard"]),
        ("netstandard2.1", ["Standard"]),
        ("net48", []),  # the group for 4.6.2 is empty
        ("net45", ["Old"]),
        ("net40", []),  # no group is compatible
        ("uap10.0", []),
        (None, ["New", "Newer", "Old", "Standard"]),
    ],
)
def test_one_group_applies_and_an_empty_one_is_one(target, expected):
    assert names(FULL, FRAMEWORKS, target) == expected


def test_without_the_list_of_groups_those_with_dependencies_are_known():
    assert names(FULL, (), "net48") == ["Old"]


def test_dependencies_for_any_framework_apply_where_no_group_is_nearer():
    both = [*group("", "Always"), *group("net6.0", "New")]
    assert names(both, ("", "net6.0"), "net48") == ["Always"]
    assert names(both, ("", "net6.0"), "net8.0") == ["New"]
    assert names(group("", "Always"), ("",), "net20") == ["Always"]


def test_groups_of_one_framework_in_two_spellings_apply_together():
    assert names([*group("net48", "A"), *group(".NETFramework4.8", "B")], (), "net481") == ["A", "B"]


def test_a_group_for_what_nuget_does_not_know_is_for_nobody_and_one_at_which_it_stumbles_for_everybody():
    odd = [
        *group("foo1.0", "Unknown"),
        *group(".NETFramework,Version=x", "Unreadable"),
        *group("n" * 300, "Long"),
        *group("net45", "Known"),
    ]
    assert names(odd, (), "net48") == ["Known", "Long", "Unreadable"]
    assert names(odd, (), "net8.0") == ["Long", "Unreadable"]


def test_more_groups_than_are_compared_apply_all():
    many = [one for number in range(MAX_GROUPS + 1) for one in group(f"net1.0.{number}", f"D{number}")]
    assert len(names(many, (), "net48")) == MAX_GROUPS + 1
    assert names(many[:-1], (), "net48") == [f"D{MAX_GROUPS - 1}"]


def test_the_range_is_as_it_was_declared():
    assert edges([Dependency(name="A", range="nonsense")], ("",), "net48", frozenset({"x"})) == (Edge(name="A", range="nonsense"),)


def test_an_archive_says_what_applies():
    data = nupkg("Sample", "1.0.0", dependencies={"net462": {}, ".NETStandard2.0": {"System.Memory": "4.5.5"}})
    found = inspect("sample.1.0.0.nupkg", io.BytesIO(data))
    assert edges(found.dependencies, ("net462", ".NETStandard2.0"), "net48", frozenset()) == ()
    assert edges(found.dependencies, ("net462", ".NETStandard2.0"), "net8.0", frozenset()) == (
        Edge(name="System.Memory", range="[4.5.5, )"),
    )


def test_targets_are_frameworks_each_once():
    assert targeting.keys == ("frameworks",)
    assert targets({"frameworks": ["net8.0", "net48", ".NETCoreApp,Version=v8.0", "net8.0-windows"]}) == (
        "net8.0",
        "net48",
        "net8.0-windows",
    )
    assert targets({}) == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "any",
        "agnostic",
        "foo",
        "net9x",
        "net",
        "net48-windows",
        "Contoso,Version=v1.0",
        ".NETFramework,Version=x",
        "portable-net45+foo",
        ".NETPortable,Version=v0.0,Profile=Profile1",
    ],
)
def test_what_no_project_can_be_for_is_no_target(text):
    with pytest.raises(ValueError, match="is no target framework as in"):
        targets({"frameworks": ["net48", text]})
