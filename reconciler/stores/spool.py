"""The temporary folder, where a file lies from its download until it has passed: the operating system's (TMPDIR), not feed storage.

A package is larger than memory should be, and nothing unproven may lie in feed storage. Where the folder is full or cannot be
written, one package fails, and what others need is told; nothing half-written stays, since all spooled files go with their pass.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from reconciler.errors import StoreUnavailable


@contextmanager
def spooling(file: str, size: int | None) -> Iterator[None]:
    """Around everything that writes a download of `size` bytes (None: unknown): StoreUnavailable instead of the system's own errors."""
    try:
        yield
    except OSError as error:
        needed = "" if size is None else f" ({size} bytes)"
        message = f"{file}{needed} cannot be written to the temporary folder{_folder()}, which TMPDIR names: {error.strerror or error}"
        raise StoreUnavailable(message, remedy="Make room there, or set TMPDIR to a folder that has more.") from error


def spooled(what: str, data: bytes) -> BinaryIO:
    """A temporary file that holds the data, at its beginning; gone when it is closed. StoreUnavailable where it cannot be written."""
    with spooling(what, len(data)):
        file = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 - whoever asks closes it
        try:
            file.write(data)
            file.seek(0)
        except OSError:
            file.close()
            raise
    return file


def _folder() -> str:
    try:
        return f" {tempfile.gettempdir()}"
    except OSError:  # there is none, which is the error that is told
        return ""
