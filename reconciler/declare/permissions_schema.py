"""The shape of policies/permissions.yaml: pydantic models, for every pass and for the JSON Schema of an editor (`schema.py`).

What concerns more than one value (unknown names, cycles, one key of two users) is checked in `permissions.py`.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from pydantic import ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from reconciler.declare.scalars import (
    FEED_NAME,
    KEY_SCHEMA,
    Day,
    Email,
    FeedReference,
    GithubId,
    GitlabId,
    GroupMember,
    Key,
    OneLine,
    PrincipalName,
    PrincipalReference,
    TaskName,
)
from reconciler.model.text import Shape, one_or_more, refuse

FEED_NAME_SCHEMA: Final = {"type": ["string", "integer"], "pattern": f"^(?:{FEED_NAME.pattern})$"}

Feeds: TypeAlias = Annotated[
    list[FeedReference],
    *one_or_more("the name of a feed, or a list of names", FEED_NAME_SCHEMA),
]


class SigningKeyShape(Shape):
    """An SSH public key: its text alone, or with the days within which it counts."""

    model_config = ConfigDict(title="Signing key")

    key: Key = Field(description="The line in the .pub file.", examples=["ssh-ed25519 AAAA... ada@laptop"])
    valid_from: Day | None = Field(default=None, description="The day from which on (00:00 UTC) it counts.", examples=["2026-01-01"])
    valid_until: Day | None = Field(
        default=None, description="The day from which on (00:00 UTC) it does not count any more.", examples=["2027-01-01"]
    )
    revoked: Day | None = Field(
        default=None,
        description="The day on which it was revoked: it counts for nothing any more, whatever date a commit claims.",
        examples=["2026-05-01"],
    )

    @model_validator(mode="before")
    @classmethod
    def _of_text(cls, value: object) -> object:
        """A text alone is the key."""
        if isinstance(value, str):
            return {"key": value}
        return value if isinstance(value, dict) else refuse("a public key, or a mapping with one")


def _or_text(schema: JsonDict) -> None:
    """For an editor, a key may be a text, too."""
    schema["items"] = {"anyOf": [{**KEY_SCHEMA}, schema["items"]]}


class UserShape(Shape):
    """A person, and the addresses that git commits name them by."""

    model_config = ConfigDict(title="User")

    name: OneLine = Field(description="The name to show.", examples=["Ada Lovelace"])
    emails: list[Email] = Field(default=[], description="Addresses of the author lines of commits.", examples=[["ada@example.org"]])
    signing_keys: list[SigningKeyShape] = Field(
        default=[],
        description="SSH public keys that sign commits.",
        examples=[["ssh-ed25519 AAAA... ada@laptop"]],
        json_schema_extra=_or_text,
    )
    github: GithubId | None = Field(
        default=None, description="The number of the GitHub account, as in <number>+name@users.noreply.github.com.", examples=[4711]
    )
    gitlab: GitlabId | None = Field(default=None, description="The number of the GitLab account.", examples=[4711])


class PermissionShape(Shape):
    """One line: who may, or may not, do what, and where. The most specific line decides."""

    model_config = ConfigDict(
        title="Permission",
        json_schema_extra={
            "allOf": [
                {"oneOf": [{"required": ["allow"]}, {"required": ["deny"]}]},
                {"oneOf": [{"required": ["user"]}, {"required": ["group"]}]},
            ]
        },
    )

    allow: TaskName | None = Field(default=None, description="The task that is allowed.")
    deny: TaskName | None = Field(default=None, description="The task that is denied.")
    user: PrincipalReference | None = Field(
        default=None,
        description="A user's id; everyone (any author of a commit) or anonymous (no credential).",
        examples=["ada", "everyone"],
    )
    group: PrincipalReference | None = Field(default=None, description="A group's name.", examples=["developers"])
    source: Feeds | None = Field(default=None, alias="from", description="promote-packages: out of these feeds. Left out: any.")
    target: Feeds | None = Field(default=None, alias="to", description="promote-packages: into these feeds. Left out: any.")
    feeds: Feeds | None = Field(default=None, description="The other tasks on feeds: these feeds. Left out: any.")


class PermissionsFile(Shape):
    """policies/permissions.yaml: users, groups, who may do what. What no line allows is forbidden."""

    model_config = ConfigDict(title="permissions.yaml")

    users: dict[PrincipalName, UserShape] = Field(default={}, description="Users by id.")
    groups: dict[PrincipalName, list[GroupMember]] = Field(
        default={}, description='Groups by name: ids of users, and "@name" for the members of another group.'
    )
    permissions: list[PermissionShape] = Field(description="Lines; their order means nothing.")
