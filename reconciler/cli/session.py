"""What commands share: opening the repository, the store and upstreams; the clock; options that several have."""

from __future__ import annotations

import getpass
import os
import socket
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import click

from reconciler.declaration import Answer, Declaration, Reader
from reconciler.declare.revision import Repository
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.errors import DeclarationInvalid, Malformed, Refused, Unreachable
from reconciler.model.declared import FEED_SCHEME, Connector, Feed, Forge, Settings
from reconciler.model.words import CommitId, Problem
from reconciler.observe.archives import Archives
from reconciler.observe.feed_upstream import open_feed
from reconciler.observe.forge import evidence_of
from reconciler.observe.forges.landings import Landings
from reconciler.observe.upstreams import Upstream, open_upstream
from reconciler.reconcile import Surroundings, UpstreamOf
from reconciler.stores import open_store
from reconciler.stores.evidence import FrozenEvidence
from reconciler.stores.interface import Store
from reconciler.wire import Wire

PATIENCE: Final = 3
"""Times in a row that a forge may fail to answer before a pass asks it no more."""

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """One run of a command: the repository, the instant at which it judges, and what reads declarations."""

    repository: Repository
    now: datetime
    reader: Reader

    def store(self, settings: Settings) -> Store:
        """The store that the declaration names."""
        return open_store(settings.store, base=self.repository.root)

    def read(self, ref: str) -> Declaration:
        """The declaration at a ref, by what git alone says."""
        return self.reader.read(self.repository.resolve(ref))

    def declare(self, ref: str) -> Declaration:
        """The declaration at a ref, with what earlier passes have frozen of what forges said; asks nobody."""
        return self.reader.widened(self.rules(ref), None)

    def rules(self, ref: str) -> Declaration:
        """The same, of which only the rules were read so far: `reader.widened` reads the approvals that matter."""
        declaration = self.reader.rules_at(self.repository.resolve(ref))
        return self.reader.frozen(declaration, FrozenEvidence(self.store(declaration.rules.now.settings)))

    def surroundings(self, declaration: Declaration, wire: Wire) -> Surroundings:
        """What a pass reaches."""
        landings = Landings(declaration.chain, self.repository.commits)

        silent: dict[Forge, list[str]] = defaultdict(list)

        def ask(forge: Forge, commit: CommitId) -> Answer:
            """A forge that is silent again and again is not asked for all the rest: each time is a wait."""
            failures = silent[forge]
            if len(failures) >= PATIENCE:
                return failures[-1]
            try:
                evidence = evidence_of(forge, commit, landings=landings, wire=wire)
            except (Unreachable, Malformed) as error:
                failures.append(str(error))
                return failures[-1]
            failures.clear()
            return evidence

        kept = cache_folder(os.environ)
        return Surroundings(
            store_of=self.store,
            upstreams_of=lambda settings: upstreams(wire, self.repository.root, settings),
            ask=ask,
            archives=Archives(kept / "archives" if kept else None),
        )


def open_session(folder: Path) -> Session:
    """Opens the repository and reads the clock, once."""
    repository, now = Repository(folder), datetime.now(UTC).replace(microsecond=0)
    cache = cache_folder(os.environ)
    reader = Reader(repository=repository, now=now, kept=cache / "history" if cache else None)
    return Session(repository=repository, now=now, reader=reader)


def open_wire() -> Wire:
    """The door to the network, with the secrets of the environment and the pages of earlier passes."""
    return Wire(environment=os.environ, cache=cache_folder(os.environ))


def cache_folder(environment: Mapping[str, str]) -> Path | None:
    """Where pages are kept: RECONCILER_CACHE, or where the XDG Base Directory Specification has it; None without a home folder."""
    if chosen := environment.get("RECONCILER_CACHE"):
        return Path(chosen).absolute()
    base = Path(environment.get("XDG_CACHE_HOME", ""))
    try:
        return (base if base.is_absolute() else Path.home() / ".cache") / "reconciler"
    except RuntimeError:
        return None


def upstreams(wire: Wire, base: Path, settings: Settings) -> UpstreamOf:
    """Opens the upstream of a connector, once each; `base` is the root of the repository."""

    @cache
    def open_once(upstream: str, feed_type: str) -> Upstream:
        if upstream.startswith(FEED_SCHEME):
            return open_feed(upstream, feeds=settings.feeds, store=open_store(settings.store, base=base), upstream_of=upstream_of)
        return open_upstream(upstream, feed_type=feed_type, ecosystem=ECOSYSTEMS[feed_type], wire=wire, base=base, environment=os.environ)

    def upstream_of(feed: Feed, connector: Connector) -> Upstream:
        try:
            return open_once(connector.upstream, feed.type)
        except Refused as error:
            key = f"feeds.{feed.name}.connectors"
            problem = Problem(
                path=feed.where.path, line=feed.where.line, key=key, found=connector.upstream, expected=f"an upstream: {error}"
            )
            raise DeclarationInvalid((problem,)) from error

    return upstream_of


def applier_name() -> str:
    """Who runs this: what CI says of it (RECONCILER_APPLIER), or the account and the machine."""
    return os.environ.get("RECONCILER_APPLIER") or f"{getpass.getuser()}@{socket.gethostname()}"


def ref_option(command: F) -> F:
    """The commit that is read."""
    return click.option("--ref", default="HEAD", show_default=True, help="The commit to read.")(command)


def format_option(command: F) -> F:
    """Text for people or JSON for programs."""
    forms = click.Choice(["text", "json"])
    return click.option("--format", "form", type=forms, default="text", show_default=True, help="How to report.")(command)


def public_url_option(command: F) -> F:
    """The address at which the feeds are served."""
    help_text = "The address of the feeds, instead of public_url in feeds.yaml."
    return click.option("--public-url", envvar="RECONCILER_PUBLIC_URL", callback=_address, help=help_text)(command)


def _address(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None or parts.query or parts.fragment:
        message = f"{value!r} is not an http or https address without user name, query and fragment"
        raise click.BadParameter(message, ctx=ctx, param=parameter)
    return value.rstrip("/")
