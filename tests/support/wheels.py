"""Tiny, valid, reproducible wheels and sdists: the same arguments give the same bytes.

https://packaging.python.org/en/latest/specifications/binary-distribution-format/
https://packaging.python.org/en/latest/specifications/source-distribution-format/
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

_MTIME: Final = 1_704_067_200  # 2024-01-01T00:00:00Z
_ZIP_TIME: Final = (2024, 1, 1, 0, 0, 0)


def core_metadata(
    name: str,
    version: str,
    *,
    requires: Sequence[str] = (),
    license_expression: str | None = "MIT",
    requires_python: str | None = ">=3.8",
    fields: Sequence[str] = (),
) -> bytes:
    """METADATA or PKG-INFO; `fields` are further lines, such as "Classifier: ..."."""
    stated = [("License-Expression", license_expression), ("Requires-Python", requires_python)]
    lines = [
        "Metadata-Version: 2.4",
        f"Name: {name}",
        f"Version: {version}",
        *(f"{key}: {value}" for key, value in stated if value is not None),
        *(f"Requires-Dist: {text}" for text in requires),
        *fields,
    ]
    return ("\n".join(lines) + f"\n\n# {name}\n").encode()


def wheel_name(name: str, version: str, tag: str = "py3-none-any") -> str:
    return f"{stem(name, version)}-{tag}.whl"


def sdist_name(name: str, version: str, suffix: str = ".tar.gz") -> str:
    return stem(name, version) + suffix


def stem(name: str, version: str) -> str:
    """`{name}-{version}`, as file names and folders spell it."""
    return f"{name.replace('-', '_').replace('.', '_')}-{version}"


def wheel(
    name: str,
    version: str,
    *,
    requires: Sequence[str] = (),
    license_expression: str | None = "MIT",
    requires_python: str | None = ">=3.8",
    extra: Mapping[str, bytes] | None = None,
    metadata: bytes | None = None,
) -> bytes:
    """A pure wheel with one module, which holds the version as `VERSION`; `metadata` replaces METADATA, for a wheel that lies."""
    info = f"{stem(name, version)}.dist-info"
    stated = core_metadata(name, version, requires=requires, license_expression=license_expression, requires_python=requires_python)
    files = {
        f"{name.replace('-', '_')}.py": f"VERSION = {version!r}\n".encode(),
        **(extra or {}),
        f"{info}/METADATA": stated if metadata is None else metadata,
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},sha256={_urlsafe_sha256(data)},{len(data)}\n" for path, data in files.items())
    return zip_of({**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n".encode()}.items())


def sdist(
    name: str,
    version: str,
    *,
    suffix: str = ".tar.gz",
    requires: Sequence[str] = (),
    license_expression: str | None = "MIT",
    requires_python: str | None = ">=3.8",
    extra: Mapping[str, bytes] | None = None,
    metadata: bytes | None = None,
) -> bytes:
    """A source distribution, `.tar.gz` or the older `.zip`; `extra` lies below its folder, `metadata` replaces PKG-INFO."""
    stated = core_metadata(name, version, requires=requires, license_expression=license_expression, requires_python=requires_python)
    inner = {
        "PKG-INFO": stated if metadata is None else metadata,
        "pyproject.toml": b'[build-system]\nrequires = []\nbuild-backend = "none"\n',
        **(extra or {}),
    }
    files = [(f"{stem(name, version)}/{path}", data) for path, data in inner.items()]
    return zip_of(files) if suffix == ".zip" else tar_gz_of(regular(path, data) for path, data in files)


def zip_of(files: Iterable[tuple[str, bytes]]) -> bytes:
    """A zip archive of these entries, in this order; a name may come twice."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path, data in files:
            entry = zipfile.ZipInfo(path, _ZIP_TIME)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.NameToInfo.pop(path, None)  # else a name that comes twice is a warning
            archive.writestr(entry, data)
    return out.getvalue()


def regular(path: str, data: bytes) -> tuple[tarfile.TarInfo, bytes]:
    """A member of a tar archive that is a file."""
    member = tarfile.TarInfo(path)
    member.size, member.mode = len(data), 0o644
    return member, data


def special(path: str, kind: bytes, target: str = "") -> tuple[tarfile.TarInfo, bytes]:
    """A member of a tar archive that is a link, a device or a folder: `kind` is tarfile.SYMTYPE, CHRTYPE, DIRTYPE, ..."""
    member = tarfile.TarInfo(path)
    member.type, member.linkname = kind, target
    return member, b""


def tar_gz_of(members: Iterable[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    """A compressed tar archive of these members, in this order."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member, data in members:
            member.mtime = _MTIME
            archive.addfile(member, io.BytesIO(data))
    return gzip.compress(out.getvalue(), mtime=0)


def _urlsafe_sha256(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
