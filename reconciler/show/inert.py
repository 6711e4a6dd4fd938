"""Text from outside, made inert for terminals and logs.

Names, reasons and messages come from packages, registries and pull requests. Escape sequences, line breaks, bidirectional overrides
and other invisible characters are shown as what they are, so that no line of a report can be forged or hidden
(https://www.unicode.org/reports/tr36/, https://trojansource.codes). Runners of CI obey some marks wherever they stand in a line of a log
(https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands): such a mark is broken up.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

LONGEST: Final = 2000
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_OBEYED: Final = re.compile(r"##(?=(?:vso)?\[)", re.IGNORECASE)
"""What begins a command in the middle of a line: `##vso[task...]`, and `##[error]`."""


def inert(text: str, *, longest: int = LONGEST) -> str:
    """The text on one line, with everything invisible escaped and no command of a CI runner in it, cut after `longest` characters."""
    cut = text if len(text) <= longest else f"{text[:longest]}… ({len(text)} characters)"
    line = " ".join(cut.split())
    return _OBEYED.sub(r"#\\x23", "".join(_visible(character) for character in line))


def _visible(character: str) -> str:
    if unicodedata.category(character) in _HIDDEN:
        return character.encode("unicode_escape", "backslashreplace").decode("ascii")
    return character
