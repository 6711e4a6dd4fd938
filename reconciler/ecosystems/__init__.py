"""The ecosystems, one row each. They are unaware of each other; nothing else in `reconciler` names one of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reconciler.ecosystems.interface import Ecosystem, Get

from . import npm, nuget, pypi

ECOSYSTEMS: Final[Mapping[str, Ecosystem]] = {
    "npm": npm,
    "nuget": nuget,
    "pypi": pypi,
}

__all__ = ["ECOSYSTEMS", "Ecosystem", "Get"]
