"""A NuGet V3 feed as a table of answers, and feeds in storage as views: what the tests of index and pages begin with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from reconciler.ecosystems.nuget import normalize_name, parse_version, render
from reconciler.errors import NotThere
from reconciler.model.packages import Document, FeedView, ListedState, PublishedFile, PublishedPackage, PublishedVersion
from reconciler.model.words import Json, sha256_hex

INDEX: Final = "https://feed.example/v3/index.json"
REGISTRATION: Final = "https://feed.example/reg/foo/index.json"
BASE: Final = "http://127.0.0.1:8080/approved-nuget"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answers:
    """A `Get` that knows these addresses, and remembers what it was asked for."""

    known: Mapping[str, bytes]
    asked: list[str] = field(default_factory=list)

    def __call__(self, url: str, /, *, accept: str = "*/*") -> Document:
        self.asked.append(url)
        if url not in self.known:
            message = f"{url} is not there"
            raise NotThere(message)
        return Document(url=url, content_type=accept, body=self.known[url])


def service(*resources: tuple[str, str]) -> bytes:
    return json.dumps({"version": "3.0.0", "resources": [{"@type": kind, "@id": url} for kind, url in resources]}).encode()


SERVICE: Final = service(
    ("RegistrationsBaseUrl/3.6.0", "https://feed.example/reg/"), ("PackageBaseAddress/3.0.0", "https://feed.example/flat/")
)


def leaf(version: str, *, name: object = "Foo", content: str | None = None, **facts: Any) -> dict[str, Any]:
    """One version in a page; `content` is its packageContent."""
    entry = {"id": name, "version": version} | facts
    return {"catalogEntry": entry} | ({"packageContent": content} if content is not None else {})


def feed(*leaves: Any, **others: bytes) -> Answers:
    """A feed with one package, Foo, in one inlined page; `others` are more answers by the end of their address."""
    index = {"count": 1, "items": [{"@id": f"{REGISTRATION}#page", "items": list(leaves)}]}
    more = {f"https://feed.example/{path}": body for path, body in others.items()}
    return Answers(known={INDEX: SERVICE, REGISTRATION: json.dumps(index).encode(), **more})


def published(
    name: str,
    text: str,
    *,
    state: ListedState = "listed",
    deprecated: str | None = None,
    yanked: str | None = None,
    uploaded_at: datetime | None = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC),
    metadata: Mapping[str, Json] | None = None,
) -> PublishedVersion:
    """A version in feed storage."""
    version = parse_version(text)
    file = PublishedFile(
        name=f"{normalize_name(name)}.{version.key}.nupkg",
        size=1,
        sha256=sha256_hex("ab" * 32),
        content_hash=None,
        uploaded_at=uploaded_at,
        yanked=yanked,
        companions={},
        metadata=metadata or {},
    )
    return PublishedVersion(
        version=version,
        state=state,
        reason="",
        deprecated=deprecated,
        published_at=datetime(2026, 11, 22, tzinfo=UTC),
        files=(file,),
        dependencies=(),
    )


def package(name: str, *versions: PublishedVersion) -> PublishedPackage:
    return PublishedPackage(key=normalize_name(name), name=name, versions=versions)


def view(*packages: PublishedPackage) -> FeedView:
    return FeedView(base_url=BASE, changed=packages, packages=packages)


def bodies(feed_view: FeedView) -> dict[str, bytes]:
    """The rendered pages by path."""
    return {page.path: page.body for page in render(feed_view)}
