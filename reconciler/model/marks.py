"""Marks: what a registry says of a version besides its bytes, and may say otherwise tomorrow."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace

from reconciler.model.packages import Inspection, PublishedFile, PublishedVersion, Release, RemoteFile, Traits
from reconciler.model.words import Json


def with_marks(published: PublishedVersion, release: Release) -> PublishedVersion:
    """The version with the marks of a release: yanked, deprecated, and what else its index announces.

    An upload time is only filled in where none is known: clients' cool-downs count from it, and no registry must be able to move it.
    Likewise what vouches for a file is only added to, as an attestation may come later: what was seen once was seen.
    What clients are told (`deprecated`) is left to the caller, who knows whether an approval has a word of its own.
    """
    remotes = {file.name: file for file in release.files}
    files = tuple(_marked(file, remotes[file.name]) if file.name in remotes else file for file in published.files)
    return replace(published, upstream_deprecated=release.deprecated, files=files)


def traits_of(inspection: Inspection, remote: RemoteFile | None) -> Traits:
    """What rules ask of a file: what its archive says, and what vouches for it by its index's word, too."""
    return vouched(inspection.traits, remote.provenance if remote is not None else ())


def vouched(traits: Traits, provenance: Iterable[str]) -> Traits:
    """The traits with what else vouches for the file."""
    return replace(traits, provenance=tuple(sorted({*traits.provenance, *provenance})))


def _marked(file: PublishedFile, remote: RemoteFile) -> PublishedFile:
    return replace(
        file,
        yanked=remote.yanked,
        uploaded_at=file.uploaded_at or remote.uploaded_at,
        announced=plain(remote.announced),
        traits=vouched(file.traits, remote.provenance) if file.traits is not None else None,
    )


def plain(announced: Mapping[str, Json]) -> dict[str, Json]:
    """As it reads after it was stored: lists for tuples."""
    copied: dict[str, Json] = json.loads(json.dumps(announced))
    return copied
