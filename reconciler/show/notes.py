"""Notes for `git log --notes=promotions`: on each commit that a ledger names, a line for each of its records; pure.

    promote approved-nuget Newtonsoft.Json 13.0.3: public-nuget -> approved-nuget, record 2, 2026-11-22T16:54:00Z by ci

The same ledgers give the same bytes, on any machine and whenever they are asked. What comes first, up to the colon, are single words:
change, feed, package, version. No text from outside can make a line of its own, nor a word where it has none.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from reconciler.model.words import CommitId
from reconciler.show.contract import NotesRow
from reconciler.show.inert import inert
from reconciler.show.text import STAYS

REF: Final = "refs/notes/promotions"
PUSH: Final = f"git push origin {REF}"
FETCH: Final = f"git fetch origin {REF}:{REF}"
COMMIT: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def notes_of(records: Iterable[Mapping[str, Any]]) -> dict[CommitId, bytes]:
    """The note of each commit that is named, its lines by (applied_at, feed, seq)."""
    lines: defaultdict[CommitId, list[str]] = defaultdict(list)
    for record in sorted(records, key=lambda row: (row["applied_at"], row["feed"], row["seq"])):
        if COMMIT.fullmatch(record["commit"]):
            lines[CommitId(record["commit"])].append(f"{note_line(record)}\n")
    return {commit: "".join(rows).encode() for commit, rows in lines.items()}


def note_line(record: Mapping[str, Any]) -> str:
    """A record in one line."""
    what = " ".join(map(_word, [record["change"], record["feed"], *_subject(record)]))
    return f"{what}: {_way(record)}, record {record['seq']}, {_word(record['applied_at'])} by {inert(record['applier'])}"


def notes_text(row: NotesRow) -> str:
    """What became of the notes, and how others get them: nothing pushes them by itself."""
    if row.commit is None:
        return f"Notes: nothing is recorded yet, so {row.ref} is not there"
    commits = f"{row.notes} commit{'s' if row.notes != 1 else ''}"
    if not row.written:
        return f"Notes: {row.ref} is up to date, with {commits}"
    return f"Notes: {row.ref} tells of {commits}, {row.written} of them anew; share them: `{PUSH}`, elsewhere `{FETCH}`"


def unexplained(known: Mapping[CommitId, bytes], told: Mapping[CommitId, bytes]) -> tuple[CommitId, str] | None:
    """The first line of known notes that no record explains, with its commit; None where there is none."""
    for commit in sorted(known):
        ours = set(told.get(commit, b"").splitlines(keepends=True))
        for line in known[commit].splitlines(keepends=True) or [b""]:
            if line not in ours:
                return commit, inert(line.decode(errors="replace"), longest=200)
    return None


def _subject(record: Mapping[str, Any]) -> tuple[str, ...]:
    match record["change"]:
        case "access" | "reanchor":
            return ()
        case "evict":
            return (record["path"],)
        case _:
            return record["package"], record["version"]


def _way(record: Mapping[str, Any]) -> str:
    match record["change"]:
        case "access":
            count = len(record["access"])
            return f"{count} right{'s' if count != 1 else ''} changed"
        case "reanchor":
            return f"from commit {_word(record['from_commit'])}"
        case "evict":
            return "nobody approved it"
        case change if change in STAYS:
            return f"in {_word(record['feed'])}"
        case _:
            return f"{_word(record['from'])} -> {_word(record['feed'])}"


def _word(text: object) -> str:
    """Inert, and one word."""
    return inert(str(text)).replace(" ", "\\x20")
