"""How CI installs this program: as it is installed here.

Never by its bare name from whatever index CI asks first: that might be somebody else's package. `direct_url.json` beside an installed
distribution says where it came from (https://packaging.python.org/en/latest/specifications/direct-url/, PEP 610); there is none where it came
from an index, and nothing says from which.
"""

from __future__ import annotations

import shlex
from typing import Literal

from pydantic import BaseModel, ValidationError


class _Commit(BaseModel):
    vcs: Literal["git"]
    commit_id: str


class _Origin(BaseModel):
    url: str
    vcs_info: _Commit | None = None


def install_command(direct_url: str | None) -> str | None:
    """The command for what came from the place that a direct_url.json names; None where only a person can say: for what came from an
    index (`direct_url` None), from a folder and the like."""
    if direct_url is None:
        return None
    try:
        origin = _Origin.model_validate_json(direct_url)
    except ValidationError:
        return None
    if origin.vcs_info is None or not origin.url.startswith("https://"):
        return None
    source = f"{origin.vcs_info.vcs}+{origin.url}@{origin.vcs_info.commit_id}"
    return f"pip install {shlex.quote(source)}"
