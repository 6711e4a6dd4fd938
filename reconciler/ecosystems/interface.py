"""What an ecosystem is: a module with these members. Pure: it sees the network only through `get`, and no disk, clock or log.

Adding one: a module (or folder) that satisfies `Ecosystem`, a row in `reconciler/ecosystems/__init__.py`, a folder
`tests/ecosystems/<name>/`. The contract suite in `tests/contracts/` picks up the row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import BinaryIO, Protocol

from reconciler.model.packages import Dependency, Document, Edge, FeedView, Inspection, Listing, Page
from reconciler.model.serving import Index
from reconciler.model.words import PackageKey, Version


class Get(Protocol):
    """The only door to the network that an ecosystem gets.

    Returns the decoded answer (bounded in size by the caller). Raises NotThere, Unreachable (both of `reconciler.errors`).
    """

    def __call__(self, url: str, /, *, accept: str = "*/*") -> Document: ...


class Targeting(Protocol):
    """How an ecosystem says what a dependency is for: `targeting.py` in its folder. Pure.

    A target is one text, in the words of the feed's `targets:` in feeds.yaml ("net8.0", "3.11 linux_x86_64"); None is any.
    """

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that `targets:` may have for a feed of this type; none where dependencies are the same everywhere."""

    def targets(self, declared: Mapping[str, Sequence[str]], /) -> tuple[str, ...]:
        """All targets that a feed declares, each once, in its order. ValueError, with the reason, for what is no target."""

    def edges(
        self, dependencies: Sequence[Dependency], frameworks: Sequence[str], target: str | None, extras: frozenset[str], /
    ) -> tuple[Edge, ...]:
        """What a version with these dependencies (and, NuGet, `Traits.frameworks`) needs at run time for a target, when these extras of
        it are asked for; sorted, each once. Of what is optional nothing. For any target: everything that is needed for some target.

        A condition that cannot be read is taken to hold, a range that cannot be read stays as it is (and admits nothing).
        """


class Ecosystem(Protocol):
    """One package ecosystem: names, versions, registry protocol, archive format."""

    @property
    def layout(self) -> str:
        """Where a package file lies in the feed's folder: a template of {package}, {version} (keys), {file} (its name), {basename};
        see `layout.py`, which fills it in and reads it back."""

    @property
    def file_suffixes(self) -> tuple[str, ...]:
        """What names of package files end with, in lower case."""

    @property
    def file_name(self) -> str:
        """What a package file is called in feeds: a template of {package}, {version} (keys), {file} (as it is called elsewhere)
        and {basename}."""

    @property
    def indexes(self) -> tuple[Index, ...]:
        """The pages that answer for a folder of the feed (see `Index`); none where clients ask for files only."""

    @property
    def osv_ecosystem(self) -> str:
        """What OSV calls it, in advisories and addresses (https://ossf.github.io/osv-schema/#defined-ecosystems)."""

    @property
    def targeting(self) -> Targeting:
        """Which dependencies apply for what."""

    def normalize_name(self, name: str, /) -> PackageKey:
        """The name that names are compared by. Idempotent. ValueError, with the reason, for what is no name here."""

    def parse_version(self, text: str, /) -> Version:
        """The version, comparable with others of this ecosystem. ValueError, with the reason, for what is none."""

    def contains(self, version_range: str, version: Version, /) -> bool:
        """Whether the range of a `Dependency` admits the version. ValueError for what is no range."""

    def discover(self, get: Get, index_url: str, name: str, /) -> Listing:
        """All releases of a package at the registry whose index is at this address.

        Raises what `get` raises (NotThere: no such package), NotThere for what is no name here, and Malformed for an answer that
        breaks the protocol.
        Releases whose version cannot be parsed, and files that the index marks as something else, are left out.
        """

    def inspect(self, filename: str, archive: BinaryIO, /) -> Inspection:
        """Reads a package file (seekable, at position 0) without unpacking or running anything of it.

        Raises ArchiveRefused, with the reason, for everything that is damaged, hostile, or does not agree with itself
        (file name against metadata inside). Reads no entry beyond a fixed size.
        """

    def render(self, view: FeedView, /) -> Sequence[Page]:
        """The static pages of a feed: those of `view.changed`, then the lists of names. Deterministic, sorted, no clock."""
