"""Objects of git as our own types: commits parsed from their own bytes, as git parses them; rows of raw differences."""

from __future__ import annotations

import codecs
import re
from datetime import UTC, datetime
from itertools import takewhile
from typing import IO, Final

from reconciler.declare.revision.signature_header import claimed_signature
from reconciler.declare.strict_yaml import MAX_BYTES
from reconciler.model.events import Commit, PathChange, Person
from reconciler.model.words import BlobId, CommitId

IDENT: Final = re.compile(rb"(?P<name>[^<\n]*?) ?<(?P<email>[^>\n]*)> (?P<seconds>-?\d{1,15}) [+-]\d{4}\Z")
EPOCH: Final = datetime.fromtimestamp(0, UTC)
NO_CHARSETS: Final = frozenset({"idna", "mbcs", "oem", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"})
"""Codecs of Python that no commit is written in: some raise whatever they are given, some take quadratic time."""
SUBMODULE: Final = "160000"
REGULAR: Final = ("100644", "100755")


def read_object(out: IO[bytes], most: int = MAX_BYTES) -> bytes | None:
    """The next object that `cat-file --batch` writes, cut off behind `most` bytes and one more; None if it is missing or damaged."""
    header = out.readline().split()
    if len(header) != 3:  # noqa: PLR2004 - "<id> <type> <size>"; "<id> missing" otherwise
        return None
    size = int(header[2])
    data = out.read(min(size, most + 1))
    rest = size + 1 - len(data)  # with the line's end
    while rest and (skipped := len(out.read(min(rest, MAX_BYTES)))):
        rest -= skipped
    return None if rest else data


def path_change(meta: bytes, path: bytes) -> PathChange:
    """A row of raw output (https://git-scm.com/docs/diff-format)."""
    mode_before, mode, before, after, _ = meta[1:].decode().split(" ")
    return PathChange(
        path=path_text(path), before=blob_or_none(before) if mode_before in REGULAR else None, after=blob_or_none(after), mode=mode
    )


def path_text(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")


def blob_or_none(sha: str) -> BlobId | None:
    return None if set(sha) == {"0"} else BlobId(sha)


def parse_commit(sha: CommitId, data: bytes) -> Commit:
    """Parses a commit object (https://git-scm.com/docs/git-commit-tree: headers, an empty line, the message)."""
    head, _, message = data.partition(b"\0")[0].partition(b"\n\n")  # git, too, ends at a zero byte
    lines = head.split(b"\n")
    parents = takewhile(lambda line: line.startswith(b"parent "), lines[1:])  # one further down is none for git
    headers: dict[bytes, bytes] = {}
    for line in lines:
        key, _, value = line.partition(b" ")
        headers.setdefault(key, value)  # continuation lines of signatures land under the empty key
    encoding = headers.get(b"encoding", b"utf-8").decode("ascii", "replace")
    author, authored_at = parse_ident(headers.get(b"author", b""), encoding)
    committer, committed_at = parse_ident(headers.get(b"committer", b""), encoding)
    signature, claimed_key = claimed_signature(sha, data)
    return Commit(
        id=sha,
        parents=tuple(CommitId(line[len("parent ") :].decode()) for line in parents),
        author=author,
        authored_at=authored_at,
        committer=committer,
        committed_at=committed_at,
        message=_decode(message, encoding),
        signature=signature,
        claimed_key=claimed_key,
    )


def parse_ident(value: bytes, encoding: str) -> tuple[Person, datetime]:
    """Name, address and time of a header; a damaged one names nobody, at the epoch."""
    found = IDENT.match(value)
    if found is None:
        return Person(name=_decode(value, encoding).strip(), email=""), EPOCH
    try:
        when = datetime.fromtimestamp(int(found["seconds"]), UTC)
    except (ValueError, OverflowError, OSError):
        when = EPOCH
    return Person(name=_decode(found["name"], encoding).strip(), email=_decode(found["email"], encoding).strip()), when


def _decode(text: bytes, encoding: str) -> str:
    try:
        known = codecs.lookup(encoding).name not in NO_CHARSETS
        return text.decode(encoding if known else "utf-8", "replace")
    except (LookupError, ValueError):
        return text.decode("utf-8", "replace")
