"""A registry out in the world, as upstreams see one: pages with upload times and tags, and package files, served by nginx.

    with Nginx(folder) as server:
        publish(server, "npm", [Offer(name="mk-lib-1.0.0.tgz", data=tarball("mk-lib", "1.0.0"), uploaded_at=JANUARY)])
        ... url(server, "npm") ...

Its pages are those that an ecosystem renders: what a registry says is well-formed here, and the tests are about what comes of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from io import BytesIO
from typing import Final

from reconciler.ecosystems import ECOSYSTEMS
from reconciler.ecosystems.layout import path_of
from reconciler.model.packages import FeedView, Inspection, PublishedFile, PublishedPackage, PublishedVersion
from reconciler.model.words import FeedName, PackageKey, Sha256
from reconciler.show.nginx import ServedFeed, nginx_configuration
from tests.support.nginx import Nginx

REGISTRY: Final = "registry"
_INDEX: Final = {"npm": "", "nuget": "/v3/index.json", "pypi": "/simple/"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """A package file, when it was uploaded, and the dist-tags of its version."""

    name: str
    data: bytes
    uploaded_at: datetime
    tags: tuple[str, ...] = ()


def url(server: Nginx, kind: str) -> str:
    """The address that a connector names: of the registry itself, or of the index in it."""
    return f"{server.url}/{REGISTRY}{_INDEX[kind]}"


def publish(server: Nginx, kind: str, offers: Iterable[Offer]) -> None:
    """Writes pages and files below the server's folder, and starts it."""
    ecosystem, files = ECOSYSTEMS[kind], {}
    versions = defaultdict[PackageKey, list[PublishedVersion]](list)
    for offer in offers:
        found = ecosystem.inspect(offer.name, BytesIO(offer.data))
        key = ecosystem.normalize_name(found.name)
        versions[key].append(_version(offer, found))
        files[path_of(ecosystem.layout, package=key, version=found.version.key, file=offer.name)] = offer.data
    packages = [
        PublishedPackage(key=key, name=key, versions=tuple(sorted(found, key=lambda one: one.version)))
        for key, found in sorted(versions.items())
    ]
    for page in ecosystem.render(FeedView(base_url=f"{server.url}/{REGISTRY}", changed=tuple(packages), packages=tuple(packages))):
        files[page.path] = page.body
    for path, data in files.items():
        target = server.folder / "registry" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    feed = ServedFeed(name=FeedName(REGISTRY), path=f"{REGISTRY}/", type=kind, indexes=ecosystem.indexes)
    server.start(nginx_configuration(str(server.folder), server.url, [feed]))


def _version(offer: Offer, found: Inspection) -> PublishedVersion:
    file = PublishedFile(
        name=offer.name,
        size=len(offer.data),
        sha256=Sha256(sha256(offer.data).hexdigest()),
        content_hash=found.content_hash,
        uploaded_at=offer.uploaded_at,
        yanked=None,
        companions={},
        metadata={key: value for key, value in found.metadata.items() if key != "core_metadata"},
        announced={"tags": list(offer.tags)} if offer.tags else {},
    )
    return PublishedVersion(
        version=found.version, state="listed", reason="", deprecated=None, published_at=offer.uploaded_at, files=(file,), dependencies=()
    )
