"""Only reviewed content enters: every way in which bytes can be other ones, at the upstream and in feed storage."""

from __future__ import annotations

import io
from dataclasses import replace
from hashlib import sha256
from types import SimpleNamespace
from typing import BinaryIO, Final, cast

import pytest

from reconciler.act.fetch import fetch
from reconciler.act.static_feed import StaticFeed
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.ecosystems.interface import Ecosystem
from reconciler.errors import ContentMismatch, NotThere, Unreachable
from reconciler.model.packages import Inspection, License, Traits
from reconciler.model.plan import Applied, Failure
from tests.act.offers import NUPKG, SDIST, WHEEL, offer_base_and_other, offer_signed
from tests.crash.reader import look
from tests.support.nupkgs import nupkg
from tests.support.wheels import core_metadata, wheel
from tests.support.world import NUGET, PYPI, Run, World, objects


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


def only_other_was_promoted(world: World, applied: Applied) -> Failure:
    """The one failure, after looking that nothing of `base` is visible and that all of `other` is."""
    (failure,) = applied.failed
    assert failure.change.declared.package == "base"
    assert [change.declared.package for change in applied.applied] == ["other"]
    assert list(world.state(PYPI).entries) == ["other"]
    sight = look(world.store)
    assert sight.broken == set()
    assert {page.split("/")[3] for page, _ in sight.versions} == {"other"}
    assert [record["package"] for record in world.records(PYPI) if record["change"] != "access"] == ["other"]
    return failure


@pytest.mark.parametrize("file", [WHEEL, SDIST])
@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"other bytes", "are not the approved ones"),
        (b"", "are not the approved ones"),
        (wheel("base", "1.0")[:-1], "are not the approved ones|larger than"),
        (wheel("base", "1.0") + b"x" * 1000, "larger than the"),
        (wheel("base", "1.0", extra={"evil.py": b""}), "are not the approved ones|larger than"),
    ],
    ids=["other", "nothing", "too short", "too long", "another wheel"],
)
def test_bytes_that_are_not_the_approved_ones_never_become_visible(world, file, sent, said):
    world.shelves["pypi"].served[file] = sent
    applied = world.apply()
    failure = only_other_was_promoted(world, applied)
    assert failure.integrity
    assert any(part in failure.error for part in said.split("|"))
    assert applied.outcome == "integrity"
    assert not [key for key in objects(world.store) if "/files/base/" in key]


@pytest.mark.parametrize("error", [Unreachable("no answer"), NotThere("gone")])
def test_a_file_that_cannot_be_had_is_had_the_next_time(world, error):
    world.shelves["pypi"].served[SDIST] = error
    applied = world.apply()
    failure = only_other_was_promoted(world, applied)
    assert (failure.integrity, failure.error, applied.outcome) == (False, str(error), "partial")
    world.shelves["pypi"].served.clear()
    again = world.apply()
    assert (again.outcome, [change.declared.package for change in again.applied]) == ("done", ["base"])
    assert [file.name for file in world.version(PYPI, "base", "1").files] == [WHEEL, SDIST]


def test_what_rules_ask_of_a_file_is_recorded_with_what_archive_and_index_say(world):
    world.place_wheel(WHEEL, wheel("base", "1.0"), companions={".provenance": b"{}"})
    world.apply()
    files = {file.name: file.traits for file in world.version(PYPI, "base", "1").files}
    mit = License(declared="MIT", concluded="MIT")
    assert files == {
        WHEEL: Traits(license=mit, provenance=("attestation",)),
        SDIST: Traits(license=mit, install_scripts=("build backend none",)),
    }


def test_a_signature_is_recorded_where_the_archive_has_one(nuget):
    nuget.apply()
    (file,) = nuget.version(NUGET, "core", "1.0.0").files
    assert file.traits == Traits(license=License(declared="MIT", concluded="MIT"), provenance=("signature",))


def test_a_companion_that_is_missing_upstream_holds_its_version_back(world):
    world.place_wheel(WHEEL, wheel("base", "1.0"), companions={".provenance": b"{}"})
    world.shelves["pypi"].served[f"{WHEEL}.provenance"] = NotThere("no provenance")
    failure = only_other_was_promoted(world, world.apply())
    assert (failure.error, failure.integrity) == ("no provenance", False)


def lying(world: World, file: str, data: bytes) -> Applied:
    """Has `file` approved with the digest of `data`, and applies."""
    digest = sha256(data).hexdigest()
    world.approve(PYPI, "base", "1.0", files=[file], size=len(data), sha256=digest)
    world.commit()
    world.shelves["pypi"].served[file] = data
    return world.apply()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (wheel("base", "1.0", metadata=core_metadata("another", "1.0")), "another"),
        (wheel("base", "1.0", metadata=core_metadata("base", "2.0")), "2.0"),
        (wheel("base", "2.0"), "base-2.0"),
        (wheel("base", "1.0")[:200], ""),
        (b"PK\x03\x04 no archive", ""),
    ],
    ids=["name", "version", "folder", "cut off", "damaged"],
)
def test_an_approved_archive_that_is_something_else_inside_is_refused(world, data, said):
    failure = only_other_was_promoted(world, lying(world, WHEEL, data))
    assert said in failure.error
    assert not failure.integrity


@pytest.mark.parametrize(
    ("inside", "said"),
    [(("Other", "1.0.0"), "says that it is 'Other' 1.0.0"), (("Core", "2.0.0"), "says that it is 'Core' 2.0.0")],
)
def test_a_package_whose_file_is_named_for_another_one_is_refused(nuget, inside, said):
    """The file's name agrees with what is inside, and both with another identity than the approval's."""
    name = f"{inside[0].lower()}.{inside[1]}.nupkg"
    data = nupkg(*inside)
    path = nuget.approve(NUGET, "Core", "1.0.0")
    hash_of = ECOSYSTEMS["nuget"].inspect(name, io.BytesIO(data)).content_hash
    nuget.write(path, APPROVAL.format(name=name, size=len(data), sha256=sha256(data).hexdigest(), content_hash=hash_of))
    nuget.commit()
    shelf = nuget.shelves["nuget"]
    core = shelf.items.pop(NUPKG)
    shelf.items[name] = core
    shelf.served[name] = data
    (failure,) = nuget.apply().failed
    assert failure.integrity
    assert said in failure.error


def test_an_archive_that_calls_itself_what_is_no_name_is_refused(world, tmp_path):
    """Whatever an ecosystem lets pass: one bad name fails its own version, and not the pass."""
    pypi = ECOSYSTEMS["pypi"]
    (change,) = (change for change in world.plan().plan.changes if change.declared.package == "other")

    def inspect(filename: str, archive: BinaryIO) -> Inspection:
        return replace(pypi.inspect(filename, archive), name="no name!")

    careless = cast("Ecosystem", SimpleNamespace(layout=pypi.layout, normalize_name=pypi.normalize_name, inspect=inspect))
    storage = StaticFeed(world.store, world.state(PYPI), careless)
    with pytest.raises(ContentMismatch, match="says that it is 'no name!'"):
        fetch(change, world.shelves["pypi"], storage, careless, folder=tmp_path)


APPROVAL: Final = """\
from: public-nuget
reason: Reviewed.
files:
  {name}: {{size: {size}, sha256: {sha256}, content_hash: "{content_hash}"}}
"""


# --- NuGet: signed again ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("signature", [b"second, and longer than the first one", b"", None], ids=["longer", "empty", "none"])
def test_a_package_that_was_signed_again_is_the_reviewed_one_and_recorded_as_such(nuget, signature):
    approved = nuget.shelves["nuget"].items[NUPKG].data
    signed = nupkg("Core", "1.0.0", signature=signature)
    assert signed != approved
    nuget.place_nupkg("Core", "1.0.0", signed)
    assert nuget.apply().outcome == "done"
    (file,) = nuget.version(NUGET, "core", "1.0.0").files
    assert (file.sha256, file.size) == (sha256(signed).hexdigest(), len(signed))
    (recorded,) = nuget.records(NUGET)[-1]["files"]
    assert recorded["matched"] == "content_hash"
    assert recorded["sha256"] == file.sha256
    assert nuget.apply(Run(listed=True)).plan.changes == ()


def test_the_package_as_it_was_reviewed_is_recorded_by_its_digest(nuget):
    nuget.apply()
    (recorded,) = nuget.records(NUGET)[-1]["files"]
    assert recorded["matched"] == "sha256"


@pytest.mark.parametrize("other", [{"extra": {"lib/evil.dll": b"x"}}, {"license_expression": "Apache-2.0"}], ids=["more", "changed"])
def test_a_package_with_other_content_is_not_the_reviewed_one_however_it_is_signed(nuget, other):
    nuget.shelves["nuget"].served[NUPKG] = nupkg("Core", "1.0.0", signature=b"first", **other)
    (failure,) = nuget.apply().failed
    assert failure.integrity
    assert "neither sha256" in failure.error
    assert nuget.state(NUGET).entries == {}


def test_a_signature_does_not_excuse_any_size(nuget):
    nuget.shelves["nuget"].served[NUPKG] = nupkg("Core", "1.0.0", signature=b"first") + b"\0" * (2 << 20)
    (failure,) = nuget.apply().failed
    assert "larger than" in failure.error
