"""What policies judge is what is let in, and what is not known lets nothing in and nothing back: through whole passes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.errors import IntegrityError
from reconciler.observe.archives import Archives
from tests.scenarios.test_judging import Records, put_in_use
from tests.support import world as worlds
from tests.support.nupkgs import nupkg
from tests.support.wheels import core_metadata, wheel
from tests.support.world import NOW, NUGET, PYPI, Run, World, objects

ADVISORY = "GHSA-5crp-9r3c-p9vr"
VULNERABILITY = {"rule": "vulnerability", "on_existing": "unlist"}


@pytest.fixture
def make(tmp_path) -> Callable[..., World]:
    def with_policies(**policies: Any) -> World:
        world = World(tmp_path)
        for name, policy in policies.items():
            world.write(f"policies/{name}.yaml", yaml.safe_dump(policy))
        return world

    return with_policies


def advise(world: World, *bad: dict[str, Any], fetched_at: datetime = NOW) -> None:
    """Puts a snapshot in use that knows of these flaws, and of one of a package that nobody has."""
    number = len(list(world.root.parent.glob("advisories-*")))
    records = {"nuget": [*bad, flaw("Unrelated", id="GHSA-zzzz-zzzz-zzzz")]}
    put_in_use(world, Records(fetched_at=fetched_at, records=records), world.root.parent / f"advisories-{number}")


def flaw(package: str, **fields: Any) -> dict[str, Any]:
    affected = {"package": {"ecosystem": "NuGet", "name": package}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]}
    said = {"summary": "It is bad", "affected": [affected], "database_specific": {"severity": "HIGH"}}
    return {"schema_version": "1.4.0", "id": ADVISORY, "modified": "2026-01-01T00:00:00Z", **said, **fields}


def approve(world: World, package: str = "Leaf", version: str = "1.0.0", **facts: Any) -> str:
    world.place_nupkg(package, version, nupkg(package, version), **facts)
    path = world.approve("approved-nuget", package, version)
    world.commit()
    return path


def state(world: World, package: str = "leaf") -> str:
    return world.version(NUGET, package, "1.0.0").state


# --- what is not known ------------------------------------------------------------------------------------------------------------


def without_snapshot(world: World) -> None:
    for key in objects(world.store, "state/advisories/"):
        world.store.delete(key)


def of_other_ecosystem(world: World) -> None:
    record = flaw("unrelated")
    record["affected"][0]["package"]["ecosystem"] = "PyPI"
    put_in_use(world, Records(fetched_at=NOW, records={"pypi": [record]}), world.root.parent / "advisories-pypi")


@pytest.mark.parametrize("lose", [without_snapshot, of_other_ecosystem])
@pytest.mark.parametrize("taking", ["unlist", "quarantine"])
def test_what_a_rule_took_back_does_not_come_back_because_the_advisories_are_gone(make, lose, taking):
    world = make(vulnerability={**VULNERABILITY, "on_existing": taking})
    advise(world)
    approve(world)
    approve(world, "Other")
    world.apply()
    advise(world, flaw("Leaf"))
    world.apply()
    before = state(world)
    assert before in {"unlisted", "quarantined"}
    lose(world)
    plan = world.plan().plan
    assert plan.changes == ()
    assert [(h.package, h.rule, h.reason) for h in plan.holds] == [
        ("Leaf", "vulnerability", "there is no snapshot of the advisories for its ecosystem")
    ], "of what is listed nothing is taken back, and nothing is said"
    assert world.apply().outcome == "held"
    assert (state(world), state(world, "other")) == (before, "listed")
    advise(world)
    world.apply()
    assert state(world) == "listed"


def test_what_is_approved_again_is_not_listed_while_nothing_is_known_of_its_flaws(make):
    world = make(vulnerability=VULNERABILITY)
    advise(world)
    path = approve(world)
    world.apply()
    world.take_back(path, "unlist")
    world.commit()
    world.apply()
    without_snapshot(world)
    world.take_back(path, None)
    world.commit()
    assert world.apply().outcome == "held"
    assert state(world) == "unlisted"


@pytest.mark.parametrize("data", [b"", b"{}", b"garbage", None])
@pytest.mark.parametrize("part", ["current", "root and shards"])
def test_a_damaged_snapshot_stops_the_pass_before_it_writes_anything(make, part, data):
    world = make(vulnerability={**VULNERABILITY, "on_existing": "quarantine"})
    advise(world)
    approve(world)
    world.apply()
    approve(world, "Other")
    advise(world, flaw("Leaf"), flaw("Other", id="GHSA-1111-2222-3333"))
    for key in objects(world.store, "state/advisories/" if part == "current" else "state/advisories/objects/"):
        if part != "current" or key.endswith("current.json"):
            if data is None and part != "current":
                world.store.delete(key)
            else:
                world.store.put(key, data or b"[]", content_type="application/json")
    before = objects(world.store)
    with pytest.raises(IntegrityError):
        world.apply()
    assert objects(world.store) == before


def test_a_damaged_snapshot_stands_in_nobodys_way_where_no_policy_asks_for_it(make):
    world = make()
    advise(world)
    for key in objects(world.store, "state/advisories/"):
        world.store.put(key, b"garbage", content_type="application/json")
    approve(world)
    assert world.apply().outcome == "done"
    assert state(world) == "listed"


# --- the same bytes ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def kept(tmp_path) -> Path:
    return Path(tmp_path / "kept")


def keeping(folder: Path, now: datetime = NOW) -> Run:
    """A pass that keeps contents in a folder, and hands on what it has fetched, as those of the command line do."""
    return Run(now=now, archives=Archives(folder))


def test_a_package_that_has_lost_its_signature_since_it_was_judged_is_not_let_in(make, kept):
    """Its content hash is the approved one all the same, and what was kept of it says that it is signed."""
    world = make(provenance={"rule": "provenance", "params": {"require": "signature"}}, age={"rule": "age", "params": {"min_age": "7d"}})
    world.place_nupkg("Leaf", "1.0.0", nupkg("Leaf", "1.0.0", signature=b"signed"), uploaded_at=NOW)
    world.approve("approved-nuget", "Leaf", "1.0.0")
    world.commit()
    assert [hold.rule for hold in world.plan(keeping(kept)).plan.holds] == ["age"], "signed, and too young"
    assert kept.is_dir()
    world.shelves["nuget"].items.clear()
    world.place_nupkg("Leaf", "1.0.0", nupkg("Leaf", "1.0.0"), uploaded_at=NOW)
    later = NOW + timedelta(days=8)
    (failure,) = world.apply(keeping(kept, later)).failed
    assert failure.error == "leaf.1.0.0.nupkg: not as it was judged, without its signature"
    assert failure.integrity
    assert world.state(NUGET).entries == {}
    applied = world.apply(keeping(kept, later))
    assert [hold.reason for hold in applied.plan.holds] == ["no signature for leaf.1.0.0.nupkg"], "and now it is judged as it is"
    assert world.state(NUGET).entries == {}


def test_a_package_that_was_signed_since_it_was_judged_is_let_in(make, kept):
    world = make(provenance={"rule": "provenance", "params": {"require": "signature"}})
    world.place_nupkg("Leaf", "1.0.0", nupkg("Leaf", "1.0.0"))
    world.approve("approved-nuget", "Leaf", "1.0.0")
    world.commit()
    assert [hold.reason for hold in world.apply(keeping(kept)).plan.holds] == ["no signature for leaf.1.0.0.nupkg"]
    world.shelves["nuget"].items.clear()
    world.place_nupkg("Leaf", "1.0.0", nupkg("Leaf", "1.0.0", signature=b"signed"))
    assert world.apply(keeping(kept)).outcome == "done"
    assert state(world) == "listed"


def test_an_attestation_of_its_index_says_nothing_of_what_lies_in_the_feed_already(make):
    """Nobody fetches it with what is adopted, so it would be missed at once."""
    world = make(provenance={"rule": "provenance", "params": {"require": "attestation"}})
    name, data = "leaf-1.0-py3-none-any.whl", wheel("leaf", "1.0")
    world.place_wheel(name, data, companions={".provenance": b"{}"})
    world.approve("approved-pypi", "leaf", "1.0")
    world.commit()
    world.store.put(f"feeds/approved-pypi/files/leaf/1/{name}", data, content_type="application/octet-stream")
    plan = world.plan().plan
    assert ([c.kind for c in plan.changes], [hold.rule for hold in plan.holds]) == ([], ["provenance"])


# --- one thing after another ------------------------------------------------------------------------------------------------------


def test_what_is_to_be_in_quarantine_comes_there_whatever_was_known_first(make):
    world = make(
        vulnerability=VULNERABILITY,
        worst={"rule": "vulnerability", "on_existing": "quarantine", "params": {"max_severity": "critical"}},
    )
    advise(world)
    approve(world)
    world.apply()
    advise(world, flaw("Leaf"))
    world.apply()
    assert state(world) == "unlisted"
    advise(world, flaw("Leaf"), flaw("Leaf", id="MAL-2026-1"))
    (change,) = world.apply().applied
    assert (change.kind, state(world)) == ("quarantine", "quarantined")
    assert change.reason.startswith("MAL-2026-1"), "the reason is that of the policy which wants it"


def test_an_advisory_comes_and_goes_and_a_waiver_too_each_is_done_once(make):
    world = make(vulnerability=VULNERABILITY)
    world.write(
        "policies/permissions.yaml",
        "users:\n  ada: {name: Ada, emails: [ada@example.org]}\npermissions:\n  - {allow: administer, user: ada}\n",
    )
    advise(world)
    approve(world)
    expected = []

    def settle(kind: str, run: Run | None = None) -> None:
        expected.append(kind)
        applied = world.apply(run)
        assert [change.kind for change in applied.applied] == [kind]
        before = objects(world.store)
        assert world.apply(run).applied == ()
        assert objects(world.store) == before, "a second pass writes nothing"

    settle("promote")
    advise(world, flaw("Leaf"))
    settle("unlist")
    advise(world, flaw("Leaf", withdrawn="2026-02-01T00:00:00Z"))
    settle("relist")
    advise(world, flaw("Leaf"))
    settle("unlist")
    waiver = {"rule": "vulnerability", "id": ADVISORY, "feed": "approved-nuget", "package": "Leaf", "versions": ["1.0.0"]}
    world.write(
        "policies/waivers/leaf.yaml", yaml.safe_dump({**waiver, "owner": "ada", "reason": "Only our input.", "expires": "2026-11-25"})
    )
    world.commit()
    settle("relist")
    settle("unlist", Run(now=NOW.replace(day=25, hour=0)))
    records = [record for record in world.records(NUGET) if record["change"] != "access"]
    assert [record["change"] for record in records] == expected
    for record in records:
        (verdict,) = record["verdicts"]
        assert (verdict["rule"], verdict["policy"].partition(":")[0]) == ("vulnerability", "policies/vulnerability.yaml")
        assert len(record["advisories"]) == 64
        assert [one.partition(":")[0] for one in record["waivers"]] == (["policies/waivers/leaf.yaml"] if record is records[4] else [])
        assert verdict["verdict"] == ("hold" if record["change"] == "unlist" else "allow")
        assert record["change"] != "unlist" or record["reason"] == verdict["reason"]


def test_a_false_alarm_about_everything_takes_nothing_until_somebody_accepts_it(make):
    world = make(vulnerability={**VULNERABILITY, "on_existing": "quarantine"})
    world.feeds(withdrawals="10%")
    names = [f"Leaf{number}" for number in range(12)]
    for name in names:
        world.place_nupkg(name, "1.0.0", nupkg(name, "1.0.0"))
        world.approve("approved-nuget", name, "1.0.0")
    world.commit()
    advise(world)
    world.apply()
    advise(world, *(flaw(name, id=f"MAL-2026-{name[4:]}") for name in names))
    applied = world.apply()
    assert (applied.outcome, applied.applied, len(applied.plan.alerts)) == ("limit", (), 12)
    assert {state(world, name.lower()) for name in names} == {"listed"}
    world.apply(Run(accept=applied.plan.digest))
    assert {state(world, name.lower()) for name in names} == {"quarantined"}


def test_what_stays_in_spite_of_an_alert_is_kept_whole_and_clients_are_told_what_the_approval_says(make):
    world = make(license={"rule": "license", "params": {"allow": ["MIT"]}})
    path = approve(world)
    world.apply()
    world.write("policies/license.yaml", yaml.safe_dump({"rule": "license", "params": {"allow": ["ISC"]}}))
    world.write(path, f"{world._texts[path]}deprecated: {{reason: Too old., use: Newer}}\n")
    world.commit()
    (file,) = (key for key in objects(world.store) if key.endswith(".nupkg"))
    world.store.delete(file)
    plan = world.plan(Run(listed=True)).plan
    assert ([change.kind for change in plan.changes], len(plan.alerts), plan.holds) == (["repair"], 1, ())
    world.apply(Run(listed=True))
    assert world.store.get(file) is not None
    version = world.version(NUGET, "leaf", "1.0.0")
    assert (version.state, version.deprecated) == ("listed", "Too old. Use Newer instead.")
    before = objects(world.store)
    assert world.apply(Run(listed=True)).applied == ()
    assert objects(world.store) == before


def test_what_was_kept_of_an_archive_and_is_not_true_lets_nothing_in(make, kept):
    """Whoever can write the folder of another job's cache must not judge for it."""
    world = make(license={"rule": "license", "params": {"allow": ["MIT"]}})
    world.place_wheel("leaf-1.0-py3-none-any.whl", wheel("leaf", "1.0", metadata=core_metadata("leaf", "1.0", license_expression="ISC")))
    world.approve("approved-pypi", "leaf", "1.0")
    world.commit()
    assert [hold.rule for hold in world.plan(keeping(kept)).plan.holds] == ["license"]
    (entry,) = (path for path in kept.iterdir() if len(path.name) == 64)
    content = entry.read_bytes().partition(b"\n")[2].replace(b'"ISC"', b'"MIT"')
    entry.write_bytes(sha256(content).hexdigest().encode() + b"\n" + content)
    (failure,) = world.apply(keeping(kept)).failed
    assert failure.error == "leaf-1.0-py3-none-any.whl: not as it was judged"
    assert world.state(PYPI).entries == {}
    assert [hold.rule for hold in world.apply(keeping(kept)).plan.holds] == ["license"]


# --- files that come later --------------------------------------------------------------------------------------------------------


def extended(world: World, **facts: Any) -> World:
    """A published version whose approval then names one more file."""
    for tag, said in (("py3", {"license_expression": "MIT"}), ("py2", facts)):
        world.place_wheel(f"leaf-1.0-{tag}-none-any.whl", wheel("leaf", "1.0", metadata=core_metadata("leaf", "1.0", **said)))
        world.approve("approved-pypi", "leaf", "1.0")
        world.commit()
        world.apply()
    return world


def files(world: World) -> list[str]:
    return [file.name for file in world.version(PYPI, "leaf", "1").files]


def test_a_file_that_comes_later_is_judged_by_what_is_in_it(make):
    world = extended(make(license={"rule": "license", "params": {"allow": ["MIT"]}}), license_expression="AGPL-3.0-only")
    assert files(world) == ["leaf-1.0-py3-none-any.whl"]
    assert [hold.reason for hold in world.plan().plan.holds] == ['declares "AGPL-3.0-only", which license.yaml does not allow']


@pytest.mark.parametrize(("needs", "comes"), [(["missing>=1"], False), ([], True)])
def test_a_file_that_comes_later_brings_in_no_gap_where_dependencies_are_required(make, needs, comes):
    world = make()
    text = worlds.FEEDS.format(public_url=worlds.PUBLIC_URL, withdrawals="100%", aliens="report")
    world.write("feeds.yaml", text.replace("promotes_from: [public-pypi],", "promotes_from: [public-pypi], dependencies: require,"))
    extended(world, requires=needs)
    assert ("leaf-1.0-py2-none-any.whl" in files(world)) == comes
    assert [hold.kind for hold in world.plan().plan.holds] == ([] if comes else ["closure"])


def held(world: World) -> list[str]:
    return sorted(world.state(PYPI).entries)


def test_what_fails_while_it_is_fetched_takes_with_it_what_needs_it_and_nothing_else(make):
    world = make()
    text = worlds.FEEDS.format(public_url=worlds.PUBLIC_URL, withdrawals="100%", aliens="report")
    world.write("feeds.yaml", text.replace("promotes_from: [public-pypi],", "promotes_from: [public-pypi], dependencies: require,"))
    needs = {"app": ["rich>=1"], "rich": ["markup<2", "alone"], "markup": ["rich"], "alone": [], "other": ["alone"]}
    for name, requires in needs.items():
        world.place_wheel(f"{name}-1.0-py3-none-any.whl", wheel(name, "1.0", requires=requires))
        world.approve("approved-pypi", name, "1.0")
    world.commit()
    planned = world.plan()
    assert len(planned.plan.changes) == 5
    broken = world.shelves["pypi"].items.pop("markup-1.0-py3-none-any.whl")
    applied = world.carry_out(planned)
    assert applied.outcome == "partial"
    told = {failure.change.declared.package: failure.error for failure in applied.failed}
    assert told["rich"] == "what it needs does not come in: markup 1"
    assert told["app"] == "what it needs does not come in: rich 1"
    assert sorted(told) == ["app", "markup", "rich"]
    assert held(world) == ["alone", "other"]
    world.shelves["pypi"].items["markup-1.0-py3-none-any.whl"] = broken
    assert world.apply().outcome == "done"
    assert held(world) == ["alone", "app", "markup", "other", "rich"]
    before = objects(world.store)
    world.apply()
    assert objects(world.store) == before


def test_one_of_several_that_would_do_is_enough(make):
    world = make()
    text = worlds.FEEDS.format(public_url=worlds.PUBLIC_URL, withdrawals="100%", aliens="report")
    world.write("feeds.yaml", text.replace("promotes_from: [public-pypi],", "promotes_from: [public-pypi], dependencies: require,"))
    for name, version, requires in (("app", "1.0", ["leaf"]), ("leaf", "1.0", []), ("leaf", "2.0", [])):
        world.place_wheel(f"{name}-{version}-py3-none-any.whl", wheel(name, version, requires=requires))
        world.approve("approved-pypi", name, version)
    world.commit()
    planned = world.plan()
    del world.shelves["pypi"].items["leaf-2.0-py3-none-any.whl"]
    assert [failure.change.declared.version for failure in world.carry_out(planned).failed] == ["2.0"]
    assert held(world) == ["app", "leaf"]


# --- until when a plan holds ------------------------------------------------------------------------------------------------------

EFFECTS = st.tuples(st.sampled_from(["warn", "hold", "deny"]), st.sampled_from(["alert", "unlist", "quarantine"]))
HOURS = st.integers(-30, 200)


@given(
    age=EFFECTS,
    bad=EFFECTS,
    min_age=st.sampled_from(["1d", "7d", "36h"]),
    snapshot=st.tuples(st.integers(0, 100), st.sampled_from(["1d", "3d", "7d"])),
    uploads=st.tuples(*[st.none() | HOURS] * 2),
    expires=st.none() | st.integers(22, 28),
    waivers=st.lists(st.tuples(st.sampled_from(["age", "vulnerability"]), st.integers(20, 30), st.sampled_from([2026, 2027])), max_size=3),
    published=st.none() | st.integers(0, 60),
    parts=st.lists(st.floats(0, 1), min_size=1, max_size=2),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_until_then_the_plan_is_the_same_at_every_instant(
    tmp_path_factory, age, bad, min_age, snapshot, uploads, expires, waivers, published, parts
):
    """`valid_until` is the first instant at which time alone changes it: nothing flips before, and no text tells what time it is."""
    world = World(tmp_path_factory.mktemp("world"))
    fetched_ago, max_age = snapshot
    rules = {"age": ({"min_age": min_age}, age), "vulnerability": ({"max_snapshot_age": max_age}, bad)}
    for rule, (params, (violation, existing)) in rules.items():
        policy = {"rule": rule, "on_violation": violation, "on_existing": existing, "params": params}
        world.write(f"policies/{rule}.yaml", yaml.safe_dump(policy))
    users = "users:\n  ada: {name: Ada, emails: [ada@example.org]}\npermissions:\n  - {allow: administer, user: ada}\n"
    world.write("policies/permissions.yaml", users)
    for number, (rule, day, year) in enumerate(waivers):
        about = {"rule": rule, "id": ADVISORY, "feed": "approved-nuget", "package": "Leaf", "range": "[1.0,3.0)"}
        said = {"owner": "ada", "reason": "Needed.", "expires": f"{year}-11-{day}"}
        world.write(f"policies/waivers/w{number}.yaml", yaml.safe_dump({**about, **said}))
    for version, hours in zip(("1.0.0", "2.0.0"), uploads, strict=True):
        uploaded_at = NOW - timedelta(hours=hours) if hours is not None else None
        world.place_nupkg("Leaf", version, nupkg("Leaf", version), uploaded_at=uploaded_at)
        world.approve("approved-nuget", "Leaf", version, expires=date(2026, 11, expires) if expires else None)
    world.commit()
    record = flaw("Leaf")
    record["affected"][0]["ranges"][0]["events"].append({"fixed": "2.0.0"})
    advise(world, record, fetched_at=NOW - timedelta(hours=fetched_ago))
    if published is not None:
        world.apply(Run(now=NOW - timedelta(hours=published)))
    now = NOW
    for _ in range(3):
        plan = world.plan(Run(now=now)).plan
        end = plan.valid_until or now + timedelta(days=500)
        assert end > now
        last = end - timedelta(microseconds=1)
        for instant in (*(min(now + (end - now) * part, last) for part in parts), last):
            other = world.plan(Run(now=instant)).plan
            assert (other.digest, other.valid_until) == (plan.digest, plan.valid_until)
        now = end
