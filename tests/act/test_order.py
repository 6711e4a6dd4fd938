"""The order in which packages become visible: what a package needs comes before it, and cycles do no harm."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from reconciler.act.order import dependencies_first
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.model.packages import Dependency, PublishedPackage, PublishedVersion
from reconciler.model.words import PackageKey

PYPI = ECOSYSTEMS["pypi"]


def package(key: str, *needs: str) -> PublishedPackage:
    """One version for each dependency, so that those of all versions count."""
    versions = tuple(
        PublishedVersion(
            version=PYPI.parse_version(str(number)),
            state="listed",
            reason="",
            deprecated=None,
            published_at=datetime(2026, 1, 1, tzinfo=UTC),
            files=(),
            dependencies=(Dependency(name=name, range=""),),
        )
        for number, name in enumerate(needs)
    )
    return PublishedPackage(key=PackageKey(key), name=key, versions=versions)


def order(*packages: PublishedPackage) -> list[str]:
    return [one.key for one in dependencies_first(packages, PYPI)]


def test_what_is_needed_comes_first_however_it_is_spelled():
    assert order(package("a", "Z.Z"), package("z-z", "m"), package("m")) == ["m", "z-z", "a"]


def test_packages_that_need_nothing_of_each_other_go_by_name():
    assert order(package("c"), package("a", "elsewhere"), package("b")) == ["a", "b", "c"]


def test_a_package_may_need_itself_and_what_is_no_name():
    assert order(package("a", "a", "no name at all!", "")) == ["a"]


def test_packages_that_need_each_other_go_by_name():
    assert order(package("b", "a"), package("a", "b"), package("c")) == ["a", "b", "c"]


NAMES = [f"p{number}" for number in range(6)]


@given(needs=st.lists(st.lists(st.integers(0, 5), max_size=4), min_size=6, max_size=6), mixed=st.permutations(range(6)))
def test_every_package_comes_once_and_after_all_that_it_needs(needs, mixed):
    acyclic = [package(NAMES[number], *(NAMES[need] for need in wanted if need > number)) for number, wanted in enumerate(needs)]
    ordered = order(*(acyclic[number] for number in mixed))
    assert sorted(ordered) == NAMES
    for number, wanted in enumerate(needs):
        for need in wanted:
            assert need <= number or ordered.index(NAMES[need]) < ordered.index(NAMES[number])
    assert ordered == order(*acyclic)
