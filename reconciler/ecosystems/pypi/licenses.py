"""What the license fields of core metadata come to together.

https://packaging.python.org/en/latest/specifications/core-metadata/#license-expression, https://peps.python.org/pep-0639/

A License-Expression is concluded as it stands. The older fields are classifiers and a free text, of which each may leave a version open:
what both admit is concluded, if it is one license. So `License: BSD-3-Clause` tells which BSD license a classifier means. Nothing is
concluded

- from classifiers that may mean several (PEP 639 lists them: "BSD License" has two, three or four clauses, "Apache Software License" has no
  version and is the name of 1.1), unless the one license file of the package is a well-known text of one of them;
- from fields that contradict each other;
- from a text that nobody knows beside a classifier: it may be the condition that the classifier leaves out.

Several classifiers may mean "all" as well as "any" (PEP 639), so only a text that is an expression of the same licenses says which. Where a
classifier says "v3" of a GNU license, "only" is granted in any case (`only`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.ecosystems.license_texts import MAX_TEXT_BYTES, recognised
from reconciler.ecosystems.licenses import ANOTHER, expression, ids_in, meanings, only

_ROOT: Final = "License :: "
_APPROVED: Final = "OSI Approved :: "
_GENERIC: Final = frozenset({"OSI Approved", "DFSG approved"})
"""They name no license, and take none back."""
_SILENT: Final = frozenset(
    {"", "unknown", "license", "licence", "license.txt", "license.md", "license file", "see license", "see license file", "see license.txt",
     "file: license", "file: license.txt", "file: license.md", "osi approved"}
)  # fmt: skip
"""Texts that say nothing: what old setuptools wrote for nothing, and where else to look."""

_CLASSIFIERS: Final = {
    "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication": ("CC0-1.0",),
    "CeCILL-B Free Software License Agreement (CECILL-B)": ("CECILL-B",),
    "CeCILL-C Free Software License Agreement (CECILL-C)": ("CECILL-C",),
    "OSI Approved :: Academic Free License (AFL)": ("AFL-3.0", ANOTHER),
    "OSI Approved :: Apache Software License": ("Apache-1.0", "Apache-1.1", "Apache-2.0"),
    "OSI Approved :: Artistic License": ("Artistic-2.0", ANOTHER),
    "OSI Approved :: BSD License": ("BSD-2-Clause", "BSD-3-Clause", "BSD-4-Clause", ANOTHER),
    "OSI Approved :: Blue Oak Model License (BlueOak-1.0.0)": ("BlueOak-1.0.0",),
    "OSI Approved :: Boost Software License 1.0 (BSL-1.0)": ("BSL-1.0",),
    "OSI Approved :: CEA CNRS Inria Logiciel Libre License, version 2.1 (CeCILL-2.1)": ("CECILL-2.1",),
    "OSI Approved :: CMU License (MIT-CMU)": ("MIT-CMU",),
    "OSI Approved :: Common Development and Distribution License 1.0 (CDDL-1.0)": ("CDDL-1.0",),
    "OSI Approved :: Common Public License": ("CPL-1.0",),
    "OSI Approved :: Eclipse Public License 1.0 (EPL-1.0)": ("EPL-1.0",),
    "OSI Approved :: Eclipse Public License 2.0 (EPL-2.0)": ("EPL-2.0",),
    "OSI Approved :: Educational Community License, Version 2.0 (ECL-2.0)": ("ECL-2.0",),
    "OSI Approved :: European Union Public Licence 1.0 (EUPL 1.0)": ("EUPL-1.0",),
    "OSI Approved :: European Union Public Licence 1.1 (EUPL 1.1)": ("EUPL-1.1",),
    "OSI Approved :: European Union Public Licence 1.2 (EUPL 1.2)": ("EUPL-1.2",),
    "OSI Approved :: GNU Affero General Public License v3": ("AGPL-3.0-only", "AGPL-3.0-or-later"),
    "OSI Approved :: GNU Affero General Public License v3 or later (AGPLv3+)": ("AGPL-3.0-or-later",),
    "OSI Approved :: GNU General Public License (GPL)": ("GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-only", "GPL-3.0-or-later", ANOTHER),
    "OSI Approved :: GNU General Public License v2 (GPLv2)": ("GPL-2.0-only", "GPL-2.0-or-later"),
    "OSI Approved :: GNU General Public License v2 or later (GPLv2+)": ("GPL-2.0-or-later",),
    "OSI Approved :: GNU General Public License v3 (GPLv3)": ("GPL-3.0-only", "GPL-3.0-or-later"),
    "OSI Approved :: GNU General Public License v3 or later (GPLv3+)": ("GPL-3.0-or-later",),
    "OSI Approved :: GNU Lesser General Public License v2 (LGPLv2)": ("LGPL-2.1-only", "LGPL-2.1-or-later", ANOTHER),
    "OSI Approved :: GNU Lesser General Public License v2 or later (LGPLv2+)": ("LGPL-2.1-or-later", ANOTHER),
    "OSI Approved :: GNU Lesser General Public License v3 (LGPLv3)": ("LGPL-3.0-only", "LGPL-3.0-or-later"),
    "OSI Approved :: GNU Lesser General Public License v3 or later (LGPLv3+)": ("LGPL-3.0-or-later",),
    "OSI Approved :: GNU Library or Lesser General Public License (LGPL)": (
        "LGPL-2.1-only", "LGPL-2.1-or-later", "LGPL-3.0-only", "LGPL-3.0-or-later", ANOTHER,
    ),
    "OSI Approved :: ISC License (ISCL)": ("ISC",),
    "OSI Approved :: MIT License": ("MIT",),
    "OSI Approved :: MIT No Attribution License (MIT-0)": ("MIT-0",),
    "OSI Approved :: Mozilla Public License 1.0 (MPL)": ("MPL-1.0",),
    "OSI Approved :: Mozilla Public License 1.1 (MPL 1.1)": ("MPL-1.1",),
    "OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)": ("MPL-2.0",),
    "OSI Approved :: Mulan Permissive Software License v2 (MulanPSL-2.0)": ("MulanPSL-2.0",),
    "OSI Approved :: Open Software License 3.0 (OSL-3.0)": ("OSL-3.0",),
    "OSI Approved :: PostgreSQL License": ("PostgreSQL",),
    "OSI Approved :: Python Software Foundation License": ("PSF-2.0", "Python-2.0"),
    "OSI Approved :: SIL Open Font License 1.1 (OFL-1.1)": ("OFL-1.1",),
    "OSI Approved :: The Unlicense (Unlicense)": ("Unlicense",),
    "OSI Approved :: Universal Permissive License (UPL)": ("UPL-1.0",),
    "OSI Approved :: University of Illinois/NCSA Open Source License": ("NCSA",),
    "OSI Approved :: Zero-Clause BSD (0BSD)": ("0BSD",),
}  # fmt: skip
"""What a classifier may mean, without "License :: " (https://github.com/pypa/trove-classifiers). With one that is not here, such as
"Other/Proprietary License", nothing is concluded."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LicenseFields:
    """The fields as they are written, "" or empty where they are missing; `classifiers` are those that begin with "License :: "."""

    expression: str
    classifiers: tuple[str, ...]
    text: str


def concluded(fields: LicenseFields, file: bytes | None) -> str:
    """The expression that the fields come to, "" where they have no one meaning; `file` is the package's only license file, if it has one."""
    if fields.expression.strip():
        return expression(fields.expression)
    classified = [frozenset(_CLASSIFIERS.get(one, ())) for one in _named(fields.classifiers)]
    ids = ids_in(expression(fields.text))
    if len(ids) > 1:
        return expression(fields.text) if _agree([meanings(id_) for id_ in ids], classified) else ""
    told = _told(fields.text)
    statements = classified if told is None else [*classified, told]
    meant: frozenset[str] = frozenset.intersection(*statements) if statements else frozenset()
    return only(meant) or only(meant & {recognised(file or b"")})


def _named(classifiers: Iterable[str]) -> list[str]:
    """Those that name a license, each once, without "License :: "."""
    found = (one.strip().removeprefix(_ROOT).strip() for one in classifiers)
    return [one for one in dict.fromkeys(found) if one not in _GENERIC]


def _told(text: str) -> frozenset[str] | None:
    """What the License field may mean; None where it says nothing, no id where nobody knows what it says."""
    plain = text.strip()
    if plain.casefold() in _SILENT:
        return None
    return meanings(plain) or frozenset(filter(None, [recognised(plain[: MAX_TEXT_BYTES + 1].encode(errors="replace"))]))


def _agree(said: Sequence[frozenset[str]], classified: Sequence[frozenset[str]]) -> bool:
    """Whether an expression is of known licenses, and of those that the classifiers name, if there are any."""
    if not all(said):
        return False
    pairs = ((said, classified), (classified, said)) if classified else ()
    return all(any(one & other for other in others) for ones, others in pairs for one in ones)
