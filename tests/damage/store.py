"""A store made by real applies, with one of everything that can be damaged, and the hands that damage it."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from tests.cli.place import GRACE, Place, make_place

PYPI: Final = "feeds/approved-pypi"
NUGET: Final = "feeds/approved-nuget"
STATE: Final = "state/feeds/approved-pypi"
WHEEL: Final = "files/leaf/1.2/leaf-1.2-py3-none-any.whl"
SDIST: Final = "files/leaf/1.2/leaf-1.2.tar.gz"
NUSPEC: Final = "v3/flatcontainer/leaf/1.1.0/leaf.nuspec"
KEPT: Final = "files/bad/0.9/bad-0.9-py3-none-any.whl"
OLD_HEAD: Final = "upstream/old-head.json"
"""A copy of the first head, which git ignores."""
WITHDRAWN: Final = "withdrawn: {action: quarantine, reason: It phones home.}\n"


def make_damageable(root: Path) -> Place:
    """Two feeds, applied three times: promotions, one more promotion, and the quarantine of one version."""
    place = make_place(root)
    place.offer_wheel("bad", "0.9")
    for arguments in (("approved-nuget", "Leaf", "1.1"), ("approved-pypi", "leaf", "1.2"), ("approved-pypi", "bad", "0.9")):
        assert place.run("approve", *arguments, "-m", "MIT").code == 0
    place.commit("Approve three")
    assert place.run("apply", "--quiet").code == 0
    assert place.run("approve", "approved-pypi", "sample", "1.0", "-m", "asked for by billing").code == 0
    place.commit("Approve one more", by=GRACE)
    place.write(OLD_HEAD, at(place, f"{STATE}/head.json").read_text())
    assert place.run("apply", "--quiet").code == 0
    path = "approvals/approved-pypi/bad/0.9.yaml"
    place.write(path, (place.root / path).read_text() + WITHDRAWN)
    place.commit("Take it out")
    assert place.run("apply", "--quiet").code == 0
    assert not at(place, f"{PYPI}/{KEPT}").exists()
    return place


def at(place: Place, key: str) -> Path:
    return place.root / ".feeds" / key


def remove(place: Place, key: str) -> None:
    at(place, key).unlink()


def put(place: Place, key: str, data: bytes = b"put here by hand") -> None:
    path = at(place, key)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def swap(place: Place, key: str) -> None:
    """Other bytes of the same size."""
    data = at(place, key).read_bytes()
    put(place, key, bytes(reversed(data)))


def head(place: Place) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(at(place, f"{STATE}/head.json").read_bytes())
    return found


def write_head(place: Place, **changes: Any) -> None:
    put(place, f"{STATE}/head.json", (json.dumps(head(place) | changes, sort_keys=True, indent=1) + "\n").encode())


def catalog_key(digest: str) -> str:
    return f"{STATE}/catalog/{digest}.json"


def below(place: Place, digest: str) -> str:
    """The digest of the first object that a node of the catalog names."""
    return str(next(iter(json.loads(at(place, catalog_key(digest)).read_bytes()).values())))


def segment_key(place: Place, number: int) -> str:
    return f"{STATE}/ledger/{head(place)['ledger']['segments'][number]}.jsonl"


def edit_lines(place: Place, number: int, edit: Any) -> None:
    """Changes the lines of a segment, as records."""
    key = segment_key(place, number)
    lines = edit([json.loads(line) for line in at(place, key).read_bytes().splitlines()])
    put(place, key, b"".join(line_of(line) for line in lines))


def line_of(record: dict[str, Any]) -> bytes:
    return (json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n").encode()


def forge(place: Place, edit: Any) -> None:
    """Changes records and makes all of the chain fit again, names of segments and head included, as who knows the format would."""
    tip = head(place)["ledger"]
    previous, names, count = "", [], 0
    for number in range(len(tip["segments"])):
        key = segment_key(place, number)
        records = [edit(json.loads(line)) for line in at(place, key).read_bytes().splitlines()]
        lines = []
        for record in records:
            lines.append(line_of(record | {"previous": previous}))
            previous = sha256(lines[-1]).hexdigest()
        remove(place, key)
        names.append(f"{count + 1:010d}-{previous[:16]}")
        count += len(lines)
        put(place, f"{STATE}/ledger/{names[-1]}.jsonl", b"".join(lines))
    write_head(place, ledger={"segments": names, "records": count, "hash": previous})


def forge_catalog(place: Place, package: str, edit: Any) -> None:
    """Changes a package in the catalog and makes all digests fit again, up to the head."""
    shard = sha256(package.encode()).hexdigest()[:3]
    root = json.loads(at(place, catalog_key(head(place)["catalog"])).read_bytes())
    node = json.loads(at(place, catalog_key(root[shard[0]])).read_bytes())
    rows = json.loads(at(place, catalog_key(node[shard])).read_bytes())
    rows[package] = edit(rows[package])
    node[shard] = _put_object(place, rows)
    root[shard[0]] = _put_object(place, node)
    write_head(place, catalog=_put_object(place, root))


def _put_object(place: Place, content: Any) -> str:
    data = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
    digest = sha256(data).hexdigest()
    put(place, catalog_key(digest), data)
    return digest
