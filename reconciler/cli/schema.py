"""`schema`: JSON Schemas, of the YAML files for editors, and of the reports for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click
from pydantic import BaseModel

from reconciler.declaration import KINDS as OF_DECLARATIONS
from reconciler.declare.schema import json_schema, policy_schema
from reconciler.show.advisories import AdvisoriesV1
from reconciler.show.audited import AuditV1
from reconciler.show.closed import ClosedV1
from reconciler.show.contents import ContentsV1
from reconciler.show.contract import HISTORY, ApplyV1, CanV1, PlanV1
from reconciler.show.drift import DriftV1
from reconciler.show.explained import ExplainV1
from reconciler.show.reanchored import ReanchorV1
from reconciler.show.verify import VerifyV1
from reconciler.show.who import WhoV1

REPORTS: Final[Mapping[str, type[BaseModel]]] = {
    "plan": PlanV1,
    "apply": ApplyV1,
    "explain": ExplainV1,
    "can": CanV1,
    "who": WhoV1,
    "contents": ContentsV1,
    "drift": DriftV1,
    "verify": VerifyV1,
    "reanchor": ReanchorV1,
    "advisories": AdvisoriesV1,
    "closed": ClosedV1,
    "audit": AuditV1,
}
FILES: Final = ("feeds", "permissions", "policy", "waiver", "forge", "approval")
KINDS: Final = (
    *(*FILES, "plan", "apply", "history", "contents", "explain"),
    *("can", "who", "drift", "verify", "reanchor", "advisories", "closed", "audit"),
)


@click.command()
@click.argument("kind", type=click.Choice(KINDS), required=False)
@click.option(
    "--write",
    "target",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write those of all YAML files, DIR/<kind>.json.",
)
@click.pass_obj
def schema(folder: Path, kind: str | None, target: Path | None) -> None:
    """Print the JSON Schema of a YAML file or of a JSON report.

    \b
    feeds         feeds.yaml
    permissions   policies/permissions.yaml
    forge         policies/forge.yaml
    waiver        policies/waivers/<any>.yaml: an exception from a rule
    policy        every other file of policies/: one rule a file
    approval      approvals/<feed>/<package>/<version>.yaml
    All other kinds are reports: what `--format json` of the command prints.

    \b
    Example:
      reconciler schema approval > .vscode/approval.schema.json
      reconciler schema --write .schemas    # and in a file: # yaml-language-server: $schema=.schemas/feeds.json
    """
    if (kind is None) == (target is None):
        message = "say one KIND, or --write DIR for those of all YAML files"
        raise click.UsageError(message)
    if kind is not None:
        click.echo(schema_text(kind), nl=False)
    elif target is not None:
        (folder / target).mkdir(parents=True, exist_ok=True)
        for path, text in ((target / f"{one}.json", schema_text(one)) for one in FILES):
            (folder / path).write_text(text, encoding="utf-8", newline="\n")
            click.echo(path)


def schema_text(kind: str) -> str:
    """The JSON Schema of a kind of `KINDS`, as it is printed and written."""
    return f"{json.dumps(_schema(kind), indent=2, ensure_ascii=False)}\n"


def _schema(kind: str) -> dict[str, Any]:
    match kind:
        case "feeds" | "permissions" | "forge" | "waiver" | "approval":
            return json_schema(kind)
        case "policy":
            return policy_schema(OF_DECLARATIONS.rules)
        case "history":
            return HISTORY.json_schema(by_alias=True, mode="serialization")
        case _:
            return REPORTS[kind].model_json_schema(by_alias=True, mode="serialization")
