"""Which dependencies of a package are installed with it, from elsewhere."""

import io
from typing import Any, Final

from reconciler.ecosystems.npm import inspect, targeting
from reconciler.ecosystems.npm.targeting import edges, targets
from reconciler.model.packages import Dependency, Edge
from tests.support.tarballs import tarball, tarball_name

MANIFEST: Final[dict[str, Any]] = {
    "dependencies": {"needed": "^1.0.0", "inside": "1", "alias": "npm:@scope/real@~2.0.0", "tagged": "latest", "replaced": "1"},
    "optionalDependencies": {"maybe": "1", "replaced": "2"},
    "peerDependencies": {"host": ">=1 <3", "extra-host": "*"},
    "peerDependenciesMeta": {"extra-host": {"optional": True}},
    "bundleDependencies": ["inside"],
    "devDependencies": {"tests": "1"},
}


def test_dependencies_and_peers_apply_and_what_is_optional_or_inside_does_not():
    found = inspect(tarball_name("foo", "1.0.0"), io.BytesIO(tarball("foo", "1.0.0", **MANIFEST)))
    expected = (
        Edge(name="@scope/real", range="~2.0.0"),
        Edge(name="host", range=">=1 <3"),
        Edge(name="needed", range="^1.0.0"),
        Edge(name="tagged", range="latest"),
    )
    for target in (None, "anything"):
        assert edges(found.dependencies, (), target, frozenset({"x"})) == expected


def test_a_condition_that_is_not_known_applies():
    assert edges([Dependency(name="a", range="1", condition="sometimes")], (), None, frozenset()) == (Edge(name="a", range="1"),)


def test_there_are_no_targets():
    assert targeting.keys == ()
    assert targets({}) == ()
