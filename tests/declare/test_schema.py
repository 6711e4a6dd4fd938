import json

import jsonschema
import pytest
import yaml

from reconciler.declaration import KINDS as OF_DECLARATIONS
from reconciler.declare.load import load_approval, load_rules
from reconciler.declare.schema import SHAPES, json_schema, policy_schema
from reconciler.errors import DeclarationInvalid
from tests.declare.ecosystems import KINDS
from tests.declare.test_approvals import FULL, SHA, SMALL
from tests.declare.test_feeds import WHOLE as FEEDS
from tests.declare.test_permissions import ED25519, keys_of
from tests.declare.test_permissions import WHOLE as PERMISSIONS

FORGE = "type: github\nproject: acme/approvals\n"
POLICY = """\
rule: review
feeds: ["approved-*"]
on_violation: deny
on_existing: alert
params: {min_assurance: reviewed, approvers: 2, author_counts: true, rule_files: false}
"""
REFUSED = [
    ("feeds", "feeds: {}\nfeed: {}\n"),
    ("feeds", "feeds: {UI: {type: x, usage: proxy}}\n"),
    ("feeds", "feeds: {f: {type: x, usage: private}}\n"),
    ("feeds", "feeds: {f: {type: x, usage: proxy, connectors: null}}\n"),
    ("feeds", "feeds: {}\nlimits: {withdrawals: ten}\n"),
    ("permissions", "permissions: [{allow: administer, deny: administer, user: ada}]\n"),
    ("permissions", "permissions: [{allow: administer}]\n"),
    ("permissions", keys_of("      - ssh-ed25519\n")),
    ("permissions", keys_of("      - ssh-dss AAAAB3NzaC1kc3M=\n")),
    ("permissions", keys_of("      - {valid_from: 2026-01-01}\n")),
    ("permissions", keys_of(f"      - {{key: {ED25519}, expires: 2026-01-01}}\n")),
    ("permissions", keys_of(f"      - {{key: {ED25519}, revoked: true}}\n")),
    ("permissions", "users: {a: {name: A, gitlab: 0}}\npermissions: []\n"),
    ("permissions", "permissions: [{allow: view-and-download, user: ada, feeds: []}]\n"),
    ("approval", "reason: x\n"),
    ("approval", SMALL + "expires: tomorrow\n"),
    ("approval", SMALL + "ticket: null\n"),
    ("approval", SMALL + "withdrawn: {action: unlist}\n"),
    ("approval", SMALL + "withdrawn: {reason: x}\n"),
    ("approval", SMALL + "withdrawn: {action: delete, reason: x}\n"),
    ("approval", SMALL + "withdrawn: {action: unlist, reason: x, until: 2027-01-01}\n"),
    ("approval", SMALL + "withdrawn: null\n"),
    ("approval", SMALL + "deprecated: true\n"),
    ("approval", SMALL + "deprecated: {use: x}\n"),
    ("feeds", "feeds: {f: {type: x, usage: approved, promotes_from: [p], aliens: delete}}\n"),
    ("feeds", "feeds: {f: {type: x, usage: approved, promotes_from: [p], dependencies: hold}}\n"),
    ("feeds", "feeds: {f: {type: x, usage: approved, promotes_from: [p], targets: {}}}\n"),
    ("feeds", "feeds: {f: {type: x, usage: approved, promotes_from: [p], targets: {sizes: []}}}\n"),
    ("feeds", "feeds: {f: {type: x, usage: approved, promotes_from: [p], targets: {sizes: [[a]]}}}\n"),
    ("approval", SMALL.replace("size: 1", "size: -1")),
    ("approval", SMALL.replace(SHA, "abc")),
    ("approval", SMALL.replace("a-1.0.zip", "'../x'")),
    ("approval", "reason: x\nfiles: {}\n"),
    ("forge", "project: acme/approvals\n"),
    ("forge", "{type: gitea, project: acme/approvals}\n"),
    ("forge", "{type: github, project: approvals}\n"),
    ("forge", "{type: github, project: acme/approvals, token: secret}\n"),
    ("forge", "{type: github, project: acme/approvals, url: 'https://me:secret@github.example.org'}\n"),
    ("policy", "feeds: ['*']\n"),
    ("policy", "rule: reviews\n"),
    ("policy", "rule: review\nfeeds: []\n"),
    ("policy", "rule: review\nfeeds: ['approved *']\n"),
    ("policy", "rule: review\non_violation: ignore\n"),
    ("policy", "rule: review\nparams: {min_assurance: known}\n"),
    ("policy", "rule: review\nparams: {approvers: 0}\n"),
    ("policy", "rule: review\nparams: {author_counts: 2}\n"),
    ("policy", "rule: review\nparams: {reviewers: 2}\n"),
]

WHERE = {"forge": "policies/forge.yaml", "policy": "policies/review.yaml"}
KINDS_OF_FILES = (*SHAPES, "policy")


def schema_of(kind):
    return policy_schema(KINDS.rules) if kind == "policy" else json_schema(kind)


def shapes_of(kind):
    """The mappings of a file: that of a policy file is the one of some rule."""
    schema = schema_of(kind)
    return [*([] if kind == "policy" else [schema]), *schema.get("$defs", {}).values()]


class EditorLoader(yaml.SafeLoader):
    """YAML as an editor reads it (1.2, core schema): numbers and booleans, but no dates."""


EditorLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(("timestamp", "merge"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def editor_says(kind, text):
    schema = schema_of(kind)
    checker = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
    value = yaml.load(text, Loader=EditorLoader)  # noqa: S506 a SafeLoader
    return sorted(error.message for error in checker.iter_errors(value))


@pytest.mark.parametrize("kind", KINDS_OF_FILES)
def test_schemas_are_valid_and_named(kind):
    schema = schema_of(kind)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["title"]
    assert schema["description"]


@pytest.mark.parametrize("kind", KINDS_OF_FILES)
def test_every_key_is_described(kind):
    for shape in shapes_of(kind):
        assert shape["additionalProperties"] is False
        assert shape["description"]
        for key, described in shape.get("properties", {}).items():
            assert described.get("description") or "$ref" in described, key


@pytest.mark.parametrize("kind", KINDS_OF_FILES)
def test_null_is_allowed_nowhere(kind):
    assert "'null'" not in str(schema_of(kind))
    assert "None" not in str(schema_of(kind))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("feeds", FEEDS),
        ("feeds", "feeds: {}\n"),
        (
            "feeds",
            "feeds: {f: {type: x, usage: approved, promotes_from: [p], dependencies: require, targets: {python: 3.10, p: [a, 3.11]}}}\n",
        ),
        ("permissions", PERMISSIONS),
        ("forge", FORGE),
        ("forge", "{type: gitlab, url: 'https://gitlab.example.org/api/v4', project: group/sub/approvals}\n"),
        ("policy", POLICY),
        ("policy", "rule: review\n"),
        ("policy", "{rule: review, feeds: approved-nuget, packages: [Contoso.*, 7], params: {}}\n"),
        ("approval", FULL),
        ("approval", SMALL + "ticket: 123\nfrom: 123\n"),
        ("approval", SMALL.replace("Fine.", "1.10")),
        ("approval", SMALL.replace("size: 1", "size: '1'")),
        ("approval", SMALL + "withdrawn: {action: unlist, reason: 7}\ndeprecated: {reason: x, use: 2.0}\n"),
    ],
)
def test_an_editor_accepts_what_we_accept(kind, text):
    assert editor_says(kind, text) == []


def test_an_editor_knows_the_words_and_what_is_meant_by_default():
    shapes = json_schema("approval")["$defs"]
    assert shapes["WithdrawalShape"]["properties"]["action"]["enum"] == ["unlist", "quarantine"]
    assert shapes["WithdrawalShape"]["required"] == ["action", "reason"]
    assert shapes["DeprecationShape"]["required"] == ["reason"]
    aliens = json_schema("feeds")["$defs"]["FeedShape"]["properties"]["aliens"]
    assert (aliens["enum"], aliens["default"]) == (["report", "quarantine"], "report")
    dependencies = json_schema("feeds")["$defs"]["FeedShape"]["properties"]["dependencies"]
    assert (dependencies["enum"], dependencies["default"]) == (["require", "warn", "off"], "warn")


def test_an_editor_knows_each_rule_with_its_own_parameters():
    schema = schema_of("policy")
    assert schema["oneOf"] == [{"$ref": f"#/$defs/{name}"} for name in schema["$defs"] if "rule" in schema["$defs"][name]["properties"]]
    (review,) = (shape for shape in schema["$defs"].values() if "rule" in shape["properties"])
    assert review["properties"]["rule"]["const"] == "review"
    assert review["required"] == ["rule"]
    params = schema["$defs"][review["properties"]["params"]["$ref"].rpartition("/")[2]]["properties"]
    assert (params["approvers"]["default"], params["min_assurance"]["enum"]) == (1, ["claimed", "signed", "reviewed"])


def test_the_schema_of_all_rules_there_are_has_no_null_and_each_default_as_it_is_written():
    schema = policy_schema(OF_DECLARATIONS.rules)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert "None" not in str(schema)
    for shape in schema["$defs"].values():
        for key, described in shape["properties"].items():
            if key != "params" and "default" in described:
                text = json.dumps({"rule": "x", key: described["default"]})
                assert not list(jsonschema.Draft202012Validator(described).iter_errors(yaml.load(text, Loader=EditorLoader)[key])), text  # noqa: S506 a SafeLoader


@pytest.mark.parametrize(
    "text", [POLICY, "rule: review\n", "{rule: review, feeds: approved-nuget, packages: [Contoso.*, 7], params: {}}\n"]
)
def test_the_policies_that_the_editor_was_shown_are_accepted(text):
    administrators = "users: {a: {name: A, github: 1}, b: {name: B, github: 2}, c: {name: C, github: 3}}\n"
    permissions = f"{administrators}permissions: [{{allow: administer, user: everyone}}]\n"
    files = {"feeds.yaml": FEEDS.encode(), "policies/permissions.yaml": permissions.encode()}
    rules = load_rules({**files, "policies/review.yaml": text.encode(), "policies/forge.yaml": FORGE.encode()}, KINDS)
    assert [policy.rule for policy in rules.policies] == ["review"]
    assert rules.forge is not None
    assert rules.forge.project == "acme/approvals"


@pytest.mark.parametrize(("kind", "text"), [case for case in REFUSED if case[0] in WHERE])
def test_what_the_editor_refuses_of_policies_is_refused(kind, text):
    files = {"feeds.yaml": FEEDS.encode(), "policies/permissions.yaml": b"permissions: []\n"}
    with pytest.raises(DeclarationInvalid):
        load_rules({**files, WHERE[kind]: text.encode()}, KINDS)


def test_what_the_editor_was_shown_is_accepted():
    load_rules({"feeds.yaml": FEEDS.encode(), "policies/permissions.yaml": b"permissions: []\n"}, KINDS)
    for text in (FULL, SMALL + "ticket: 123\nfrom: 123\n", SMALL.replace("size: 1", "size: '1'")):
        load_approval("x.yaml", text.encode())


@pytest.mark.parametrize(("kind", "text"), REFUSED)
def test_an_editor_refuses_what_we_refuse(kind, text):
    assert editor_says(kind, text) != []
