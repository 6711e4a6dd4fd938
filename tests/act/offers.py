"""What several tests of applying begin with: packages that an upstream offers, approved."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Final

from tests.support.nupkgs import nupkg
from tests.support.wheels import sdist, sdist_name, wheel, wheel_name
from tests.support.world import NUGET, PYPI, World

WHEEL: Final = wheel_name("base", "1.0")
SDIST: Final = sdist_name("base", "1.0")
NUPKG: Final = "core.1.0.0.nupkg"
UPLOADED: Final = datetime(2025, 3, 1, 8, 0, tzinfo=UTC)
EXPIRY: Final = date(2026, 12, 1)
LATER: Final = datetime(2026, 12, 24, tzinfo=UTC)


def offer_wheel(world: World, name: str, version: str = "1.0", *, expires: date | None = None) -> None:
    """A wheel upstream, approved."""
    world.place_wheel(wheel_name(name, version), wheel(name, version), uploaded_at=UPLOADED)
    world.approve(PYPI, name, version, expires=expires)


def offer_in_both(world: World, name: str, version: str = "1.0") -> None:
    """The same name in both ecosystems, approved."""
    world.place_wheel(wheel_name(name, version), wheel(name, version), companions={".provenance": b"{}"})
    world.place_wheel(sdist_name(name, version), sdist(name, version))
    world.place_nupkg(name, f"{version}.0", nupkg(name, f"{version}.0"))
    world.approve(PYPI, name, version)
    world.approve(NUGET, name, f"{version}.0")


def offer_base_and_other(world: World) -> None:
    """`base` with two files and `other`, both approved; what the index announces is only found out by fetching."""
    world.place_wheel(WHEEL, wheel("base", "1.0"), digest=False, uploaded_at=UPLOADED)
    world.place_wheel(SDIST, sdist("base", "1.0"), digest=False)
    world.place_wheel(wheel_name("other", "1.0"), wheel("other", "1.0"))
    world.approve(PYPI, "base", "1.0")
    world.approve(PYPI, "other", "1.0")
    world.commit()


def offer_signed(world: World) -> None:
    """A signed package for NuGet, approved."""
    world.place_nupkg("Core", "1.0.0", nupkg("Core", "1.0.0", signature=b"first"), uploaded_at=UPLOADED)
    world.approve(NUGET, "Core", "1.0.0")
    world.commit()
