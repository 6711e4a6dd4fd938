"""What the header of a commit says about its signature: which kind it is, which key it claims to be by. Nothing is verified here.

git verifies a commit without its signature headers, wherever they stand and whatever they are called after "gpgsig"
(https://git-scm.com/docs/gitformat-signature#_commit_signatures). So whoever puts one more of them between two parents takes the second
one away, for every reader, and leaves the signature good; and of two signatures git joins the texts. Therefore only a commit is told as
signed whose first lines are tree, parents, author and committer, with one such header below them: it says the same with its signature
as without.
"""

from __future__ import annotations

import re
from itertools import takewhile
from typing import Final

from reconciler.declare.ssh_keys import fingerprint_of, key_of_signature
from reconciler.declare.strict_yaml import MAX_BYTES
from reconciler.model.events import SignatureKind
from reconciler.model.words import CommitId

START: Final = re.compile(rb"tree [0-9a-f]+\n(?:parent [0-9a-f]+\n)*author [^\n]*\ncommitter [^\n]*> [0-9]{1,10} [+-][0-9]{4}\n")
"""With a date that every program can read: git gives up altogether, for all commits that it was asked about, where one is too large."""
PREFIX: Final = b"gpgsig"
HEADERS: Final = {40: b"gpgsig ", 64: b"gpgsig-sha256 "}
"""By the length of a commit's id: a repository has one kind of ids, and git verifies what is in the header for it."""
MAX_ARMOUR: Final = 1 << 14
"""Larger than a signature by the longest RSA key."""
KINDS: Final[tuple[tuple[bytes, SignatureKind], ...]] = (
    (b"-----BEGIN SSH SIGNATURE-----\n", "ssh"),
    (b"-----BEGIN PGP SIGNATURE-----\n", "openpgp"),
    (b"-----BEGIN PGP MESSAGE-----\n", "openpgp"),
    (b"-----BEGIN SIGNED MESSAGE-----\n", "x509"),
)


def claimed_signature(sha: CommitId, data: bytes) -> tuple[SignatureKind, str]:
    """The kind of a commit's signature and, of an SSH one, the fingerprint of the key that it names; "" where there is none to read."""
    head, blank, _ = data.partition(b"\n\n")
    if PREFIX not in head:
        return "", ""
    lines = head.split(b"\n")
    signed = [number for number, line in enumerate(lines) if line.startswith(PREFIX)]
    if not signed:
        return "", ""
    header = HEADERS[len(sha)]
    first, *below = lines[signed[0] :]
    whole = blank and b"\0" not in head and len(data) <= MAX_BYTES
    if len(signed) > 1 or not whole or not START.match(data) or not first.startswith(header):
        return "other", ""
    rest = takewhile(lambda line: line.startswith(b" "), below)
    armoured = b"\n".join([first.removeprefix(header), *(line[1:] for line in rest)])
    kind = _kind(armoured)
    if kind != "ssh":
        return kind, ""
    key = key_of_signature(armoured) if len(armoured) <= MAX_ARMOUR else None
    return kind, "" if key is None else fingerprint_of(key)


def _kind(armoured: bytes) -> SignatureKind:
    return next((kind for begin, kind in KINDS if armoured.startswith(begin)), "other")
