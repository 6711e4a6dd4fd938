"""Tiny valid .nupkg files, made here so that no third-party package lies in the repository. Equal arguments, equal bytes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape, quoteattr

NAMESPACE: Final = "http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd"

Dependencies = Mapping[str, Mapping[str, str]]
"""Per target framework ("" = no group), id -> range."""


def nupkg(
    name: str,
    version: str,
    *,
    dependencies: Dependencies | None = None,
    license_expression: str | None = "MIT",
    extra: Mapping[str, bytes] | None = None,
    signature: bytes | None = None,
    metadata: str = "",
    encoding: str = "utf-8",
    namespace: str = NAMESPACE,
) -> bytes:
    """A package with a manifest, one text file and `extra`; `signature` becomes `.signature.p7s`, `metadata` is XML as it stands."""
    manifest = nuspec(
        name,
        version,
        dependencies=dependencies,
        license_expression=license_expression,
        metadata=metadata,
        encoding=encoding,
        namespace=namespace,
    )
    entries = [(f"{name}.nuspec", manifest), ("content/readme.txt", f"{name} {version}\n".encode())]
    entries += sorted((extra or {}).items())
    if signature is not None:
        entries.append((".signature.p7s", signature))
    return archive(entries)


def nuspec(
    name: str,
    version: str,
    *,
    dependencies: Dependencies | None = None,
    license_expression: str | None = "MIT",
    metadata: str = "",
    encoding: str = "utf-8",
    namespace: str = NAMESPACE,
) -> bytes:
    """A manifest; `encoding` as Python names it ("utf-16" has a byte order mark, "utf-16-le" has none)."""
    declared = next((name for name in ("utf-16", "utf-8") if encoding.startswith(name)), encoding)
    lines = [
        f'<?xml version="1.0" encoding="{declared}"?>',
        f"<package xmlns={quoteattr(namespace)}>" if namespace else "<package>",
        "  <metadata>",
        f"    <id>{escape(name)}</id>",
        f"    <version>{escape(version)}</version>",
        "    <authors>Ada, Grace</authors>",
        f"    <description>Test package {escape(name)}</description>",
    ]
    if license_expression is not None:
        lines.append(f'    <license type="expression">{escape(license_expression)}</license>')
    lines += [f"    {metadata}"] if metadata else []
    lines += _dependency_lines(dependencies or {})
    lines += ["  </metadata>", "</package>", ""]
    return "\n".join(lines).encode(encoding)


def archive(entries: Sequence[tuple[str, bytes]], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP archive with these entries in this order, all of the same time; a name may come twice."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        for name, data in entries:
            info = zipfile.ZipInfo("placeholder", date_time=(2020, 1, 1, 0, 0, 0))
            info.filename = info.orig_filename = name  # ZipInfo would cut and rewrite hostile names.
            info.compress_type = method
            info.external_attr = 0o644 << 16
            info.create_system = 3
            opened.NameToInfo.pop(name, None)  # Else a name that comes twice is a warning.
            opened.writestr(info, data)
    return buffer.getvalue()


def _dependency_lines(dependencies: Dependencies) -> list[str]:
    lines = ["    <dependencies>"] if dependencies else []
    for framework, ranges in dependencies.items():
        lines += [f"      <group targetFramework={quoteattr(framework)}>"] if framework else []
        lines += [f"        <dependency id={quoteattr(name)} version={quoteattr(text)} />" for name, text in ranges.items()]
        lines += ["      </group>"] if framework else []
    return lines + (["    </dependencies>"] if dependencies else [])
