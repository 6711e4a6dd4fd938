"""What `reconciler reanchor` has done, as JSON; every later report repeats the rows."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from reconciler.show.contract import ReanchoredRow


class ReanchorV1(BaseModel):
    """`reconciler reanchor --format json`."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schema_: Literal["reanchor/v1"] = Field(default="reanchor/v1", alias="schema")
    commit: str
    reanchored: list[ReanchoredRow]
