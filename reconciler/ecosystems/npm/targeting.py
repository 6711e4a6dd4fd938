"""Which dependencies of a package apply: https://github.com/npm/cli/blob/latest/docs/lib/content/configuring-npm/package-json.md.

The same everywhere: npm knows no target. Needed are dependencies and, since npm 7 installs these too, peers; what is optional may be
missing, what is bundled is inside of the package.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from reconciler.model.packages import Dependency, Edge

keys: Final[tuple[str, ...]] = ()

_NOT_NEEDED: Final = frozenset({"bundled", "optional", "optional bundled", "peer optional"})
"""In the words of `manifest.py`; anything else is taken to be needed."""


def targets(declared: Mapping[str, Sequence[str]], /) -> tuple[str, ...]:  # noqa: ARG001 the signature of `Targeting`
    """None: dependencies are the same for all."""
    return ()


def edges(
    dependencies: Sequence[Dependency],
    frameworks: Sequence[str],  # noqa: ARG001 the signature of `Targeting`
    target: str | None,  # noqa: ARG001
    extras: frozenset[str],  # noqa: ARG001
    /,
) -> tuple[Edge, ...]:
    """What is installed with the package, from elsewhere, wherever it is installed."""
    return tuple(sorted({Edge(name=one.name, range=one.range) for one in dependencies if one.condition not in _NOT_NEEDED}))
