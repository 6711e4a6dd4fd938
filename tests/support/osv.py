"""OSV records and dumps of them, made as small as they can be. Ids are made up: no database has a GHSA-0000-...."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

CRITICAL = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
HIGH = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"
MEDIUM = "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N"


def affected(name: str, *events: Mapping[str, str], ecosystem: str = "NuGet", versions: Iterable[str] = (), **more: Any) -> dict[str, Any]:
    """An entry about a package, with one range of these events."""
    entry: dict[str, Any] = {"package": {"ecosystem": ecosystem, "name": name}, **more}
    if events:
        entry["ranges"] = [{"type": "ECOSYSTEM", "events": list(events)}]
    if versions:
        entry["versions"] = list(versions)
    return entry


def record(id_: str, *entries: Mapping[str, Any], vector: str = "", word: str = "", **more: Any) -> dict[str, Any]:
    """A record; `vector` is its CVSS 3 vector, `word` what its database calls its severity."""
    made: dict[str, Any] = {"schema_version": "1.6.0", "id": id_, "modified": "2026-11-01T00:00:00Z", "affected": list(entries), **more}
    if vector:
        made["severity"] = [{"type": "CVSS_V3", "score": vector}]
    if word:
        made["database_specific"] = {"severity": word}
    return made


def archive(records: Iterable[Mapping[str, Any] | bytes], *, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An all.zip; bytes are a member as it stands."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", compression) as made:
        for number, one in enumerate(records):
            name = f"broken-{number}.json" if isinstance(one, bytes) else f"{one.get('id', number)}.json"
            made.writestr(name, one if isinstance(one, bytes) else json.dumps(one))
    return sink.getvalue()


def place_dump(folder: Path, ecosystem: str, records: Iterable[Mapping[str, Any] | bytes]) -> Path:
    """Writes <folder>/<ecosystem>/all.zip; its path."""
    target = folder / ecosystem / "all.zip"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(archive(records))
    return target
