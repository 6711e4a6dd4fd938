"""What a license declaration comes to: names and expressions that mean one SPDX license, for the ecosystems to share. Pure.

    licenses.py           names ("Apache License, Version 2.0") and expressions ("MIT OR Apache-2.0")
    license_addresses.py  addresses ("https://opensource.org/licenses/MIT")
    license_texts.py      whole texts

Nothing is invented: "" wherever a declaration has no one meaning, and then a person looks. Ids: https://spdx.org/licenses/, expressions:
https://spdx.github.io/spdx-spec/v3.0.1/annexes/spdx-license-expressions/. Whether an id exists, and what is allowed, is not judged here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

MAX_EXPRESSION: Final = 1_000
"""A longer expression concludes nothing: cut, it would mean something else."""
MAX_DECLARED: Final = 1_000
"""Characters of a declaration that are kept beside the file: a whole license text would be kept once for each file."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9\s.,;:()+'\"_/-]{1,200}", re.ASCII)
"""Names of other characters mean something else: `MIT*` is somebody's guess."""
_OPERATORS: Final = frozenset({"and", "or", "with"})
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:+-]*")
_NO_LICENSE: Final = frozenset({"unlicensed", "none", "noassertion"})
"""No SPDX licenses: npm's and NuGet's word for "no rights are granted", and what SPDX documents say instead of an expression."""

_IDS: Final = (
    "0BSD", "AFL-3.0", "AGPL-3.0-only", "AGPL-3.0-or-later", "Apache-1.0", "Apache-1.1", "Apache-2.0", "Artistic-2.0", "BlueOak-1.0.0",
    "BSD-2-Clause", "BSD-3-Clause", "BSD-4-Clause", "BSL-1.0", "CC0-1.0", "CDDL-1.0", "CPL-1.0", "ECL-2.0", "EPL-1.0", "EPL-2.0", "EUPL-1.1",
    "EUPL-1.2", "GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-only", "GPL-3.0-or-later", "ISC", "LGPL-2.1-only", "LGPL-2.1-or-later",
    "LGPL-3.0-only", "LGPL-3.0-or-later", "MIT", "MIT-0", "MPL-1.1", "MPL-2.0", "MS-PL", "MS-RL", "MulanPSL-2.0", "NCSA", "OFL-1.1", "OSL-3.0",
    "PostgreSQL", "PSF-2.0", "Python-2.0", "Unlicense", "UPL-1.0", "WTFPL", "Zlib",
)  # fmt: skip

_SPELLINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "Apache-2.0": ("apache 2", "apache2", "apache2.0", "apache 2.0 apache 2.0", "asl 2.0", "asl 2"),
    "BSD-2-Clause": ("2 clause bsd", "simplified bsd", "bsd 2", "bsd 2 clause simplified"),
    "BSD-3-Clause": ("3 clause bsd", "new bsd", "modified bsd", "revised bsd", "bsd 3", "bsd 3 clause new or revised"),
    "EPL-2.0": ("eclipse public 2.0",),
    "ISC": ("isc iscl", "iscl"),
    "MIT": ("mit mit", "expat", "mit expat", "expat mit"),
    "MPL-2.0": ("mpl 2", "mpl2", "mpl2.0", "mozilla public 2.0", "mozilla public 2.0 mpl 2.0"),
    "MS-PL": ("microsoft public", "microsoft public ms pl"),
    "Unlicense": ("unlicense unlicense",),
}
"""How people write them, in the form of `_simple`."""

_FAMILIES: Final[Mapping[str, tuple[str, ...]]] = {
    "afl": ("AFL-3.0",),
    "agpl": ("AGPL-3.0-only", "AGPL-3.0-or-later"),
    "apache": ("Apache-1.0", "Apache-1.1", "Apache-2.0"),
    "asl": ("Apache-1.0", "Apache-1.1", "Apache-2.0"),
    "bsd": ("0BSD", "BSD-2-Clause", "BSD-3-Clause", "BSD-4-Clause"),
    "gpl": ("GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-only", "GPL-3.0-or-later"),
    "lgpl": ("LGPL-2.1-only", "LGPL-2.1-or-later", "LGPL-3.0-only", "LGPL-3.0-or-later"),
    "mpl": ("MPL-1.1", "MPL-2.0"),
    "psf": ("PSF-2.0", "Python-2.0"),
    "psfl": ("PSF-2.0", "Python-2.0"),
    "python foundation": ("PSF-2.0", "Python-2.0"),
}
"""Names that leave the version open: what they may mean, and at least one more that is not listed (`ANOTHER`)."""
ANOTHER: Final = "another version"

_GNU: Final[Mapping[str, tuple[str, ...]]] = {
    "AGPL-3.0": ("agpl", "affero general public", "affero gpl"),
    "GPL-2.0": ("gpl", "general public"),
    "GPL-3.0": ("gpl", "general public"),
    "LGPL-2.1": ("lgpl", "lesser general public", "lesser gpl"),
    "LGPL-3.0": ("lgpl", "lesser general public", "lesser gpl"),
}


def _names() -> dict[str, frozenset[str]]:
    found = {name: frozenset((*ids, ANOTHER)) for name, ids in _FAMILIES.items()}
    for id_, names in _GNU.items():
        number = id_.partition("-")[2]
        either, later = frozenset({f"{id_}-only", f"{id_}-or-later"}), frozenset({f"{id_}-or-later"})
        for name in names:
            for version in {number, number.removesuffix(".0")}:
                for joined in (f"{name} {version}", f"{name}{version}", f"{name}v{version}"):
                    short = f"{names[0]}v{version}"
                    found |= {joined: either, f"{joined} {short}": either}
                    found |= {f"{joined}+": later, f"{joined} or later": later, f"{joined} or later {short}+": later}
    found |= {_simple(id_): frozenset({id_}) for id_ in _IDS}
    return found | {name: frozenset({id_}) for id_, names in _SPELLINGS.items() for name in names}


def _simple(text: str) -> str:
    """A name without what changes nothing: case, punctuation but dots and plus signs, "the", "license", "version", "v" in front of numbers."""
    words = re.findall(r"[a-z0-9.+]+", text.casefold()) if _PLAIN.fullmatch(text) else []
    kept = (re.sub(r"^v\.?(?=[0-9])", "", word).rstrip(".") for word in words)
    return " ".join(word for word in kept if word not in {"", "gnu", "licence", "license", "software", "the", "v", "version"})


_NAMES: Final = _names()


def declared(text: str | None) -> str:
    """A declaration as `License.declared` keeps it."""
    return (text or "")[:MAX_DECLARED]


def meanings(name: str) -> frozenset[str]:
    """The ids that a plain name may mean, with ANOTHER where it leaves the version open; empty for what is no known name."""
    return _NAMES.get(_simple(name), frozenset())


def only(ids: Iterable[str]) -> str:
    """The one that it can be, or "".

    Where nobody says whether a GNU license is "only" or "or later", "only" is granted in either case, so that much is concluded.
    """
    found = frozenset(ids)
    stems = {id_.removesuffix("-only").removesuffix("-or-later") for id_ in found}
    if len(found) == 2 and len(stems) == 1:  # noqa: PLR2004  the two
        return f"{stems.pop()}-only"
    return next(iter(found)) if len(found) == 1 else ""


def named(name: str) -> str:
    """The id that a plain name means, "" if that is not one."""
    return only(meanings(name))


def expression(text: str) -> str:
    """A text that has the form of a license expression, with single spaces; "" for any other, and for "UNLICENSED"."""
    plain = " ".join(text.split()) if len(text) <= MAX_EXPRESSION else ""
    return plain if ids_in(plain) and plain.casefold() not in _NO_LICENSE else ""


def ids_in(text: str) -> tuple[str, ...]:
    """Ids of licenses and exceptions in an expression, in their order; none if it does not have the form of one."""
    words = text.replace("(", " ").replace(")", " ").split()
    ids, operators = words[::2], words[1::2]
    sound = len(ids) == len(operators) + 1 and all(word.casefold() in _OPERATORS for word in operators)
    return tuple(ids) if sound and all(_ID.fullmatch(id_) and id_.casefold() not in _OPERATORS for id_ in ids) else ()


def of_name(text: str) -> str:
    """What one declared word or expression means: a plain name, else an expression as it stands; "" for a name with several meanings."""
    found = meanings(text)
    return only(found) if found else expression(text)
