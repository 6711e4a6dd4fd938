"""Digests as lock files write them, and whether a file is the one that they are of.

All are kept as Subresource Integrity has them (https://www.w3.org/TR/SRI/). Of one claim one digest must fit: a lock file of Python names
those of all files of a version, without saying which is whose.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode
from collections.abc import Iterable, Mapping
from typing import BinaryIO, Final

from reconciler.ecosystems.integrity import integrity_of, strongest
from reconciler.model.declared import ApprovedFile
from reconciler.model.words import Sha256
from reconciler.propose.locks.interface import Claim, LockError

ALGORITHMS: Final = ("sha512", "sha384", "sha256")
"""Those that pip takes (https://pip.pypa.io/en/stable/topics/secure-installs/), strongest first."""


def from_hex(algorithm: str, text: str, place: str) -> str | None:
    """A digest in hexadecimal digits; None for an algorithm that proves nothing here, LockError for what is no digest of it."""
    if algorithm not in ALGORITHMS:
        return None
    try:
        digest = bytes.fromhex(text)
    except ValueError:
        digest = b""
    if len(digest) != hashlib.new(algorithm).digest_size:
        raise LockError(place=place, reason=f"{text[:80]!r} is no {algorithm} digest")
    return integrity_of(algorithm, digest)


def from_prefixed(text: str, place: str) -> str | None:
    """A digest as pip and uv write it, "sha256:<hexadecimal>"."""
    algorithm, _, digits = text.partition(":")
    return from_hex(algorithm.strip().lower(), digits.strip(), place)


def from_integrity(text: str, place: str) -> frozenset[str]:
    """The digests that decide of npm's `integrity`; LockError where there is none that can be compared."""
    found = strongest(text)
    if found is None:
        raise LockError(place=place, reason=f"{text[:80]!r} is no digest that can be compared")
    return frozenset(found.split())


def claim_of(file: str, hashes: Mapping[str, str], place: str) -> Claim | None:
    """What a table of digests by algorithm says of a file: the strongest decides."""
    named = {algorithm.lower(): text for algorithm, text in hashes.items()}
    for algorithm in ALGORITHMS:
        if algorithm in named and (digest := from_hex(algorithm, named[algorithm], place)):
            return Claim(file=file, integrity=frozenset({digest}))
    return None


def contradiction(claims: Iterable[Claim], name: str, stream: BinaryIO) -> str:
    """Why a file, from where its stream stands, is not the one that was locked; "" where nothing says so."""
    mine = [claim for claim in claims if claim.integrity and claim.file in {"", name}]
    if not mine:
        return ""
    algorithms = {digest.partition("-")[0] for claim in mine for digest in claim.integrity}
    hashers = [hashlib.new(algorithm, usedforsecurity=False) for algorithm in algorithms]
    while chunk := stream.read(1 << 20):
        for hasher in hashers:
            hasher.update(chunk)
    found = {integrity_of(hasher.name, hasher.digest()) for hasher in hashers}
    wrong = next((claim for claim in mine if not claim.integrity & found), None)
    return _told(wrong, name, found) if wrong else ""


def contradicted(claims: Iterable[Claim], files: Iterable[ApprovedFile]) -> str:
    """Why approved files are not the locked ones, as far as what their approval says of them can tell; "" where nothing says so."""
    known = list(files)
    return next((why for claim in claims if (why := _contradicted(claim, known))), "")


def _contradicted(claim: Claim, files: Iterable[ApprovedFile]) -> str:
    mine = [file for file in files if claim.file in {"", file.name}]
    for file in mine:
        if claim.content_hash and file.content_hash not in {None, claim.content_hash}:
            return f"{file.name} has contentHash {file.content_hash}, the lock file says {claim.content_hash}"
    digests = {integrity_of("sha256", bytes.fromhex(file.sha256)) for file in mine}
    if not claim.integrity or not digests or digests & claim.integrity or any(not one.startswith("sha256-") for one in claim.integrity):
        return ""
    return _told(claim, claim.file, digests) if claim.file else "no approved file has a digest of the lock file"


def _told(claim: Claim, name: str, found: Iterable[str]) -> str:
    expected = sorted(map(_shown, claim.integrity))
    says = f"the lock file says {expected[0]}" if len(expected) == 1 else f"which is none of the {len(expected)} digests of the lock file"
    return f"{name} has {', '.join(map(_shown, sorted(found)))}, {says}"


def _shown(token: str) -> str:
    """SHA-256 as approvals write it, others as npm does."""
    algorithm, _, text = token.partition("-")
    return f"sha256 {Sha256(b64decode(text).hex())}" if algorithm == "sha256" else token
