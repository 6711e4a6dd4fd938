"""The rules that policies may name: one row each, one module each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reconciler.decide.rules import review, vulnerability
from reconciler.decide.rules.interface import Rule

RULES: Final[Mapping[str, Rule]] = {
    "review": review,
    "vulnerability": vulnerability,
}
