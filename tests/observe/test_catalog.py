"""Looking up: the first connector that has a name owns it, silence ends the search, and filters block a name however it is spelled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

from reconciler.ecosystems import ECOSYSTEMS
from reconciler.errors import DeclarationInvalid, Malformed, NotThere, ReconcilerError, Unreachable
from reconciler.model.declared import Connector, Feed
from reconciler.model.packages import Listing
from reconciler.model.permissions import Line
from reconciler.model.plan import Absent, Found, Waiting
from reconciler.model.words import FeedName, PackageKey
from reconciler.observe.catalog import LOOKUPS_AT_ONCE, Wanted, admits, look_up
from reconciler.observe.upstreams import Upstream
from tests.support.shelf import Shelf
from tests.support.wheels import wheel, wheel_name

PUBLIC: Final = FeedName("public-pypi")


class Failing(Shelf):
    """Answers every question with an error."""

    def __init__(self, error: ReconcilerError) -> None:
        super().__init__("./failing", ECOSYSTEMS["pypi"])
        self._error = error

    def discover(self, package_name: str) -> Listing:
        self.asked.append(package_name)
        raise self._error


def shelf(name: str, *releases: tuple[str, str]) -> Shelf:
    made = Shelf(name, ECOSYSTEMS["pypi"])
    for package, version in releases:
        made.place(wheel_name(package, version), wheel(package, version))
    return made


def feed(*connectors: Connector, name: FeedName = PUBLIC) -> dict[FeedName, Feed]:
    made = Feed(name=name, type="pypi", usage="proxy", connectors=connectors, promotes_from=(), where=Line(path="feeds.yaml", line=1))
    return {name: made}


def wanted(name: str, of: FeedName = PUBLIC) -> Wanted:
    return Wanted(feed=of, package=ECOSYSTEMS["pypi"].normalize_name(name), name=name)


def opener(**upstreams: Shelf) -> Callable[[Feed, Connector], Upstream]:
    return lambda _, connector: upstreams[connector.upstream]


def test_the_first_connector_that_has_the_name_owns_it_whatever_the_others_offer():
    own, public = shelf("own", ("tools", "1.0")), shelf("public", ("tools", "99.0"), ("other", "1.0"))
    feeds = feed(Connector(upstream="own"), Connector(upstream="public"))
    catalog = look_up([wanted("tools"), wanted("other")], feeds, opener(own=own, public=public))
    tools, other = catalog[PUBLIC, PackageKey("tools")], catalog[PUBLIC, PackageKey("other")]
    assert isinstance(tools, Found)
    assert tools.upstream == "own"
    assert [release.version.text for release in tools.listing.releases] == ["1.0"]
    assert isinstance(other, Found)
    assert other.upstream == "public"
    assert public.asked == ["other"]


@pytest.mark.parametrize("error", [Unreachable("no answer"), Malformed("no JSON")])
def test_a_first_connector_that_does_not_answer_is_waited_for_and_never_passed_over(error):
    public = shelf("public", ("tools", "99.0"))
    feeds = feed(Connector(upstream="own"), Connector(upstream="public"))
    catalog = look_up([wanted("tools")], feeds, opener(own=Failing(error), public=public))
    assert catalog == {(PUBLIC, "tools"): Waiting(reason=f"./failing: {error}")}
    assert public.asked == []


def test_a_later_connector_that_does_not_answer_is_not_asked_where_the_name_is_owned():
    feeds = feed(Connector(upstream="own"), Connector(upstream="public"))
    silent = Failing(Unreachable("no answer"))
    catalog = look_up([wanted("tools")], feeds, opener(own=shelf("own", ("tools", "1.0")), public=silent))
    assert isinstance(catalog[PUBLIC, PackageKey("tools")], Found)
    assert silent.asked == []


def test_a_name_that_nobody_has_is_absent_for_reasons():
    feeds = feed(Connector(upstream="own", filters=("acme-*",)), Connector(upstream="public"))
    catalog = look_up([wanted("tools")], feeds, opener(own=shelf("own", ("tools", "1.0")), public=Failing(NotThere("no such project"))))
    assert catalog == {(PUBLIC, "tools"): Absent(reason="own: its filters block this name; ./failing: no such project")}


def test_a_feed_without_connectors_has_nothing():
    assert look_up([wanted("tools")], feed(), opener()) == {(PUBLIC, "tools"): Absent(reason="")}


def test_a_blocked_name_is_not_asked_for_and_a_password_not_shown():
    upstream = "https://ada:secret@packages.example/simple/"
    own = shelf("own", ("tools", "1.0"))
    catalog = look_up([wanted("tools")], feed(Connector(upstream=upstream, filters=("!tools",))), lambda *_: own)
    assert catalog == {(PUBLIC, "tools"): Absent(reason="https://packages.example/simple/: its filters block this name")}
    assert own.asked == []


def test_each_package_is_looked_up_once_in_each_feed_and_the_answers_are_sorted():
    other = FeedName("a-feed")
    own = shelf("own", *((f"p{number}", "1.0") for number in range(3 * LOOKUPS_AT_ONCE)))
    feeds = feed(Connector(upstream="own")) | feed(Connector(upstream="own"), name=other)
    asked = [wanted(f"p{number}", of=of) for of in (PUBLIC, other) for number in range(3 * LOOKUPS_AT_ONCE)]
    catalog = look_up([*reversed(asked), *asked, wanted("P0")], feeds, opener(own=own))
    assert list(catalog) == sorted({(one.feed, one.package) for one in asked})
    assert len(own.asked) == 6 * LOOKUPS_AT_ONCE


def test_nothing_wanted_is_nothing_asked():
    assert look_up([], {}, opener()) == {}


def test_an_upstream_that_cannot_be_opened_is_the_declarations_fault():
    def refuse(*_: object) -> Upstream:
        raise DeclarationInvalid(())

    with pytest.raises(DeclarationInvalid):
        look_up([wanted("tools")], feed(Connector(upstream="own")), refuse)


@pytest.mark.parametrize(
    ("filters", "name", "admitted"),
    [
        ((), "anything", True),
        (("*",), "anything", True),
        (("acme-*",), "acme-tools", True),
        (("acme-*",), "tools", False),
        (("acme-*", "tools"), "tools", True),
        (("!acme-*",), "tools", True),
        (("!acme-*",), "acme-tools", False),
        (("*", "!acme-*"), "acme-tools", False),
        (("!acme-*", "acme-tools"), "acme-tools", False),
        (("acme-*", "!acme-secret"), "acme-tools", True),
        (("acme-*", "!acme-secret"), "acme-secret", False),
        (("ACME-*",), "acme-tools", True),
        (("acme-*",), "ACME-Tools", True),
        (("tool",), "tools", False),
        (("tool?",), "tools", True),
        (("!*",), "tools", False),
    ],
)
@pytest.mark.parametrize("type_of_feed", sorted(ECOSYSTEMS))
def test_filters_are_those_of_proget(filters, name, admitted, type_of_feed):
    normalize = ECOSYSTEMS[type_of_feed].normalize_name
    assert admits(filters, normalize(name), name, normalize) is admitted


@pytest.mark.parametrize("pattern", ["Foo_Bar.baz", "foo-bar-baz", "FOO.BAR_*", "foo__bar*", "f?o[_.]bar-*"])
@pytest.mark.parametrize("spelled", ["foo-bar-baz", "Foo_Bar.Baz", "foo.bar.baz", "foo--bar__baz"])
def test_no_spelling_of_a_pypi_name_gets_around_a_filter(pattern, spelled):
    normalize = ECOSYSTEMS["pypi"].normalize_name
    assert not admits([f"!{pattern}"], normalize(spelled), spelled, normalize)
    assert admits([pattern], normalize(spelled), spelled, normalize)


def test_names_that_differ_in_nuget_differ_in_its_filters():
    normalize = ECOSYSTEMS["nuget"].normalize_name
    assert admits(["!Foo.Bar"], normalize("Foo-Bar"), "Foo-Bar", normalize)
    assert not admits(["!Foo.Bar"], normalize("foo.bar"), "foo.bar", normalize)


def test_separators_that_an_ecosystem_does_not_know_are_no_obstacle():
    def only_dashes(name: str) -> PackageKey:
        if not name.replace("-", "").isalnum():
            raise ValueError(name)
        return PackageKey(name)

    assert not admits(["!a-*"], PackageKey("a-b"), "a-b", only_dashes)
