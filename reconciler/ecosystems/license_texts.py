"""Whole license texts, told by the digest of their words: a text is a well-known license or nothing, never "about" one. Pure.

What does not count: copyright lines (whose the work is, not what may be done with it), case, punctuation, numbers and single letters
(which number paragraphs), how lines are broken, a title, the name in "Neither the name of ...", and whether a holder of rights is called
an owner (https://spdx.github.io/spdx-spec/v3.0.1/annexes/license-matching-guidelines-and-templates/). One more word, and it is another
text: a condition that somebody added must not pass as the license that it stands in.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

MAX_TEXT_BYTES: Final = 64 * 1024
"""The longest well-known text has 12,000; what is larger is read by a person."""

_TEXTS: Final = {
    # https://www.apache.org/licenses/LICENSE-2.0.txt: whole; without the appendix; without the line that ends it, too; with nothing
    # of the appendix but the notice; and that notice alone, which names the license and its address.
    "246e7ae113c44ef8afe2a33f489ea87433844fadd63a485d17f5cfccf6fd2574": "Apache-2.0",
    "c27d8209392058f9591056d100a760bf83417c027f43510a1f69b5e291dac039": "Apache-2.0",
    "931902d3bbf7f163fad6a36b8e3d95cab031283030283f8600142b02451556e2": "Apache-2.0",
    "71ea56637d649e3b5425b2d040e0651a65f042c7446885419403c519d62802d0": "Apache-2.0",
    "76b74bae095290b0bcca2bdbadd3e1a0aa2ad16d0e6b259d2da7a6b5c64d92c8": "Apache-2.0",
    # https://spdx.org/licenses/BSD-2-Clause.html, https://spdx.org/licenses/BSD-3-Clause.html
    "969096095458619e1d848ac09f25633dfd04a444358cf08235f311aba6248cfe": "BSD-2-Clause",
    "ea024e97a6f9c9959a7b07228273172c9ddcab43d0e512b6ff3e44b1ce34748f": "BSD-3-Clause",
    # https://spdx.org/licenses/ISC.html: "modify, and/or distribute" and "modify, and distribute"; "the copyright holder disclaims" for
    # "the author disclaims", as npm's own packages have it.
    "217da0747cec63a2e734185db11cbaa819bcd9e5b83cd12f812128fffe66e26a": "ISC",
    "280d76b420aeff51730e96577a2466120c91213f03dd50d60107078c498c5b29": "ISC",
    "88b7717fcdd81146db5806f169a2882599b1b6575d65b88971edaa913b7dbfa4": "ISC",
    # https://spdx.org/licenses/MIT.html
    "3346c203353b286e2021c9b077352db1dea97d9ce7043ac910dee821f174a656": "MIT",
    # https://spdx.org/licenses/MS-PL.html, as https://choosealicense.com/licenses/ms-pl/ has it
    "22166dbed667e1c2e34e5325375c1eca5b1c7cfd8c402dee11c4bd3ae3d3fb4c": "MS-PL",
}
"""SHA-256 of the words."""

_NOTICE: Final = re.compile(
    r"[\W_]*(?:copyright|©|\(c\)|all rights reserved\b)(?!\s+(?:notice|holder|owner|licen[cs]e|statement|and|law|grant))", re.IGNORECASE
)
_TERMS: Final = re.compile(
    r"\b(?:commercial|confidential|evaluation|except|forbidden|granted|internal|licen[cs]e[ds]?|may|must|no|not|only|permission|permit|permitted"
    r"|prohibited|proprietary|provided|restrict|restricted|shall|subject|use|without)\b",
    re.IGNORECASE,
)
"""A line with such a word says more than whose the work is."""
_MAX_NOTICE: Final = 300
_WORD: Final = re.compile(r"[^\W\d_]{2,}")
_TITLES: Final = tuple(
    sorted(
        (
            "bsd clause license", "bsd license", "clause bsd license", "isc license", "isc license isc", "microsoft public license",
            "microsoft public license ms pl", "mit license", "mit license mit", "new bsd license", "the bsd clause license", "the bsd license",
            "the clause bsd license", "the isc license", "the isc license isc", "the mit license", "the mit license mit",
        ),
        key=len,
        reverse=True,
    )
)  # fmt: skip
_HOLDER: Final = ("neither the name of ", " nor the names of its contributors ")
_MAX_HOLDER_WORDS: Final = 12


def recognised(data: bytes) -> str:
    """The id of the license whose text this is, "" if it is no well-known one, or has more than MAX_TEXT_BYTES."""
    if len(data) > MAX_TEXT_BYTES:
        return ""
    return _TEXTS.get(hashlib.sha256(_words(_decoded(data)).encode()).hexdigest(), "")


def _decoded(data: bytes) -> str:
    """UTF-16 with a byte order mark, UTF-8, else Windows-1252, in which a lone copyright sign is one, too."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("windows-1252", errors="replace")


def _words(text: str) -> str:
    lines = "\n".join(line for line in text.splitlines() if not _is_notice(line))
    words = " ".join(_WORD.findall(lines.casefold().replace("https:", "http:")))
    for said, kept in ((" owner ", " holder "), (" owners ", " holders "), ("all rights reserved ", "")):
        words = words.replace(said, kept)
    title = next((title for title in _TITLES if words.startswith(f"{title} ")), "")
    words = words[len(title) :].strip()
    start, end = words.find(_HOLDER[0]), words.find(_HOLDER[1])
    if 0 <= start < end and len(words[start + len(_HOLDER[0]) : end].split()) <= _MAX_HOLDER_WORDS:
        words = words[: start + len(_HOLDER[0])] + words[end:].lstrip()
    return words


def _is_notice(line: str) -> bool:
    return len(line) <= _MAX_NOTICE and _NOTICE.match(line) is not None and _TERMS.search(line) is None
