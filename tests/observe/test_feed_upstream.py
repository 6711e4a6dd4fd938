"""Another feed as upstream: what one approved feed holds is promoted into the next, byte for byte and mark for mark."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO

import pytest

from reconciler.ecosystems import ECOSYSTEMS
from reconciler.errors import ContentMismatch, NotThere, Refused, Unreachable
from reconciler.model.declared import Connector, Feed
from reconciler.model.packages import RemoteFile
from reconciler.model.permissions import Line
from reconciler.model.words import FeedName
from reconciler.observe.feed_upstream import open_feed
from reconciler.observe.upstreams import Upstream
from reconciler.stores.interface import Store
from tests.cli.place import Place, make_place
from tests.support.faulty_server import Answer, FaultyServer
from tests.support.memory_store import MemoryStore
from tests.support.shelf import Shelf
from tests.support.wheels import wheel, wheel_name
from tests.support.world import PYPI, World

PUBLIC = FeedName("public-pypi")
UPLOADED = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)


def feed(name: str, usage: str = "proxy", *connectors: Connector, promotes_from: tuple[FeedName, ...] = ()) -> Feed:
    where = Line(path="feeds.yaml", line=1)
    made = FeedName(name)
    return Feed(name=made, type="pypi", usage=usage, connectors=connectors, promotes_from=promotes_from, where=where)  # type: ignore[arg-type]


def opened(store: Store, *feeds: Feed, **shelves: Shelf):
    by_name = {one.name: one for one in feeds}

    def upstream_of(_: Feed, connector: Connector) -> Upstream:
        if connector.upstream.startswith("feed:"):
            return open_feed(connector.upstream, feeds=by_name, store=store, upstream_of=upstream_of)
        return shelves[connector.upstream]

    return upstream_of


def stored(store: Store) -> Upstream:
    return open_feed("feed:approved-pypi", feeds={PYPI: feed("approved-pypi", "approved")}, store=store, upstream_of=opened(store))


def fetched(upstream: Upstream, file: RemoteFile, max_bytes: int = 100_000) -> bytes:
    sink = BytesIO()
    upstream.fetch(file, sink, max_bytes=max_bytes)
    return sink.getvalue()


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    made.place_wheel(wheel_name("base", "1.0"), wheel("base", "1.0"), uploaded_at=UPLOADED, companions={".provenance": b'{"version": 1}'})
    made.place_wheel(wheel_name("base", "2.0"), wheel("base", "2.0"), yanked="broken on Mondays")
    made.shelves["pypi"].deprecated["1.0"] = "use base2"
    for version in ("1.0", "2.0"):
        made.approve("approved-pypi", "base", version)
    made.commit()
    made.apply()
    return made


# --- a feed that keeps packages -------------------------------------------------------------------------------------------------


def test_it_offers_what_it_holds_with_all_marks(world):
    upstream = stored(world.store)
    listing = upstream.discover("Base")
    assert (upstream.name, listing.name) == ("feed:approved-pypi", "base")
    one, two = listing.releases
    published = world.package(PYPI, "base").versions[0].files[0]
    (file,) = one.files
    assert (file.name, file.size, file.sha256, file.uploaded_at) == (published.name, published.size, published.sha256, UPLOADED)
    assert (one.version.text, one.deprecated, file.announced) == ("1.0", "use base2", published.announced)
    assert (file.yanked, two.files[0].yanked) == (None, "broken on Mondays")
    assert fetched(upstream, file) == wheel("base", "1.0")
    assert upstream.fetch_companion(file, ".provenance") == b'{"version": 1}'
    assert set(file.companions) == set(published.companions)
    assert (file.provenance, two.files[0].provenance) == (("attestation",), ()), "what vouches for it goes with it"


def test_it_reads_nothing_but_its_own_files(world):
    upstream = stored(world.store)
    (file,) = upstream.discover("base").releases[0].files
    folder = file.url.removesuffix(file.name)
    for url in (
        folder + "none.whl",
        f"{folder}../../{file.name}",
        "feed:approved-nuget/x",
        "state/feeds/approved-pypi/head.json",
        "",
        folder,
    ):
        with pytest.raises(NotThere):
            fetched(upstream, RemoteFile(name="x", url=url))
    with pytest.raises(NotThere, match="has no "):
        upstream.fetch_companion(file, ".asc")
    with pytest.raises(ContentMismatch):
        fetched(upstream, file, max_bytes=3)


def test_what_it_does_not_hold_is_not_there(world):
    for name in ("other", "not a name"):
        with pytest.raises(NotThere):
            stored(world.store).discover(name)
    with pytest.raises(NotThere, match="never applied"):
        stored(MemoryStore()).discover("base")


def test_what_is_damaged_is_not_handed_on(world):
    upstream = stored(world.store)
    (file,) = upstream.discover("base").releases[0].files
    path = next(entry.key for entry in world.store.list("feeds/approved-pypi/") if entry.key.endswith(".provenance"))
    world.store.put(path, b"other", content_type="x")
    with pytest.raises(ContentMismatch, match="not as it was recorded"):
        upstream.fetch_companion(file, ".provenance")
    world.store.delete(path.removesuffix(".provenance"))
    with pytest.raises(NotThere, match="missing"):
        fetched(upstream, file)


def test_a_feed_that_is_not_declared_is_refused():
    with pytest.raises(Refused, match="not declared"):
        open_feed("feed:none", feeds={}, store=MemoryStore(), upstream_of=opened(MemoryStore()))


# --- a proxy feed ---------------------------------------------------------------------------------------------------------------


def shelf(name: str, *versions: str, package: str = "tools") -> Shelf:
    made = Shelf(name, ECOSYSTEMS["pypi"])
    for version in versions:
        made.place(wheel_name(package, version), wheel(package, version), companions={".provenance": name.encode()})
    return made


def proxied(*connectors: Connector, **shelves: Shelf) -> Upstream:
    inner = feed("public-pypi", "proxy", *connectors)
    return open_feed("feed:public-pypi", feeds={PUBLIC: inner}, store=MemoryStore(), upstream_of=opened(MemoryStore(), inner, **shelves))


def test_a_proxy_feed_asks_its_own_connectors_by_their_rules():
    own, public = shelf("own", "1.0"), shelf("public", "99.0")
    upstream = proxied(Connector(upstream="own"), Connector(upstream="public"), own=own, public=public)
    (release,) = upstream.discover("tools").releases
    assert release.version.text == "1.0"
    assert fetched(upstream, release.files[0]) == wheel("tools", "1.0")
    assert upstream.fetch_companion(release.files[0], ".provenance") == b"own"
    assert public.asked == []


def test_its_filters_apply():
    upstream = proxied(
        Connector(upstream="own", filters=("!tools",)), Connector(upstream="public"), own=shelf("own", "1.0"), public=shelf("public", "2.0")
    )
    (release,) = upstream.discover("tools").releases
    assert release.version.text == "2.0"
    assert fetched(upstream, release.files[0]) == wheel("tools", "2.0")
    with pytest.raises(NotThere, match="its filters block this name"):
        proxied(Connector(upstream="own", filters=("other",)), own=shelf("own", "1.0")).discover("tools")


def test_silence_of_its_connector_is_silence():
    own = shelf("own", "1.0")
    own.down = True
    with pytest.raises(Unreachable, match="own does not answer"):
        proxied(Connector(upstream="own"), Connector(upstream="public"), own=own, public=shelf("public", "2.0")).discover("tools")


@pytest.mark.parametrize(
    "url", ["feed:public-pypi/1/x", "feed:public-pypi/-1/x", "feed:public-pypi/\u00b2/x", "https://a.example/", "feed:public-pypi/"]
)
def test_an_address_that_is_none_of_its_own_is_not_there(url):
    with pytest.raises(NotThere):
        fetched(proxied(Connector(upstream="own"), own=shelf("own", "1.0")), RemoteFile(name="x", url=url))


# --- through the command line ---------------------------------------------------------------------------------------------------

CHAIN = """\
store: ./.feeds
public_url: http://127.0.0.1:8080
feeds:
  public: {type: pypi, usage: proxy, connectors: [{upstream: ./upstream/pypi}]}
  view: {type: pypi, usage: proxy, connectors: [{upstream: "feed:public", filters: ["!hidden"]}]}
  approved-dev: {type: pypi, usage: approved, promotes_from: [public, view]}
  approved-prod: {type: pypi, usage: approved, promotes_from: [approved-dev]}
limits: {withdrawals: 10}
"""


@pytest.fixture
def place(tmp_path):
    place = make_place(tmp_path / "re po")
    place.write("feeds.yaml", CHAIN)
    place.commit("Declare a chain of feeds")
    return place


def run(place: Place, *arguments: str, code: int = 0):
    done = place.run(*arguments)
    assert done.code == code, done.out + done.err
    return done


def files_of(place: Place, name: str) -> dict[str, bytes]:
    """Package files and what lies beside them; pages apart, which carry the feed's address."""
    prefix = f"feeds/{name}/files/"
    return {path.removeprefix(prefix): data for path, data in place.store_bytes().items() if path.startswith(prefix)}


def test_a_package_is_promoted_from_one_approved_feed_to_the_next(place):
    run(place, "approve", "approved-dev", "leaf@1.2", "--from", "public", "-m", "tried", "--commit")
    run(place, "apply")
    run(place, "approve", "approved-prod", "leaf@1.2", "-m", "tried in dev", "--commit")
    assert "from: approved-dev" in (place.root / "approvals/approved-prod/leaf/1.2.yaml").read_text()
    (change,) = json.loads(run(place, "plan", "--format", "json").out)["changes"]
    assert (change["from"], change["feed"]) == ("approved-dev", "approved-prod")
    run(place, "apply")
    dev = files_of(place, "approved-dev")
    assert len(dev) == 3
    assert files_of(place, "approved-prod") == dev
    assert run(place, "apply", "--format", "json").json["applied"] == []


def test_what_dev_does_not_hold_yet_is_held_and_comes_with_the_next_pass(place):
    run(place, "approve", "approved-dev", "leaf@1.2", "--from", "public", "-m", "tried", "--commit")
    text = (place.root / "approvals/approved-dev/leaf/1.2.yaml").read_text().replace("from: public", "from: approved-dev")
    place.write("approvals/approved-prod/leaf/1.2.yaml", text)
    place.commit("Both at once")
    run(place, "apply", code=5)
    assert files_of(place, "approved-prod") == {}
    run(place, "apply")
    assert files_of(place, "approved-prod") == files_of(place, "approved-dev") != {}


def test_what_dev_never_applied_is_not_there(place):
    done = run(place, "approve", "approved-prod", "leaf@1.2", "-m", "x", code=64)
    assert "approved-dev was never applied" in done.err


def test_a_proxy_feed_over_other_feeds(place):
    place.offer_wheel("hidden", "1.0")
    run(place, "approve", "approved-dev", "sample@1.0", "--from", "view", "-m", "through two feeds", "--commit")
    assert "hidden" in run(place, "approve", "approved-dev", "hidden", "--from", "view", "-m", "x", code=64).err
    run(place, "apply")
    assert "sample/1/sample-1.0-py3-none-any.whl" in files_of(place, "approved-dev")


def test_upload_times_marks_and_companions_arrive_as_they_left(place):
    name, data = wheel_name("told", "1.0"), wheel("told", "1.0")
    with FaultyServer() as server:
        file = {
            "filename": name,
            "url": f"/{name}",
            "hashes": {"sha256": sha256(data).hexdigest()},
            "size": len(data),
            "upload-time": "2020-01-02T03:04:05Z",
            "yanked": "broken on Mondays",
            "provenance": f"{server.url}/provenance",
        }
        page = {"meta": {"api-version": "1.3"}, "name": "told", "versions": ["1.0"], "files": [file]}
        headers = {"Content-Type": "application/vnd.pypi.simple.v1+json"}
        server.answers["/simple/told/"] = [Answer(body=json.dumps(page).encode(), headers=headers)]
        server.answers[f"/{name}"] = [Answer(body=data)]
        server.answers["/provenance"] = [Answer(body=b'{"version": 1}')]
        place.write("feeds.yaml", CHAIN.replace("./upstream/pypi", f"{server.url}/simple/"))
        place.commit("Ask a registry")
        run(place, "approve", "approved-dev", "told@1.0", "--from", "public", "-m", "x", "--allow-unlisted", "--commit")
        run(place, "apply")
    run(place, "approve", "approved-prod", "told@1.0", "-m", "x", "--allow-unlisted", "--commit")  # the registry is gone
    run(place, "apply")
    dev, prod = (place.store_bytes()[f"feeds/{feed}/simple/told/index.json"] for feed in ("approved-dev", "approved-prod"))
    (served,) = json.loads(prod)["files"]
    assert prod == dev.replace(b"approved-dev", b"approved-prod")
    assert served["upload-time"].startswith("2020-01-02T03:04:05")
    assert served["yanked"] == "broken on Mondays"
    assert files_of(place, "approved-prod") == files_of(place, "approved-dev")
    assert b'{"version": 1}' in files_of(place, "approved-prod").values()


def test_what_is_in_quarantine_is_not_available(place):
    for version in ("1.2", "1.3"):
        place.offer_wheel("leaf", version)
    run(place, "approve", "approved-dev", "leaf@1.2", "leaf@1.3", "--from", "public", "-m", "tried", "--commit")
    run(place, "apply")
    for version, action in (("1.2", "quarantine"), ("1.3", "unlist")):
        path = place.root / f"approvals/approved-dev/leaf/{version}.yaml"
        path.write_text(path.read_text() + f"withdrawn: {{action: {action}, reason: broken}}\n")
    place.commit("Take both back")
    run(place, "apply", "--quiet")
    assert "has no version 1.2" in run(place, "approve", "approved-prod", "leaf@1.2", "-m", "x", code=64).err
    assert "is yanked or unlisted upstream: broken" in run(place, "approve", "approved-prod", "leaf@1.3", "-m", "x", code=64).err
    run(place, "approve", "approved-prod", "leaf@1.3", "-m", "x", "--allow-unlisted", "--commit")
    run(place, "apply")
    assert files_of(place, "approved-prod").keys() == files_of(place, "approved-dev").keys() != set()
