"""What rules ask of a .nupkg: its license, the scripts that clients run, whether it is signed. Nothing of it is run.

Scripts: NuGet in Visual Studio runs `tools/init.ps1` when a package first comes into a solution, and, in projects with packages.config only,
`install.ps1` and `uninstall.ps1` below `tools` (https://learn.microsoft.com/en-us/nuget/reference/errors-and-warnings/nu5107 and nu5110;
with PackageReference they are passed over, https://learn.microsoft.com/en-us/nuget/consume-packages/migrate-packages-config-to-package-reference).
MSBuild files below `build` are not among them: they take part in a build, as the package's own code takes part in a program, and do
nothing when the package is installed; most packages that have some only hand over a path, so a rule that names them would name the harmless.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote, urlsplit

from reconciler.ecosystems.license_addresses import addressed
from reconciler.ecosystems.license_texts import MAX_TEXT_BYTES, recognised
from reconciler.ecosystems.licenses import declared, expression
from reconciler.ecosystems.nuget.content_hash import SIGNATURE
from reconciler.ecosystems.nuget.nuspec import Nuspec, Stated
from reconciler.ecosystems.paths import place
from reconciler.ecosystems.zips import ZipArchive
from reconciler.errors import ArchiveRefused
from reconciler.model.packages import License, Traits

MAX_SCRIPTS: Final = 50
MAX_PATH: Final = 300

_INIT: Final = ("tools", "init.ps1")
_ANYWHERE: Final = frozenset({"install.ps1", "uninstall.ps1"})
_SOURCES: Final = frozenset({"github.com", "raw.githubusercontent.com"})


def traits_of(nuspec: Nuspec, archive: ZipArchive) -> Traits:
    """What rules ask of a package whose entries have all been checked."""
    return Traits(
        license=License(declared=declared(nuspec.license), concluded=_concluded(nuspec.stated, archive)),
        install_scripts=tuple(_scripts(archive.names)),
        provenance=("signature",) if SIGNATURE in archive.names else (),
        frameworks=nuspec.frameworks,
    )


def _concluded(stated: Stated, archive: ZipArchive) -> str:
    match stated.kind:
        case "expression":
            return expression(stated.text)
        case "file":
            return _of_file(stated.text, archive)
        case "url":
            return addressed(stated.text) or _of_file(_name_in_sources(stated.text), archive)


def _of_file(path: str, archive: ZipArchive) -> str:
    """What a file inside the package says, "" also where there is none, two, or one that is too large."""
    try:
        return recognised(archive.read(path, MAX_TEXT_BYTES)) if path else ""
    except ArchiveRefused:  # No damage: all entries have been read before.
        return ""


def _name_in_sources(url: str) -> str:
    """The name of the license file that an address in a source repository names.

    Such an address says nothing by itself, and its text may change; but where the package has the file of that name at its root, as those
    of .NET have, that text is what it was published with.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return parts.path.rpartition("/")[2] if parts.hostname in _SOURCES else ""


def _scripts(names: Iterable[str]) -> list[str]:
    """Paths as they are spelled, with plain slashes, sorted. Clients decode names, so `install%2Eps1` is one, too."""
    found = set()
    for name in names:
        path = place(unquote(name))
        if path == _INIT or (len(path) > 1 and path[0] == "tools" and path[-1] in _ANYWHERE):
            found.add(name.replace("\\", "/")[:MAX_PATH])
    return sorted(found)[:MAX_SCRIPTS]
