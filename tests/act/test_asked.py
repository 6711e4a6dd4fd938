"""What a pass asks of upstreams: nothing where there is nothing to do, and each archive once where there is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from reconciler.ecosystems import ECOSYSTEMS
from reconciler.observe.archives import Archives
from reconciler.observe.osv.gather import gather
from reconciler.stores.advisories import find_current, write_snapshot
from reconciler.wire import Wire
from tests.support.nupkgs import nupkg
from tests.support.osv import CRITICAL, affected, place_dump, record
from tests.support.wheels import wheel, wheel_name
from tests.support.world import FEEDS, NOW, NUGET, PUBLIC_URL, PYPI, Run, World

POLICIES = {
    "license": "{rule: license, params: {allow: [MIT]}}",
    "vulnerability": "{rule: vulnerability, params: {max_severity: medium}}",
    "age": "{rule: age, on_violation: warn, params: {min_age: 7d}}",
    "status": "{rule: status}",
    "size": "{rule: size, params: {max_file: 100 MB}}",
    "scripts": "{rule: install-scripts}",
    "provenance": "{rule: provenance, on_violation: warn}",
    "namespace": "{rule: namespace, params: {protected: [requests]}}",
    "review": "{rule: review, on_violation: warn, params: {approvers: 1, author_counts: true}}",
}
MANY = 1_000


@pytest.fixture
def world(tmp_path) -> World:
    world = World(tmp_path)
    world.write("feeds.yaml", FEEDS.format(public_url=PUBLIC_URL, withdrawals="100%", aliens="report"))
    return world


def forbid(world: World, *rules: str) -> None:
    for rule in rules:
        world.write(f"policies/{rule}.yaml", POLICIES[rule] + "\n")


def advise(world: World, folder: Path) -> None:
    """A snapshot by which base 1.0 has a critical flaw in both ecosystems."""
    for kind in ("PyPI", "NuGet"):
        flaw = affected("base", {"introduced": "0"}, ecosystem=kind)
        place_dump(folder / "dump", kind, [record(f"GHSA-0000-{kind}", flaw, vector=CRITICAL)])
    with Wire() as wire:
        draft, dumps = gather("dump", [ECOSYSTEMS["nuget"], ECOSYSTEMS["pypi"]], wire=wire, base=folder)
        write_snapshot(world.store, draft, dumps, fetched_at=NOW, source="dump", before=find_current(world.store))


def asked(world: World) -> list[str]:
    return [what for shelf in world.shelves.values() for what in shelf.asked]


@pytest.mark.parametrize("listed", [False, True])
def test_a_pass_over_what_is_published_asks_no_upstream(world, tmp_path, listed):
    """With every policy, alerts, warnings, a gap, and advisories that came later."""
    world.place_wheel(wheel_name("base", "1.0"), wheel("base", "1.0", requires=["nobody-has-it>=1"], license_expression="ISC"))
    world.place_nupkg("Base", "1.0.0", nupkg("Base", "1.0.0", dependencies={"net8.0": {"Nobody.Has.It": "1.0"}}))
    world.approve(PYPI, "base", "1.0")
    world.approve(NUGET, "Base", "1.0.0")
    world.commit()
    assert len(world.apply().applied) == 2
    assert asked(world), "a shelf counts what it is asked"
    forbid(world, *POLICIES)
    world.commit("Judge")
    advise(world, tmp_path)
    for shelf in world.shelves.values():
        shelf.asked.clear()
        shelf.down = True
    applied = world.apply(Run(listed=listed))
    assert applied.outcome == "done"
    assert applied.applied == ()
    assert {one.rule for one in applied.plan.alerts} == {"license", "vulnerability"}
    assert {one.rule for one in applied.plan.warnings} >= {"closure", "provenance"}
    assert applied.plan.holds == ()
    assert asked(world) == []


def test_a_thousand_new_approvals_fetch_each_archive_once_for_plan_and_apply(world, tmp_path, spool):
    forbid(world, "license", "scripts", "provenance")
    for number in range(MANY):
        name = f"pkg{number}"
        world.place_wheel(wheel_name(name, "1.0"), wheel(name, "1.0"))
        world.approve(PYPI, name, "1.0")
    world.commit()
    names = set(world.shelves["pypi"].items)

    def fetched() -> Counter[str]:
        counted = Counter(what for what in asked(world) if what in names)
        world.shelves["pypi"].asked.clear()
        return counted

    once = Counter(dict.fromkeys(names, 1))
    how = Run(archives=Archives(tmp_path / "kept"))
    planned = world.plan(how)
    assert len(planned.plan.changes) == MANY
    assert fetched() == once
    assert len(world.carry_out(planned, how).applied) == MANY
    assert fetched() == Counter()
    assert not [path for path in spool.rglob("*") if path.is_file()]


def test_a_second_plan_with_the_cache_folder_fetches_nothing_and_its_apply_each_once(world, tmp_path):
    forbid(world, "license", "scripts", "provenance")
    for name in ("base", "leaf"):
        world.place_wheel(wheel_name(name, "1.0"), wheel(name, "1.0"))
        world.approve(PYPI, name, "1.0")
    world.commit()
    names = set(world.shelves["pypi"].items)
    first = world.plan(Run(archives=Archives(tmp_path / "kept"))).plan
    world.shelves["pypi"].asked.clear()
    how = Run(archives=Archives(tmp_path / "kept"))
    planned = world.plan(how)
    assert planned.plan.digest == first.digest
    assert not names & set(asked(world))
    assert len(world.carry_out(planned, how).applied) == 2
    assert Counter(what for what in asked(world) if what in names) == dict.fromkeys(names, 1)
