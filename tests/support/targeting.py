"""What made-up ecosystems say of dependencies: that all apply, everywhere or for sizes that a feed may name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.model.packages import Dependency, Edge


class Everywhere:
    """Dependencies are the same for all."""

    keys: tuple[str, ...] = ()

    def targets(self, declared: Mapping[str, Sequence[str]], /) -> tuple[str, ...]:
        return ()

    def edges(
        self, dependencies: Sequence[Dependency], frameworks: Sequence[str], target: str | None, extras: frozenset[str], /
    ) -> tuple[Edge, ...]:
        return tuple(
            sorted({Edge(name=one.name, range=one.range) for one in dependencies if one.condition in {"", target or one.condition}})
        )


class Sizes(Everywhere):
    """A condition is a size, targets are sizes in colours."""

    keys = ("sizes", "colours")

    def targets(self, declared: Mapping[str, Sequence[str]], /) -> tuple[str, ...]:
        for text in (text for texts in declared.values() for text in texts):
            if not text.isalnum():
                message = f"{text!r} has other characters than letters and digits"
                raise ValueError(message)
        colours = declared.get("colours", [""])
        return tuple(dict.fromkeys(f"{size} {colour}".strip() for size in declared.get("sizes", [""]) for colour in colours))
