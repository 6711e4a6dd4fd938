"""What was seen and said of landing commits, frozen for ever: when an apply first saw one, and what a forge said that decided.

state/evidence/<commit>/seen.json         when the first apply saw this commit, where a signature's key has an end
state/evidence/<commit>/<sha256>.json     what the forge said of it (`reconciler/model/evidence.py`), named by its own digest

Nothing here is ever written a second time. The ledger's records name the digests, so that no evidence can be edited unnoticed.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from reconciler.errors import IntegrityError, RevisionConflict
from reconciler.model.evidence import Evidence, decode_evidence
from reconciler.model.words import CommitId
from reconciler.stores import keys
from reconciler.stores.interface import Store

SEEN: Final = "seen.json"
REMEDY: Final = "restore it from a backup of the store; without it, what it decided waits for the forge again"


class FrozenEvidence:
    """What lies in a store; listed once, read when it is asked for."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._names: defaultdict[CommitId, list[str]] = defaultdict(list)
        folder = keys.evidence_folder()
        for entry in store.list(folder):
            commit, _, name = entry.key.removeprefix(folder).partition("/")
            self._names[CommitId(commit)].append(name)

    @property
    def commits(self) -> frozenset[CommitId]:
        """The landing commits of which something is known."""
        return frozenset(self._names)

    def evidence(self, commit: CommitId) -> tuple[Evidence, ...]:
        """What the forge said of a landing commit; IntegrityError where it is not what was frozen."""
        names = sorted(name for name in self._names.get(commit, ()) if name != SEEN)
        return tuple(self._evidence(commit, name.removesuffix(".json")) for name in names)

    def seen(self, commit: CommitId) -> datetime | None:
        """When an apply first saw a landing commit; None where that was not written down."""
        if SEEN not in self._names.get(commit, ()):
            return None
        key = keys.evidence(commit, SEEN)
        stored = self._store.get(key)
        try:
            when = datetime.fromisoformat(json.loads(stored.data)["seen_at"]) if stored else None
        except (ValueError, KeyError, TypeError) as error:
            raise _damaged(key) from error
        if when is None or when.tzinfo is None:
            raise _damaged(key)
        return when.astimezone(UTC)

    def set_aside_damaged(self) -> Iterator[str]:
        """The keys of what is not what was frozen; from then on it counts as not there."""
        for commit, names in self._names.items():
            for name in tuple(names):
                try:
                    if name == SEEN:
                        self.seen(commit)
                    else:
                        self._evidence(commit, name.removesuffix(".json"))
                except IntegrityError:
                    names.remove(name)
                    yield keys.evidence(commit, name)

    def _evidence(self, commit: CommitId, digest: str) -> Evidence:
        key = keys.evidence(commit, f"{digest}.json")
        stored = self._store.get(key)
        try:
            evidence = decode_evidence(stored.data) if stored else None
        except ValueError as error:
            raise _damaged(key) from error
        if stored is None or evidence is None or sha256(stored.data).hexdigest() != digest or evidence.commit != commit:
            raise _damaged(key)
        return evidence


def freeze(store: Store, evidence: Iterable[Evidence], seen: Mapping[CommitId, datetime]) -> None:
    """Writes what decided, and when commits were first seen; what is frozen already stays as it is."""
    for one in evidence:
        store.put(keys.evidence(one.commit, f"{one.digest()}.json"), one.encoded(), content_type=keys.JSON)
    for commit, when in sorted(seen.items()):
        text = json.dumps({"seen_at": when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}) + "\n"
        try:
            store.put_if(keys.evidence(commit, SEEN), text.encode(), content_type=keys.JSON, expected=None)
        except RevisionConflict:
            continue  # another pass was first, and its word counts


def _damaged(key: str) -> IntegrityError:
    message = f"{key} is missing, or not what was frozen"
    return IntegrityError(message, remedy=REMEDY)
