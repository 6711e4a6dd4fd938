"""A new repository as texts by path: what `reconciler init` writes. Nothing here reads or writes anything.

choices.py     what was chosen: types of feeds, how well approvals must be known, who administers, which CI
rules.py       feeds.yaml and policies/
pipelines.py   the same steps for GitHub Actions and for GitLab CI
remote.py      which project at which forge the address of a remote means
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from reconciler.model.declared import APPROVALS_FOLDER, FEEDS_FILE, FORGE_FILE, PERMISSIONS_FILE, POLICIES_FOLDER
from reconciler.propose.scaffold.choices import Choices
from reconciler.propose.scaffold.pipelines import github_workflow, gitlab_pipeline
from reconciler.propose.scaffold.rules import FIXED_POLICIES, NAMES_EXAMPLE, feeds_yaml, forge_yaml, permissions_yaml, review_yaml

SCHEMAS_FOLDER: Final = ".schemas"
IGNORED: Final = "/.feeds/"
"""The line of .gitignore that matters: feed storage is no part of the declaration."""
APPROVALS_README: Final = """\
# Approvals

One file a version: `<feed>/<package>/<version>.yaml`, written by `reconciler approve FEED PACKAGE -m REASON`, reviewed and merged as any
other change. Its `git log` is the history of that approval. A file is not deleted to take a version back: `reconciler withdraw`.
"""


def scaffold(choices: Choices, schemas: Mapping[str, str]) -> dict[str, str]:
    """Path -> text of every file of the repository. `schemas`: JSON Schemas by kind, for editors; {} for none."""
    declared = {
        FEEDS_FILE: ("feeds", feeds_yaml(choices)),
        PERMISSIONS_FILE: ("permissions", permissions_yaml(choices)),
        **{f"{POLICIES_FOLDER}/{name}": ("policy", text) for name, text in FIXED_POLICIES.items()},
        f"{POLICIES_FOLDER}/review.yaml": ("policy", review_yaml(choices)),
        **({FORGE_FILE: ("forge", forge_yaml(forge, kind))} if (forge := choices.forge) and (kind := choices.forge_kind) else {}),
    }
    return {
        **{path: f"{_schema_line(path, kind) if schemas else ''}{text}" for path, (kind, text) in declared.items()},
        f"{POLICIES_FOLDER}/names.yaml.example": NAMES_EXAMPLE,
        f"{APPROVALS_FOLDER}/README.md": APPROVALS_README,
        ".gitignore": f"{IGNORED}\n",
        **{f"{SCHEMAS_FOLDER}/{kind}.json": text for kind, text in schemas.items()},
        **dict(_pipeline(choices)),
    }


def _schema_line(path: str, kind: str) -> str:
    """What the YAML language server reads of a file (https://github.com/redhat-developer/yaml-language-server); relative to it."""
    return f"# yaml-language-server: $schema={'../' * path.count('/')}{SCHEMAS_FOLDER}/{kind}.json\n"


def _pipeline(choices: Choices) -> Iterator[tuple[str, str]]:
    match choices.ci:
        case "github":
            yield ".github/workflows/reconciler.yml", github_workflow(choices)
            yield "CODEOWNERS", _code_owners(choices, "/.github/")
        case "gitlab":
            yield ".gitlab-ci.yml", gitlab_pipeline(choices)
            yield "CODEOWNERS", _code_owners(choices, "/.gitlab-ci.yml")
        case None:
            return


def _code_owners(choices: Choices, pipeline: str) -> str:
    """Both forges read it at the top level.

    https://docs.github.com/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners
    https://docs.gitlab.com/user/project/codeowners/reference/
    """
    login = choices.administrator.login
    mark, owner = ("", f"@{login}") if login else ("# ", "@LOGIN")
    known = "" if login else "# No account is known yet: take away the marks, and name accounts or teams.\n"
    lines = [f"{mark}{path} {owner}\n" for path in ("/approvals/", "/feeds.yaml", "/policies/", pipeline, "/CODEOWNERS")]
    return (
        "# Whom the forge asks for a review. It grants nothing: who may approve packages or change rules is in policies/permissions.yaml,\n"
        f"# and these lines follow its groups senior-developers (approvals) and administrators (all else).\n{known}{''.join(lines)}"
    )
