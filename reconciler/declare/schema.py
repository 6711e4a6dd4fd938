"""The shapes of feeds.yaml and an approval: pydantic models, and the JSON Schemas that all shapes give.

One shape serves both: the check of every pass, and an editor's completion (`reconciler schema approval`; JSON Schema draft
2020-12, https://json-schema.org/draft/2020-12). What concerns more than one value (unknown names, cycles, usage against
connectors) is checked in `feeds.py`, `permissions.py` and `approvals.py`. The shape of policies/permissions.yaml is in
`permissions_schema.py`, those of the other files under policies/ are in `policies.py` and `waivers.py`. A key that is not here is an
error: a misspelt `expire:` must not mean "never".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from reconciler.declare.permissions_schema import PermissionsFile
from reconciler.declare.policies import ForgeFile, PolicyFile, policy_shape
from reconciler.declare.scalars import (
    Action,
    AdvisorySource,
    AliensOption,
    Bound,
    By,
    ClosureOption,
    ContentHash,
    Day,
    Digest,
    FeedReference,
    FeedUsage,
    FileName,
    Filter,
    NewFeedName,
    OneLine,
    PublicUrl,
    Size,
    Targets,
    Text,
    Upstream,
)
from reconciler.declare.waivers import WaiverFile
from reconciler.model.declared import OSV
from reconciler.model.text import Shape, duration_text

Kind: TypeAlias = Literal["feeds", "permissions", "forge", "waiver", "approval"]


# --- feeds.yaml ---------------------------------------------------------------------------------------------------------------


class ConnectorShape(Shape):
    """Where packages of a proxy feed come from."""

    model_config = ConfigDict(title="Connector")

    upstream: Upstream = Field(
        description="A well-known name (nuget.org), an http(s) address without credentials, a folder, or feed:<name> for a feed of this file.",
        examples=["nuget.org", "https://packages.example/v3/index.json", "./upstream", "feed:public-nuget"],
    )
    filters: list[Filter] = Field(
        default=[],
        description="Name patterns. A package is blocked if a !pattern matches, else allowed if there is no plain pattern or one matches.",
        examples=[["*", "!Rubbishsoft.*"]],
    )


class FeedShape(Shape):
    """One feed."""

    model_config = ConfigDict(title="Feed")

    type: OneLine = Field(description="The ecosystem of its packages.", examples=["nuget", "pypi"])
    usage: FeedUsage = Field(description="proxy: shows what upstream has. approved: holds what was promoted into it.")
    connectors: list[ConnectorShape] = Field(
        default=[], description="Upstreams of a proxy feed, in order: the first one that has the name of a package owns it."
    )
    promotes_from: list[FeedReference] = Field(
        default=[], description="The feeds that packages may be promoted from into this approved feed.", examples=[["public-nuget"]]
    )
    aliens: AliensOption | None = Field(
        default=None,
        description="Approved feeds: what becomes of files in feed storage that nobody approved or recorded. Default: report.",
        examples=["quarantine"],
        json_schema_extra={"default": "report"},
    )
    dependencies: ClosureOption | None = Field(
        default=None,
        description="Approved feeds: where no approved version satisfies a dependency, hold (require), tell (warn) or ignore it. Default: warn.",
        examples=["require"],
        json_schema_extra={"default": "warn"},
    )
    targets: dict[OneLine, Targets] | None = Field(
        default=None,
        min_length=1,
        description="Approved feeds: what dependencies are judged for. nuget: frameworks. pypi: python, platforms. npm has none. Default: any.",
        examples=[{"frameworks": ["net8.0", "net48"]}, {"python": ["3.11", "3.12"], "platforms": ["linux_x86_64", "win_amd64"]}],
    )


class LimitsShape(Shape):
    """How much one pass may change in one feed."""

    model_config = ConfigDict(title="Limits")

    withdrawals: Bound | None = Field(
        default=None,
        description='Withdrawals: a count, or a share of the listed versions, rounded up, at least 1. Default: "10%".',
        examples=["10%", 25],
        json_schema_extra={"default": "10%"},
    )
    promotions: Bound | None = Field(default=None, description="Promotions, likewise. Default: no limit.", examples=[500])


class AdvisoriesShape(Shape):
    """Where advisories about packages come from."""

    model_config = ConfigDict(title="Advisories")

    source: AdvisorySource = Field(
        default=OSV,
        description="osv.dev, or an http(s) address without credentials or a folder: below it lie NuGet/all.zip, PyPI/all.zip, npm/all.zip.",
        examples=[OSV, "https://mirror.example/osv", "./advisories"],
    )


class FeedsFile(Shape):
    """feeds.yaml: the feeds, where they are stored, under which address they are served."""

    model_config = ConfigDict(title="feeds.yaml")

    store: OneLine = Field(default="./.feeds", description="Where the feeds are stored: a folder.", examples=["./.feeds"])
    public_url: PublicUrl = Field(
        default="http://127.0.0.1:8080",
        description="The address under which the feeds are served.",
        examples=["https://packages.example.org"],
    )
    feeds: dict[NewFeedName, FeedShape] = Field(description="The feeds by name.")
    limits: LimitsShape | None = Field(default=None, description="How much one pass may change in one feed.")
    advisories: AdvisoriesShape | None = Field(default=None, description="Where `reconciler advisories update` gets advisories from.")


# --- approvals/<feed>/<package>/<version>.yaml --------------------------------------------------------------------------------


class FileShape(Shape):
    """A file that was reviewed: only these bytes may enter."""

    model_config = ConfigDict(title="File")

    size: Size = Field(description="Bytes.", examples=[2447235])
    sha256: Digest = Field(description="SHA-256, in hexadecimal.")
    content_hash: ContentHash | None = Field(
        default=None, description="NuGet: SHA-512, in base64, of the package without its signature, which nuget.org may renew."
    )


class EndorsementShape(Shape):
    """Somebody entitled who stands for an approval that its author was not entitled to make."""

    model_config = ConfigDict(title="Endorsement")

    by: By = Field(description="The id of a user, or an e-mail address: the author of the commit that adds this.", examples=["ada"])
    reason: Text = Field(description="Why.")


class WithdrawalShape(Shape):
    """A version that is taken back. Removing the block approves it again."""

    model_config = ConfigDict(title="Withdrawal")

    action: Action = Field(
        description="unlist: advised against, an exact pin still installs. quarantine: not to be had, though its bytes are kept."
    )
    reason: Text = Field(description="Why it is taken back; clients show it.", examples=["Steals credentials: MAL-2026-1234."])
    since: Day | None = Field(
        default=None,
        description="The day from which on it should not have been used; it decides nothing, the withdrawal holds at once.",
        examples=["2026-11-22"],
    )


class DeprecationShape(Shape):
    """A version that clients are told not to use any more; it stays listed."""

    model_config = ConfigDict(title="Deprecation")

    reason: Text = Field(description="Why; clients show it.", examples=["No longer maintained."])
    use: OneLine | None = Field(default=None, description="What to use instead.", examples=["Newtonsoft.Json 13.0.3"])


class ApprovalFile(Shape):
    """approvals/<feed>/<package>/<version>.yaml: this version may enter this feed, with these files."""

    model_config = ConfigDict(title="Approval")

    source: FeedReference | None = Field(
        default=None,
        alias="from",
        description="The feed that it comes from; may be left out where there is only one.",
        examples=["public-nuget"],
    )
    reason: Text = Field(description="Why it is approved: what was looked at, and who needs it.")
    ticket: OneLine | None = Field(default=None, description="Where it was asked for.", examples=["SEC-123"])
    required_by: list[OneLine] = Field(
        default=[],
        description="The packages for whose sake it was approved; `approve --with-dependencies` writes it, nothing is judged by it.",
        examples=[["rich 15.0.0"]],
    )
    expires: Day | None = Field(default=None, description="The day from which on (00:00 UTC) it is not approved.", examples=["2027-11-22"])
    files: dict[FileName, FileShape] = Field(min_length=1, description="All files of the version that were reviewed, by name.")
    withdrawn: WithdrawalShape | None = Field(default=None, description="The version is taken back: how, and why.")
    deprecated: DeprecationShape | None = Field(default=None, description="Clients are told not to use the version: why, and what instead.")
    endorsed: list[EndorsementShape] = Field(default=[], description="Who stands for it besides its author.")


SHAPES: Final[Mapping[Kind, type[Shape]]] = {
    "feeds": FeedsFile,
    "permissions": PermissionsFile,
    "forge": ForgeFile,
    "waiver": WaiverFile,
    "approval": ApprovalFile,
}


class EditorSchema(GenerateJsonSchema):
    """Pydantic's generator, less what strict YAML does not have: null, and keys that fit no pattern."""

    def nullable_schema(self, schema: Any) -> dict[str, Any]:
        return self.generate_inner(schema["schema"])

    def encode_default(self, dft: Any) -> Any:
        """Of a rule's parameters all together, too: durations have no other text than their own."""
        if isinstance(dft, BaseModel):
            return {name: self.encode_default(value) for name, value in dft}
        return duration_text(dft) if isinstance(dft, timedelta) else super().encode_default(dft)

    def default_schema(self, schema: Any) -> dict[str, Any]:
        """With its default, but none for a mapping, since each of its keys says its own, and none that says nothing: a key that is left
        out is not an empty list."""
        default = schema.get("default")
        says_nothing = default is None or default == [] or isinstance(default, BaseModel)
        return self.generate_inner(schema["schema"]) if says_nothing else super().default_schema(schema)

    def dict_schema(self, schema: Any) -> dict[str, Any]:
        generated = super().dict_schema(schema)
        return {**generated, "additionalProperties": False} if "patternProperties" in generated else generated


def json_schema(kind: Kind) -> dict[str, Any]:
    """The JSON Schema of a file of this kind, for an editor that reads YAML 1.2."""
    schema = SHAPES[kind].model_json_schema(by_alias=True, schema_generator=EditorSchema)
    return {"$schema": EditorSchema.schema_dialect, **schema}


def policy_schema(rules: Mapping[str, type[BaseModel]]) -> dict[str, Any]:
    """The JSON Schema of the policy files: one of the rules, each with its own parameters."""
    shapes = [policy_shape(rule, params) for rule, params in sorted(rules.items())]
    named, schema = models_json_schema([(shape, "validation") for shape in shapes], schema_generator=EditorSchema)
    told = {"title": PolicyFile.model_config["title"], "description": (PolicyFile.__doc__ or "").strip()}
    return {"$schema": EditorSchema.schema_dialect, **told, "oneOf": [named[(shape, "validation")] for shape in shapes], **schema}
