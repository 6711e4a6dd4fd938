"""Who stands behind something, in one line, each with how the name is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from reconciler.model.events import Named
from reconciler.show.inert import inert

SPECIALS: Final = frozenset('()<>,;"')
"""What stands between names, addresses and people."""


def people(author: Named, approvers: Sequence[Named]) -> str:
    """Author and approvers, each with how the name is known."""
    rest = "".join(f", approved by {person_text(person)}" for person in approvers)
    return f"by {person_text(author)}{rest}"


def person_text(person: Named) -> str:
    """`Name <address> (claimed)`. A name that could pass for more than a name is quoted, as in a mail header (RFC 5322, section 3.4)."""
    name, email = inert(person.name), inert(person.email)
    if SPECIALS.intersection(name):
        name = '"' + name.replace('"', "\\x22") + '"'
    email = "".join(f"\\x{ord(character):02x}" if character in SPECIALS else character for character in email)
    return f"{name} <{email}> ({person.assurance})"
