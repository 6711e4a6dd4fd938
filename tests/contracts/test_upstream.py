"""What every upstream keeps, whatever it is: one suite over a table. A new upstream is one more row of ROWS.

All of them offer the same packages: the sample of each ecosystem in all its versions, one of which has two files for Python, and
another package. What registries answer with is what our own `render` makes of them.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from threading import Barrier
from typing import Any, Final

import pytest

from reconciler.ecosystems import ECOSYSTEMS
from reconciler.errors import ContentMismatch, Malformed, NotThere, StoreUnavailable, Unreachable
from reconciler.model.declared import Connector, Feed
from reconciler.model.packages import Listing, RemoteFile
from reconciler.model.permissions import Line
from reconciler.model.serving import Index
from reconciler.model.words import FeedName
from reconciler.observe.feed_upstream import open_feed
from reconciler.observe.upstreams import Upstream, open_upstream
from reconciler.stores.local import LocalStore
from reconciler.wire import Timeouts, Wire
from tests.clients import registry
from tests.contracts.feeds import FEED, bring, commitment, identity, offers, package, static_feed
from tests.contracts.samples import NOW, SAMPLES, Offer, companions_of, offer
from tests.support.memory_store import MemoryStore
from tests.support.nginx import Nginx
from tests.support.shelf import Shelf
from tests.support.static_server import StaticServer
from tests.support.wheels import sdist, sdist_name

SECRET: Final = "s3cret"
ALL: Final = tuple(sorted(ECOSYSTEMS))


@dataclass(frozen=True, kw_only=True)
class Made:
    """An upstream with the packages, and one of the same sort that does not answer."""

    upstream: Upstream
    silent: Upstream


@dataclass(frozen=True, kw_only=True)
class Row:
    """How an upstream is made, for which ecosystems; `companions`: whether it has what lies beside files."""

    make: Callable[[str, Path, ExitStack], Made]
    kinds: tuple[str, ...] = ALL
    companions: bool = True
    marks: tuple[pytest.MarkDecorator, ...] = ()


@cache
def offered(kind: str) -> tuple[Offer, ...]:
    """What every upstream has."""
    more = [Offer(name=sdist_name("foo_bar", "1.0"), data=sdist("foo_bar", "1.0"))] if kind == "pypi" else []
    return (*offers(kind), *more, offer(kind, "other", "1.0.0"))


@cache
def expected(kind: str) -> dict[str, dict[str, Offer]]:
    """The files of the sample package by version and name, versions in ascending order."""
    ecosystem, made = ECOSYSTEMS[kind], {one.name: one for one in offered(kind)}
    key = ecosystem.normalize_name(SAMPLES[kind].names[0])
    of = {name: identity(kind, one) for name, one in made.items()}
    keys = [ecosystem.parse_version(version).key for version in SAMPLES[kind].versions]
    return {v: {n: made[n] for n in sorted(made) if (of[n].package, of[n].version) == (key, v)} for v in keys}


# --- the upstreams --------------------------------------------------------------------------------------------------------------


def _promote(kind: str, store: LocalStore | MemoryStore, folder: Path, url: str = "https://feeds.example") -> None:
    storage, made = static_feed(store, kind), offered(kind)
    bring(storage, kind, made, folder)
    packages = (package(kind, *made[:-1]), package(kind, made[-1]))
    storage.commit(commitment(*packages, public_url=url))


def _at(url: str, kind: str, folder: Path, stack: ExitStack) -> Upstream:
    """An index at an address with a password in it, which nobody asks for."""
    wire = stack.enter_context(Wire(Timeouts(pause=0.001)))
    address = url.replace("http://", f"http://ada:{SECRET}@")
    return open_upstream(address, feed_type=kind, ecosystem=ECOSYSTEMS[kind], wire=wire, base=folder, environment={})


def _address(kind: str, folder: Path, stack: ExitStack, *, indexes: Callable[[str], tuple[Index, ...]]) -> Made:
    with StaticServer(folder) as gone:
        pass
    server = stack.enter_context(StaticServer(folder / "store/feeds", indexes=indexes(kind)))
    _promote(kind, LocalStore(folder / "store"), folder, server.url)
    upstream, silent = (_at(f"{s.url}/{FEED}{SAMPLES[kind].index}", kind, folder, stack) for s in (server, gone))
    return Made(upstream=upstream, silent=silent)


def _behind_nginx(kind: str, folder: Path, stack: ExitStack) -> Made:
    server, gone = (stack.enter_context(Nginx(folder / name)) for name in ("running", "stopped"))
    made = [registry.Offer(name=one.name, data=one.data, uploaded_at=NOW) for one in offered(kind)]
    registry.publish(server, kind, made)
    upstream, silent = (_at(registry.url(s, kind), kind, folder, stack) for s in (server, gone))
    return Made(upstream=upstream, silent=silent)


def _folder(kind: str, folder: Path, stack: ExitStack) -> Made:
    for number, one in enumerate(offered(kind)):
        path = folder / f"packages/{number % 2}" / one.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(one.data)
    wire = stack.enter_context(Wire())
    upstream, silent = (
        open_upstream(name, feed_type=kind, ecosystem=ECOSYSTEMS[kind], wire=wire, base=folder, environment={})
        for name in ("./packages", "./nowhere")
    )
    return Made(upstream=upstream, silent=silent)


def _stored(kind: str, folder: Path, stack: ExitStack) -> Made:
    store = MemoryStore()
    _promote(kind, store, folder)
    (folder / "file").write_bytes(b"no folder")
    feed = _feed(FEED, kind, usage="approved")
    upstream, silent = (
        open_feed(f"feed:{FEED}", feeds={FEED: feed}, store=s, upstream_of=_nothing) for s in (store, LocalStore(folder / "file"))
    )
    return Made(upstream=upstream, silent=silent)


def _proxied(kind: str, folder: Path, stack: ExitStack) -> Made:
    """A proxy feed whose second connector has the packages."""
    full, shelves = _shelf(kind, folder, stack), {"empty": Shelf("./empty", ECOSYSTEMS[kind])}

    def opened(connector: str, upstream: Upstream) -> Upstream:
        name = FeedName("public")
        feed = _feed(name, kind, usage="proxy", connectors=(Connector(upstream="empty"), Connector(upstream=connector)))
        known: dict[str, Upstream] = {**shelves, connector: upstream}
        return open_feed("feed:public", feeds={name: feed}, store=MemoryStore(), upstream_of=lambda _, c: known[c.upstream])

    return Made(upstream=opened("full", full.upstream), silent=opened("down", full.silent))


def _shelf(kind: str, folder: Path, stack: ExitStack) -> Made:
    upstream, silent = (Shelf("./shelf", ECOSYSTEMS[kind]) for _ in range(2))
    for one in offered(kind):
        upstream.place(one.name, one.data, companions=one.beside)
    silent.down = True
    return Made(upstream=upstream, silent=silent)


def _feed(name: FeedName, kind: str, **more: Any) -> Feed:
    declared: dict[str, Any] = {"connectors": (), "promotes_from": (), "where": Line(path="feeds.yaml", line=1), **more}
    return Feed(name=name, type=kind, **declared)


def _nothing(feed: Feed, connector: Connector) -> Upstream:
    raise AssertionError(feed, connector)


ROWS: Final = {
    "address": Row(make=lambda *where: _address(*where, indexes=lambda kind: ECOSYSTEMS[kind].indexes)),
    "address without negotiation": Row(
        make=lambda *where: _address(*where, indexes=lambda kind: ECOSYSTEMS[kind].indexes[-1:]),
        kinds=tuple(kind for kind in ALL if len(ECOSYSTEMS[kind].indexes) > 1),
    ),
    "nginx": Row(make=_behind_nginx, companions=False, marks=(pytest.mark.client("nginx"),)),
    "folder": Row(make=_folder, companions=False),
    "approved feed": Row(make=_stored),
    "proxy feed": Row(make=_proxied),
    "shelf": Row(make=_shelf),
}


# --- the suite ------------------------------------------------------------------------------------------------------------------

PARAMETERS: Final = [pytest.param((kind, name), id=f"{kind}, {name}", marks=row.marks) for name, row in ROWS.items() for kind in row.kinds]


@pytest.fixture(scope="module", params=PARAMETERS)
def chosen(request):
    return request.param


@pytest.fixture(scope="module")
def kind(chosen):
    return chosen[0]


@pytest.fixture(scope="module")
def row(chosen):
    return ROWS[chosen[1]]


@pytest.fixture(scope="module")
def made(row, kind, tmp_path_factory):
    """Made once: no test changes anything."""
    with ExitStack() as stack:
        yield row.make(kind, tmp_path_factory.mktemp("upstream"), stack)


@pytest.fixture(scope="module")
def upstream(made):
    return made.upstream


@pytest.fixture(scope="module")
def listing(upstream, kind):
    return upstream.discover(SAMPLES[kind].names[0])


def files(listing: Listing) -> list[RemoteFile]:
    return [file for release in listing.releases for file in release.files]


def sent(upstream: Upstream, file: RemoteFile, max_bytes: int = 1_000_000) -> bytes:
    sink = BytesIO()
    upstream.fetch(file, sink, max_bytes=max_bytes)
    return sink.getvalue()


def content(kind: str, file: RemoteFile) -> Offer:
    return next(one for one in offered(kind) if one.name == file.name)


def test_all_releases_are_listed_with_all_their_files_in_ascending_order(listing, kind):
    assert [(r.version.key, sorted(file.name for file in r.files)) for r in listing.releases] == [
        (version, [*names]) for version, names in expected(kind).items()
    ]
    versions = [release.version for release in listing.releases]
    assert all(before < after for before, after in pairwise(versions))
    assert ECOSYSTEMS[kind].normalize_name(listing.name) == ECOSYSTEMS[kind].normalize_name(SAMPLES[kind].names[0])


def test_what_is_announced_is_true(listing, kind):
    for file in files(listing):
        data = content(kind, file).data
        assert file.size in {None, len(data)}
        assert file.sha256 in {None, sha256(data).hexdigest()}
        assert file.yanked is None


def test_another_spelling_finds_the_same_package(upstream, listing, kind):
    assert upstream.discover(SAMPLES[kind].names[1]) == listing
    other = upstream.discover("other")
    assert [file.name for file in files(other)] == [offered(kind)[-1].name]


def test_an_unknown_name_is_not_there(upstream):
    with pytest.raises(NotThere) as caught:
        upstream.discover("unknown")
    assert str(caught.value)


def test_what_is_no_name_is_not_there(upstream, kind):
    for name in SAMPLES[kind].hostile:
        with pytest.raises(NotThere):
            upstream.discover(name)


def test_its_name_and_what_it_lists_have_no_credentials(upstream, listing):
    assert upstream.name
    with pytest.raises(NotThere) as caught:
        upstream.discover("unknown")
    assert SECRET not in f"{upstream.name} {listing!r} {caught.value} {caught.value.remedy}"


def test_a_file_is_written_to_where_the_sink_stands(upstream, listing, kind):
    for file in files(listing):
        data, sink = content(kind, file).data, BytesIO(b"before")
        sink.seek(0, 2)
        got = upstream.fetch(file, sink, max_bytes=len(data))
        assert sink.getvalue() == b"before" + data
        assert (got.size, got.sha256) == (len(data), sha256(data).hexdigest())


@pytest.mark.parametrize("lacking", [1, 100])
def test_no_more_is_written_than_is_admitted(upstream, listing, kind, lacking):
    file = files(listing)[0]
    bound, sink = len(content(kind, file).data) - lacking, BytesIO()
    with pytest.raises(ContentMismatch):
        upstream.fetch(file, sink, max_bytes=bound)
    assert len(sink.getvalue()) <= bound
    with pytest.raises(ContentMismatch):
        upstream.fetch(file, BytesIO(), max_bytes=0)


def test_a_file_that_it_does_not_have_is_not_there(upstream, listing):
    file, sink = files(listing)[0], BytesIO()
    absent = replace(file, name=f"x{file.name}", url=file.url.replace(file.name, f"x{file.name}"))
    assert absent.url != file.url
    with pytest.raises(NotThere):
        upstream.fetch(absent, sink, max_bytes=1_000_000)
    assert sink.getvalue() == b""


@pytest.mark.parametrize("url", ["", "..", "file:///etc/hostname", "feed:none/x", "\0", "http://"])
def test_an_address_that_it_has_not_given_reads_nothing(upstream, listing, url):
    sink = BytesIO()
    with pytest.raises((NotThere, Malformed)):
        upstream.fetch(replace(files(listing)[0], url=url), sink, max_bytes=1_000_000)
    assert sink.getvalue() == b""


def test_companions_are_those_that_lie_beside_the_file(upstream, listing, kind, row):
    for file in files(listing):
        there = content(kind, file)
        assert not row.companions or there.beside.keys() <= file.companions.keys()
        for suffix in file.companions:
            assert upstream.fetch_companion(file, suffix) == companions_of(kind, there)[suffix]


def test_a_companion_that_is_absent_is_not_there(upstream, listing):
    for suffix in (".absent", "/absent", ""):
        with pytest.raises(NotThere):
            upstream.fetch_companion(files(listing)[0], suffix)


def test_the_answer_is_the_same_each_time(upstream, listing, kind):
    assert upstream.discover(SAMPLES[kind].names[0]) == listing
    file = files(listing)[-1]
    assert sent(upstream, file) == sent(upstream, file) == content(kind, file).data


def test_several_threads_ask_at_once(row, kind, tmp_path):
    threads, names = 4, (*SAMPLES[kind].names, "other", "unknown")
    barrier = Barrier(threads)

    def ask(upstream: Upstream, name: str) -> dict[str, bytes]:
        barrier.wait(10)
        try:
            return {file.name: sent(upstream, file) for file in files(upstream.discover(name))}
        except NotThere:
            return {}

    with ExitStack() as stack, ThreadPoolExecutor(threads) as pool:
        fresh = row.make(kind, tmp_path, stack).upstream  # nobody has asked it before
        one, same, other, unknown = pool.map(lambda name: ask(fresh, name), names)
    assert one == same == {name: o.data for names in expected(kind).values() for name, o in names.items()}
    assert (other, unknown) == ({offered(kind)[-1].name: offered(kind)[-1].data}, {})


def test_silence_is_never_an_answer(made, kind):
    """Where a feed of one's own cannot be read, nothing else can be done either."""
    with pytest.raises((Unreachable, StoreUnavailable)):
        made.silent.discover(SAMPLES[kind].names[0])
