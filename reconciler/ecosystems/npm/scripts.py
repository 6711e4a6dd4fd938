"""What npm runs when it installs a package: its scripts around installing, a build for a .gyp file, and the same of the packages inside it.

https://github.com/npm/cli/blob/latest/docs/lib/content/using-npm/scripts.md, and bundleDependencies in
https://github.com/npm/cli/blob/latest/docs/lib/content/configuring-npm/package-json.md: packages below `node_modules` are unpacked with the
package, and npm runs their scripts like those of others. They are named whether the manifest lists them or not: `npm pack` leaves that
folder out unless something is bundled.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from reconciler.ecosystems.npm.json_text import parse_json
from reconciler.ecosystems.npm.manifest import MAX_MANIFEST_BYTES, SCRIPTS, builds, scripts_of
from reconciler.ecosystems.paths import place
from reconciler.ecosystems.tars import Member, TarReader

MAX_COMMAND: Final = 300
"""Characters of a script that are shown."""
MAX_SCRIPTS: Final = 50
MAX_BUNDLED_BYTES: Final = 16 * 1024 * 1024
"""Of the manifests of all packages inside; those of the 143 inside npm itself have 211,181."""

_MANIFEST: Final = "package.json"
_INSIDE: Final = re.compile(r"((?:node_modules/(?:@[^/]++/)?[^/@][^/]*+/)+)(package\.json|[^/]++(?<=\.gyp))")


def commands(scripts: Mapping[str, str], gyp: str) -> Iterator[str]:
    """In npm's order, each as its script's name and its command, on one line.

    The file `gyp` ("" for none) is built where no script of the package's own comes before that.
    """
    implied = {"install": f"node-gyp rebuild (for {gyp})"} if gyp and not scripts.keys() & {"preinstall", "install"} else {}
    found = {**implied, **scripts}
    for name in SCRIPTS:
        if name in found:
            yield f"{name}: {' '.join(found[name].split())}"


@dataclass(kw_only=True, slots=True)
class Bundled:
    """The packages inside of a package, as they are come by; those whose manifest cannot be read may run anything."""

    _found: list[tuple[str, Mapping[str, str], bool]] = field(default_factory=list)
    _unread: set[str] = field(default_factory=set)
    _gyp: dict[str, str] = field(default_factory=dict)
    _room: int = MAX_BUNDLED_BYTES

    def take(self, member: Member, reader: TarReader) -> None:
        """Looks at the member that the reader gave last."""
        match = _INSIDE.fullmatch("/".join(place(member.name)[1:])) if member.file else None
        if match is None:
            return
        folder = match[1].rstrip("/")
        if match[2] != _MANIFEST:
            self._gyp.setdefault(folder, match[2])
        elif member.size > min(self._room, MAX_MANIFEST_BYTES):
            self._unread.add(folder)
        else:
            self._room -= member.size
            self._read(folder, reader.read(member, MAX_MANIFEST_BYTES))

    def _read(self, folder: str, content: bytes) -> None:
        try:
            stated = parse_json(content)
        except ValueError:
            self._unread.add(folder)
            return
        if isinstance(stated, dict):
            self._found.append((folder, scripts_of(stated), builds(stated)))

    def commands(self) -> list[str]:
        """What of them runs, behind the folder of each; sorted by that."""
        lines = [(folder, f"{folder}: {_MANIFEST}, which cannot be read") for folder in self._unread]
        for folder, scripts, built in self._found:
            lines += [(folder, f"{folder}: {line}") for line in commands(scripts, self._gyp.get(folder, "") if built else "")]
        return [line for _, line in sorted(lines, key=lambda one: one[0])]
