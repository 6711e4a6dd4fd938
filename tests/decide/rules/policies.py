"""Policies as their files say them, read by the real reader."""

from __future__ import annotations

import json
from typing import Any

from reconciler.declaration import KINDS
from reconciler.declare.policies import read_policy
from reconciler.model.declared import Policy


def policy_of(rule: str, path: str = "policies/p.yaml", on_violation: str = "deny", **params: Any) -> Policy:
    """The policy that a file with these parameters (texts, or lists of texts) is; its problems fail the test."""
    text = f"rule: {rule}\non_violation: {on_violation}\n" + (f"params: {json.dumps(params)}\n" if params else "")
    read = read_policy(path, text.encode(), KINDS.rules)
    assert read.value is not None, [str(problem) for problem in read.problems]
    return read.value


def problems_of(rule: str, **params: Any) -> list[str]:
    """What is wrong with such a file."""
    read = read_policy("policies/p.yaml", f"rule: {rule}\nparams: {json.dumps(params)}\n".encode(), KINDS.rules)
    return [str(problem) for problem in read.problems]
