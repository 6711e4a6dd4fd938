"""The rules of several connectors, through the real upstreams and real servers: who owns a name, and what that depends on."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest

from reconciler.cli.session import upstreams
from reconciler.model.declared import Connector, Feed, Limit, Settings
from reconciler.model.packages import Listing
from reconciler.model.permissions import Line
from reconciler.model.plan import Absent, Availability, Found, Waiting
from reconciler.model.words import FeedName, PackageKey
from reconciler.observe.catalog import Wanted, look_up
from reconciler.wire import Timeouts, Wire
from tests.support.faulty_server import Answer, FaultyServer
from tests.support.wheels import wheel, wheel_name

NAME = FeedName("public")


@pytest.fixture
def own():
    with FaultyServer() as running:
        yield running


@pytest.fixture
def public():
    with FaultyServer() as running:
        yield running


def offer(server: FaultyServer, package: str, *versions: str) -> None:
    links = "".join(f'<a href="/{wheel_name(package, version)}">{wheel_name(package, version)}</a>' for version in versions)
    server.answers[f"/simple/{package}/"] = [Answer(body=links.encode(), headers={"Content-Type": "text/html"})]
    for version in versions:
        server.answers[f"/{wheel_name(package, version)}"] = [Answer(body=wheel(package, version))]


def index(server: FaultyServer, *filters: str) -> Connector:
    return Connector(upstream=f"{server.url}/simple/", filters=filters)


def asked(root: Path, package: str, *connectors: Connector) -> Availability:
    where = Line(path="feeds.yaml", line=1)
    feed = Feed(name=NAME, type="pypi", usage="proxy", connectors=connectors, promotes_from=(), where=where)
    settings = Settings(store="./.feeds", public_url="", feeds={NAME: feed}, withdrawals=Limit(count=1), promotions=None)
    key = PackageKey(package.lower())
    with Wire(Timeouts(connect=1, read=0.3, pause=0.01, document=0.6)) as wire:
        upstream_of = upstreams(wire, root, settings)
        answer = look_up([Wanted(feed=NAME, package=key, name=package)], settings.feeds, upstream_of)[NAME, key]
        if isinstance(answer, Found):
            for release in answer.listing.releases:
                upstream_of(feed, Connector(upstream=answer.upstream)).fetch(release.files[0], BytesIO(), max_bytes=10_000)
        return answer


def versions(listing: Listing) -> list[str]:
    return [release.version.text for release in listing.releases]


def test_the_first_connector_that_has_the_name_owns_it_even_without_the_version(tmp_path, own, public):
    offer(own, "tools", "1.0")
    offer(public, "tools", "1.0", "99.0")
    answer = asked(tmp_path, "tools", index(own), index(public))
    assert isinstance(answer, Found)
    assert (answer.upstream, versions(answer.listing)) == (f"{own.url}/simple/", ["1.0"])
    assert public.requests == []


def test_a_name_without_any_release_is_owned_all_the_same(tmp_path, own, public):
    own.answers["/simple/tools/"] = [Answer(body=b"<p>nothing yet</p>", headers={"Content-Type": "text/html"})]
    offer(public, "tools", "99.0")
    answer = asked(tmp_path, "tools", index(own), index(public))
    assert isinstance(answer, Found)
    assert versions(answer.listing) == []
    assert public.requests == []


@pytest.mark.parametrize("status", [404, 410])
def test_a_connector_that_does_not_have_the_name_leaves_it_to_the_next(tmp_path, own, public, status):
    own.answers["/simple/tools/"] = [Answer(status=status)]
    offer(public, "tools", "2.0")
    answer = asked(tmp_path, "tools", index(own), index(public))
    assert isinstance(answer, Found)
    assert versions(answer.listing) == ["2.0"]


@pytest.mark.parametrize(
    "fault",
    [
        Answer(status=500),
        Answer(status=429),
        Answer(status=401),
        Answer(status=403),
        Answer(status=204),
        Answer(body=b"half", length=9),
        Answer(wait=0.7),
        Answer(body=b"no page"),
        Answer(status=302, headers={"Location": "file:///x"}),
    ],
)
def test_an_earlier_connector_that_cannot_be_read_is_waited_for(tmp_path, own, public, fault):
    own.answers["/simple/tools/"] = [fault]
    offer(public, "tools", "99.0")
    answer = asked(tmp_path, "tools", index(own), index(public))
    assert isinstance(answer, Waiting)
    assert own.url in answer.reason
    assert public.requests == []


def test_a_name_that_filters_block_goes_on_to_the_next_without_a_question(tmp_path, own, public):
    offer(own, "tools", "1.0")
    offer(public, "tools", "2.0")
    answer = asked(tmp_path, "Tools", index(own, "*", "!tool*"), index(public, "t?ols"))
    assert isinstance(answer, Found)
    assert versions(answer.listing) == ["2.0"]
    assert own.requests == []


def test_a_name_that_all_filters_block_is_absent(tmp_path, own, public):
    answer = asked(tmp_path, "tools", index(own, "!tools"), index(public, "other"))
    assert isinstance(answer, Absent)
    assert answer.reason.count("its filters block this name") == 2
    assert own.requests == public.requests == []


def test_a_folder_before_an_address_owns_what_lies_in_it(tmp_path, public):
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / wheel_name("tools", "1.0")).write_bytes(wheel("tools", "1.0"))
    offer(public, "tools", "99.0")
    offer(public, "other", "1.0")
    folder = Connector(upstream="./packages")
    tools, other = (asked(tmp_path, name, folder, index(public)) for name in ("tools", "other"))
    assert isinstance(tools, Found)
    assert (tools.upstream, versions(tools.listing)) == ("./packages", ["1.0"])
    assert isinstance(other, Found)
    assert other.upstream == f"{public.url}/simple/"
    assert not [one for one in public.requests if "tools" in one.path]


def test_a_folder_that_is_missing_is_waited_for(tmp_path, public):
    offer(public, "tools", "99.0")
    answer = asked(tmp_path, "tools", Connector(upstream="./packages"), index(public))
    assert isinstance(answer, Waiting)
    assert public.requests == []
