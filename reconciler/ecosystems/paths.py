"""Paths inside of archives, as clients unpack them, whatever the archive and the file system. Pure."""

from __future__ import annotations


def parts_of(path: str) -> tuple[str, ...]:
    """The folders and the name of a path in either slash, without what adds nothing to it."""
    return tuple(part for part in path.replace("\\", "/").split("/") if part not in {"", "."})


def place(path: str) -> tuple[str, ...]:
    """Where it is unpacked to, on a file system that ignores case."""
    return parts_of(path.lower())
