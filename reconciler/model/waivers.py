"""Waivers: exceptions from rules, each scoped, owned, with a reason and an end. The YAML is one file each under `policies/waivers/`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal, TypeAlias

from reconciler.model.permissions import Line

SOON: Final = 42
"""Days before its end from which on a waiver is listed: six weeks, time enough to get rid of what it excuses."""
Waivable: TypeAlias = Literal["no", "whole", "by id", "either"]
"""How a waiver may name what a rule says: not at all; only as the whole rule; only one advisory or license of it; either way."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiver:
    """An exception: what `rule` says of `id` ("": anything that it says) does not count for these versions of a package.

    `feeds` are patterns; `package` is spelled as in the file. `versions` are single ones, `range` is in the ecosystem's own syntax
    ("" for none); one of the two is given. Not valid from `expires` 00:00Z on. `owner` is a declared user.
    """

    rule: str
    id: str
    feeds: tuple[str, ...]
    package: str
    versions: tuple[str, ...]
    range: str
    owner: str
    reason: str
    expires: date
    where: Line
