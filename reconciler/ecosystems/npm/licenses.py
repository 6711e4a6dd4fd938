"""What the license fields of package.json come to.

https://github.com/npm/cli/blob/latest/docs/lib/content/configuring-npm/package-json.md#license, which also has the two older forms:
an object with type and url, and a list of such objects, of which one may choose; its example turns the list into "(MIT OR Apache-2.0)", and
npm's own SBOMs join it by OR (https://github.com/npm/cli/issues/9010). `UNLICENSED` says that no rights are granted: nothing is concluded
from it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from reconciler.ecosystems.license_addresses import addressed
from reconciler.ecosystems.licenses import MAX_EXPRESSION, meanings, of_name
from reconciler.model.words import Json

_FILE: Final = re.compile(r"SEE LICEN[CS]E IN\s+(\S.*)", re.IGNORECASE)
_MAX_FILE: Final = 500


def licenses_of(stated: Mapping[str, Json]) -> Sequence[Json]:
    """The licenses that a manifest states, each a text or an object."""
    value = stated.get("license") or stated.get("licenses") or stated.get("licence")
    return value if isinstance(value, list) else [value]


def name_of(license_: Json) -> str | None:
    """How a license is declared: its text, or of an object the first that it has of type, name, url."""
    stated = (license_.get("type") or license_.get("name") or license_.get("url")) if isinstance(license_, dict) else license_
    return stated.strip() if isinstance(stated, str) else None


def file_named(licenses: Sequence[Json]) -> str:
    """The file that `SEE LICENSE IN <file>` names, "" where the manifest says something else."""
    found = _FILE.fullmatch((name_of(licenses[0]) or "")[:_MAX_FILE]) if len(licenses) == 1 else None
    return found[1].strip().strip("<>\"'") if found else ""


def concluded(licenses: Sequence[Json]) -> str:
    """The expression that they come to, "" where one of them has no one meaning."""
    choices = list(dict.fromkeys(map(_of_one, licenses)))
    joined = either(choices) if all(choices) else ""
    whole = f"({joined})" if joined and len(choices) > 1 else joined
    return whole if len(whole) <= MAX_EXPRESSION else ""


def either(licenses: Sequence[str]) -> str:
    """Licenses of which one may choose, as one expression."""
    return " OR ".join(f"({one})" if " " in one else one for one in licenses) if len(licenses) > 1 else "".join(licenses)


def _of_one(license_: Json) -> str:
    name = name_of(license_) or ""
    if "://" in name:
        return addressed(name)
    url = license_.get("url") if isinstance(license_, dict) else None
    by_url, known = addressed(url) if isinstance(url, str) else "", meanings(name)
    if by_url and known:
        # The address may tell which license of several a name means; it must not contradict it.
        return by_url if by_url in known else ""
    return of_name(name)
