"""The name of a file by the address or path that a lock file has of it."""

from __future__ import annotations

from urllib.parse import unquote


def file_name(address: str) -> str:
    """The last part, decoded, without query and fragment."""
    path = address.partition("#")[0].partition("?")[0].replace("\\", "/")
    return unquote(path.rpartition("/")[2])
