"""What several tests of this folder need: an upstream made of documents, and packages in feed storage."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from reconciler.ecosystems.pypi.names import normalize_name, parse_version
from reconciler.errors import NotThere
from reconciler.model.packages import Document, FeedView, ListedState, Page, PublishedFile, PublishedPackage, PublishedVersion
from reconciler.model.words import Json, Sha256

INDEX = "https://pypi.example/simple/"
HTML = "text/html"
JSON = "application/vnd.pypi.simple.v1+json"
BASE_URL = "https://feeds.example/approved-pypi"
DIGEST = Sha256("ab" * 32)
PUBLISHED_AT = datetime(2026, 11, 22, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Upstream:
    """An upstream that answers with these documents; what was asked for is in `requests`."""

    documents: Mapping[str, Document]
    requests: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, url: str, /, *, accept: str = "*/*") -> Document:
        self.requests.append((url, accept))
        if url not in self.documents:
            raise NotThere(url)
        return self.documents[url]


def serving(body: str | bytes, content_type: str, *, name: str = "sample", final: str = "") -> Upstream:
    """An upstream with one project's page; `final` is where redirects have led."""
    url = f"{INDEX}{name}/"
    data = body.encode() if isinstance(body, str) else body
    return Upstream(documents={url: Document(url=final or url, content_type=content_type, body=data)})


def json_page(*files: Mapping[str, Any], name: str = "sample", **more: Any) -> str:
    return json.dumps({"meta": {"api-version": "1.1"}, "name": name, "files": files, **more})


def json_file(filename: str = "sample-1.0.tar.gz", **more: Any) -> dict[str, Any]:
    return {"filename": filename, "url": f"https://files.example/{filename}", "hashes": {"sha256": DIGEST}, **more}


def published_file(name: str, **changes: Any) -> PublishedFile:
    stated: dict[str, Any] = {
        "size": 1000,
        "sha256": DIGEST,
        "content_hash": None,
        "uploaded_at": datetime(2025, 1, 2, 3, 4, 5, 678, tzinfo=UTC),
        "yanked": None,
        "companions": {},
        "metadata": {"requires_python": ">=3.8", "core_metadata": False},
    }
    return PublishedFile(name=name, **(stated | changes))


def published_version(
    text: str,
    *files: PublishedFile,
    state: ListedState = "listed",
    reason: str = "",
    deprecated: str | None = None,
) -> PublishedVersion:
    return PublishedVersion(
        version=parse_version(text),
        state=state,
        reason=reason,
        deprecated=deprecated,
        published_at=PUBLISHED_AT,
        files=files,
        dependencies=(),
    )


def published(name: str, *versions: PublishedVersion) -> PublishedPackage:
    return PublishedPackage(key=normalize_name(name), name=name, versions=versions)


def view(*packages: PublishedPackage, base_url: str = BASE_URL) -> FeedView:
    return FeedView(base_url=base_url, changed=packages, packages=packages)


def upstream_of(pages: Sequence[Page], content_type: str) -> Upstream:
    """An upstream that serves rendered pages, in one of their two forms, at the address of the feed."""
    documents = {}
    for page in pages:
        if page.content_type == content_type:
            url = f"{BASE_URL}/{page.path.rpartition('/')[0]}/"
            documents[url] = Document(url=url, content_type=page.content_type, body=page.body)
    return Upstream(documents=documents)


def wheel_facts(requires_python: str | None = ">=3.8") -> dict[str, Json]:
    return {"requires_python": requires_python, "core_metadata": True}
