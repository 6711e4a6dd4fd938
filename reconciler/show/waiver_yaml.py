"""The waiver that would let something in, as YAML to paste into a pull request."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from reconciler.model.plan import Cure
from reconciler.show.inert import inert

WAIVER_DAYS: Final = 90
"""How long a proposed waiver holds: time enough to update, short enough to be looked at again."""


def waiver_path(cure: Cure) -> str:
    """Where the file would lie."""
    name = re.sub(r"[^a-z0-9.]+", "-", f"{cure.package}-{cure.version}-{cure.rule}-{cure.id}".casefold()).strip("-.")
    return f"policies/waivers/{name[:120]}.yaml"


def waiver_lines(cure: Cure, now: datetime) -> Iterator[str]:
    """The lines of the file. Every text is quoted as JSON, which YAML reads alike; reason and owner are for a person to fill in."""
    yield f"rule: {cure.rule}"
    if cure.id:
        yield f"id: {_quoted(cure.id)}"
    yield f"feed: {cure.feed}"
    yield f"package: {_quoted(cure.package)}"
    yield f"versions: [{_quoted(cure.version)}]"
    yield f"owner: {_quoted(cure.owner) if cure.owner else 'WHO ANSWERS FOR IT'}"
    yield "reason: WHY IT MAY BE USED ALL THE SAME"
    yield f"expires: {now + timedelta(days=WAIVER_DAYS):%Y-%m-%d}"


def _quoted(text: str) -> str:
    """Plain where YAML reads it as it stands."""
    return text if re.fullmatch(r"[A-Za-z@][A-Za-z0-9@/._+-]*", text) else json.dumps(inert(text))
