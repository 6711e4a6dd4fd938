"""What kinds of things a declaration may speak of: ecosystems of feeds, rules of policies. Tables of other folders, handed in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from reconciler.ecosystems.interface import Ecosystem
from reconciler.model.declared import Policy, Rules
from reconciler.model.verdicts import Unmet
from reconciler.model.waivers import Waivable


@dataclass(frozen=True, kw_only=True, slots=True)
class Kinds:
    """Ecosystems by the `type:` of a feed; the shape of a rule's `params:` by its `rule:`; why a policy can be satisfied by nobody;
    how a waiver may name what a rule says."""

    ecosystems: Mapping[str, Ecosystem]
    rules: Mapping[str, type[BaseModel]]
    unmet: Callable[[Policy, Rules], Unmet | None]
    waivable: Mapping[str, Waivable]
