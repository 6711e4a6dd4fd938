"""Where feeds are kept: one row a kind of location, told by the URL scheme of `store:` in feeds.yaml ("" is a folder)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from reconciler.errors import Refused
from reconciler.stores.interface import Store
from reconciler.stores.local import LocalStore


def _open_folder(location: str, base: Path) -> Store:
    return LocalStore(base / location)


STORES: Final[Mapping[str, Callable[[str, Path], Store]]] = {
    "": _open_folder,
}


def open_store(location: str, *, base: Path) -> Store:
    """The store at a location as feeds.yaml writes it; a relative folder is taken from `base`, the root of the repository.

    Refused for an empty location and for a scheme without a row; that the store can be used shows when it is.
    """
    match = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", location)
    scheme = match[1].lower() if match else ""
    opener = STORES.get(scheme)
    if opener is None or not location or "\0" in location:
        supported = ", ".join(f"{known}://" if known else "a folder" for known in STORES)
        message = f"store {location[:200]!r} cannot be opened; supported: {supported}"
        raise Refused(message, remedy="Change `store` in feeds.yaml.")
    return opener(location, base)


__all__ = ["STORES", "Store", "open_store"]
