"""Declarations of repositories on disk, and what passes reach, as the command line opens them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from reconciler.declaration import AskForge, Declaration, Reader
from reconciler.declare.revision import Repository
from reconciler.model.declared import Forge
from reconciler.model.words import CommitId
from reconciler.observe.archives import Archives
from reconciler.reconcile import Surroundings, UpstreamOf
from reconciler.stores.interface import Store

NOW: Final = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def reader_of(folder: Path, now: datetime = NOW, kept: Path | None = None) -> Reader:
    return Reader(repository=Repository(folder), now=now, kept=kept)


def declaration_of(folder: Path, ref: str = "HEAD", now: datetime = NOW) -> Declaration:
    """By what git alone says."""
    reader = reader_of(folder, now)
    return reader.read(reader.repository.resolve(ref))


def no_forge(forge: Forge, commit: CommitId) -> str:
    return f"nobody asks {forge.project} about {commit}"


def surroundings(store: Store, upstream_of: UpstreamOf, ask: AskForge = no_forge, archives: Archives | None = None) -> Surroundings:
    """One store and the same upstreams, whatever the rules say."""
    return Surroundings(store_of=lambda _: store, upstreams_of=lambda _: upstream_of, ask=ask, archives=archives or Archives())
