"""Valid packages with a few bytes changed, removed, moved or repeated: only ArchiveRefused may leave an inspector, and no other name.

What is changed in a compressed tar archive is what is inside the compression, or hardly anything but gzip's checksum would be tested.
"""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.errors import ArchiveRefused
from tests.hostile.kinds import KINDS, SDIST, TARS, Kind, header, member, pax, record, tar_of, valid
from tests.support.nupkgs import nupkg


def _flip(data: bytes, chance: random.Random) -> bytes:
    position = chance.randrange(len(data))
    return data[:position] + bytes([data[position] ^ (1 << chance.randrange(8))]) + data[position + 1 :]


def _overwrite(data: bytes, chance: random.Random) -> bytes:
    position = chance.randrange(len(data))
    new = chance.choice(
        [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\xff" * 8, b"PK\1\2", b"PK\5\6", b"\x7f", chance.randbytes(chance.randint(1, 8))]
    )
    return data[:position] + new + data[position + len(new) :]


def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def _remove(data: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(data))
    return data[:start] + data[start + chance.randint(1, 600) :]


def _splice(data: bytes, chance: random.Random) -> bytes:
    start, target = chance.randrange(len(data)), chance.randrange(len(data))
    return data[:target] + data[start : start + chance.choice([1, 22, 46, 512, 1024])] + data[target:]


MUTATIONS: Final[tuple[Callable[[bytes, random.Random], bytes], ...]] = (_flip, _overwrite, _cut, _remove, _splice)


def _samples() -> dict[str, tuple[Kind, bytes]]:
    """Of each kind a package with whatever its format may hold."""
    found = {}
    for name, kind in KINDS.items():
        found[name] = (kind, valid(kind, ("empty", b""), ("\xe4\xf6", b"x" * 50)))
        if kind in TARS.values():
            extended = (pax(record("path", f"{kind.folder}x") + record("mtime", "1.5")), header("y"))
            link = member(f"{kind.folder}link", kind=b"2", target="data.txt")
            own = [member(inside, data) for inside, data in kind.entries]
            found[name] = (kind, gzip.decompress(tar_of(*own, *extended, link, member("././@LongLink", b"z\0", b"L"), header("long"))))
    found["signed nupkg"] = (KINDS["nupkg"], nupkg("sample", "1.0.0", signature=b"signature"))
    return found


SAMPLES: Final = _samples()


def mutated(data: bytes, seed: int) -> bytes:
    chance = random.Random(seed)  # noqa: S311  chooses bytes, no secret
    for _ in range(chance.randint(1, 4)):
        data = chance.choice(MUTATIONS)(data or b"\0", chance)
    return data


@pytest.mark.parametrize("sample", SAMPLES)
@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**64))
def test_a_mutated_package_is_refused_or_says_what_it_said(sample, seed):
    kind, data = SAMPLES[sample]
    changed = mutated(data, seed)
    try:
        found = kind.inspect(gzip.compress(changed, compresslevel=1) if kind in TARS.values() else changed)
    except ArchiveRefused as error:
        assert str(error).isascii()  # noqa: PT017  both ends are right
    else:
        assert (found.name.lower(), found.version.text) == ("sample", "1.0.0")


@pytest.mark.parametrize("sample", [name for name in SAMPLES if SAMPLES[name][0] in TARS.values()])
@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**64))
def test_a_mutated_compressed_package_is_refused_or_says_what_it_said(sample, seed):
    kind, data = SAMPLES[sample]
    try:
        assert kind.inspect(mutated(gzip.compress(data), seed)).name == "sample"
    except ArchiveRefused:
        return


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=600))
def test_any_bytes_are_refused(data):
    for kind in KINDS.values():
        kind.refused(data)
    SDIST.refused(gzip.compress(data))
