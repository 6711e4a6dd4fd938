"""From an address in a commit to a declared user; pure.

`<id>+name@users.noreply.github.com` and `<id>-name@users.noreply.gitlab.com` name the account with that number, whatever it is called today
(https://docs.github.com/account-and-profile/reference/email-addresses-reference,
https://docs.gitlab.com/user/profile/#use-an-automatically-generated-private-commit-email). Two addresses of one user are one person.
"""

from __future__ import annotations

from reconciler.model.events import Person
from reconciler.model.forges import account_in
from reconciler.model.permissions import Permissions


def user_of(permissions: Permissions, person: Person) -> str | None:
    """The id of the user whom an address names; None for somebody who is not declared."""
    email = person.email.casefold()
    account = account_in(email)
    by_account = permissions.known_as.get(f"{account.kind}:{account.id}") if account else None
    return (permissions.known_as.get(email) if "@" in email else None) or by_account  # accounts and keys are no addresses


def same_person(permissions: Permissions, one: Person, other: Person) -> bool:
    """Whether two claims name one person: the same declared user, or the same address."""
    user = user_of(permissions, one)
    return (user is not None and user == user_of(permissions, other)) or one.email.casefold() == other.email.casefold()
