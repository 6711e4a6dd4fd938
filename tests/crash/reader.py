"""What a client sees: follows the pages of a feed from its lists to the bytes, as pip and NuGet do, knowing nothing of the state."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from html.parser import HTMLParser
from posixpath import dirname, join, normpath
from typing import Any
from urllib.parse import unquote, urlsplit

from reconciler.stores.interface import Store
from tests.support.world import NUGET, PYPI


@dataclass(kw_only=True)
class Sight:
    """`versions`: by page and version, the files that it names, with their marks. `broken`: what a client would stumble over."""

    versions: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)


def look(store: Store) -> Sight:
    """Everything that the two feeds show."""
    sight = Sight()
    _look_at_pypi(store, sight)
    _look_at_nuget(store, sight)
    return sight


# --- PyPI -------------------------------------------------------------------------------------------------------------------------


class _Links(HTMLParser):
    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.links: list[dict[str, str]] = []
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.links.append({name: value or "" for name, value in attrs})


def _look_at_pypi(store: Store, sight: Sight) -> None:
    root = f"feeds/{PYPI}/simple/"
    for suffix in ("html", "json"):
        page = store.get(f"{root}index.{suffix}")
        if page is not None:
            for name in _projects(page.data, suffix):
                if store.get(f"{root}{name}/index.{suffix}") is None:
                    sight.broken.add(f"{root}index.{suffix} names {name}, which has no page")
    for entry in store.list(root):
        if entry.key.count("/") == root.count("/") + 1:
            _project_page(store, sight, entry.key)


def _projects(page: bytes, suffix: str) -> list[str]:
    if suffix == "html":
        return [link["href"].strip("/") for link in _Links(page).links]
    return [project["name"] for project in json.loads(page)["projects"]]


def _project_page(store: Store, sight: Sight, path: str) -> None:
    found: dict[str, set[str]] = {}
    for url, digest, metadata, yanked in _files(_data(store, path), path):
        key = normpath(join(dirname(path), unquote(url)))
        _check_file(store, sight, path, key, digest)
        if metadata:
            _check_file(store, sight, path, f"{key}.metadata", metadata)
        found.setdefault(key.split("/")[-2], set()).add(f"{key} {digest} {yanked}")
    sight.versions |= {(path, version): frozenset(files) for version, files in found.items()}


def _files(page: bytes, path: str) -> Iterator[tuple[str, str, str, object]]:
    """Address, digest, digest of the metadata, mark."""
    if path.endswith(".html"):
        for link in _Links(page).links:
            url, _, digest = link["href"].partition("#sha256=")
            yield url, digest, link.get("data-core-metadata", "").removeprefix("sha256="), link.get("data-yanked")
    else:
        for file in json.loads(page)["files"]:
            metadata = file["core-metadata"]
            yield file["url"], file["hashes"]["sha256"], metadata["sha256"] if metadata else "", file["yanked"]


# --- NuGet ------------------------------------------------------------------------------------------------------------------------


def _look_at_nuget(store: Store, sight: Sight) -> None:
    root = f"feeds/{NUGET}/v3/"
    for name in ("index.json", "query.json"):
        page = store.get(root + name)
        if page is not None:
            for address in _addresses(json.loads(page.data)):
                key = _key(address)
                if not key.endswith("/") and store.get(key) is None:
                    sight.broken.add(f"{root}{name} names {key}, which is not there")
    for entry in store.list(root):
        if entry.key.startswith(f"{root}registration/") and entry.key.endswith("/index.json"):
            _registration(store, sight, entry.key)
        elif entry.key.startswith(f"{root}flatcontainer/") and entry.key.endswith("/index.json"):
            _flat_container(store, sight, entry.key)


def _addresses(content: Any) -> Iterator[str]:
    """All `@id`s of a document, however deep."""
    if isinstance(content, dict):
        if "@id" in content:
            yield content["@id"]
        for value in content.values():
            yield from _addresses(value)
    elif isinstance(content, list):
        for value in content:
            yield from _addresses(value)


def _key(address: str) -> str:
    """The object behind an absolute address, whatever the host."""
    return f"feeds{urlsplit(address).path}"


def _registration(store: Store, sight: Sight, path: str) -> None:
    for page in json.loads(_data(store, path))["items"]:
        for item in page["items"]:
            leaf, package = _key(item["@id"]), _key(item["packageContent"])
            if store.get(leaf) is None:
                sight.broken.add(f"{path} names {leaf}, which is not there")
            data = store.get(package)
            if data is None:
                sight.broken.add(f"{path} names {package}, which is not there")
            entry = item["catalogEntry"]
            seen = f"{package} {sha256(data.data).hexdigest() if data else ''} {entry['listed']}"
            sight.versions[path, entry["version"]] = frozenset({seen})


def _flat_container(store: Store, sight: Sight, path: str) -> None:
    for version in json.loads(_data(store, path))["versions"]:
        package = path.split("/")[-2]
        key = f"{dirname(path)}/{version}/{package}.{version}.nupkg"
        if store.get(key) is None:
            sight.broken.add(f"{path} names {version}, whose file is not there")
        sight.versions[path, version] = frozenset({key})


# --- both -------------------------------------------------------------------------------------------------------------------------


def _data(store: Store, key: str) -> bytes:
    stored = store.get(key)
    assert stored is not None
    return stored.data


def _check_file(store: Store, sight: Sight, page: str, key: str, digest: str) -> None:
    stored = store.get(key)
    if stored is None:
        sight.broken.add(f"{page} names {key}, which is not there")
    elif sha256(stored.data).hexdigest() != digest:
        sight.broken.add(f"{page} names {key} with another digest")
