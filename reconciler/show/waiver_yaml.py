"""The waiver that would let something in, as YAML to paste into a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from reconciler.model.findings import Cure

WAIVER_DAYS: Final = 90
"""How long a proposed waiver holds: time enough to update, short enough to be looked at again."""


def waiver_path(cure: Cure) -> str:
    """Where the file would lie."""
    name = re.sub(r"[^a-z0-9.]+", "-", f"{cure.package}-{cure.version}-{cure.rule}-{cure.id}".casefold()).strip("-.")
    return f"policies/waivers/{name[:120]}.yaml"


def waiver_lines(cure: Cure, now: datetime) -> Iterator[str]:
    """The lines of the file. Every text is quoted where that matters; what is for a person to fill in is empty,
    so that the file is an error before."""
    yield f"rule: {cure.rule}"
    if cure.id:
        yield f"id: {_quoted(cure.id)}"
    yield f"feed: {cure.feed}"
    yield f"package: {_quoted(cure.package)}"
    yield f"versions: [{_quoted(cure.version)}]"
    yield f"owner: {_quoted(cure.owner) if cure.owner else ' # who answers for it'}"
    yield "reason:  # why it may be used all the same"
    yield f"expires: {now + timedelta(days=WAIVER_DAYS):%Y-%m-%d}"


def _quoted(text: str) -> str:
    """Plain where YAML reads it as it stands; what cannot be seen, or could mean something where it is shown, is escaped, and means
    the same."""
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9@/._+-]*", text) and text.lower() != "null":
        return text
    return '"' + "".join(c if c.isprintable() and c not in '"\\`#' else f"\\U{ord(c):08x}" for c in text) + '"'
