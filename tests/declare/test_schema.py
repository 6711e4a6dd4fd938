import jsonschema
import pytest
import yaml

from reconciler.declare.load import load_approval, load_rules
from reconciler.declare.schema import SHAPES, json_schema
from tests.declare.ecosystems import ECOSYSTEMS
from tests.declare.test_approvals import FULL, SHA, SMALL
from tests.declare.test_feeds import WHOLE as FEEDS
from tests.declare.test_permissions import WHOLE as PERMISSIONS


class EditorLoader(yaml.SafeLoader):
    """YAML as an editor reads it (1.2, core schema): numbers and booleans, but no dates."""


EditorLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(("timestamp", "merge"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def editor_says(kind, text):
    schema = json_schema(kind)
    checker = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
    value = yaml.load(text, Loader=EditorLoader)  # noqa: S506 a SafeLoader
    return sorted(error.message for error in checker.iter_errors(value))


@pytest.mark.parametrize("kind", SHAPES)
def test_schemas_are_valid_and_named(kind):
    schema = json_schema(kind)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["title"]
    assert schema["description"]


@pytest.mark.parametrize("kind", SHAPES)
def test_every_key_is_described(kind):
    schema = json_schema(kind)
    for shape in [schema, *schema["$defs"].values()]:
        assert shape["additionalProperties"] is False
        for key, described in shape.get("properties", {}).items():
            assert described.get("description") or "$ref" in described, key


@pytest.mark.parametrize("kind", SHAPES)
def test_null_is_allowed_nowhere(kind):
    assert "'null'" not in str(json_schema(kind))
    assert "None" not in str(json_schema(kind))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("feeds", FEEDS),
        ("feeds", "feeds: {}\n"),
        ("permissions", PERMISSIONS),
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


def test_what_the_editor_was_shown_is_accepted():
    load_rules({"feeds.yaml": FEEDS.encode(), "policies/permissions.yaml": b"permissions: []\n"}, ECOSYSTEMS)
    for text in (FULL, SMALL + "ticket: 123\nfrom: 123\n", SMALL.replace("size: 1", "size: '1'")):
        load_approval("x.yaml", text.encode())


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("feeds", "feeds: {}\nfeed: {}\n"),
        ("feeds", "feeds: {UI: {type: x, usage: proxy}}\n"),
        ("feeds", "feeds: {f: {type: x, usage: private}}\n"),
        ("feeds", "feeds: {f: {type: x, usage: proxy, connectors: null}}\n"),
        ("feeds", "feeds: {}\nlimits: {withdrawals: ten}\n"),
        ("permissions", "permissions: [{allow: administer, deny: administer, user: ada}]\n"),
        ("permissions", "permissions: [{allow: administer}]\n"),
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
        ("approval", SMALL.replace("size: 1", "size: -1")),
        ("approval", SMALL.replace(SHA, "abc")),
        ("approval", SMALL.replace("a-1.0.zip", "'../x'")),
        ("approval", "reason: x\nfiles: {}\n"),
    ],
)
def test_an_editor_refuses_what_we_refuse(kind, text):
    assert editor_says(kind, text) != []
