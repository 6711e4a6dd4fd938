"""The README says what the program does: its examples are read by the program itself, its tables name what there is."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.cli import COMMANDS, EXIT_CODES
from reconciler.decide.rights import Ask, decide_right
from reconciler.decide.rules.interface import Subject, applies
from reconciler.decide.waiver_report import idle_problems
from reconciler.declaration import KINDS
from reconciler.declare.load import at_their_keys, load_approval, load_approvals, load_rules, rule_files
from reconciler.declare.schema import SHAPES, json_schema, policy_schema
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.errors import DeclarationInvalid
from reconciler.model.declared import TreeFile
from reconciler.model.permissions import TASKS
from reconciler.model.words import BlobId, FeedName, PackageKey

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
FEEDS, PERMISSIONS, APPROVAL, KNOWN_USERS, FORGE, REVIEW, LICENSES, VULNERABILITIES, NAMES, CLOSED, AGE, WAIVER = BLOCKS
"""Every block of YAML, in order; a new one belongs here, and into a test that reads it."""
REFERENCE = README[README.index("## Configuration") :]


def test_every_command_is_told_and_none_that_is_not_there():
    told = set(re.findall(r"`reconciler ([a-z]+)", README)) | set(re.findall(r"^\$ reconciler ([a-z]+)", README, re.MULTILINE))
    assert told == set(COMMANDS)


def test_the_example_is_a_declaration_and_the_answers_are_right():
    rules = load_rules({"feeds.yaml": FEEDS.encode(), "policies/permissions.yaml": PERMISSIONS.encode()}, KINDS)
    ask = Ask(task="promote-packages", source=FeedName("public-nuget"), target=FeedName("approved-nuget"))
    grace, alan = (decide_right(rules.permissions, user, ask) for user in ("grace", "alan"))
    assert f"yes: {grace.line}\n" in README
    assert not alan.allowed


def test_users_with_keys_and_accounts_the_forge_and_the_policy_are_a_declaration_together():
    permissions = KNOWN_USERS + PERMISSIONS[PERMISSIONS.index("groups:") :]
    texts = {
        "feeds.yaml": FEEDS,
        "policies/permissions.yaml": permissions,
        "policies/forge.yaml": FORGE,
        "policies/review.yaml": REVIEW,
    }
    with pytest.raises(DeclarationInvalid) as caught:
        load_rules({path: text.encode() for path, text in texts.items()}, KINDS)
    assert str(caught.value) in README, "one administrator alone cannot review the own changes of the rules"
    texts["policies/permissions.yaml"] += "  - {allow: administer, user: grace}\n"
    rules = load_rules({path: text.encode() for path, text in texts.items()}, KINDS)
    assert rules.forge is not None
    assert rules.forge.project == "acme/approvals"
    assert {user for user, known in rules.permissions.users.items() if known.signing_keys} == {"grace"}
    assert [known.github for known in rules.permissions.users.values()] == [4711, 4712, 4713]
    (policy,) = rules.policies
    assert (policy.rule, policy.params.min_assurance, policy.params.approvers) == ("review", "reviewed", 1)
    assert applies(policy, Subject(feed=FeedName("approved-nuget"), package=PackageKey("newtonsoft.json")))


def test_the_waiver_is_one_from_the_policy_beside_it_and_what_check_says_of_it_is_in_the_text():
    texts = {
        "feeds.yaml": FEEDS,
        "policies/permissions.yaml": PERMISSIONS,
        "policies/age.yaml": AGE,
        "policies/waivers/newtonsoft-fix.yaml": WAIVER,
        "policies/waivers/newtonsoft-old.yaml": WAIVER.replace("13.0.1", "12.0.1"),
        "approvals/approved-nuget/Newtonsoft.Json/13.0.1.yaml": APPROVAL,
    }
    files = [TreeFile(path=path, mode="100644", blob=BlobId(path), data=text.encode()) for path, text in texts.items()]
    rules = load_rules(rule_files(files), KINDS)
    approvals = load_approvals(files, rules, ecosystems=ECOSYSTEMS)
    assert not approvals.malformed
    ended, unmatched = (
        at_their_keys(idle_problems(rules, approvals, ECOSYSTEMS, datetime(2026, *day, tzinfo=UTC)), files)[0]
        for day in ((12, 5), (11, 28))
    )
    assert f"Error: {ended}\n{unmatched}\n" in README
    (policy,) = rules.policies
    assert policy.rule == rules.waivers[0].rule
    assert policy.params.min_age == timedelta(days=7)


def test_the_approval_is_the_one_in_this_repository():
    shown = load_approval("", APPROVAL.encode())
    ours = load_approval("", (ROOT / "approvals/approved-nuget/Newtonsoft.Json/13.0.3.yaml").read_bytes())
    assert (shown.files, shown.reason) == (ours.files, ours.reason)


@pytest.mark.parametrize("kind", SHAPES)
def test_every_key_is_in_the_reference(kind):
    for key in json_schema(kind)["properties"]:
        assert f"`{key}" in README, key


def test_every_key_of_a_policy_and_every_parameter_of_its_rule_is_in_the_reference():
    for shape in policy_schema(KINDS.rules)["$defs"].values():
        for key in shape["properties"]:
            assert f"`{key}`" in REFERENCE, key
    for rule in KINDS.rules:
        assert f"`{rule}`" in REFERENCE, rule


def test_every_task_and_exit_code_is_in_the_reference():
    assert not [task for task in TASKS if f"`{task}`" not in README]
    codes = README[README.index("exit with 0 done") :].split("\n\n")[0]
    assert set(map(int, re.findall(r"\b(\d+) [a-z]", codes))) == {0, 1, 2, 3, 64, *EXIT_CODES.values()}
