"""A small world for tests of a whole pass: a real git repository, read by the real loaders, two pairs of feeds, and a store.

    world = World(tmp_path)
    world.shelves["pypi"].place("base-1.0-py3-none-any.whl", wheel("base", "1.0"))
    world.approve("approved-pypi", "base", "1.0")
    world.commit()
    applied = world.apply()

`public-pypi` and `public-nuget` have one connector each (`./pypi`, `./nuget`), whose upstream is a Shelf; `approved-pypi` and
`approved-nuget` promote from them. Everybody may do everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from reconciler.act.record import Applier
from reconciler.declaration import Declaration
from reconciler.declare.edit import with_withdrawal, without_withdrawal
from reconciler.declare.paths import approval_path
from reconciler.declare.write import new_approval
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.model.declared import Approval, ApprovedFile, Connector, Feed, Withdrawal, WithdrawalAction
from reconciler.model.events import Person
from reconciler.model.packages import PublishedPackage, PublishedVersion
from reconciler.model.plan import Applied, Change, Failure
from reconciler.model.words import CommitId, FeedName, Sha256
from reconciler.observe.archives import Archives
from reconciler.observe.upstreams import Upstream
from reconciler.reconcile import Options, Planned, apply_pass, plan_pass
from reconciler.stores import ledger
from reconciler.stores.interface import Store
from reconciler.stores.state import FeedState, read_state
from tests.support.memory_store import MemoryStore
from tests.support.reading import declaration_of, reader_of, surroundings
from tests.support.repositories import ADA, Repo
from tests.support.shelf import Shelf

NOW: Final = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
PYPI: Final = FeedName("approved-pypi")
NUGET: Final = FeedName("approved-nuget")
PUBLIC_URL: Final = "https://feeds.example"

FEEDS: Final = """\
store: ./.feeds
public_url: {public_url}
feeds:
  public-nuget: {{type: nuget, usage: proxy, connectors: [{{upstream: ./nuget}}]}}
  public-pypi: {{type: pypi, usage: proxy, connectors: [{{upstream: ./pypi}}]}}
  approved-nuget: {{type: nuget, usage: approved, promotes_from: [public-nuget], aliens: {aliens}}}
  approved-pypi: {{type: pypi, usage: approved, promotes_from: [public-pypi], aliens: {aliens}}}
limits: {{withdrawals: "{withdrawals}"}}
"""
PERMISSIONS: Final = """\
permissions:
  - {allow: administer, user: everyone}
  - {allow: promote-packages, user: everyone}
"""


@dataclass(kw_only=True)
class Run:
    """How a pass of the world is run, where it differs from the usual."""

    now: datetime = NOW
    store: Store | None = None
    listed: bool = False
    accept: str = ""
    marks: bool = False
    public_url: str | None = None
    archives: Archives | None = None
    """What plan looks into, and hands on to apply; None: one for plan, which apply does not get."""
    applier: str = "ci"
    reported: list[Change | Failure] = field(default_factory=list)


class World:
    """The repository is `root`; `store` is a MemoryStore unless another is given."""

    def __init__(self, root: Path, store: Store | None = None) -> None:
        self.root = root / "repository"
        self.store: Store = MemoryStore() if store is None else store
        self.shelves = {name: Shelf(f"./{name}", ECOSYSTEMS[name]) for name in ("pypi", "nuget")}
        self.repo = Repo(self.root)
        self._changed: dict[str, str | None] = {}
        self._texts: dict[str, str | None] = {}
        self._declaration: Declaration | None = None
        self.feeds()
        self.write("policies/permissions.yaml", PERMISSIONS)

    # --- the repository ---

    def write(self, path: str, text: str | None) -> None:
        """Changes a file, or removes it (None), with the next `commit`."""
        self._changed[path] = text
        self._texts[path] = text

    def feeds(self, *, public_url: str = PUBLIC_URL, withdrawals: str = "100%", aliens: str = "report") -> None:
        """Writes feeds.yaml anew."""
        self.write("feeds.yaml", FEEDS.format(public_url=public_url, withdrawals=withdrawals, aliens=aliens))

    def commit(self, message: str = "Approve", *, by: Person = ADA, committer: Person | None = None) -> CommitId:
        commit = self.repo.commit(self._changed, message, by=by, committer=committer)
        self.repo.close()
        self._changed, self._declaration = {}, None
        return commit

    def move(self, commit: CommitId) -> None:
        """Makes another commit the newest of main, as a forced push would."""
        self.repo.move("main", commit)
        self.repo.close()
        self._declaration = None

    def place_wheel(self, name: str, data: bytes, **marks: Any) -> None:
        self.shelves["pypi"].place(name, data, **marks)

    def place_nupkg(self, package: str, version: str, data: bytes, **marks: Any) -> None:
        self.shelves["nuget"].place(f"{package.lower()}.{version}.nupkg", data, **marks)

    def approve(
        self, feed: str, package: str, version: str, *, files: Iterable[str] | None = None, expires: date | None = None, **instead: Any
    ) -> str:
        """Writes the approval of what lies on the shelf (of `files` only), without committing it; `instead` replaces fields of each file."""
        ecosystem = ECOSYSTEMS[feed.removeprefix("approved-")]
        key, wanted = ecosystem.normalize_name(package), ecosystem.parse_version(version)
        shelf = self.shelves[feed.removeprefix("approved-")]
        found = {name: item.data for name, item in shelf.items.items() if (item.key, item.version) == (key, wanted)}
        chosen = found if files is None else {name: found[name] for name in files}
        approved = [_approved(name, data, ecosystem.inspect(name, BytesIO(data)).content_hash, instead) for name, data in chosen.items()]
        path = approval_path(feed, package, version)
        source = FeedName(feed.replace("approved", "public"))
        approval = Approval(source=source, reason="Reviewed.", ticket="", expires=expires, files=tuple(sorted(approved)), endorsed=())
        self.write(path, new_approval(approval))
        return path

    def take_back(self, path: str, action: WithdrawalAction | None, reason: str = "Bad.") -> None:
        """Withdraws the approval at a path, or (None) approves it again."""
        text = self._texts[path] or ""
        withdrawal = Withdrawal(action=action, reason=reason, since=None) if action else None
        self.write(path, with_withdrawal(path, text, withdrawal) if withdrawal else without_withdrawal(path, text, reason=None))

    # --- passes ---

    def declaration(self) -> Declaration:
        """The declaration at HEAD, read once after each `commit`."""
        if self._declaration is None:
            self._declaration = declaration_of(self.root)
        return self._declaration

    def upstream_of(self, feed: Feed, connector: Connector) -> Upstream:
        del feed
        return self.shelves[connector.upstream.removeprefix("./")]

    def plan(self, run: Run | None = None) -> Planned:
        how = run or Run()
        options = Options(now=how.now, public_url=how.public_url, listed=how.listed, accept=how.accept, marks=how.marks)
        return plan_pass(
            reader_of(self.root, how.now),
            self.declaration(),
            surroundings(how.store or self.store, self.upstream_of, archives=how.archives),
            options,
        )

    def carry_out(self, planned: Planned, run: Run | None = None) -> Applied:
        how = run or Run()
        applier = Applier(name=how.applier, at=how.now, accepted=how.accept)
        planned = replace(planned, store=how.store or self.store)

        def source_of(change: Change) -> Upstream:
            upstream = self.source_of(change)
            return how.archives.source(upstream) if how.archives else upstream

        return apply_pass(planned, source_of, how.reported.append, applier)

    def apply(self, run: Run | None = None) -> Applied:
        return self.carry_out(self.plan(run), run)

    def source_of(self, change: Change) -> Shelf:
        return self.shelves[change.upstream.removeprefix("./")]

    # --- what came of it ---

    def state(self, feed: FeedName, store: Store | None = None) -> FeedState:
        return read_state(store or self.store, feed, ECOSYSTEMS[feed.removeprefix("approved-")].parse_version)

    def records(self, feed: FeedName, store: Store | None = None) -> list[dict[str, Any]]:
        """The ledger, checked against its chain."""
        head = self.state(feed, store).head
        return [] if head is None else list(ledger.read(store or self.store, feed, head.ledger))

    def version(self, feed: FeedName, package: str, version: str) -> PublishedVersion:
        return next(v for v in self.package(feed, package).versions if v.version.key == version)

    def package(self, feed: FeedName, package: str) -> PublishedPackage:
        return next(entry.package for key, entry in self.state(feed).entries.items() if key == package)


def _approved(name: str, data: bytes, content_hash: str | None, instead: Mapping[str, Any]) -> ApprovedFile:
    fields = {"size": len(data), "sha256": Sha256(sha256(data).hexdigest()), "content_hash": content_hash, **instead}
    return ApprovedFile(name=name, **fields)


def objects(store: Store, prefix: str = "") -> dict[str, bytes]:
    """Everything under a prefix of a store."""
    found = {}
    for entry in store.list(prefix):
        stored = store.get(entry.key)
        assert stored is not None
        found[entry.key] = stored.data
    return found
