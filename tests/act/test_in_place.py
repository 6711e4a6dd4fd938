"""What lies in feed storage already: adopted where it is the reviewed content, repaired where it is missing, never overwritten."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pytest

from reconciler.errors import Unreachable
from reconciler.model.plan import Failure
from reconciler.stores import keys
from tests.act.offers import NUPKG, SDIST, UPLOADED, WHEEL, offer_base_and_other, offer_signed
from tests.crash.reader import look
from tests.support.nupkgs import nupkg
from tests.support.wheels import sdist, wheel
from tests.support.world import NOW, NUGET, PYPI, Run, World, objects


@pytest.fixture
def world(tmp_path) -> World:
    world = World(tmp_path)
    offer_base_and_other(world)
    return world


@pytest.fixture
def nuget(tmp_path) -> World:
    world = World(tmp_path)
    offer_signed(world)
    return world


# --- what lies in feed storage already --------------------------------------------------------------------------------------------


def lay(world: World, files: Mapping[str, bytes], feed: str = PYPI) -> None:
    """Puts files into a feed's folder, as somebody else would."""
    for path, data in files.items():
        world.store.put(f"feeds/{feed}/{path}", data, content_type=keys.OCTETS)


BASE: Final = {f"files/base/1/{WHEEL}": wheel("base", "1.0"), f"files/base/1/{SDIST}": sdist("base", "1.0")}


def test_approved_files_that_lie_there_already_are_adopted_without_an_upstream(world):
    lay(world, BASE)
    world.shelves["pypi"].down = True
    applied = world.apply()
    assert [(change.kind, change.declared.package) for change in applied.applied] == [("adopt", "base")]
    assert [hold.package for hold in applied.plan.holds] == ["other"]
    version = world.version(PYPI, "base", "1")
    assert [(file.name, file.size) for file in version.files] == [(WHEEL, len(wheel("base", "1.0"))), (SDIST, len(sdist("base", "1.0")))]
    assert version.published_at == NOW
    assert look(world.store).broken == set()
    assert world.store.get(f"feeds/{PYPI}/files/base/1/{WHEEL}.metadata") is not None
    (record,) = [record for record in world.records(PYPI) if record["change"] == "adopt"]
    assert [file["matched"] for file in record["files"]] == ["sha256", "sha256"]
    world.shelves["pypi"].down = False
    assert [change.kind for change in world.apply(Run(listed=True)).applied] == ["promote"]


def test_a_part_of_the_files_is_completed(world):
    lay(world, {path: data for path, data in BASE.items() if path.endswith(".whl")})
    assert {change.kind for change in world.apply().applied} == {"promote"}
    assert WHEEL not in world.shelves["pypi"].asked
    assert SDIST in world.shelves["pypi"].asked
    assert world.version(PYPI, "base", "1").files[0].uploaded_at == UPLOADED


@pytest.mark.parametrize("listed", [False, True])
def test_a_file_with_other_bytes_is_a_conflict_and_never_overwritten(world, listed):
    lay(world, {**BASE, f"files/base/1/{WHEEL}": b"other"})
    applied = world.apply(Run(listed=listed))
    assert [change.declared.package for change in applied.applied] == ["other"]
    assert applied.outcome == "integrity"
    assert [(drift.kind, drift.package) for drift in applied.plan.drift] == [("differing", "base")]
    assert objects(world.store)[f"feeds/{PYPI}/files/base/1/{WHEEL}"] == b"other"


def test_other_bytes_that_no_listing_has_shown_are_found_before_anything_is_overwritten(world):
    world.shelves["pypi"].served[WHEEL] = Unreachable("not yet")
    world.apply()
    lay(world, {f"files/base/1/{WHEEL}": b"other"})
    world.shelves["pypi"].served.clear()
    applied = world.apply()
    (failure,) = applied.failed
    assert failure.integrity
    assert "lies in feed storage" in failure.error
    assert applied.outcome == "integrity"
    assert objects(world.store)[f"feeds/{PYPI}/files/base/1/{WHEEL}"] == b"other"


def test_a_companion_with_other_bytes_is_a_conflict(world):
    lay(world, {f"files/base/1/{WHEEL}.metadata": b"other"})
    failure = the_failure(world)
    assert "lies in feed storage with other bytes" in failure.error
    assert objects(world.store)[f"feeds/{PYPI}/files/base/1/{WHEEL}.metadata"] == b"other"


def the_failure(world: World) -> Failure:
    (failure,) = world.apply().failed
    assert failure.integrity
    return failure


def test_an_alien_file_is_told_and_left_alone(world):
    lay(world, {"files/alien/1/alien-1.0.tar.gz": b"alien"})
    applied = world.apply()
    assert applied.outcome == "done"
    assert [(drift.kind, drift.package) for drift in applied.plan.drift] == [("alien", "alien")]
    assert not [place for place in look(world.store).versions if "alien" in str(place)]
    assert objects(world.store)[f"feeds/{PYPI}/files/alien/1/alien-1.0.tar.gz"] == b"alien"


def test_a_file_that_vanishes_before_it_is_adopted_fails_its_version_only(world):
    lay(world, BASE)
    planned = world.plan()
    world.store.delete(f"feeds/{PYPI}/files/base/1/{SDIST}")
    (failure,) = world.carry_out(planned).failed
    assert "has vanished from feed storage" in failure.error


def test_a_file_that_changes_before_it_is_adopted_fails_its_version_only(world):
    lay(world, BASE)
    planned = world.plan()
    lay(world, {f"files/base/1/{SDIST}": b"other"})
    (failure,) = world.carry_out(planned).failed
    assert failure.integrity
    assert list(world.state(PYPI).entries) == ["other"]


# --- repair -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [f"{WHEEL}", f"{SDIST}", f"{WHEEL}.metadata"])
def test_a_deleted_file_is_brought_back_from_the_source(world, path):
    world.apply()
    before = objects(world.store, "feeds/")
    world.store.delete(f"feeds/{PYPI}/files/base/1/{path}")
    assert world.apply().applied == ()
    asked = len(world.shelves["pypi"].asked)
    applied = world.apply(Run(listed=True))
    assert ([change.kind for change in applied.applied], applied.outcome) == (["repair"], "done")
    assert [(drift.kind, drift.detail) for drift in applied.plan.drift] == [("missing", f"files/base/1/{path} is missing")]
    assert objects(world.store, "feeds/") == before
    fetched = [name for name in world.shelves["pypi"].asked[asked:] if "-" in name]
    assert fetched == ([path] if path in {WHEEL, SDIST} else [])
    assert world.records(PYPI)[-1]["change"] == "repair"
    assert world.apply(Run(listed=True)).plan.drift == ()


def test_a_repair_brings_back_the_recorded_provenance_not_the_newest(world):
    world.place_wheel(WHEEL, wheel("base", "1.0"), companions={".provenance": b"first"})
    world.apply()
    world.place_wheel(WHEEL, wheel("base", "1.0"), companions={".provenance": b"second"})
    world.store.delete(f"feeds/{PYPI}/files/base/1/{WHEEL}")
    assert world.apply(Run(listed=True)).outcome == "done"
    assert objects(world.store)[f"feeds/{PYPI}/files/base/1/{WHEEL}.provenance"] == b"first"
    world.store.delete(f"feeds/{PYPI}/files/base/1/{WHEEL}.provenance")
    (failure,) = world.apply(Run(listed=True)).failed
    assert "only other bytes than the recorded ones can be had" in failure.error
    assert world.store.get(f"feeds/{PYPI}/files/base/1/{WHEEL}.provenance") is None


def test_a_damaged_companion_is_refused_and_never_overwritten(world):
    world.place_wheel(WHEEL, wheel("base", "1.0"), companions={".provenance": b"first"})
    world.apply()
    lay(world, {f"files/base/1/{WHEEL}.provenance": b"damaged"})
    world.store.delete(f"feeds/{PYPI}/files/base/1/{WHEEL}")
    applied = world.apply(Run(listed=True))
    assert (applied.applied, applied.outcome) == ((), "integrity")
    assert {drift.kind for drift in applied.plan.drift} == {"differing", "missing"}
    assert objects(world.store)[f"feeds/{PYPI}/files/base/1/{WHEEL}.provenance"] == b"damaged"


def test_a_damaged_file_is_refused_and_never_overwritten(world):
    world.apply()
    lay(world, {f"files/base/1/{WHEEL}": b"damaged"})
    applied = world.apply(Run(listed=True))
    (drift,) = applied.plan.drift
    assert drift.kind == "differing"
    assert f"files/base/1/{WHEEL} has 7 bytes" in drift.detail
    assert (applied.applied, applied.outcome) == ((), "integrity")
    assert objects(world.store)[f"feeds/{PYPI}/files/base/1/{WHEEL}"] == b"damaged"
    assert world.apply(Run(listed=True)).outcome == "integrity"


def test_a_damaged_package_of_nuget_is_refused_and_never_overwritten(nuget):
    nuget.apply()
    lay(nuget, {f"v3/flatcontainer/core/1.0.0/{NUPKG}": b"PK damaged"}, feed=NUGET)
    assert nuget.apply(Run(listed=True)).outcome == "integrity"
    assert objects(nuget.store)[f"feeds/{NUGET}/v3/flatcontainer/core/1.0.0/{NUPKG}"] == b"PK damaged"


def test_a_package_that_was_signed_again_since_does_not_replace_the_published_one(nuget):
    nuget.apply()
    published = nuget.version(NUGET, "core", "1.0.0").files
    nuget.store.delete(f"feeds/{NUGET}/v3/flatcontainer/core/1.0.0/{NUPKG}")
    nuget.place_nupkg("Core", "1.0.0", nupkg("Core", "1.0.0", signature=b"second"))
    (failure,) = nuget.apply(Run(listed=True)).failed
    assert failure.integrity
    assert "signed otherwise than the published file" in failure.error
    assert nuget.version(NUGET, "core", "1.0.0").files == published
    nuget.place_nupkg("Core", "1.0.0", nupkg("Core", "1.0.0", signature=b"first"))
    assert nuget.apply(Run(listed=True)).outcome == "done"


def test_a_repair_waits_for_an_upstream_that_does_not_answer(world):
    world.apply()
    world.store.delete(f"feeds/{PYPI}/files/base/1/{SDIST}")
    world.shelves["pypi"].down = True
    applied = world.apply(Run(listed=True))
    assert (applied.outcome, applied.applied, [hold.kind for hold in applied.plan.holds]) == ("waiting", (), ["upstream"])
