"""What the contract suites run on: for each ecosystem how its packages are made, and what its names and versions look like.

A new ecosystem is one more row of SAMPLES. Those that tests have made up have the rows of MADE_UP, and say themselves what they lack.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final
from urllib.parse import unquote

from reconciler.ecosystems import ECOSYSTEMS, Ecosystem, Get
from reconciler.ecosystems.layout import name_of
from reconciler.errors import NotThere
from reconciler.model.packages import Document, PublishedFile, PublishedPackage, PublishedVersion
from reconciler.model.words import Sha256
from tests.declare.ecosystems import Numbers
from tests.observe.boxes import Boxes
from tests.support.nupkgs import nupkg
from tests.support.tarballs import tarball, tarball_name
from tests.support.wheels import wheel, wheel_name

NOW: Final = datetime(2026, 11, 22, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Words:
    """Names and versions."""

    versions: tuple[str, ...]
    """In ascending order."""
    equal: tuple[str, str]
    """Two spellings of one version."""
    names: tuple[str, str]
    """Two spellings of one name, if it can have two."""
    hostile: tuple[str, ...] = (
        "",
        " ",
        "..",
        "a/../b",
        "a\\b",
        "a\0b",
        "a\nb",
        "a\u202eb",
        "\u0430dobe",
        "\u212aernel",
        "\u0131nit",
        "a" * 1000,
        "-",
    )


@dataclass(frozen=True, kw_only=True)
class Sample(Words):
    """An ecosystem with packages: (file name, bytes) of a name and a version; where discovery begins, behind the feed's address."""

    make: Callable[[str, str], tuple[str, bytes]]
    index: str
    beside: Mapping[str, bytes] = field(default_factory=dict)
    """What its registries have beside a file and tell of in their pages."""


def _wheel(name: str, version: str) -> tuple[str, bytes]:
    return wheel_name(name, version), wheel(name, version)


def _nupkg(name: str, version: str) -> tuple[str, bytes]:
    key = ECOSYSTEMS["nuget"].parse_version(version).key
    return f"{name.lower()}.{key}.nupkg", nupkg(name, version)


def _tarball(name: str, version: str) -> tuple[str, bytes]:
    return tarball_name(name, version), tarball(name, version)


SAMPLES: Final = {
    "npm": Sample(
        make=_tarball, index="",
        versions=("0.9.0", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0", "1.2.0", "1.10.0", "2.0.0-0"),
        equal=("1.0.0", "v1.0.0+build"), names=("@scope/foo", "@scope/foo"),  # npm has one spelling for each name
        beside={".attestations": b'{"attestations": []}'},
    ),
    "nuget": Sample(
        make=_nupkg, index="/v3/index.json", versions=("0.9", "1.0.0-alpha", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0", "1.0.0.1", "2.0"),
        equal=("1.0", "1.0.0.0"), names=("Foo.Bar", "foo.bar"),
    ),
    "pypi": Sample(
        make=_wheel, index="/simple/", versions=("0.9", "1.0a1", "1.0rc1", "1.0", "1.0.post1", "1.1.dev1", "1!0.1"),
        equal=("1.0", "1.0.0"), names=("foo_bar", "Foo.Bar"), beside={".provenance": b'{"version": 1}'},
    ),
}  # fmt: skip

_NUMBERS: Final = Words(versions=("0.9", "1.0", "1.2", "1.10", "2"), equal=("1.0", "01.00"), names=("Foo_Bar", "foo-bar"))
MADE_UP: Final[Mapping[str, tuple[Ecosystem, Words]]] = {"boxes": (Boxes(), _NUMBERS), "numbers": (Numbers(), _NUMBERS)}
SPEAKING: Final[Mapping[str, tuple[Ecosystem, Words]]] = {**{kind: (ECOSYSTEMS[kind], SAMPLES[kind]) for kind in ECOSYSTEMS}, **MADE_UP}
"""Everything that has names and versions."""


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A package file as feeds call it, and what a registry has beside it and tells of in its pages."""

    name: str
    data: bytes
    beside: Mapping[str, bytes] = field(default_factory=dict)


def offer(kind: str, package: str, version: str) -> Offer:
    """A package of a name and a version."""
    ecosystem, sample = ECOSYSTEMS[kind], SAMPLES[kind]
    made, data = sample.make(package, version)
    words = {"package": ecosystem.normalize_name(package), "version": ecosystem.parse_version(version).key}
    return Offer(name=name_of(ecosystem.file_name, file=made, **words), data=data, beside=sample.beside)


def companions_of(kind: str, made: Offer) -> dict[str, bytes]:
    """All that is published beside a file."""
    return {**made.beside, **ECOSYSTEMS[kind].inspect(made.name, io.BytesIO(made.data)).companions}


def published(kind: str, name: str, offers: Iterable[Offer]) -> PublishedPackage:
    """A package in feed storage; several files of one version make one."""
    ecosystem = ECOSYSTEMS[kind]
    versions: dict[str, PublishedVersion] = {}
    for one in offers:
        found = ecosystem.inspect(one.name, io.BytesIO(one.data))
        file = PublishedFile(
            name=one.name,
            size=len(one.data),
            sha256=Sha256(sha256(one.data).hexdigest()),
            content_hash=found.content_hash,
            uploaded_at=NOW,
            yanked=None,
            companions={suffix: Sha256(sha256(body).hexdigest()) for suffix, body in companions_of(kind, one).items()},
            metadata=found.metadata,
        )
        before = versions[found.version.key].files if found.version.key in versions else ()
        versions[found.version.key] = PublishedVersion(
            version=found.version,
            state="listed",
            reason="",
            deprecated=None,
            published_at=NOW,
            files=tuple(sorted((*before, file), key=lambda f: f.name)),
            dependencies=(),
        )
    ordered = tuple(sorted(versions.values(), key=lambda version: version.version))
    return PublishedPackage(key=ecosystem.normalize_name(name), name=name, versions=ordered)


def client_of(kind: str, read: Callable[[str], bytes | None], base: str) -> Get:
    """What a client gets from a feed at this address, behind a web server; `read` has its objects by path."""
    indexes = ECOSYSTEMS[kind].indexes

    def get(url: str, /, *, accept: str = "*/*") -> Document:
        path = unquote(url.removeprefix(f"{base}/"))
        folder = [(f"{path.rstrip('/')}/{index.file}", index.content_type) for index in reversed(indexes)]
        for candidate, media in ((path, "application/json"), *folder):
            body = read(candidate)
            if body is not None:
                return Document(url=url, content_type=media, body=body)
        raise NotThere(url)

    return get
