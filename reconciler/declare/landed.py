"""What landed where: the touches of every path under `approvals/` and the lineages of rule files, kept between passes.

Reading a whole history costs git a comparison of two trees for each commit. It is done once: what it gives is kept in a file in the cache
folder, and the next pass reads the commits since. The file is an SQLite database (https://sqlite.org/fileformat.html) with its digest at
the end, and names the commit up to which it reads. It holds what any clone gives and nothing else: no texts, no verdicts, no names; and
which signatures were good. Where it is missing, damaged in one bit, of another format, or of a history that is not this one any more,
everything is read again. It is loaded whole, and replaced whole: a pass works in memory, whatever others write meanwhile.

Whoever can write to the folder can bend attribution, as they could by putting another git in the place of git: so it is used only where
nobody but this account may write.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from tempfile import mkstemp
from typing import Any, Final, TypeAlias

from reconciler.declare.landed_rows import changes_of, differences, rows_of, rule_row
from reconciler.declare.lineage import InnerCommit, Lineage, adopted, read_lineages
from reconciler.declare.load import is_rule_file
from reconciler.declare.revision import Repository
from reconciler.model.declared import APPROVALS_FOLDER
from reconciler.model.events import Commit, Landing, PathChange
from reconciler.model.words import BlobId, CommitId, FeedName, Identity, PackageKey

FORMAT: Final = 1
SCHEMA: Final = """
CREATE TABLE known (format INTEGER, tip TEXT, position INTEGER, places TEXT, placed INTEGER);
CREATE TABLE rules (position INTEGER PRIMARY KEY, row TEXT);
CREATE TABLE merged (position INTEGER, number INTEGER, id TEXT, PRIMARY KEY (position, number)) WITHOUT ROWID;
CREATE TABLE touches (position INTEGER, path TEXT, before TEXT, after TEXT, mode TEXT, inner TEXT);
CREATE INDEX paths ON touches (path);
CREATE INDEX positions ON touches (position);
CREATE TABLE places (path TEXT PRIMARY KEY, feed TEXT, package TEXT, version TEXT) WITHOUT ROWID;
CREATE INDEX identities ON places (feed, package, version);
CREATE TABLE signed (id TEXT PRIMARY KEY, key TEXT) WITHOUT ROWID;
"""
TOUCHES: Final = """
SELECT feed, package, version, position, path, before, after, mode, inner FROM places CROSS JOIN touches USING (path)
WHERE feed > '' {}ORDER BY feed, package, version, position
"""
ONE: Final = "AND feed = ? AND package = ? "
MANY: Final = 2000
"""From so many packages on, reading all touches costs less than asking for each."""
DIGEST_BYTES: Final = 32
NEW: Final = ".new-"
"""How files begin that are being written."""
ABANDONED_SECONDS: Final = 3600
MANY_COMMITS: Final = 1000
"""From so many new commits on they are kept at once; fewer are kept when it is known what their paths mean, so that one file is written."""

Verify: TypeAlias = Callable[[Sequence[Commit]], Mapping[CommitId, str]]
Identify: TypeAlias = Callable[[str], Identity | None]
Package: TypeAlias = tuple[FeedName, PackageKey]


class Landed:
    """The touches of a first-parent chain, up to a commit."""

    def __init__(self, repository: Repository, commit: CommitId, folder: Path | None) -> None:
        """Reads what has landed since the last time; `folder` is where it is kept (None: nowhere)."""
        self._repository = repository
        self.chain: Final = repository.chain(commit)
        self._file = folder / f"history-{self.chain[0]}.sqlite" if folder and _is_ours(folder) else None
        self._database = self._kept() or _empty()
        self._bring_up()

    def rules(self) -> Iterator[Lineage]:
        """The lineages of landing commits that change or adopt rule files, oldest first, cut down to those files."""
        rows = [json.loads(row) for (row,) in self._ask("SELECT row FROM rules ORDER BY position")]
        commits = self._repository.commits(sha for row in rows for sha in (row["commit"], *(inner[0] for inner in row["inner"])))
        for row in rows:
            inner = tuple(InnerCommit(commit=commits[sha], diffs=tuple(map(changes_of, diffs))) for sha, diffs in row["inner"])
            landing = Landing(position=row["position"], commit=commits[row["commit"]], changes=changes_of(row["changes"]))
            yield Lineage(landing=landing, inner=inner)

    def place(self, identify: Identify, key: str) -> None:
        """Says which identity each path means; `key` names the rules by which it does, so that the same is not worked out twice."""
        ((known, placed, last),) = self._ask("SELECT places, placed, position FROM known")
        if (known, placed) == (key, last):
            return
        since = placed if known == key else -1
        new = [path for (path,) in self._ask("SELECT DISTINCT +path FROM touches WHERE position > ?", since)]
        rows = [(path, *_key(identify(path))) for path in new]
        with self._writing() as database:
            if known != key:
                database.execute("DELETE FROM places")
            database.executemany("INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?)", rows)
            database.execute("UPDATE known SET places = ?, placed = ?", (key, last))

    def lineages(self, only: Collection[Package] | None = None) -> Iterator[tuple[Identity, list[Lineage]]]:
        """What concerns each identity (of the packages in `only`), in landing order, sorted by identity; `place` comes first."""
        if only is None or len(only) > MANY:
            merged = {(position, number): sha for position, number, sha in self._ask("SELECT position, number, id FROM merged")}
            commits = self._repository.commits([*self._positions(), *merged.values()])
            everything = self._assembled(self._ask(TOUCHES.format("")), merged, commits)
            yield from (row for row in everything if only is None or (row[0].feed, row[0].package) in only)
            return
        rows = [row for feed, package in sorted(set(only)) for row in self._ask(TOUCHES.format(ONE), feed, package)]
        asked = "SELECT position, number, id FROM merged WHERE position = ?"
        merged = {(p, number): sha for at in {row[3] for row in rows} for p, number, sha in self._ask(asked, at)}
        commits = self._repository.commits([*(self.chain[row[3]] for row in rows), *merged.values()])
        yield from self._assembled(rows, merged, commits)

    def paths(self, only: Collection[Package]) -> frozenset[str]:
        """The paths that mean versions of these packages, and those in the folders of their feeds that mean nothing; `place` comes first."""
        found = {path for f, p in only for (path,) in self._ask("SELECT path FROM places WHERE feed = ? AND package = ?", f, p)}
        feeds = {f"{APPROVALS_FOLDER}/{feed}/" for feed, _ in only}
        nowhere = (path for (path,) in self._ask("SELECT path FROM places WHERE feed = ''"))
        return frozenset(found | {path for path in nowhere if any(path.startswith(folder) for folder in feeds)})

    def touched(self) -> Iterator[tuple[int, str, BlobId | None, BlobId | None]]:
        """Every touch of a path under `approvals/`, in landing order: position, path, blobs before and after."""
        yield from self._ask("SELECT position, path, before, after FROM touches WHERE mode > '' ORDER BY position")

    def landed_since(self, position: int) -> frozenset[Package]:
        """The packages that landing commits behind this position touch; `place` comes first."""
        asked = "SELECT DISTINCT feed, package FROM touches CROSS JOIN places USING (path) WHERE position > ? AND mode > '' AND feed > ''"
        return frozenset(self._ask(asked, position))

    def signed(self, commits: Iterable[Commit], verify: Verify) -> dict[CommitId, str]:
        """The fingerprint of the key that signed each of these commits, for those that `verify` finds a good signature of.

        A signature is good or it is not, for ever; to find out costs ten milliseconds each, so it is asked once. `verify` is given only
        commits that name a key which it can judge.
        """
        known = dict(self._ask("SELECT id, key FROM signed"))
        if new := [commit for commit in commits if commit.id not in known]:
            found = verify(new)
            rows = [(commit.id, found.get(commit.id, "")) for commit in new]
            with self._writing() as database:
                database.executemany("INSERT OR REPLACE INTO signed VALUES (?, ?)", rows)
            known |= dict(rows)
        return {commit: key for commit, key in known.items() if key}

    def _positions(self) -> Iterator[CommitId]:
        yield from (self.chain[position] for (position,) in self._ask("SELECT DISTINCT position FROM touches"))

    def _ask(self, text: str, *values: object) -> Iterator[Any]:
        return self._database.execute(text, values)

    def _assembled(
        self, rows: Iterable[Any], merged: Mapping[tuple[int, int], CommitId], commits: Mapping[CommitId, Commit]
    ) -> Iterator[tuple[Identity, list[Lineage]]]:
        def lineage(position: int, touches: Sequence[Any]) -> Lineage:
            landing = Landing(
                position=position,
                commit=commits[self.chain[position]],
                changes=tuple(PathChange(path=p, before=b, after=a, mode=m) for *_, p, b, a, m, _ in touches if m),
            )
            parts: defaultdict[int, list[tuple[str, Sequence[Any]]]] = defaultdict(list)
            for *_, path, _, _, _, text in touches:
                for number, diffs in json.loads(text) if text else ():
                    parts[number].append((path, diffs))
            inner = (InnerCommit(commit=commits[merged[position, number]], diffs=differences(parts[number])) for number in sorted(parts))
            return Lineage(landing=landing, inner=tuple(inner))

        for (feed, package, version), group in groupby(rows, key=lambda row: row[:3]):
            lineages = [lineage(position, list(touches)) for position, touches in groupby(group, key=lambda row: row[3])]
            landed = [one for one in lineages if one.landing.changes]
            if landed:
                yield Identity(feed=feed, package=package, version=version), landed

    # --- the file -----------------------------------------------------------------------------------------------------------------

    def _kept(self) -> sqlite3.Connection | None:
        """What is kept, if it is sound and of this chain; cut where an older commit than the last time is asked for."""
        if self._file is None:
            return None
        try:
            data = self._file.read_bytes()
            content, digest = data[:-DIGEST_BYTES], data[-DIGEST_BYTES:]
            if not content or sha256(content).digest() != digest:
                return None
            database = _in_memory()
            database.deserialize(content)
            ((number, tip, last),) = database.execute("SELECT format, tip, position FROM known").fetchall()
        except (OSError, sqlite3.Error, ValueError):
            return None
        if number != FORMAT or not self._is_of_this_chain(tip, last):
            return None
        if last >= len(self.chain):
            self._file = None  # what is kept reads further: it stays
            for table in ("rules", "merged", "touches"):
                database.execute(f"DELETE FROM {table} WHERE position >= ?", (len(self.chain),))  # noqa: S608 - a name from the line above
            database.execute("UPDATE known SET position = ?", (len(self.chain) - 1,))
        return database

    def _is_of_this_chain(self, tip: CommitId, last: int) -> bool:
        """Whether a commit lies on this chain at a position, or is one that this chain leads to."""
        if last < len(self.chain):
            return self.chain[last] == tip
        return self._repository.has(tip) and self.chain[-1] in self._repository.chain(tip)

    def _bring_up(self) -> None:
        """Reads the landing commits that are not known yet."""
        ((last,),) = self._ask("SELECT position FROM known")
        if last == len(self.chain) - 1:
            return
        with self._writing(keep=len(self.chain) - last > MANY_COMMITS) as database:
            for lineage in read_lineages(self._repository, self.chain, start=last + 1):
                position = lineage.landing.position
                if any(is_rule_file(c.path) for c in lineage.landing.changes) or adopted(lineage.landing.commit):
                    database.execute("INSERT INTO rules VALUES (?, ?)", (position, json.dumps(rule_row(lineage))))
                rows, used = rows_of(lineage)
                database.executemany("INSERT INTO touches VALUES (?, ?, ?, ?, ?, ?)", rows)
                merged = ((position, number, lineage.inner[number].commit.id) for number in sorted(used))
                database.executemany("INSERT INTO merged VALUES (?, ?, ?)", merged)
            database.execute("UPDATE known SET tip = ?, position = ?", (self.chain[-1], len(self.chain) - 1))

    @contextmanager
    def _writing(self, *, keep: bool = True) -> Iterator[sqlite3.Connection]:
        """Everything that is written in the block, or nothing; then the file is replaced, where it is to be `keep`t and that can be done."""
        with self._database as database:
            database.execute("BEGIN")
            yield database
        if self._file is None or not keep:
            return
        content = self._database.serialize()
        with suppress(OSError):
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, name = mkstemp(prefix=NEW, dir=self._file.parent)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(content)
                    file.write(sha256(content).digest())
                _forget_abandoned(Path(name))
                Path(name).replace(self._file)
            except OSError:
                Path(name).unlink(missing_ok=True)


def _is_ours(folder: Path) -> bool:
    """Whether nobody else may write there; where there is no such folder, one will be made for us alone."""
    try:
        status = folder.stat()
    except OSError:
        return True
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022


def _forget_abandoned(new: Path) -> None:
    """Removes what killed passes have left half written, by the clock of the file system."""
    now = new.stat().st_mtime
    for other in new.parent.glob(f"{NEW}*"):
        with suppress(OSError):
            if other.stat().st_mtime < now - ABANDONED_SECONDS:
                other.unlink()


def _key(identity: Identity | None) -> tuple[str, str, str]:
    return (identity.feed, identity.package, identity.version) if identity else ("", "", "")


def _in_memory() -> sqlite3.Connection:
    """A database without anything; transactions are begun by name."""
    return sqlite3.connect(":memory:", isolation_level=None)


def _empty() -> sqlite3.Connection:
    database = _in_memory()
    database.executescript(SCHEMA)
    database.execute("INSERT INTO known VALUES (?, '', -1, '', -1)", (FORMAT,))
    return database
