"""The rules that policies may name: one row each, one module each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reconciler.decide.rules import (
    age,
    install_scripts,
    license,  # noqa: A004 - the rule's own name
    namespace,
    provenance,
    review,
    size,
    status,
    vulnerability,
)
from reconciler.decide.rules.interface import Rule

RULES: Final[Mapping[str, Rule]] = {
    "age": age,
    "install-scripts": install_scripts,
    "license": license,
    "namespace": namespace,
    "provenance": provenance,
    "review": review,
    "size": size,
    "status": status,
    "vulnerability": vulnerability,
}
