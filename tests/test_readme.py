"""The README says what the program does: its examples are read by the program itself, its tables name what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reconciler.cli import COMMANDS, EXIT_CODES
from reconciler.decide.rights import Ask, decide_right
from reconciler.declare.load import load_approval, load_rules
from reconciler.declare.schema import json_schema
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.model.declared import TASKS
from reconciler.model.words import FeedName

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FEEDS, PERMISSIONS, APPROVAL = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)


def test_every_command_is_told_and_none_that_is_not_there():
    told = set(re.findall(r"`reconciler ([a-z]+)", README)) | set(re.findall(r"^\$ reconciler ([a-z]+)", README, re.MULTILINE))
    assert told == set(COMMANDS)


def test_the_example_is_a_declaration_and_the_answers_are_right():
    rules = load_rules({"feeds.yaml": FEEDS.encode(), "policies/permissions.yaml": PERMISSIONS.encode()}, ECOSYSTEMS)
    ask = Ask(task="promote-packages", source=FeedName("public-nuget"), target=FeedName("approved-nuget"))
    grace, alan = (decide_right(rules.permissions, user, ask) for user in ("grace", "alan"))
    assert f"yes: {grace.line}\n" in README
    assert not alan.allowed


def test_the_approval_is_the_one_in_this_repository():
    shown = load_approval("", APPROVAL.encode())
    ours = load_approval("", (ROOT / "approvals/approved-nuget/Newtonsoft.Json/13.0.3.yaml").read_bytes())
    assert (shown.files, shown.reason) == (ours.files, ours.reason)


@pytest.mark.parametrize("kind", ["feeds", "permissions", "approval"])
def test_every_key_is_in_the_reference(kind):
    for key in json_schema(kind)["properties"]:
        assert f"`{key}" in README, key


def test_every_task_and_exit_code_is_in_the_reference():
    assert not [task for task in TASKS if f"`{task}`" not in README]
    codes = README[README.index("exit with 0 done") :].split("\n\n")[0]
    assert set(map(int, re.findall(r"\b(\d+) [a-z]", codes))) == {0, 1, 2, 3, 64, *EXIT_CODES.values()}
