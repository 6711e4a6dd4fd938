"""Golden files: whole expected outputs beside the tests. `RECONCILER_UPDATE_GOLDEN=1 pytest` writes them anew; review the diff."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

UPDATE: Final = "RECONCILER_UPDATE_GOLDEN"


def check_golden(folder: Path, actual: dict[str, bytes]) -> None:
    """Compares outputs, by relative path, with the files of a folder: each one must be there, equal, and no other."""
    if os.environ.get(UPDATE) == "1":
        _write(folder, actual)
    expected = {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    assert sorted(actual) == sorted(expected), f"other files than in {folder.name}/; {UPDATE}=1 writes them anew"
    for name, body in actual.items():
        assert body.decode() == expected[name].decode(), f"{name} differs from the golden file; {UPDATE}=1 writes it anew"


def _write(folder: Path, actual: dict[str, bytes]) -> None:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            path.unlink()
    for name, body in actual.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
