"""Packuments of an upstream, and feeds in storage as views: what the tests of index and pages begin with."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from reconciler.ecosystems.npm import inspect, normalize_name
from reconciler.errors import NotThere
from reconciler.model.packages import Document, FeedView, ListedState, PublishedFile, PublishedPackage, PublishedVersion
from reconciler.model.words import Json, Sha256
from tests.support.tarballs import tarball, tarball_name

INDEX: Final = "https://registry.example/npm/"
BASE: Final = "http://127.0.0.1:8080/approved-npm"
UPLOADED: Final = datetime(2024, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
SHA512: Final = "sha512-" + "A" * 86 + "=="


@dataclass(frozen=True, kw_only=True, slots=True)
class Answers:
    """A `Get` that knows these addresses, and remembers what it was asked for."""

    known: Mapping[str, bytes]
    asked: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, url: str, /, *, accept: str = "*/*") -> Document:
        self.asked.append((url, accept))
        if url not in self.known:
            message = f"{url} is not there"
            raise NotThere(message)
        return Document(url=url, content_type="application/json", body=self.known[url])


def manifest(version: str, *, name: str = "foo", **dist: Any) -> dict[str, Any]:
    """One entry of `versions`."""
    address = f"https://registry.example/npm/{name}/-/{name.rpartition('/')[2]}-{version}.tgz"
    return {"name": name, "version": version, "dist": {"tarball": address, "integrity": SHA512, **dist}}


def registry(*manifests: dict[str, Any], name: str = "foo", address: str = "foo", **fields: Any) -> Answers:
    """A registry with one package."""
    packument = {"name": name, "versions": {one["version"]: one for one in manifests}, **fields}
    return Answers(known={INDEX + address: json.dumps(packument).encode()})


def published(
    name: str,
    text: str,
    *,
    state: ListedState = "listed",
    reason: str = "",
    deprecated: str | None = None,
    uploaded_at: datetime | None = UPLOADED,
    companions: Mapping[str, Sha256] | None = None,
    announced: Mapping[str, Json] | None = None,
    fields: Mapping[str, Any] | None = None,
) -> PublishedVersion:
    """A version in feed storage, with what inspecting its archive tells; `fields` of its package.json."""
    data = tarball(name, text, **(fields or {}))
    found = inspect(tarball_name(name, text), io.BytesIO(data))
    file = PublishedFile(
        name=tarball_name(name, text),
        size=len(data),
        sha256=Sha256(sha256(data).hexdigest()),
        content_hash=None,
        uploaded_at=uploaded_at,
        yanked=None,
        companions=companions or {},
        metadata={**found.metadata, "integrity": SHA512, "shasum": "ab" * 20},  # the true ones depend on the compression library
        announced=announced or {},
    )
    return PublishedVersion(
        version=found.version,
        state=state,
        reason=reason,
        deprecated=deprecated,
        published_at=datetime(2026, 11, 22, tzinfo=UTC),
        files=(file,),
        dependencies=found.dependencies,
    )


def package(name: str, *versions: PublishedVersion) -> PublishedPackage:
    return PublishedPackage(key=normalize_name(name), name=name, versions=versions)


def view(*packages: PublishedPackage) -> FeedView:
    return FeedView(base_url=BASE, changed=packages, packages=packages)
