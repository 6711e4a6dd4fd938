"""What rules ask of a wheel or sdist: its license, and what runs when it is installed or whenever Python starts. Nothing of it is run.

An sdist is built where it is installed: whatever backend `pyproject.toml` names runs then, or `setup.py` through setuptools
(https://peps.python.org/pep-0517/). A wheel is unpacked only, but what it puts at the top of site-packages may run at every start of an
interpreter: `*.pth` with lines that import, `*.start` (PEP 829), `sitecustomize` and `usercustomize`
(https://docs.python.org/3/library/site.html). So may what a wheel puts into the folder of the interpreter, by `*.data/data`
(https://packaging.python.org/en/latest/specifications/binary-distribution-format/): site-packages is in there, and under Windows that
folder is one of its own. A .pth file is named whatever is in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from reconciler.ecosystems.license_texts import MAX_TEXT_BYTES
from reconciler.ecosystems.licenses import declared
from reconciler.ecosystems.pypi.licenses import concluded
from reconciler.ecosystems.pypi.metadata import CoreMetadata
from reconciler.model.packages import License, Traits

MAX_READ_BYTES: Final = MAX_TEXT_BYTES
"""Of a license file or pyproject.toml."""
MAX_SCRIPTS: Final = 50
MAX_PATH: Final = 300

Kind = Literal["license", "pyproject", "setup"]

_LICENSES: Final = ("license", "licence", "copying")
_FOLDER: Final = "licenses"
_STARTING: Final = (".pth", ".start")
_CUSTOMIZE: Final = frozenset({"sitecustomize", "usercustomize"})
_ROOTS: Final = frozenset({"purelib", "platlib"})
"""Folders of `*.data` that are unpacked to the top of site-packages."""
_PREFIX: Final = "data"
"""The one that is unpacked to the folder of the interpreter."""
_MODULES: Final = re.compile(r"(?:site|dist)-packages|lib(?:64)?|python[0-9.]+t?", re.IGNORECASE)
"""Folders in there from which an interpreter takes modules."""
_BACKEND: Final = re.compile(r"""^[ \t]*build-backend[ \t]*=[ \t]*["']([A-Za-z0-9_.:]{1,200})["']""", re.MULTILINE)
"""No TOML parser: those need minutes for some files of this size, and this is a name to show, not to run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Beside:
    """A file of the archive that is read beside its metadata; `data` is None where it has more than MAX_READ_BYTES."""

    kind: Kind
    data: bytes | None


def kind_of(parts: Sequence[str]) -> Kind | None:
    """What a file is by its path below the folder of the metadata (wheel) or of the whole package (sdist); None for most."""
    name = parts[-1].lower() if parts else ""
    if name.startswith(_LICENSES) and (len(parts) == 1 or [part.lower() for part in parts[:-1]] == [_FOLDER]):
        return "license"
    found: dict[str, Kind] = {"pyproject.toml": "pyproject", "setup.py": "setup"}
    return found.get(name) if len(parts) == 1 else None


def traits_of(metadata: CoreMetadata, beside: Iterable[Beside], scripts: Sequence[str]) -> Traits:
    """What rules ask of a file; `scripts` as one of the functions below finds them."""
    files = [one.data for one in beside if one.kind == "license"]
    license_ = concluded(metadata.license_fields, files[0] if len(files) == 1 else None)
    return Traits(license=License(declared=declared(metadata.license), concluded=license_), install_scripts=tuple(scripts[:MAX_SCRIPTS]))


def wheel_scripts(paths: Iterable[Sequence[str]]) -> list[str]:
    """What of these paths, in their parts, runs whenever Python starts: sorted."""
    return sorted({"/".join(path)[:MAX_PATH] for path in paths if _starts(_unpacked(path))})


def sdist_scripts(beside: Iterable[Beside]) -> list[str]:
    """What builds it; there is always something."""
    found = list(beside)
    projects, setup = [one.data for one in found if one.kind == "pyproject"], any(one.kind == "setup" for one in found)
    if not projects:
        return ["setup.py"]
    named = _BACKEND.findall((projects[0] or b"").decode(errors="replace")) if len(projects) == 1 else []
    backend = f"build backend {named[0]}" if len(named) == 1 else "build backend as pyproject.toml says"
    # Others leave a setup.py alone, which is there for older tools.
    return [backend, "setup.py"] if setup and (not named or named[0].startswith("setuptools")) else [backend]


def _unpacked(path: Sequence[str]) -> Sequence[str]:
    """Where an entry of a wheel is put, seen from site-packages, or another folder that modules are taken from."""
    if not path or not path[0].endswith(".data"):
        return path
    below = path[2:]
    match path[1:2]:
        case (root,) if root in _ROOTS:
            return below
        case (root,) if root == _PREFIX:
            last = max((place for place, folder in enumerate(below[:-1], start=1) if _MODULES.fullmatch(folder)), default=0)
            return below[last:]
        case _:
            return path


def _starts(path: Sequence[str]) -> bool:
    top = path[0] if path else ""
    return (len(path) == 1 and top.endswith(_STARTING)) or top.partition(".")[0] in _CUSTOMIZE
