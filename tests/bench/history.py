"""`make bench-history`: what attribution costs beside git's own raw pass over the same history; time and memory as the system counts them.

Each row runs in a process of its own, so that its peak memory is its own. The marks are those of the design; the raw pass is what git
itself needs to tell which paths each landing commit changed, and thus the bound below which no attribution can go.
"""

from __future__ import annotations

import argparse
import gc
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from reconciler.declaration import Declaration, Reader
from reconciler.declare.lineage import author_of
from reconciler.declare.revision import Repository
from tests.bench.generate import Size, generate, more

NEW_COMMITS: Final = 100
RAW: Final = ("log", "--first-parent", "--diff-merges=first-parent", "--raw", "-z", "-r", "--no-renames", "--format=%H", "main")


def _reader(folder: Path, kept: Path | None) -> Reader:
    return Reader(repository=Repository(folder), now=datetime.now(UTC), kept=kept)


def raw(folder: Path, _: Path) -> str:
    """git's own pass, thrown away."""
    with Path(os.devnull).open("wb") as sink:
        subprocess.run(["git", "-C", str(folder), *RAW], stdout=sink, check=True)
    return "git log --raw, first parents only"


def attribution(folder: Path, kept: Path) -> str:
    """Author and landing commit of every approval, from nothing: no text of an approval is read."""
    declaration = _rules(folder, kept)
    count = 0
    for _, lineages in declaration.landed.lineages():
        for lineage in lineages:
            author_of(lineage, lambda diff: (not diff or diff[0].before is not None, bool(diff) and diff[0].after is not None))
            count += 1
    return f"{count:,} approvals attributed, none read"


def judged(folder: Path, kept: Path) -> str:
    """Every approval read and judged, from nothing."""
    reader = _reader(folder, kept)
    declaration = reader.read(reader.repository.resolve("main"))
    return f"{len(declaration.authority.standings):,} approvals read and judged"


def again(folder: Path, kept: Path) -> str:
    """The same with what the last pass kept."""
    return judged(folder, kept)


def new_commits(folder: Path, kept: Path) -> str:
    """The packages of the commits since the last pass, read and judged."""
    reader = _reader(folder, kept)
    declaration = _rules(folder, kept)
    behind = len(declaration.chain) - 1 - NEW_COMMITS
    widened = reader.widened(declaration, declaration.landed.landed_since(behind))
    return f"{NEW_COMMITS} new commits, {len(widened.authority.standings):,} approvals judged"


def one_package(folder: Path, kept: Path) -> str:
    """What `explain` needs: one package, read and judged."""
    declaration = _rules(folder, kept)
    scope = frozenset(sorted(declaration.landed.landed_since(-1))[:1])
    widened = _reader(folder, kept).widened(declaration, scope)
    return f"{len(widened.authority.standings):,} versions of one package judged"


def _rules(folder: Path, kept: Path) -> Declaration:
    reader = _reader(folder, kept)
    declaration = reader.rules_at(reader.repository.resolve("main"))
    return reader.widened(declaration, frozenset())


ROWS: Final[Mapping[str, Callable[[Path, Path], str]]] = {
    "raw": raw,
    "attribution": attribution,
    "judged": judged,
    "again": again,
    "one-package": one_package,
    "new-commits": new_commits,
}
MARKS: Final = {"attribution": "30 s, 500 MB", "new-commits": "0.5 s"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the repository is made and kept")
    parser.add_argument("--approvals", type=int, default=100_000)
    parser.add_argument("--packages", type=int, default=20_000)
    parser.add_argument("--commits", type=int, default=10_000)
    parser.add_argument("--row", choices=tuple(ROWS), help="(inner) measure this one, and print it")
    options = parser.parse_args()
    folder = options.folder / f"history-{options.approvals}-{options.packages}-{options.commits}.git"
    kept = options.folder / "kept"
    if options.row:
        _measure(options.row, folder, kept)
        return
    if not folder.exists():
        print(f"Generating {options.approvals:,} approvals of {options.packages:,} packages in {options.commits:,} commits ...", flush=True)
        options.folder.mkdir(parents=True, exist_ok=True)
        generate(folder, Size(approvals=options.approvals, packages=options.packages, commits=options.commits))
    print(f"{'':<14}{'seconds':>9}{'of raw':>8}{'peak MB':>9}  mark          what")
    base = 0.0
    for row in ROWS:
        if row in {"attribution", "judged"}:
            shutil.rmtree(kept, ignore_errors=True)
        if row == "new-commits":
            more(folder, NEW_COMMITS, start=int(time.time()))
        again_ = ["--approvals", str(options.approvals), "--packages", str(options.packages), "--commits", str(options.commits)]
        run = [sys.executable, "-m", "tests.bench.history", str(options.folder), *again_, "--row", row]
        told = subprocess.run(run, stdout=subprocess.PIPE, text=True, check=True).stdout.split("\t")
        seconds, memory, what = float(told[0]), float(told[1]), told[2].strip()
        base = base or seconds
        print(f"{row:<14}{seconds:>9.2f}{seconds / base:>7.1f}x{memory:>9.0f}  {MARKS.get(row, ''):<12}  {what}", flush=True)


def _measure(row: str, folder: Path, kept: Path) -> None:
    gc.set_threshold(1_000_000, 20, 20)  # as the command line does
    started = time.monotonic()
    what = ROWS[row](folder, kept)
    seconds = time.monotonic() - started
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    peak = max(resource.getrusage(kind).ru_maxrss for kind in kinds) / 1024
    print(f"{seconds}\t{peak}\t{what}")


if __name__ == "__main__":
    main()
