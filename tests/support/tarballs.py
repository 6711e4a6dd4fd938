"""Tiny, valid, reproducible npm packages: the same arguments give the same bytes.

https://github.com/npm/cli/blob/latest/docs/lib/content/commands/npm-pack.md
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.support.wheels import regular, tar_gz_of


def tarball_name(name: str, version: str) -> str:
    """As registries call it, without the scope."""
    return f"{name.rpartition('/')[2]}-{version}.tgz"


def tarball(name: str, version: str, *, files: Mapping[str, bytes] | None = None, folder: str = "package", **manifest: Any) -> bytes:
    """A package with one module, which exports its version; `manifest` are more fields of package.json, None for one that is left out."""
    stated = {"name": name, "version": version, "license": "MIT", "main": "index.js", **manifest}
    return packed(
        {
            "package.json": json.dumps({field: value for field, value in stated.items() if value is not None}).encode(),
            "index.js": f"module.exports = {json.dumps(version)};\n".encode(),
            **(files or {}),
        },
        folder=folder,
    )


def packed(files: Mapping[str, bytes], *, folder: str = "package") -> bytes:
    """A package of these files, whatever they are."""
    return tar_gz_of(regular(f"{folder}/{path}", data) for path, data in files.items())
