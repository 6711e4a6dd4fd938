"""`make bench-policy`: what judging costs, with advisories of a realistic number; time and memory as the system counts them.

A dump with `--advisories` records about `--names` names is generated, and a snapshot made of it in a local store. Then a feed of
`--packages` packages with `--versions` versions, all published and approved, is judged as a pass does it, by every rule that there is: rows,
verdicts, closure, plan. The rows of one process follow each other, so that their peak memory is that of all before, too; the others have
a process of their own. The last row is what matching would cost without an index, measured on a sample and counted up.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, Final

from reconciler.closing import with_gaps
from reconciler.decide.advisories import matched
from reconciler.decide.desired import desired_of
from reconciler.decide.plan import Pass, make_plan
from reconciler.decide.rows import Row, classify, with_verdicts
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.judged import Ground, judge_rows
from reconciler.model.declared import Connector, Rules
from reconciler.model.declared import Feed as DeclaredFeed
from reconciler.model.words import CommitId, PackageKey
from reconciler.observe.advisories import Advisories
from reconciler.observe.archives import Archives
from reconciler.observe.osv.gather import gather
from reconciler.observe.upstreams import Upstream
from reconciler.stores.advisories import find_current, write_snapshot
from reconciler.stores.local import LocalStore
from reconciler.wire import Wire
from tests.bench.feed import APPROVED, TYPE, WAIVERS, Feed, feed, name, the_rules
from tests.support.osv import CRITICAL, HIGH, MEDIUM, affected, record

ECOSYSTEM: Final = ECOSYSTEMS[TYPE]
NOW: Final = datetime.now(UTC).replace(microsecond=0)
SAMPLE: Final = 20


@dataclass(frozen=True, kw_only=True)
class Size:
    """How many of each; `names` are those that advisories are about."""

    advisories: int
    names: int
    packages: int
    versions: int


Measured = tuple[str, float, float, float, str]
"""A row: what it is called, seconds, those of the processor (a machine may have other work), peak memory in MB, what was done."""


# --- what is measured -----------------------------------------------------------------------------------------------------------


def update(folder: Path, size: Size) -> Iterator[Measured]:
    """`reconciler advisories update` from a folder."""
    yield _measured("update", lambda: _update(folder, "dump"))


def changed(folder: Path, size: Size) -> Iterator[Measured]:
    """The same when one advisory has changed, and the pass after that."""
    yield _measured("one advisory", lambda: _update(folder, "changed"))
    rules, start = the_rules(NOW), feed(size.packages, size.versions, NOW)
    yield _measured("and its pass", lambda: _a_pass(folder, start, rules))


def waived(folder: Path, size: Size) -> Iterator[Measured]:
    """A pass with one waiver more."""
    rules, start = the_rules(NOW, waivers=WAIVERS + 1), feed(size.packages, size.versions, NOW)
    yield _measured("one waiver", lambda: _a_pass(folder, start, rules))


def a_pass(folder: Path, size: Size) -> Iterator[Measured]:
    """A pass over what is published, part by part. What the first row has is what git and the catalog tell, which others measure."""
    rules = the_rules(NOW)
    start = feed(size.packages, size.versions, NOW)
    made = _Steps(folder, start, rules)
    yield _measured("rows", made.classify)
    yield _measured("judge", made.judge)
    yield _measured("closure", made.close)
    yield _measured("plan", made.plan)


def one_package(folder: Path, size: Size) -> Iterator[Measured]:
    """What `approve` and `explain` need: the versions of one package."""
    rules, start = the_rules(NOW), feed(1, max(1, size.versions // size.packages), NOW)
    yield _measured("one package", lambda: _a_pass(folder, start, rules))


def scan(folder: Path, size: Size) -> Iterator[Measured]:
    """Each version against each record, as without an index."""
    advisories = Advisories(LocalStore(folder / "store"))
    everything = advisories.about(TYPE, (PackageKey(name(number)) for number in range(size.names)))
    flat = [(key, one) for key, known in everything.items() for one in known]
    snapshot = advisories.snapshot_of(TYPE)
    assert snapshot is not None
    packages = [next(iter(feed(1, 1, NOW).stocks[APPROVED].packages.values()))] * SAMPLE
    started = time.monotonic()
    for package in packages:
        about = [one for other, one in flat if ECOSYSTEM.normalize_name(other) == package.key]
        matched(snapshot, about, package.versions[0].version, ECOSYSTEM)
    seconds = (time.monotonic() - started) / SAMPLE * size.versions
    yield _measured("no index", lambda: f"a sample of {SAMPLE}; all {size.versions:,} would take {seconds:,.0f} s")


PARTS: Final[Mapping[str, Callable[[Path, Size], Iterator[Measured]]]] = {
    "update": update,
    "pass": a_pass,
    "changed": changed,
    "waived": waived,
    "one-package": one_package,
    "no-index": scan,
}


# --- how ------------------------------------------------------------------------------------------------------------------------


class _Steps:
    """A pass, as `reconcile.py` does it."""

    def __init__(self, folder: Path, start: Feed, rules: Rules) -> None:
        self._store = LocalStore(folder / "store")
        self._start, self._rules = start, rules
        self._rows: tuple[Row, ...] = ()

    def classify(self) -> str:
        start = self._start
        desired = desired_of(start.approvals, start.standings, self._rules.settings, NOW)
        self._rows = classify(desired, frozenset(), start.stocks)
        return f"{len(self._rows):,} versions of {len(start.stocks[APPROVED].packages):,} packages, published and approved"

    def judge(self) -> str:
        self._ground = Ground(
            rules=self._rules,
            now=NOW,
            catalog={},
            advisories=Advisories(self._store),
            archives=Archives(),
            upstream_of=_nobody,
        )
        self._verdicts = judge_rows(self._rows, self._ground)
        self._rows = with_verdicts(self._rows, self._verdicts.judged, self._start.stocks)
        said = sum(len(one.judgements) for one in self._verdicts.judged.values())
        return f"{said:,} verdicts of {len(self._rules.policies)} policies, {len(self._rules.waivers)} waivers"

    def close(self) -> str:
        before = self._rows
        self._rows = with_gaps(self._rows, self._verdicts, self._ground)
        return f"{sum(a is not b for a, b in zip(before, self._rows, strict=True)):,} versions lack something, for two targets"

    def plan(self) -> str:
        gathered = Pass(
            commit=CommitId("0" * 40),
            now=NOW,
            rules=self._rules,
            refused=(),
            malformed=(),
            stocks=self._start.stocks,
            access=(),
            languages={APPROVED: ECOSYSTEM},
            snapshot=self._ground.snapshot,
        )
        plan = make_plan(gathered, self._rows, {}, accepted=False)
        return f"{len(plan.changes):,} changes, {len(plan.alerts):,} alerts, {len(plan.warnings):,} warnings"


def _a_pass(folder: Path, start: Feed, rules: Rules) -> str:
    steps = _Steps(folder, start, rules)
    return f"{steps.classify()}; {[steps.judge(), steps.close(), steps.plan()][-1]}"


def _nobody(of: DeclaredFeed, connector: Connector) -> Upstream:
    message = f"what is published needs no upstream, and {connector.upstream} of {of.name} was asked for"
    raise AssertionError(message)


def _update(folder: Path, dump: str) -> str:
    store = LocalStore(folder / "store")
    with Wire() as wire:
        draft, dumps = gather(dump, [ECOSYSTEM], wire=wire, base=folder)
        written = write_snapshot(store, draft, dumps, fetched_at=NOW, source=dump, before=find_current(store))
    return f"{dumps[0].advisories:,} advisories about {dumps[0].packages:,} packages read; {written.written} objects written"


def _measured(row: str, work: Callable[[], str]) -> Measured:
    started, worked = time.monotonic(), time.process_time()
    what = work()
    seconds, worked = time.monotonic() - started, time.process_time() - worked
    return row, seconds, worked, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, what


# --- the dump -------------------------------------------------------------------------------------------------------------------


def records(size: Size) -> Iterator[Mapping[str, Any]]:
    """As OSV's are: most packages have none, a few have many; half are listed twice, under an alias; most list every version affected."""
    random = Random(4711)  # noqa: S311 - the same every time
    for number in range(size.advisories):
        package = name(int(random.paretovariate(0.1)) % size.names if number % 3 == 0 else random.randrange(size.names))
        top = random.randrange(1, 40)
        versions = [f"1.{minor}.{patch}" for minor in range(top) for patch in range(2)]
        entry = affected(package, {"introduced": "0"}, {"fixed": f"1.{top}.0"}, ecosystem="PyPI", versions=versions)
        vector = random.choice([MEDIUM, HIGH, CRITICAL])
        yield record(f"GHSA-{number:06}", entry, vector=vector, summary="Some flaw in some function", aliases=[f"CVE-2026-{number // 2}"])


def _with_one_changed(found: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for number, one in enumerate(found):
        yield {**one, "summary": "It was looked at again"} if number == 0 else one


def _generate(folder: Path, size: Size) -> None:
    for dump, found in (("dump", records(size)), ("changed", _with_one_changed(records(size)))):
        target = folder / dump / "PyPI" / "all.zip"
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
                for one in found:
                    made.writestr(f"{one['id']}.json", json.dumps(one))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where dump and snapshot are made and kept")
    parser.add_argument("--advisories", type=int, default=20_000)
    parser.add_argument("--names", type=int, default=100_000)
    parser.add_argument("--packages", type=int, default=20_000)
    parser.add_argument("--versions", type=int, default=100_000)
    parser.add_argument("--part", choices=tuple(PARTS), help="measure only this one, of a folder where `update` was measured before")
    options = parser.parse_args()
    size = Size(advisories=options.advisories, names=options.names, packages=options.packages, versions=options.versions)
    folder = options.folder / f"policy-{size.advisories}-{size.names}"
    if options.part:
        gc.set_threshold(1_000_000, 20, 20)  # as the command line does
        for row, seconds, worked, memory, what in PARTS[options.part](folder, size):
            print(f"{row:<14}{seconds:>9.2f}{worked:>9.2f}{memory:>9.0f}  {what}", flush=True)
        return
    print(f"{size.advisories:,} advisories about {size.names:,} names; a feed of {size.packages:,} packages", flush=True)
    _generate(folder, size)
    shutil.rmtree(folder / "store", ignore_errors=True)
    print(f"{'':<14}{'seconds':>9}{'cpu s':>9}{'peak MB':>9}  what", flush=True)
    sizes = [f"--{key}={number}" for key, number in vars(size).items()]
    for part in PARTS:
        subprocess.run([sys.executable, "-m", "tests.bench.policy", str(options.folder), *sizes, "--part", part], check=True)


if __name__ == "__main__":
    main()
