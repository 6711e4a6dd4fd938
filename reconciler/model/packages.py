"""A package at the three places where it is seen: an upstream's index, its own archive, feed storage.

Times are aware UTC; sizes are bytes. `None` means that the source does not say, never "no".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from reconciler.model.words import Json, PackageKey, Sha256, Version

# --- upstream: what an index says ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """An answer of an upstream: the address it finally came from, its media type without parameters, and the decoded body."""

    url: str
    content_type: str
    body: bytes

    @property
    def shown(self) -> str:
        """The address as messages show it: a query may be a signature or a token, where a redirect has led to it."""
        return self.url.partition("?")[0][:300]


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoteFile:
    """A file as its index announces it. `None` means that the index does not say."""

    name: str
    url: str
    size: int | None = None
    sha256: Sha256 | None = None
    uploaded_at: datetime | None = None
    yanked: str | None = None
    """The reason ("" if none is given) where the file is yanked or unlisted (PEP 592; NuGet `listed: false`); else None."""
    companions: Mapping[str, str] = field(default_factory=dict)
    """Addresses of what belongs to the file and is not inside it, by suffix: {".provenance": url} (PEP 740)."""
    integrity: str | None = None
    """A digest other than SHA-256, as Subresource Integrity writes it: "sha512-<base64>" (https://www.w3.org/TR/SRI/)."""
    announced: Mapping[str, Json] = field(default_factory=dict)
    """What only the index says of the file and `render` passes on: registry signatures, dist-tags; the ecosystem decides the keys."""
    provenance: tuple[str, ...] = ()
    """What vouches for the file, as its index says: "signature", "attestation"."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """One version as an index announces it, with all its files."""

    version: Version
    files: tuple[RemoteFile, ...]
    deprecated: str | None = None
    """The registry's deprecation message, "" if it gives no text, None if the version is not deprecated."""

    @property
    def listed(self) -> bool:
        """Whether at least one file is neither yanked nor unlisted."""
        return any(file.yanked is None for file in self.files)


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """All releases of one package at one upstream, in ascending order of version; the name as the index spells it."""

    name: str
    releases: tuple[Release, ...]
    marks: bool = True
    """Whether it could say that a version is yanked or deprecated: a folder cannot, and its silence takes no mark back."""


def companion_name(file: str, key: str) -> str:
    """What a companion of a file is called: the key is a suffix to the file's name or, after "/", a name of its own."""
    return key[1:] if key.startswith("/") else file + key


# --- archives: what a package file says about itself --------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Dependency:
    """A dependency that a package declares: `range` in the ecosystem's own syntax ("" = any version)."""

    name: str
    range: str
    condition: str = ""
    """When it applies: a target framework (NuGet), an environment marker (PEP 508); "" = always."""


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Edge:
    """A dependency that applies: a package as the dependent names it, the range, and the extras of it that are asked for (PyPI).

    `range` is what `Ecosystem.contains` reads: without extras and markers.
    """

    name: str
    range: str
    extras: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class License:
    """A license as a package declares it (an expression, an address, a name, a text; "" for nothing), and what that comes to.

    `concluded` is an SPDX license expression, not judged or checked yet; "" where the declaration has no one meaning.
    """

    declared: str = ""
    concluded: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Traits:
    """What rules ask of one file. `install_scripts` are what would run when it is installed, each named as a person finds it there.

    `provenance` has what vouches for it: "signature", "attestation". `frameworks`: NuGet only, the target frameworks for which the
    package says what it depends on, with those for which it depends on nothing.
    """

    license: License = License()
    install_scripts: tuple[str, ...] = ()
    provenance: tuple[str, ...] = ()
    frameworks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Inspection:
    """What a package file says about itself."""

    name: str
    version: Version
    license: str | None
    """As declared in the archive, unjudged: an SPDX expression, a URL, a text; None if nothing is declared."""
    dependencies: tuple[Dependency, ...]
    metadata: Mapping[str, Json]
    """What `render` needs to know of this *file* later, without opening the archive again; the ecosystem decides the keys."""
    companions: Mapping[str, bytes] = field(default_factory=dict)
    """Files that are published beside it, by `companion_name`: {".metadata": b"..."} (PEP 658), {"/foo.nuspec": b"..."} (NuGet)."""
    content_hash: str | None = None
    """NuGet only: base64 SHA-512 of the archive without its signature, which survives re-signing."""
    traits: Traits = Traits()


# --- published: what a feed holds ---------------------------------------------------------------------------------------------

ListedState: TypeAlias = Literal["listed", "unlisted", "quarantined"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedFile:
    """A file in feed storage, with the marks that it had upstream when it was promoted."""

    name: str
    size: int
    sha256: Sha256
    content_hash: str | None
    uploaded_at: datetime | None
    yanked: str | None
    companions: Mapping[str, Sha256]
    metadata: Mapping[str, Json]
    announced: Mapping[str, Json] = field(default_factory=dict)
    traits: Traits | None = None
    """None: recorded by a version that did not look."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedVersion:
    """One version in feed storage; `reason` says why it is not listed.

    `deprecated` is what clients are told (None: nothing): the approval's own word, or else `upstream_deprecated`, the registry's.
    """

    version: Version
    state: ListedState
    reason: str
    deprecated: str | None
    upstream_deprecated: str | None = None
    published_at: datetime
    """When it appeared in this feed (not upstream)."""
    files: tuple[PublishedFile, ...]
    dependencies: tuple[Dependency, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedPackage:
    """A package in feed storage: the name as its archives spell it, versions in ascending order."""

    key: PackageKey
    name: str
    versions: tuple[PublishedVersion, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedView:
    """What the pages of a feed are rendered from.

    `base_url` is the address of the feed itself, without a trailing slash (`http://127.0.0.1:8080/approved-nuget`).
    `changed` are the packages whose own pages are wanted; one without versions has left the feed, and gets none.
    `packages` are all packages of the feed, sorted by key, for the protocol's lists of names.
    """

    base_url: str
    changed: tuple[PublishedPackage, ...]
    packages: tuple[PublishedPackage, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A rendered page. `path` is relative to the feed's folder; `root` pages list names, the others belong to `package`."""

    path: str
    content_type: str
    body: bytes
    package: PackageKey | None

    @property
    def root(self) -> bool:
        """Whether this page lists packages, and so is written after the packages' own pages."""
        return self.package is None
