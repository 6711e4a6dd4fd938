"""`schema`: JSON Schemas, of the YAML files for editors, and of the reports for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import click
from pydantic import BaseModel

from reconciler.declare.schema import json_schema
from reconciler.show.contract import HISTORY, ApplyV1, CanV1, ExplainV1, PlanV1
from reconciler.show.drift import DriftV1
from reconciler.show.verify import VerifyV1

REPORTS: Final[Mapping[str, type[BaseModel]]] = {
    "plan": PlanV1,
    "apply": ApplyV1,
    "explain": ExplainV1,
    "can": CanV1,
    "drift": DriftV1,
    "verify": VerifyV1,
}
KINDS: Final = ("feeds", "permissions", "approval", "plan", "apply", "history", "explain", "can", "drift", "verify")


@click.command()
@click.argument("kind", type=click.Choice(KINDS))
def schema(kind: str) -> None:
    """Print the JSON Schema of a YAML file (feeds, permissions, approval) or of a JSON report (plan, apply, history, explain, can, drift, verify).

    \b
    Example:
      reconciler schema approval > .vscode/approval.schema.json
    """
    click.echo(json.dumps(_schema(kind), indent=2, ensure_ascii=False))


def _schema(kind: str) -> dict[str, Any]:
    match kind:
        case "feeds" | "permissions" | "approval":
            return json_schema(kind)
        case "history":
            return HISTORY.json_schema(by_alias=True, mode="serialization")
        case _:
            return REPORTS[kind].model_json_schema(by_alias=True, mode="serialization")
