"""From an address in a commit to a declared user; pure.

`<id>+name@users.noreply.github.com` names the account with that number, whatever the name before the @ is today
(https://docs.github.com/account-and-profile/reference/email-addresses-reference). Two addresses of one user are one person.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from reconciler.decide.rights import Ask, Right, decide_right
from reconciler.model.declared import Permissions
from reconciler.model.events import Named, Person

GITHUB_NOREPLY: Final = re.compile(r"(?P<id>[0-9]{1,18})\+[^@]*@users\.noreply\.github\.com")


def user_of(permissions: Permissions, person: Person) -> str | None:
    """The id of the user whom an address names; None for somebody who is not declared."""
    email = person.email.casefold()
    account = GITHUB_NOREPLY.fullmatch(email)
    for user in permissions.users.values():
        if email in user.emails or (account is not None and user.github == int(account["id"])):
            return user.id
    return None


def same_person(permissions: Permissions, one: Person, other: Person) -> bool:
    """Whether two claims name one person: the same declared user, or the same address."""
    user = user_of(permissions, one)
    return (user is not None and user == user_of(permissions, other)) or one.email.casefold() == other.email.casefold()


def others(permissions: Permissions, author: Person, people: Iterable[Person]) -> tuple[Person, ...]:
    """The people who are somebody else than the author, each once."""
    found: list[Person] = []
    for person in people:
        if not any(same_person(permissions, person, known) for known in (author, *found)):
            found.append(person)
    return tuple(found)


def entitled(permissions: Permissions, person: Person, ask: Ask) -> Right:
    """Whether somebody known by an address may do what is asked."""
    return decide_right(permissions, user_of(permissions, person), ask)


def named(person: Person) -> Named:
    """A person for a report; what a header or trailer says is only claimed."""
    return Named(name=person.name, email=person.email, assurance="claimed")
