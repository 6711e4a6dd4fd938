"""npm, pnpm, yarn 1 and yarn 4 install what was approved, and only that, from a static feed behind nginx."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.clients.javascript import JavaScript
from tests.clients.project import Project
from tests.clients.registry import Offer, publish, url
from tests.support.nginx import Nginx
from tests.support.tarballs import tarball, tarball_name

pytestmark = pytest.mark.client("nginx")

JANUARY, JUNE = datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
CLIENTS = [pytest.param(name, marks=pytest.mark.client(name)) for name in ("npm", "pnpm", "yarn", "yarn-berry")]
each = pytest.mark.parametrize("client", CLIENTS)
npm_only = pytest.mark.client("npm")
APP = {"@mk/scoped": "1.0.0", "mk-app": "1.0.0", "mk-lib": "1.1.0", "mk-linux": "1.0.0", "mk-peer": "1.0.0"}
"""What an installation of mk-app brings on Linux."""


@dataclass(frozen=True, kw_only=True)
class Served:
    """A published feed and its server."""

    project: Project
    server: Nginx

    @property
    def address(self) -> str:
        return f"{self.server.url}/{self.project.feed}"

    def asked(self) -> list[str]:
        return [one.path.removeprefix(f"/{self.project.feed}/") for one in self.server.served()]


def offer(name: str, version: str, *, at: datetime = JANUARY, tags: tuple[str, ...] = (), **manifest: Any) -> Offer:
    return Offer(name=tarball_name(name, version), data=tarball(name, version, **manifest), uploaded_at=at, tags=tags)


@pytest.fixture(scope="module")
def feed(tmp_path_factory) -> Iterator[Served]:
    """Published once; of the registry's packages mk-lib 2.0.0, its newest, is not approved."""
    folder = tmp_path_factory.mktemp("javascript")
    optional = {"mk-darwin": "1.0.0", "mk-linux": "1.0.0"}
    offers = [
        offer("mk-app", "1.0.0", dependencies={"@mk/scoped": "^1.0.0"}, optionalDependencies=optional, peerDependencies={"mk-peer": "^1.0.0"}),
        offer("@mk/scoped", "1.0.0", dependencies={"mk-lib": "^1.0.0"}),
        offer("mk-lib", "1.0.0"),
        offer("mk-lib", "1.1.0", at=JUNE),
        offer("mk-lib", "1.2.0-beta.1", at=JUNE, tags=("next",)),
        offer("mk-lib", "2.0.0", at=JUNE, tags=("latest",)),
        offer("mk-peer", "1.0.0"),
        offer("mk-darwin", "1.0.0", os=["darwin"]),
        offer("mk-linux", "1.0.0", os=["linux"], cpu=["x64", "arm64"]),
        offer("mk-engine", "1.0.0", engines={"node": ">=99"}),
        offer("mk-fresh", "1.0.0"),
        offer("mk-fresh", "1.1.0", at=datetime.now(UTC)),
    ]  # fmt: skip
    with Nginx(folder / "registry") as registry, Nginx(folder / "server") as server:
        publish(registry, "npm", offers)
        project = Project.create(folder, feed_type="npm", registry=url(registry, "npm"))
        project.approve(
            *("mk-app@1.0.0", "@mk/scoped@1.0.0", "mk-lib@1.0.0", "mk-lib@1.1.0", "mk-lib@1.2.0-beta.1", "mk-peer@1.0.0"),
            *("mk-darwin@1.0.0", "mk-linux@1.0.0", "mk-engine@1.0.0", "mk-fresh@1.0.0", "mk-fresh@1.1.0"),
        )
        project.apply(public_url=server.url)
        project.serve(server)
        yield Served(project=project, server=server)


@pytest.fixture
def in_front(feed, tmp_path) -> Callable[[str], JavaScript]:
    """A client in a fresh home."""
    feed.server.forget()
    return lambda client: JavaScript(client=client, home=tmp_path / "home", registry=feed.address)


@contextmanager
def changed(path: Path) -> Iterator[None]:
    """Another archive lies at the place of a published file meanwhile."""
    reviewed = path.read_bytes()
    path.write_bytes(tarball("mk-lib", "1.1.0", files={"evil.js": b""}))
    yield
    path.write_bytes(reviewed)


@each
def test_a_package_is_installed_with_what_it_needs_and_again_from_the_lock_file(client, feed, in_front, tmp_path):
    """Scoped and transitive dependencies, a peer, an optional one for this system, and none for another system."""
    developer = in_front(client)
    developer.need(mk_app="^1.0.0", mk_peer="^1.0.0")
    developer.install()
    assert developer.installed() == APP
    asked = feed.asked()
    assert any(re.fullmatch("@mk%2fscoped", path, flags=re.IGNORECASE) for path in asked), asked
    feed.server.forget()
    ci = developer.clone(tmp_path / "ci")
    ci.install_frozen()
    assert ci.installed() == APP
    asked = feed.asked()
    assert [path for path in asked if "lib" in path] == ["mk-lib/-/mk-lib-1.1.0.tgz"], "a page was asked for, or nothing was"
    assert not [path for path in asked if path == "mk-lib"]


@each
def test_a_version_that_is_not_approved_is_not_found(client, in_front):
    developer = in_front(client)
    developer.need(mk_lib="^2.0.0")
    said = developer.install(expect=1)
    assert re.search(r"No matching version found for mk-lib@\^2\.0\.0|Couldn't find any versions for \"mk-lib\"|No candidates found", said)
    assert developer.installed() == {}


@each
def test_a_package_that_is_not_approved_is_not_found(client, in_front):
    developer = in_front(client)
    developer.need(mk_absent="1.0.0")
    said = developer.install(expect=1)
    assert re.search(r"404|Couldn't find package \"mk-absent\"", said)
    assert developer.installed() == {}


@each
@pytest.mark.parametrize(("tag", "version"), [("latest", "1.1.0"), ("next", "1.2.0-beta.1")])
def test_dist_tags_name_approved_versions_only(client, tag, version, in_front):
    developer = in_front(client)
    developer.need(mk_lib=tag)
    developer.install()
    assert developer.installed() == {"mk-lib": version}


@each
def test_changed_bytes_are_found_out_by_the_lock_file(client, feed, in_front, tmp_path):
    """Whoever changes a published file, even in the store itself."""
    developer = in_front(client)
    developer.need(mk_lib="1.1.0")
    developer.install()
    ci = developer.clone(tmp_path / "ci")
    with changed(feed.project.feeds / "approved-npm/mk-lib/-/mk-lib-1.1.0.tgz"):
        said = ci.install_frozen(expect=1)
    assert re.search(r"EINTEGRITY|ERR_PNPM_TARBALL_INTEGRITY|Integrity check failed|doesn't match the expected checksum", said)
    assert ci.installed() == {}


@pytest.mark.parametrize("client", CLIENTS[:3])
def test_changed_bytes_are_found_out_by_the_page_too(client, feed, in_front):
    """Not by yarn 4, which trusts what it gets first, and from then on the lock file."""
    developer = in_front(client)
    developer.need(mk_lib="1.1.0")
    with changed(feed.project.feeds / "approved-npm/mk-lib/-/mk-lib-1.1.0.tgz"):
        said = developer.install(expect=1)
    assert re.search(r"EINTEGRITY|ERR_PNPM_TARBALL_INTEGRITY|Integrity check failed", said)
    assert developer.installed() == {}


@each
def test_engines_are_passed_on(client, in_front):
    """Each client has its own idea of what they mean."""
    developer = in_front(client)
    developer.need(mk_engine="1.0.0")
    refuses = {"npm": ("--engine-strict",), "yarn": ()}
    if client in refuses:
        assert re.search(r"EBADENGINE|\"node\" is incompatible", developer.install(*refuses[client], expect=1))
    else:
        developer.install()
        manifest = json.loads((developer.home / "node_modules/mk-engine/package.json").read_bytes())
        assert manifest["engines"] == {"node": ">=99"}


@npm_only
def test_an_audit_that_the_feed_does_not_answer_breaks_nothing(feed, in_front):
    developer = in_front("npm")
    developer.need(mk_lib="1.0.0")
    assert "added 1 package" in developer.install("--audit")
    posts = [one for one in feed.server.served() if one.method == "POST"]
    assert {one.status for one in posts} == {405}
    assert posts[0].path == "/approved-npm/-/npm/v1/security/advisories/bulk"


@npm_only
def test_npm_shows_when_versions_were_published_upstream(in_front):
    developer = in_front("npm")
    developer.need()
    shown = json.loads(developer.run("view", "mk-lib", "time", "dist-tags", "--json"))
    times = {version: time for version, time in shown["time"].items() if version not in {"created", "modified"}}
    assert times == {"1.0.0": "2026-01-05T00:00:00.000Z", "1.1.0": "2026-06-01T00:00:00.000Z", "1.2.0-beta.1": "2026-06-01T00:00:00.000Z"}
    assert shown["dist-tags"] == {"latest": "1.1.0", "next": "1.2.0-beta.1"}


@npm_only
def test_npm_leaves_out_what_is_younger_than_a_date(in_front):
    """Its cool-down; it counts from the upload to the registry, not from the promotion."""
    developer = in_front("npm")
    developer.need(mk_lib="^1.0.0")
    developer.install("--before", "2026-03-01")
    assert developer.installed() == {"mk-lib": "1.0.0"}


@pytest.mark.parametrize("client", [CLIENTS[1], CLIENTS[3]])
def test_pnpm_and_yarn_leave_out_what_is_younger_than_a_day(client, in_front):
    """yarn 4 without being told to, pnpm if it is."""
    developer = in_front(client)
    developer.need(mk_fresh="^1.0.0")
    developer.install(*(["--config.minimum-release-age=1440"] if client == "pnpm" else []))
    assert developer.installed() == {"mk-fresh": "1.0.0"}


@npm_only
def test_npm_says_so_if_all_versions_are_younger_than_a_date(in_front):
    developer = in_front("npm")
    developer.need(mk_lib="1.1.0")
    said = developer.install("--before", "2026-03-01", expect=1)
    assert re.search(r"No matching version found for mk-lib@1\.1\.0 with a date before", said)
