"""A deprecation of the V3 registration as one text, and back.

Protocol: https://learn.microsoft.com/en-us/nuget/api/registration-base-url-resource#package-deprecation. It has reasons out of
three words and a message; a release has one text. "Legacy, CriticalBugs: Use X." holds both, and reads well; what has no known
reason is a message alone. `to_text(from_text(text)) == text` for every text.
"""

from __future__ import annotations

import re
from typing import Final

from reconciler.model.words import Json

MAX_MESSAGE: Final = 4096
"""Characters of a text: it is repeated by pages and records."""

_REASONS: Final = ("Legacy", "CriticalBugs", "Other")
_LIST: Final = rf"(?:{'|'.join(_REASONS)})(?:, (?:{'|'.join(_REASONS)}))*"
_TEXT: Final = re.compile(rf"({_LIST})(?:: (.+))?", re.DOTALL)


def to_text(deprecation: Json) -> str | None:
    """The text of a registration's `deprecation` object; None if it is none, "" if it says nothing more than that."""
    if not isinstance(deprecation, dict):
        return None
    said, message, instead = deprecation.get("reasons"), deprecation.get("message"), deprecation.get("alternatePackage")
    known = [reason for reason in said if reason in _REASONS] if isinstance(said, list) else []
    reasons = "" if known == ["Other"] else ", ".join(map(str, known))
    words = message if isinstance(message, str) else ""
    if isinstance(instead, dict) and isinstance(instead.get("id"), str):
        words = f"{words} (instead: {instead['id']})".strip()
    text = f"{reasons}: {words}" if reasons and words else reasons or words
    return text[:MAX_MESSAGE].encode("utf-8", "replace").decode()  # JSON may hold halves of surrogate pairs.


def from_text(text: str) -> dict[str, Json]:
    """A registration's `deprecation` object that says what the text says."""
    match = _TEXT.fullmatch(text)
    if match is None or match.group(1) == "Other":
        return {"reasons": ["Other"], "message": text} if text else {"reasons": ["Other"]}
    reasons: Json = match.group(1).split(", ")
    return {"reasons": reasons, "message": match.group(2)} if match.group(2) else {"reasons": reasons}
