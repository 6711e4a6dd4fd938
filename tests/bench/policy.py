"""`make bench-policy`: what judging costs, with advisories of a realistic number; time and memory as the system counts them.

A dump with `--advisories` records about `--packages` names is generated, as is one snapshot from it. Then `--versions` published versions
are judged by every rule that there is, as a pass does it: what the snapshot knows of their packages is read shard by shard, matched, and
given to the policies. The last row is what the same would cost without an index, each version against each record, measured on a sample
and counted up. Each row runs in a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

from reconciler.decide.advisories import matched
from reconciler.decide.judging import facts_of_published, judgements_of
from reconciler.decide.rules import RULES
from reconciler.decide.rules.interface import Subject
from reconciler.declaration import KINDS
from reconciler.declare.load import load_rules
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.errors import DeclarationInvalid
from reconciler.model.advisories import Advisory
from reconciler.model.declared import Rules
from reconciler.model.packages import License, PublishedFile, PublishedVersion, Traits
from reconciler.model.words import FeedName, PackageKey, Sha256
from reconciler.observe.advisories import Advisories
from reconciler.observe.osv.gather import gather
from reconciler.stores.advisories import find_current, write_snapshot
from reconciler.stores.local import LocalStore
from reconciler.wire import Wire
from tests.support.osv import CRITICAL, HIGH, MEDIUM, affected, record

TYPE: Final = "pypi"
ECOSYSTEM: Final = ECOSYSTEMS[TYPE]
NOW: Final = datetime.now(UTC).replace(microsecond=0)
PARAMS: Final[Mapping[str, str]] = {
    "license": "{allow: [MIT, Apache-2.0, BSD-3-Clause, ISC]}",
    "age": "{min_age: 7d}",
    "vulnerability": "{max_severity: medium}",
}
"""The rules that are measured, as far as there are such rules: those of which a policy says something about most packages."""
SAMPLE: Final = 20


@dataclass(frozen=True, kw_only=True)
class Size:
    """How many of each."""

    advisories: int
    packages: int
    versions: int


def name(number: int) -> str:
    return f"package-{number}"


def records(size: Size) -> Iterator[Mapping[str, Any]]:
    """As OSV's are: most packages have none, a few have many; half are listed twice, under an alias; most list every version affected."""
    random = Random(4711)  # noqa: S311 - the same every time
    for number in range(size.advisories):
        package = name(min(int(random.paretovariate(0.35)), size.packages) - 1 if number % 3 == 0 else random.randrange(size.packages))
        top = random.randrange(1, 40)
        versions = [f"1.{minor}.{patch}" for minor in range(top) for patch in range(2)]
        entry = affected(package, {"introduced": "0"}, {"fixed": f"1.{top}.0"}, ecosystem="PyPI", versions=versions)
        vector = random.choice([MEDIUM, HIGH, CRITICAL])
        yield record(f"GHSA-{number:06}", entry, vector=vector, summary="Some flaw in some function", aliases=[f"CVE-2026-{number // 2}"])


def published(size: Size) -> Iterator[tuple[PackageKey, PublishedVersion]]:
    """Versions of the packages, in turn."""
    each = max(1, size.versions // size.packages)
    for number in range(size.versions):
        package, turn = divmod(number, each)
        text = f"1.{turn * 7 % 45}.{turn % 3}"
        file = PublishedFile(
            name=f"package_{package}-{text}-py3-none-any.whl",
            size=1000,
            sha256=Sha256(f"{number:064x}"),
            content_hash=None,
            uploaded_at=NOW - timedelta(days=400),
            yanked=None,
            companions={},
            metadata={},
            traits=Traits(license=License(declared="MIT", concluded="MIT")),
        )
        version = PublishedVersion(
            version=ECOSYSTEM.parse_version(text),
            state="listed",
            reason="",
            deprecated=None,
            published_at=NOW,
            files=(file,),
            dependencies=(),
        )
        yield PackageKey(name(package % size.packages)), version


def the_rules() -> Rules:
    """A policy of each rule that there is and that PARAMS has something for."""
    files = {
        "feeds.yaml": b"feeds: {public: {type: pypi, usage: proxy, connectors: [{upstream: x}]}}\n",
        "policies/permissions.yaml": b"permissions: []\n",
    }
    for rule in RULES.keys() & PARAMS.keys():
        files[f"policies/{rule}.yaml"] = f"rule: {rule}\nparams: {PARAMS[rule]}\n".encode()
    try:
        return load_rules(files, KINDS)
    except DeclarationInvalid as error:
        sys.exit(f"The policies of this benchmark are out of date: {error}")


def update(folder: Path, size: Size) -> str:
    """`reconciler advisories update` from a folder."""
    store = LocalStore(folder / "store")
    with Wire() as wire:
        draft, dumps = gather("dump", [ECOSYSTEM], wire=wire, base=folder)
        written = write_snapshot(store, draft, dumps, fetched_at=NOW, source="dump", before=find_current(store))
    return f"{dumps[0].advisories:,} advisories about {dumps[0].packages:,} packages read; {written.written} objects written"


def update_again(folder: Path, size: Size) -> str:
    """The same once more: nothing has changed."""
    return update(folder, size)


def judge(folder: Path, size: Size) -> str:
    """Every published version, by every policy; the time that is told is without that for making them."""
    rules, advisories = the_rules(), Advisories(LocalStore(folder / "store"))
    by_package: dict[PackageKey, list[PublishedVersion]] = {}
    for key, version in published(size):
        by_package.setdefault(key, []).append(version)
    started = time.monotonic()
    known = advisories.about(TYPE, by_package)
    stopped = sum(_judged(rules, advisories, key, versions, known.get(key, ())) for key, versions in by_package.items())
    used = ", ".join(sorted(policy.rule for policy in rules.policies))
    seconds = time.monotonic() - started
    return f"{size.versions:,} versions of {len(by_package):,} packages judged by {used} in {seconds:.1f} s: {stopped:,} stopped"


def _judged(
    rules: Rules, advisories: Advisories, key: PackageKey, versions: Iterable[PublishedVersion], known: tuple[Advisory, ...]
) -> int:
    snapshot = advisories.snapshot_of(TYPE)
    assert snapshot is not None
    stopped = 0
    for version in versions:
        found = matched(snapshot, known, version.version, ECOSYSTEM)
        facts = facts_of_published(version, source=FeedName("public"), now=NOW, matched=found)
        subject = Subject(feed=FeedName("approved"), package=key, name=key, version=version.version, type=TYPE)
        stopped += any(one.stops for one in judgements_of(subject, facts, rules, ECOSYSTEM))
    return stopped


def one_package(folder: Path, size: Size) -> str:
    """What `approve` and `explain` need: the versions of one package."""
    rules, advisories = the_rules(), Advisories(LocalStore(folder / "store"))
    key, version = next(published(size))
    known = advisories.about(TYPE, [key]).get(key, ())
    return f"1 version against {len(known)} advisories: {_judged(rules, advisories, key, [version], known)} stopped"


def scan(folder: Path, size: Size) -> str:
    """Each version against each record, as without an index."""
    advisories = Advisories(LocalStore(folder / "store"))
    everything = advisories.about(TYPE, (PackageKey(name(number)) for number in range(size.packages)))
    flat = [(key, one) for key, known in everything.items() for one in known]
    snapshot = advisories.snapshot_of(TYPE)
    assert snapshot is not None
    started = time.monotonic()
    for (key, version), _ in zip(published(size), range(SAMPLE), strict=False):
        matched(snapshot, [one for other, one in flat if ECOSYSTEM.normalize_name(other) == key], version.version, ECOSYSTEM)
    seconds = (time.monotonic() - started) / SAMPLE * size.versions
    return f"a sample of {SAMPLE}; all {size.versions:,} would take {seconds:,.0f} s"


ROWS: Final[Mapping[str, Callable[[Path, Size], str]]] = {
    "update": update,
    "update-again": update_again,
    "judge": judge,
    "one-package": one_package,
    "no-index": scan,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where dump and snapshot are made and kept")
    parser.add_argument("--advisories", type=int, default=20_000)
    parser.add_argument("--packages", type=int, default=100_000)
    parser.add_argument("--versions", type=int, default=100_000)
    parser.add_argument("--row", choices=tuple(ROWS), help="(inner) measure this one, and print it")
    options = parser.parse_args()
    size = Size(advisories=options.advisories, packages=options.packages, versions=options.versions)
    folder = options.folder / f"policy-{size.advisories}-{size.packages}-{size.versions}"
    if options.row:
        _measure(options.row, folder, size)
        return
    dump = folder / "dump" / "PyPI" / "all.zip"
    if not dump.exists():
        print(f"Generating {size.advisories:,} advisories about {size.packages:,} packages ...", flush=True)
        dump.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(dump, "w", zipfile.ZIP_DEFLATED) as made:
            for one in records(size):
                made.writestr(f"{one['id']}.json", json.dumps(one))
    print(f"{'':<14}{'seconds':>9}{'peak MB':>9}  what")
    sizes = ["--advisories", str(size.advisories), "--packages", str(size.packages), "--versions", str(size.versions)]
    for row in ROWS:
        run = [sys.executable, "-m", "tests.bench.policy", str(options.folder), *sizes, "--row", row]
        seconds, memory, what = subprocess.run(run, stdout=subprocess.PIPE, text=True, check=True).stdout.split("\t")
        print(f"{row:<14}{float(seconds):>9.2f}{float(memory):>9.0f}  {what.strip()}", flush=True)


def _measure(row: str, folder: Path, size: Size) -> None:
    gc.set_threshold(1_000_000, 20, 20)  # as the command line does
    started = time.monotonic()
    what = ROWS[row](folder, size)
    seconds = time.monotonic() - started
    print(f"{seconds}\t{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}\t{what}")


if __name__ == "__main__":
    main()
