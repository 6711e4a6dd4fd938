"""packages.config of NuGet, the older list of a project's packages (https://learn.microsoft.com/en-us/nuget/reference/packages-config)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError

from reconciler.propose.locks.interface import Aside, Lock, LockError, Pin, gathered
from reconciler.propose.locks.texts import decode

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


def read(data: bytes) -> Lock:
    """What a packages.config names; LockError with the place."""
    import defusedxml.ElementTree  # noqa: PLC0415 - only this format needs it

    text = decode(data)
    try:
        root: Element = defusedxml.ElementTree.fromstring(text, forbid_dtd=True)
    except ParseError as error:
        raise LockError(place=f"line {error.position[0]}", reason="it is no XML") from error
    except ValueError as error:  # defusedxml's own: a document type, an entity
        raise LockError(place="", reason=f"it is no XML that is read here: {error}") from error
    if root.tag != "packages":
        raise LockError(place="", reason=f"found <{root.tag[:40]}>, expected <packages>")
    return gathered(_entries(root))


def _entries(root: Element) -> Iterator[Pin | Aside]:
    for number, package in enumerate(root.findall("package")):
        place = f"packages/package[{number + 1}]"
        name, version = package.get("id"), package.get("version")
        if not name:
            raise LockError(place=place, reason="it has no id")
        if version:
            yield Pin(name=name, version=version, place=place)
        else:
            yield Aside(kind="unpinned", name=name, place=place)
