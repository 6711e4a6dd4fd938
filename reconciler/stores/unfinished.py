"""What a pass has begun in a feed and no head tells of yet: written before the first of it, removed after the head.

A pass that is killed leaves files, and perhaps pages, that nothing records. The next one must be able to tell them from what
somebody else has put there, must end a repair whose record was lost, and must take back pages that will not be completed after all,
since the declaration may have changed meanwhile. The object is switched by compare-and-swap, so a pass that finds it changed under
its hands knows that another one is at work.
"""

from __future__ import annotations

import json

from pydantic import BaseModel, ConfigDict, ValidationError

from reconciler.errors import IntegrityError
from reconciler.model.words import FeedName, PackageKey, VersionKey
from reconciler.stores import keys
from reconciler.stores.interface import Revision, Store


class Unfinished(BaseModel):
    """`base` is the revision of the head that the pass started from (0: none), `by` what tells it from every other pass.

    `files` may have been put, or put again: package, version, name. Pages of `packages`, and the lists of names, may have been
    written from a state that did not come about; `pages` are the paths of all that these packages would have had.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: int = 0
    by: str = ""
    files: frozenset[tuple[PackageKey, VersionKey, str]] = frozenset()
    packages: frozenset[PackageKey] = frozenset()
    pages: frozenset[str] = frozenset()


NOTHING = Unfinished()


def read_unfinished(store: Store, feed: FeedName) -> tuple[Unfinished, Revision | None]:
    """What was begun, with the revision for compare-and-swap (None: there is no such object); IntegrityError if it is damaged."""
    stored = store.get(keys.unfinished(feed))
    if stored is None:
        return NOTHING, None
    try:
        return Unfinished.model_validate_json(stored.data), stored.revision
    except ValidationError as error:
        message = f"{keys.unfinished(feed)} is damaged: {error.errors()[0]['msg']}"
        raise IntegrityError(message, remedy="restore it from a backup of the store; nothing was written") from error


def encode_unfinished(unfinished: Unfinished) -> bytes:
    """As canonical JSON: the same content, the same bytes."""
    content = {
        "base": unfinished.base,
        "by": unfinished.by,
        "files": sorted(unfinished.files),
        "packages": sorted(unfinished.packages),
        "pages": sorted(unfinished.pages),
    }
    return (json.dumps(content, indent=1) + "\n").encode()
