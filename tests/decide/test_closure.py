"""What a feed lacks: dependencies that nothing in it satisfies, whether directly or further down."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.decide.closure import MAX_STEPS, gaps_of
from reconciler.decide.supply import listed
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.model.closure import Gap, Supplied
from reconciler.model.packages import Dependency, Edge, Traits
from reconciler.model.words import FeedName, PackageKey, Version
from tests.support.declared import published, stock

FEED = FeedName("approved")
PYPI, NUGET, NPM = (ECOSYSTEMS[kind] for kind in ("pypi", "nuget", "npm"))
Packages = Mapping[str, Sequence[str] | None]
"""By "name version" what it needs, as Python writes it ("b>=1; extra == 'x'"); None: nobody knows."""


def supply_of(packages: Packages) -> dict[PackageKey, list[Supplied]]:
    found: dict[PackageKey, list[Supplied]] = {}
    for shown, needs in packages.items():
        name, _, version = shown.partition(" ")
        dependencies = None if needs is None else tuple(map(dependency, needs))
        found.setdefault(PYPI.normalize_name(name), []).append(
            Supplied(name=name, version=PYPI.parse_version(version), dependencies=dependencies)
        )
    return found


def dependency(text: str) -> Dependency:
    what, _, condition = text.partition("; ")
    end = next((place for place, character in enumerate(what) if character in "<>=~!["), len(what))
    return Dependency(name=what[:end], range=what[end:], condition=condition)


def gaps(packages: Packages, *targets: str) -> tuple[Gap, ...]:
    return gaps_of(FEED, supply_of(packages), targets, PYPI)


def told(packages: Packages, *targets: str) -> list[str]:
    """Each gap as "path -> need"."""
    return [" -> ".join([*gap.path, f"{gap.needs}{list(gap.extras) or ''}{gap.range}"]) for gap in gaps(packages, *targets)]


@pytest.mark.parametrize(
    ("packages", "expected"),
    [
        ({}, []),
        ({"a 1": []}, []),
        ({"a 1": ["b"], "b 1": []}, []),
        ({"a 1": ["b"]}, ["a 1 -> b"]),
        ({"a 1": ["b>=2"], "b 1": []}, ["a 1 -> b>=2"]),
        ({"a 1": ["b>=2"], "b 1": [], "b 2": []}, []),
        ({"a 1": ["b", "c"]}, ["a 1 -> b", "a 1 -> c"]),
        ({"a 1": ["b"], "a 2": []}, ["a 1 -> b"]),
        ({"a 1": ["b"], "b 1": ["c"]}, ["a 1 -> b 1 -> c", "b 1 -> c"]),
        ({"a 1": ["b"], "b 1": [], "b 2": ["c"]}, ["b 2 -> c"]),
        ({"a 1": ["b"], "b 1": ["c"], "b 2": ["c>=2"], "c 1": []}, ["b 2 -> c>=2"]),
        ({"a 1": ["b==2"], "b 1": ["c"], "b 2": ["c>=2"], "c 1": []}, ["a 1 -> b 2 -> c>=2", "b 2 -> c>=2"]),
        ({"A.b 1": ["C_d"], "c-d 1": []}, []),
        ({"A.b 1": ["C_d>1"], "c-d 1": []}, ["A.b 1 -> C_d>1"]),
        ({"a 1": ["b"], "b 1": None}, []),
        ({"a 1": None}, []),
    ],
    ids=[
        *("nothing", "no needs", "satisfied", "missing", "out of range", "one of two", "two gaps", "one version only", "over another one"),
        *("another candidate will do", "the lower candidate will do", "no other candidate", "spelled otherwise", "spelled as it is"),
        *("needs of a candidate are not known", "needs are not known"),
    ],
)
def test_what_nothing_satisfies_is_a_gap(packages, expected):
    assert told(packages) == expected


@pytest.mark.parametrize(
    ("packages", "expected"),
    [
        ({"a 1": ["b"], "b 1": ["a"]}, []),
        ({"a 1": ["a"]}, []),
        ({"a 1": ["b"], "b 1": ["c"], "c 1": ["a"]}, []),
        ({"a 1": ["b"], "b 1": ["a", "c"]}, ["a 1 -> b 1 -> c", "b 1 -> c"]),
        ({"a 1": ["b"], "b 1": ["a==2"]}, ["a 1 -> b 1 -> a==2", "b 1 -> a==2"]),
        ({"a 1": ["b"], "b 1": ["a"], "b 2": ["c"]}, ["b 2 -> c"]),
    ],
)
def test_versions_that_need_each_other_are_satisfied_unless_one_lacks_something(packages, expected):
    assert told(packages) == expected


@pytest.mark.parametrize(
    ("packages", "expected"),
    [
        ({"a 1": ["b[x]"], "b 1": ["c; extra == 'x'"]}, ["a 1 -> b[x] 1 -> c"]),
        ({"a 1": ["b[x]"], "b 1": ["c; extra == 'x'"], "c 1": []}, []),
        ({"a 1": ["b"], "b 1": ["c; extra == 'x'"]}, []),
        ({"a 1": ["b[y]"], "b 1": ["c; extra == 'x'"]}, []),
        ({"a 1": ["b[x]>=2"], "b 1": []}, ["a 1 -> b['x']>=2"]),
        ({"a 1": ["b[x]"], "b 1": ["b[y]; extra == 'x'", "c; extra == 'y'"]}, ["a 1 -> b[x] 1 -> b[y] 1 -> c"]),
        ({"a 1": ["b[x]"], "b 1": ["c; extra == 'x'"], "b 2": ["d; extra == 'x'"], "c 1": []}, []),
        ({"a 1": ["b[x]"], "b 1": ["c"]}, ["a 1 -> b[x] 1 -> c", "b 1 -> c"]),
    ],
)
def test_extras_are_needed_by_who_asks_for_them_only(packages, expected):
    assert told(packages) == expected


def test_the_shortest_way_is_told():
    packages = {"a 1": ["b", "d"], "b 1": ["c"], "c 1": ["d"], "d 1": ["e"]}
    assert told(packages)[0] == "a 1 -> d 1 -> e"


def test_of_two_candidates_the_way_leads_over_the_nearer_to_its_gap():
    packages = {"a 1": ["b"], "b 1": ["x"], "b 2": ["c"], "c 1": ["y"]}
    assert told(packages)[0] == "a 1 -> b 1 -> x"


def test_a_gap_is_told_once_with_the_targets_that_it_is_for():
    needs = ["b; sys_platform == 'win32'", "c>=2; python_version < '3.12'", "d"]
    found = gaps({"a 1": needs, "c 1": []}, "3.11 linux_x86_64", "3.11 win_amd64", "3.12 win_amd64")
    assert [(gap.needs, gap.targets) for gap in found] == [
        ("b", ("3.11 win_amd64", "3.12 win_amd64")),
        ("c", ("3.11 linux_x86_64", "3.11 win_amd64")),
        ("d", ("3.11 linux_x86_64", "3.11 win_amd64", "3.12 win_amd64")),
    ]


def test_without_targets_a_dependency_counts_that_somebody_needs():
    (gap,) = gaps({"a 1": ["b; sys_platform == 'win32'"]})
    assert (gap.needs, gap.targets) == ("b", ())


@pytest.mark.parametrize(
    ("need", "why"),
    [
        (Dependency(name="b", range="no range"), "Invalid specifier: 'no range'"),
        (Dependency(name="b", range="@ https://packages.example/b.whl"), "Invalid specifier"),
        (Dependency(name="no name at all", range=""), "name is invalid"),
    ],
)
@pytest.mark.parametrize("there", [False, True])
def test_what_cannot_be_read_is_a_gap_that_says_so(need, why, there):
    supply = {
        PackageKey("a"): [Supplied(name="a", version=PYPI.parse_version("1"), dependencies=(need,))],
        **({PackageKey("b"): [Supplied(name="b", version=PYPI.parse_version("1"), dependencies=())]} if there else {}),
    }
    (gap,) = gaps_of(FEED, supply, (), PYPI)
    assert (gap.needs, gap.range, gap.path) == (need.name, need.range, ("a 1",))
    assert why in gap.unread


def test_what_can_be_read_does_not_say_that_it_cannot():
    assert [gap.unread for gap in gaps({"a 1": ["b>=1"]})] == [""]


def test_frameworks_decide_which_group_counts():
    needs = (Dependency(name="Polyfill", range="[1.0.0, )", condition=".NETStandard2.0"),)
    version = NUGET.parse_version("1.0.0")
    for frameworks, target, count in [
        ((), "net8.0", 1),
        ((".NETStandard2.0", "net8.0"), "net8.0", 0),
        ((".NETStandard2.0", "net8.0"), "net48", 1),
    ]:
        supply = {PackageKey("a"): [Supplied(name="A", version=version, dependencies=needs, frameworks=frameworks)]}
        assert len(gaps_of(FEED, supply, (target,), NUGET)) == count


def test_what_npm_need_not_install_is_not_missed():
    conditions = ["", "peer", "optional", "peer optional", "bundled", "optional bundled"]
    needs = tuple(Dependency(name=f"b{number}", range="^1.0.0", condition=condition) for number, condition in enumerate(conditions))
    supply = {PackageKey("a"): [Supplied(name="a", version=NPM.parse_version("1.0.0"), dependencies=needs)]}
    assert [gap.needs for gap in gaps_of(FEED, supply, (), NPM)] == ["b0", "b1"]


def test_only_listed_versions_are_supplied_with_what_all_their_files_say():
    needs = (Dependency(name="base", range=">=1"),)
    held = stock(
        {
            "base": [published("1.0", "a", state="unlisted"), published("2.0", "b", state="quarantined")],
            "app": [published("1.0", "c", dependencies=needs)],
        }
    )
    supply = listed(held.packages.values())
    assert {key: [one.version.text for one in versions] for key, versions in supply.items()} == {"base": [], "app": ["1.0"]}
    (gap,) = gaps_of(FEED, supply, (), PYPI)
    assert gap.path == ("app 1.0",)


def test_frameworks_of_all_files_are_taken_together():
    version = published("1.0", "a", "b", "c")
    traits = [Traits(frameworks=("net8.0",)), None, Traits(frameworks=("net48", "net8.0"))]
    files = tuple(replace(file, traits=one) for file, one in zip(version.files, traits, strict=True))
    held = stock({"app": [replace(version, files=files)]})
    ((one,),) = listed(held.packages.values()).values()
    assert one.frameworks == ("net8.0", "net48")


# --- size -------------------------------------------------------------------------------------------------------------------------


def chain(length: int, end: Sequence[str]) -> Packages:
    return {f"p{number:04} 1": [f"p{number + 1:04}"] if number + 1 < length else end for number in range(length)}


def test_a_closure_of_500_is_walked_to_its_end():
    assert told(chain(500, [])) == []
    found = gaps(chain(500, ["gone>=1"]))
    assert len(found) == 500
    assert {(gap.needs, gap.range) for gap in found} == {("gone", ">=1")}
    assert found[-2].path == ("p0498 1", "p0499 1")


def test_the_middle_of_a_long_way_is_left_out():
    path = gaps(chain(500, ["gone"]))[0].path
    assert (path[0], path[MAX_STEPS - 2], path[-2:]) == ("p0000 1", f"p{MAX_STEPS - 2:04} 1", (f"({500 - MAX_STEPS} more)", "p0499 1"))
    assert gaps(chain(MAX_STEPS, ["gone"]))[0].path == tuple(f"p{number:04} 1" for number in range(MAX_STEPS))


def test_a_cycle_of_500_is_satisfied_and_one_with_a_hole_is_not():
    assert told(chain(500, ["p0000"])) == []
    assert len(gaps(chain(500, ["p0000", "gone"]))) == 500


def test_each_range_is_compared_once_with_each_version_that_may_be_needed():
    """500 dependents of one range, of which the highest version will do: one comparison."""
    asked: list[str] = []

    class Counting:
        targeting = PYPI.targeting
        normalize_name, parse_version = staticmethod(PYPI.normalize_name), staticmethod(PYPI.parse_version)

        @staticmethod
        def contains(version_range: str, version: Version, /) -> bool:
            asked.append(version_range)
            return PYPI.contains(version_range, version)

    packages: dict[str, list[str]] = {f"app{number} 1": ["base>=1"] for number in range(500)}
    packages |= {f"base 1.{number}": [] for number in range(50)}
    assert gaps_of(FEED, supply_of(packages), ("3.11", "3.12"), Counting()) == ()
    assert asked == [">=1"]


# --- properties -------------------------------------------------------------------------------------------------------------------

NAMES, VERSIONS = "abcd", ("1", "2")
NEEDS = st.builds(
    lambda name, extra, wanted, own: f"{name}{extra}{wanted}{own}",
    st.sampled_from(NAMES),
    st.sampled_from(["", "[x]", "[x,y]"]),
    st.sampled_from(["", "==1", ">=2", "<2"]),
    st.sampled_from(["", "; extra == 'x'", "; extra == 'y'"]),
)
PACKAGES = st.dictionaries(
    st.builds("{} {}".format, st.sampled_from(NAMES), st.sampled_from(VERSIONS)), st.lists(NEEDS, max_size=3), max_size=8
)


def naive(packages: Packages) -> set[tuple[str, str]]:
    """Versions that are not satisfied: take everything for satisfied, and strike out until nothing changes."""
    supply = supply_of(packages)
    extras = [frozenset(one) for one in ((), ("x",), ("x", "y"))]
    standing = {(key, one.version.key, wanted) for key, versions in supply.items() for one in versions for wanted in extras}

    def satisfied(one: Supplied, wanted: frozenset[str]) -> bool:
        edges = PYPI.targeting.edges(one.dependencies or (), (), None, wanted)
        return all(any(True for _ in candidates(edge)) for edge in edges)

    def candidates(edge: Edge) -> Iterator[Supplied]:
        key = PYPI.normalize_name(edge.name)
        for other in supply.get(key, ()):
            if PYPI.contains(edge.range, other.version) and (key, other.version.key, frozenset(edge.extras)) in standing:
                yield other

    while True:
        struck = {
            (key, one.version.key, wanted)
            for key, versions in supply.items()
            for one in versions
            for wanted in extras
            if (key, one.version.key, wanted) in standing and not satisfied(one, wanted)
        }
        if not struck:
            break
        standing -= struck
    everything = {(key, one.version.key) for key, versions in supply.items() for one in versions}
    return {place for place in everything if (*place, frozenset()) not in standing}


def broken(found: Iterable[Gap]) -> set[tuple[str, str]]:
    return {(gap.identity.package, gap.identity.version) for gap in found}


@given(PACKAGES)
def test_what_is_not_satisfied_is_what_striking_out_leaves(packages):
    assert broken(gaps(packages)) == naive(packages)


def asked_for(edge: Edge) -> str:
    return f"{edge.name}[{','.join(edge.extras)}]" if edge.extras else edge.name


@given(PACKAGES)
def test_every_way_leads_along_edges_to_a_need_that_no_version_is_in_range_for(packages):
    supply = supply_of(packages)
    for gap in gaps(packages):
        key = PYPI.normalize_name(gap.needs)
        assert not any(PYPI.contains(gap.range, other.version) for other in supply.get(key, ()))
        for dependent, next_ in zip(gap.path, [*gap.path[1:], None], strict=True):
            name, _, version = dependent.partition(" ")
            plain, _, extras = name.partition("[")
            (one,) = [other for other in supply[PYPI.normalize_name(plain)] if other.version.text == version]
            edges = PYPI.targeting.edges(one.dependencies or (), (), None, frozenset(filter(None, extras.rstrip("]").split(","))))
            if next_ is None:
                assert Edge(name=gap.needs, range=gap.range, extras=gap.extras) in edges
            else:
                wanted, _, reached = next_.partition(" ")
                assert any(wanted == asked_for(edge) and PYPI.contains(edge.range, PYPI.parse_version(reached)) for edge in edges)


@given(PACKAGES, st.data())
def test_taking_out_all_that_satisfies_a_dependency_makes_a_gap(packages, data):
    whole = {shown: needs for shown, needs in packages.items() if tuple(shown.split()) not in naive(packages)}
    dependents = [
        (shown, edge.name)
        for shown, needs in whole.items()
        for edge in PYPI.targeting.edges(tuple(map(dependency, needs)), (), None, frozenset())
        if edge.name != shown.partition(" ")[0]
    ]
    if not dependents:
        return
    shown, name = data.draw(st.sampled_from(dependents))
    left = {other: needs for other, needs in whole.items() if other.partition(" ")[0] != name}
    assert tuple(shown.split()) in broken(gaps(left))


@given(PACKAGES)
def test_the_order_in_which_versions_come_does_not_matter(packages):
    turned = dict(reversed(packages.items()))
    assert broken(gaps(packages)) == broken(gaps(turned))
    assert [len(gap.path) for gap in gaps(packages)] == [len(gap.path) for gap in gaps(turned)]
