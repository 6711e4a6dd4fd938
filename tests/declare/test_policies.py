from datetime import timedelta

import pytest

from reconciler.declaration import KINDS
from reconciler.declare.load import load_rules
from reconciler.declare.policies import read_forge, read_policy
from reconciler.declare.wording import one_of
from reconciler.errors import DeclarationInvalid
from reconciler.model.permissions import Line

BASE = {
    "feeds.yaml": b"feeds:\n  public: {type: pypi, usage: proxy, connectors: [{upstream: x}]}\n",
    "policies/permissions.yaml": b"users: {ada: {name: A}, bob: {name: B}}\npermissions: [{allow: administer, user: everyone}]\n",
}


def policy(text):
    return read_policy("policies/review.yaml", text.encode(), KINDS.rules)


def problems(read):
    return [str(problem) for problem in read.problems]


def test_a_policy_with_everything():
    read = policy(
        "# two people\nrule: review\nfeeds: [approved-*]\npackages: Contoso.*\non_violation: deny\non_existing: unlist\n"
        "params: {min_assurance: signed, approvers: 2, author_counts: true, rule_files: false}\n"
    )
    assert read.value is not None
    assert (read.value.rule, read.value.feeds, read.value.packages) == ("review", ("approved-*",), ("Contoso.*",))
    assert (read.value.on_violation, read.value.on_existing, read.value.where) == (
        "deny",
        "unlist",
        Line(path="policies/review.yaml", line=2),
    )
    assert read.value.params.model_dump() == {"min_assurance": "signed", "approvers": 2, "author_counts": True, "rule_files": False}


def test_what_is_left_out_is_the_safe_choice():
    read = policy("rule: review\n")
    assert read.value is not None
    assert (read.value.feeds, read.value.packages, read.value.on_violation, read.value.on_existing) == (("*",), ("*",), "hold", "alert")
    assert read.value.params.model_dump() == {"min_assurance": "claimed", "approvers": 1, "author_counts": False, "rule_files": True}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rule: licence\n", f"policies/review.yaml:1: rule: found 'licence', expected {one_of(KINDS.rules)}"),
        ("feeds: [a]\n", "policies/review.yaml:1: rule: found nothing (missing key), expected the name of a rule"),
        ("rule: [review]\n", f"policies/review.yaml:1: rule: found a list, expected {one_of(KINDS.rules)}"),
        ("- rule: review\n", "policies/review.yaml:1: found a list, expected a mapping"),
        (
            "rule: review\non_violation: refuse\n",
            "policies/review.yaml:2: on_violation: found 'refuse', expected warn, hold or deny",
        ),
        (
            "rule: review\nparams:\n  approvers: 0\n",
            "policies/review.yaml:3: params.approvers: found '0', expected a number from 1 to 10000",
        ),
        (
            "rule: review\nparams:\n  min_assurance: sworn\n",
            "policies/review.yaml:3: params.min_assurance: found 'sworn', expected claimed, signed or reviewed",
        ),
        (
            "rule: review\nparams: {author_counts: yes}\n",
            "policies/review.yaml:2: params.author_counts: found 'yes', expected true or false",
        ),
        (
            "rule: review\nparams: {approver: 2}\n",
            "policies/review.yaml:2: params.approver: found an unknown key, expected one of: approvers, author_counts, min_assurance, rule_files",
        ),
        ("rule: age\n", "policies/review.yaml:1: params: found nothing (missing key), expected a mapping"),
        (
            "rule: age\nparams: {}\n",
            'policies/review.yaml:2: params.min_age: found nothing (missing key), expected a time with its unit, as in "7d" (m, h, d or w)',
        ),
        *(
            (
                f"rule: age\nparams:\n  min_age: {text}\n",
                f'policies/review.yaml:3: params.min_age: found {text!r}, expected a time with its unit, as in "7d" (m, h, d or w)',
            )
            for text in ("7", "7 d", "0d", "07d", "-7d", "1.5d", "7D", "7y", "P7D", "100000d", "\u0667d")
        ),
        *(
            (
                f"rule: size\nparams:\n  max_file: {text}\n",
                f'policies/review.yaml:3: params.max_file: found {text!r}, expected a size with its unit, as in "50 MB" or "2 GiB"',
            )
            for text in ("50", "50 Mb", "50  MB", "0 MB", "0.0001 B", "-1 MB", "1e3 MB", "50 TB", "1.2345 MB", "9999999999 B")
        ),
        (
            "rule: size\nparams: {max_total: 1 GB}\n",
            'policies/review.yaml:2: params.max_file: found nothing (missing key), expected a size with its unit, as in "50 MB" or "2 GiB"',
        ),
        ("rule: status\nparams: {yanked: allow}\n", "policies/review.yaml:2: params.yanked: found 'allow', expected warn, hold or deny"),
        (
            "rule: status\nparams: {deprecated: ignore}\n",
            "policies/review.yaml:2: params.deprecated: found 'ignore', expected allow, warn, hold or deny",
        ),
        (
            "rule: provenance\nparams: {require: both}\n",
            "policies/review.yaml:2: params.require: found 'both', expected any, attestation or signature",
        ),
        (
            "rule: install-scripts\nparams: {allow: [esbuild]}\n",
            "policies/review.yaml:2: params.allow: found an unknown key, expected none (there are none yet)",
        ),
        ("rule: review\nfeeds: []\n", "policies/review.yaml:2: feeds: found none, expected at least one"),
        (
            "rule: review\nfeeds: ['!approved']\n",
            """policies/review.yaml:2: feeds[0]: found '!approved', expected a pattern as in "approved-*": no blanks, brackets or "!\"""",
        ),
    ],
)
def test_what_is_wrong_with_a_policy_is_told_with_line_and_key(text, told):
    assert told in problems(policy(text))


@pytest.mark.parametrize(
    ("rule", "key", "text", "value"),
    [
        ("age", "min_age", "7d", timedelta(days=7)),
        ("age", "min_age", "36h", timedelta(hours=36)),
        ("age", "min_age", "2w", timedelta(days=14)),
        ("age", "min_age", "90m", timedelta(minutes=90)),
        ("size", "max_file", "50 MB", 50_000_000),
        ("size", "max_file", "50MB", 50_000_000),
        ("size", "max_file", "1.5 GiB", 1_610_612_736),
        ("size", "max_file", "3 KB", 3000),
        ("size", "max_file", "1 B", 1),
    ],
)
def test_times_and_sizes_have_a_unit(rule, key, text, value):
    read = policy(f"rule: {rule}\nparams: {{{key}: {text}}}\n")
    assert read.value is not None, problems(read)
    assert getattr(read.value.params, key) == value


def test_a_forge_with_and_without_an_address():
    read = read_forge(b"type: github\nproject: acme/approvals\n")
    assert read.value is not None
    assert (read.value.kind, read.value.url, read.value.project) == ("github", "https://api.github.com", "acme/approvals")
    read = read_forge(b"type: gitlab\nurl: https://git.example.org/api/v4/\nproject: group/sub/approvals\n")
    assert read.value is not None
    assert (read.value.url, read.value.project) == ("https://git.example.org/api/v4", "group/sub/approvals")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("type: gitea\nproject: a/b\n", "type: found 'gitea', expected github or gitlab"),
        ("type: github\nproject: approvals\n", "project: found 'approvals', expected a project as in acme/approvals"),
        ("type: github\nproject: a/../b\n", "project: found 'a/../b', expected a project as in acme/approvals"),
        ("type: github\nproject: a/b?x\n", "project: found 'a/b?x', expected a project as in acme/approvals"),
        ("type: github\nproject: a/b\nurl: http://git.example.org/api/v3\n", "expected an https address: reviews decide who may promote"),
        ("type: github\nproject: a/b\nurl: https://user:secret@git.example.org\n", "url: found"),
    ],
)
def test_a_forge_that_cannot_be_asked_safely_is_refused(text, told):
    read = read_forge(text.encode())
    assert read.value is None
    assert any(told in problem for problem in problems(read))


def test_the_rules_have_their_policies_and_their_forge():
    rules = load_rules(
        {
            **BASE,
            "policies/b.yaml": b"rule: review\n",
            "policies/a.yaml": b"rule: review\n",
            "policies/forge.yaml": b"type: github\nproject: a/b\n",
        },
        KINDS,
    )
    assert [policy.path for policy in rules.policies] == ["policies/a.yaml", "policies/b.yaml"]
    assert rules.forge is not None


def test_a_policy_that_is_wrong_makes_the_rules_wrong():
    with pytest.raises(DeclarationInvalid) as caught:
        load_rules({**BASE, "policies/a.yaml": b"rule: review\nparams: {approvers: two}\n"}, KINDS)
    assert [problem.path for problem in caught.value.problems] == ["policies/a.yaml"]


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAw9FbxFyJjsNeYBaFvvxExw0RGE5XJnxNtCWnUvHUhe"
ONE_ADMINISTRATOR = "permissions: [{allow: administer, user: ada}]\n"
TWO_ADMINISTRATORS = "permissions: [{allow: administer, user: ada}, {allow: administer, user: bob}]\n"
NO_ACCOUNTS = "users: {ada: {name: A}, bob: {name: B}}\n"
ACCOUNTS = "users: {ada: {name: A, github: 1}, bob: {name: B, github: 2}}\n"
OTHER_FORGE = "users: {ada: {name: A, gitlab: 1}, bob: {name: B, gitlab: 2}}\n"
ONE_KEY = f"users: {{ada: {{name: A, signing_keys: ['{KEY}']}}, bob: {{name: B}}}}\n"
ONE_OF_EACH = f"users: {{ada: {{name: A, signing_keys: ['{KEY}']}}, bob: {{name: B, github: 2}}}}\n"
REVOKED = f"users: {{ada: {{name: A, signing_keys: [{{key: '{KEY}', revoked: 2026-01-01}}]}}, bob: {{name: B, github: 2}}}}\n"


def told(permissions, params, on_violation="hold"):
    """What is wrong with rules that ask for reviews of changes of themselves."""
    texts = {
        **BASE,
        "policies/permissions.yaml": permissions.encode(),
        "policies/forge.yaml": b"type: github\nproject: a/b\n",
        "policies/review.yaml": f"rule: review\non_violation: {on_violation}\nparams: {params}\n".encode(),
    }
    try:
        load_rules(texts, KINDS)
    except DeclarationInvalid as error:
        return [str(problem) for problem in error.problems]
    return []


@pytest.mark.parametrize(
    ("permissions", "params"),
    [
        (NO_ACCOUNTS + ONE_ADMINISTRATOR, "{}"),
        (NO_ACCOUNTS + TWO_ADMINISTRATORS, "{approvers: 2}"),
        (NO_ACCOUNTS + TWO_ADMINISTRATORS, "{min_assurance: reviewed}"),
        (OTHER_FORGE + TWO_ADMINISTRATORS, "{min_assurance: reviewed}"),
        (ACCOUNTS + ONE_ADMINISTRATOR, "{min_assurance: reviewed}"),
        (ONE_KEY + TWO_ADMINISTRATORS, "{min_assurance: signed}"),
        (ONE_OF_EACH + TWO_ADMINISTRATORS, "{min_assurance: reviewed}"),
        (REVOKED + TWO_ADMINISTRATORS, "{min_assurance: signed}"),
        ("permissions: [{allow: administer, user: everyone}]\n", "{}"),
    ],
)
def test_rules_that_nobody_could_change_again_are_refused(permissions, params):
    (problem,) = told(permissions, params)
    assert problem.startswith("policies/review.yaml:1: params: found ")
    assert "else nobody could change the rules again (or rule_files: false)" in problem


@pytest.mark.parametrize(
    ("permissions", "params"),
    [
        (NO_ACCOUNTS + TWO_ADMINISTRATORS, "{}"),
        (NO_ACCOUNTS + ONE_ADMINISTRATOR, "{author_counts: true}"),
        (NO_ACCOUNTS + ONE_ADMINISTRATOR, "{rule_files: false}"),
        (ACCOUNTS + TWO_ADMINISTRATORS, "{min_assurance: reviewed}"),
        (ONE_KEY + TWO_ADMINISTRATORS, "{min_assurance: signed, author_counts: true}"),
        (ONE_OF_EACH + TWO_ADMINISTRATORS, "{min_assurance: signed}"),
    ],
)
def test_rules_that_somebody_can_change_again_are_not(permissions, params):
    assert told(permissions, params) == []


def test_who_there_is_and_who_is_missing_is_told():
    (problem,) = told(ACCOUNTS + ONE_ADMINISTRATOR, "{min_assurance: reviewed}")
    assert problem == (
        "policies/review.yaml:1: params: found 1 person who may administer and can be known as reviewed (ada), "
        "expected 2, one of whom may be the author, else nobody could change the rules again (or rule_files: false)"
    )


def test_a_policy_that_only_warns_locks_nobody_out():
    assert told(NO_ACCOUNTS + ONE_ADMINISTRATOR, "{}", on_violation="warn") == []
