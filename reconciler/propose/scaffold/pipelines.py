"""The CI of a new repository: the same steps for GitHub Actions and for GitLab CI.

A pull request is checked and planned on a machine that holds no feeds and gets no secret that writes. What has landed is applied by one
run at a time, on a runner that keeps the store. Nothing of the repository is executed, and no text of a pull request stands in a
command: branch names come as variables.

https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax
https://docs.gitlab.com/ci/yaml/
"""

from __future__ import annotations

from typing import Final

from reconciler.declare.quoting import in_block, in_flow
from reconciler.propose.scaffold.choices import Choices
from reconciler.wire import token_variable

CHECKOUT: Final = "actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2"
SETUP_PYTHON: Final = "actions/setup-python@a309ff8b426b58ec0e2a45f0f869d46889d02405 # v6.2.0"
"""Pinned by commit: a tag can be moved to anything."""
PYTHON: Final = "3.13"

ADVISORIES: Final = 'reconciler advisories update || echo "The last good advisories stay in use."'
KEPT_COMMENT: Final = "The store in feeds.yaml is a folder: a runner of your own keeps it from run to run."


def _github_start(how: str) -> str:
    return f"""\
      - uses: {CHECKOUT}
        with: {how}
      - uses: {SETUP_PYTHON}
        with: {{python-version: "{PYTHON}"}}
      - name: Install
        run: sh -c "$RECONCILER_INSTALL"
"""


GITHUB_JOBS: Final = f"""\
jobs:
  pull-request:
    if: github.event_name == 'pull_request'
    runs-on: ubuntu-latest
    steps:
{_github_start("{fetch-depth: 0, persist-credentials: false}")}\
      - name: Check
        run: reconciler check --base "origin/$GITHUB_BASE_REF"
      - name: Advisories
        run: {ADVISORIES}
      - name: Plan
        run: reconciler plan --format github

  apply:
    if: github.event_name != 'pull_request'
    runs-on: self-hosted    # {KEPT_COMMENT}
    concurrency: {{group: reconciler-apply, cancel-in-progress: false}}
    steps:
{_github_start("{fetch-depth: 0, persist-credentials: false, clean: false}")}\
      - name: Advisories
        run: {ADVISORIES}
      - name: Apply
        if: github.event_name == 'push'
        run: reconciler apply
      - name: Apply and compare with what is stored
        if: github.event_name == 'schedule'
        run: reconciler apply --refresh
"""


def github_workflow(choices: Choices) -> str:
    """.github/workflows/reconciler.yml."""
    branch = in_flow(choices.branch)
    reviews = "  pull-requests: read    # reviews count, see policies/forge.yaml\n" if choices.forge else ""
    token = f"  {token_variable(choices.forge.api('github'))}: ${{{{ github.token }}}}\n" if choices.forge else ""
    return f"""\
# reconciler in CI. Written by `reconciler init`; yours to change.
name: reconciler

on:
  pull_request:
    branches: [{branch}]
  push:
    branches: [{branch}]
  schedule:
    - cron: "17 4 * * *"    # advisories, upstream marks and feed storage change without a commit

permissions:
  contents: read
{reviews}
env:
  RECONCILER_INSTALL: {in_block(choices.install, column=2)}
  RECONCILER_APPLIER: github-actions
{token}
{GITHUB_JOBS}"""


TARGET: Final = "$CI_MERGE_REQUEST_TARGET_BRANCH_NAME"
GITLAB_JOBS: Final = f"""\
merge-request:
  extends: .reconciler
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
  script:
    - git fetch --quiet origin "+refs/heads/{TARGET}:refs/remotes/origin/{TARGET}"
    - reconciler check --base "origin/{TARGET}"
    - {ADVISORIES}
    - reconciler plan

apply:
  extends: .reconciler
  # {KEPT_COMMENT}
  tags: [reconciler]
  resource_group: reconciler-apply
  variables: {{GIT_CLEAN_FLAGS: none}}
  rules:
    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH && $CI_PIPELINE_SOURCE == "schedule"
      variables: {{REFRESH: --refresh}}
    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH
  script:
    - {ADVISORIES}
    - reconciler apply $REFRESH
"""


def gitlab_pipeline(choices: Choices) -> str:
    """.gitlab-ci.yml. A pipeline of a merge request has its branch as origin's, its target only once it was fetched."""
    reviews = ""
    if choices.forge is not None:
        variable = token_variable(choices.forge.api("gitlab"))
        reviews = (
            f"# Reviews count (policies/forge.yaml): set {variable}, masked, to a token with the scope read_api under Settings > CI/CD.\n"
        )
    return f"""\
# reconciler in CI. Written by `reconciler init`; yours to change.
# Add a schedule, say once a day, under Build > Pipeline schedules: advisories, upstream marks and feed storage change without a commit.
{reviews}variables:
  RECONCILER_INSTALL: {in_block(choices.install, column=2)}
  RECONCILER_APPLIER: gitlab-ci
  GIT_DEPTH: "0"

.reconciler:
  image: python:{PYTHON}
  before_script:
    - sh -c "$RECONCILER_INSTALL"

{GITLAB_JOBS}"""
