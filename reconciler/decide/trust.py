"""Whose key signed a commit, and whether that counts; pure.

That a signature is good is a fact (`declare/signatures.py`). Whether it may count is judged by the permissions in force before the change
that it stands for, on two days: that which the commit claims as its own, and that on which it was first seen. The first alone would not
do, since whoever holds an old key can set a commit's date back into the time when the key was valid; the second alone would let a key
that is new today sign for last year.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from reconciler.model.permissions import Permissions, SigningKey, User


def signer_of(permissions: Permissions, fingerprint: str) -> tuple[User, SigningKey] | None:
    """The user to whom a key belongs, and what is declared about it; None for a key that nobody has."""
    for user in permissions.users.values():
        for key in user.signing_keys:
            if key.fingerprint == fingerprint:
                return user, key
    return None


def objection(key: SigningKey, *, committed_at: datetime, seen_at: datetime) -> str:
    """Why a good signature by a key does not count, in words for a person; "" if it does.

    `committed_at` is the date that the commit claims, `seen_at` when it was first seen by `apply`, or now if it has not been yet.
    """
    claimed, seen = committed_at.astimezone(UTC).date(), seen_at.astimezone(UTC).date()
    if key.revoked is not None:
        return f"the key was revoked on {key.revoked}"
    if why := _outside(key, claimed):
        return f"{why}, and the commit is of {claimed}"
    if why := _outside(key, seen):
        return f"{why}, and the commit was first seen on {seen}, though it claims to be of {claimed}"
    return ""


def _outside(key: SigningKey, day: date) -> str:
    """Why a day is not one of those on which a key is valid; "" if it is."""
    if key.valid_from is not None and day < key.valid_from:
        return f"the key is valid from {key.valid_from} on"
    if key.valid_until is not None and day >= key.valid_until:
        return f"the key expired on {key.valid_until}"
    return ""
