"""Who is left without when a version is taken back."""

import pytest

from reconciler.decide.dependents import left_without
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.model.declared import Withdrawal
from reconciler.model.packages import Dependency
from reconciler.model.plan import Dependent
from tests.decide.passes import plan_of
from tests.support.declared import APPROVED, desired, identity, published, stock

NPM, PYPI = ECOSYSTEMS["npm"], ECOSYSTEMS["pypi"]
BASE_1, BASE_2 = identity("base"), identity("base", "2.0")
APP = Dependent(package="app", version="1.0", needs="Base", range=">=1")


def app(version_range=">=1", name="Base", **more):
    return published("1.0", "app", dependencies=(Dependency(name=name, range=version_range),), **more)


def lost(*taken, packages, language=PYPI):
    found = left_without(set(taken), stock(packages), language)
    return {one: dependents for one, dependents in found.items() if dependents}


def test_the_last_candidate_is_missed_by_all_that_need_it():
    packages = {"base": [published("1.0", "a")], "app": [app()], "tool": [app("<2")]}
    tool = Dependent(package="tool", version="1.0", needs="Base", range="<2")
    assert lost(BASE_1, packages=packages) == {BASE_1: (APP, tool)}


def test_another_candidate_is_enough():
    packages = {"base": [published("1.0", "a"), published("2.0", "b")], "app": [app()]}
    assert lost(BASE_1, packages=packages) == {}
    assert lost(BASE_1, packages={**packages, "app": [app("<2")]}) == {
        BASE_1: (Dependent(package="app", version="1.0", needs="Base", range="<2"),)
    }


def test_several_that_go_together_are_missed_together():
    packages = {"base": [published("1.0", "a"), published("2.0", "b")], "app": [app()]}
    assert lost(BASE_1, BASE_2, packages=packages) == {BASE_1: (APP,), BASE_2: (APP,)}


@pytest.mark.parametrize(
    "packages",
    [
        {"base": [published("1.0", "a")], "app": [app(state="unlisted")]},
        {"base": [published("1.0", "a")], "app": [app(state="quarantined")]},
        {"base": [published("1.0", "a")], "app": [app(">=2")]},
        {"base": [published("1.0", "a", state="unlisted")], "app": [app()]},
        {"base": [published("1.0", "a")], "app": [app(name="other")]},
        {"base": [published("1.0", "a")], "app": [app(name="no name at all")]},
        {"base": [published("1.0", "a")], "app": [app("no range at all")]},
    ],
    ids=["unlisted", "quarantined", "out of range", "gone before", "another", "no name", "no range"],
)
def test_nobody_misses_what_satisfied_nothing(packages):
    assert lost(BASE_1, packages=packages) == {}


def test_what_goes_itself_misses_nothing():
    packages = {"base": [published("1.0", "a")], "app": [app()]}
    assert lost(BASE_1, identity("app"), packages=packages) == {}


def test_a_plan_names_them_before_anything_is_done():
    held = stock({"base": [published("1.0", "a")], "app": [app()]})
    taken = desired("a", of=BASE_1, state="withdrawn", withdrawn=Withdrawal(action="quarantine", reason="Bad.", since=None))
    stays = desired("app", of=identity("app"))
    (change,) = plan_of(taken, stays, stocks=[held]).changes
    assert (change.kind, change.identity.feed, change.dependents) == ("quarantine", APPROVED, (APP,))


@pytest.mark.parametrize(
    ("language", "condition"),
    [
        (NPM, "bundled"),
        (NPM, "optional bundled"),
        (NPM, "optional"),
        (NPM, "peer optional"),
        (PYPI, "extra == 'fast'"),
    ],
)
def test_what_a_package_brings_with_it_or_can_do_without_is_not_missed(language, condition):
    app_of = published("1.0", "app", dependencies=(Dependency(name="base", range=">=1", condition=condition),))
    assert lost(BASE_1, packages={"base": [published("1.0", "a")], "app": [app_of]}, language=language) == {}


@pytest.mark.parametrize(("language", "condition"), [(NPM, "peer"), (PYPI, "sys_platform == 'win32'")])
def test_what_is_needed_somewhere_is_missed(language, condition):
    app_of = published("1.0", "app", dependencies=(Dependency(name="base", range="", condition=condition),))
    missed = Dependent(package="app", version="1.0", needs="base", range="")
    assert lost(BASE_1, packages={"base": [published("1.0", "a")], "app": [app_of]}, language=language) == {BASE_1: (missed,)}
