from dataclasses import replace

import pytest

from reconciler.declaration import KINDS
from reconciler.declare.load import load_rules, problems_of
from reconciler.declare.schema import json_schema
from reconciler.declare.wording import one_of
from reconciler.errors import DeclarationInvalid
from reconciler.model.declared import TreeFile
from reconciler.model.permissions import Line
from reconciler.model.words import BlobId
from tests.declare.test_schema import editor_says

FEEDS = b"""\
feeds:
  public-nuget: {type: nuget, usage: proxy, connectors: [{upstream: x}]}
  approved-nuget: {type: nuget, usage: approved, promotes_from: [public-nuget]}
  public-pypi: {type: pypi, usage: proxy, connectors: [{upstream: x}]}
  approved-pypi: {type: pypi, usage: approved, promotes_from: [public-pypi]}
"""
PERMISSIONS = b"users: {ada: {name: Ada}, grace: {name: Grace}}\npermissions: [{allow: administer, user: ada}]\n"
WAIVER = """\
rule: age
id: GHSA-5crp-9r3c-p9vr
feed: approved-nuget
package: Newtonsoft.Json
versions: ["13.0.1"]
owner: ada
reason: It ends the denial of service that 12.0.3 has.
expires: 2027-01-31
"""
PATH = "policies/waivers/newtonsoft.yaml"
WAIVABLE = one_of(rule for rule, how in KINDS.waivable.items() if how != "no")


def rules(*texts, feeds=FEEDS, permissions=PERMISSIONS, kinds=KINDS):
    files = {"feeds.yaml": feeds, "policies/permissions.yaml": permissions}
    files |= {PATH if i == 0 else f"policies/waivers/more/{i}.yml": text.encode() for i, text in enumerate(texts)}
    return load_rules(files, kinds)


def told(text, **changed):
    try:
        rules(text, **changed)
    except DeclarationInvalid as error:
        return [str(problem) for problem in error.problems]
    return []


def test_a_waiver_as_it_is_written():
    (waiver,) = rules("# a fix\n" + WAIVER).waivers
    assert (waiver.rule, waiver.id, waiver.feeds, waiver.package) == ("age", "GHSA-5crp-9r3c-p9vr", ("approved-nuget",), "Newtonsoft.Json")
    assert (waiver.versions, waiver.range, waiver.owner, str(waiver.expires)) == (("13.0.1",), "", "ada", "2027-01-31")
    assert waiver.reason == "It ends the denial of service that 12.0.3 has."
    assert waiver.where == Line(path=PATH, line=2)


def test_waivers_are_no_policies_and_stand_in_the_order_of_their_paths():
    read = rules(WAIVER, WAIVER.replace("ada", "grace"))
    assert [str(waiver.where) for waiver in read.waivers] == ["policies/waivers/more/1.yml:1", f"{PATH}:1"]
    assert read.policies == ()


@pytest.mark.parametrize(
    "text",
    [
        WAIVER.replace("id: GHSA-5crp-9r3c-p9vr\n", ""),
        WAIVER.replace('versions: ["13.0.1"]', "versions: 13.0.1"),
        WAIVER.replace('versions: ["13.0.1"]', "range: '[12.0.0, 13.0.0)'"),
        WAIVER.replace("feed: approved-nuget", "feed: [approved-nuget, approved-n*]"),
        WAIVER.replace("rule: age\nid: GHSA-5crp-9r3c-p9vr", "rule: size"),
        WAIVER.replace("feed: approved-nuget", "feed: approved-*"),
        WAIVER.replace("Newtonsoft.Json", "NEWTONSOFT.json"),
    ],
)
def test_what_is_accepted(text):
    assert told(text) == []
    assert editor_says("waiver", text) == []


@pytest.mark.parametrize(
    ("old", "new", "problems"),
    [
        ("rule: age", "rule: ages", [f"1: rule: found the unknown rule 'ages', expected {WAIVABLE}"]),
        ("rule: age", "rule: review", [f"1: rule: found 'review', which has no exceptions, expected {WAIVABLE}"]),
        ("rule: age", "rule: size", ["2: id: found the key id, expected no such key, since size is waived as a whole"]),
        (
            "feed: approved-nuget",
            "feed: public-nuget",
            ["3: feed: found 'public-nuget', which matches no approved feed, expected one of: "],
        ),
        ("feed: approved-nuget", "feed: [approved-nuget, nuget-*]", ["3: feed[1]: found 'nuget-*', which matches no approved feed"]),
        ("feed: approved-nuget\n", "", ["1: feed: found nothing (missing key), expected a pattern, or a list of patterns"]),
        ("Newtonsoft.Json", "Newtonsoft Json", ["4: package: found 'Newtonsoft Json', expected a name that nuget allows ("]),
        ("package: Newtonsoft.Json\n", "", ["1: package: found nothing (missing key), expected one line of text"]),
        ('"13.0.1"', "13.0.1, x.1", ["5: versions[1]: found 'x.1', expected a version that nuget allows ("]),
        ('versions: ["13.0.1"]', "versions: x.1", ["5: versions: found 'x.1', expected a version that nuget allows ("]),
        ('versions: ["13.0.1"]', "versions: []", ["5: versions: found none, expected at least one"]),
        ('versions: ["13.0.1"]', "range: '[1.0'", ["5: range: found '[1.0', expected a range that nuget allows ("]),
        ('versions: ["13.0.1"]', "versions: 13.0.1\nrange: 1.0", ["1: found versions and range, expected either versions or range"]),
        ('versions: ["13.0.1"]\n', "", ["1: found neither versions nor range, expected either versions or range"]),
        ("owner: ada\n", "", ["1: owner: found nothing (missing key), expected the name of a user or group"]),
        ("owner: ada", "owner: alan", ["6: owner: found the unknown user 'alan', expected one of: ada, grace"]),
        ("owner: ada", "owner: everyone", ["6: owner: found the unknown user 'everyone', expected one of: ada, grace"]),
        ("It ends the denial of service that 12.0.3 has.", '" "', ["7: reason: found ' ', expected a text that is not empty"]),
        ("expires: 2027-01-31\n", "", ["1: expires: found nothing (missing key), expected a date as in 2027-11-22"]),
        ("2027-01-31", "2027-02-30", ["8: expires: found '2027-02-30', expected a date as in 2027-11-22"]),
        ("2027-01-31", "never", ["8: expires: found 'never', expected a date as in 2027-11-22"]),
        ("expires:", "expiry:", ["8: expiry: found an unknown key", "1: expires: found nothing (missing key)"]),
        ("GHSA-5crp-9r3c-p9vr", "x" * 301, ["2: id: found 'xxxx"]),
        (
            "owner: ada\nreason: It ends the denial of service that 12.0.3 has.\nexpires: 2027-01-31",
            "owner: alan\nreason: x\nexpires: soon\nrange: '*'",
            ["8: expires: found 'soon'"],
        ),
    ],
)
def test_everything_that_is_wrong_is_told_with_file_line_and_key(old, new, problems):
    assert old in WAIVER
    found = told(WAIVER.replace(old, new))
    assert len(found) == len(problems)
    for problem, expected in zip(sorted(found), sorted(f"{PATH}:{one}" for one in problems), strict=True):
        assert problem.startswith(expected)


def test_several_things_are_told_at_once():
    text = (
        WAIVER.replace("rule: age", "rule: ages").replace("ada", "alan").replace('"13.0.1"', "x.1").replace("approved-nuget", "approved-n*")
    )
    assert [problem.split(":")[2].strip() for problem in told(text)] == ["rule", "owner", "versions[0]"]


def test_a_rule_that_is_waived_by_id_needs_one():
    by_id = replace(KINDS, waivable={**KINDS.waivable, "age": "by id"})
    (problem,) = told(WAIVER.replace("id: GHSA-5crp-9r3c-p9vr\n", ""), kinds=by_id)
    assert problem == (
        f"{PATH}:1: id: found nothing (missing key), expected the advisory or license that is waived: age is not waived as a whole"
    )
    assert told(WAIVER, kinds=by_id) == []


def test_what_it_names_must_mean_something_in_every_ecosystem_that_it_is_for():
    text = WAIVER.replace("feed: approved-nuget", "feed: approved-*").replace('["13.0.1"]', '["1.0.0-beta.x"]')
    assert told(text.replace("approved-*", "approved-nuget")) == []
    (problem,) = told(text)
    assert problem.startswith(f"{PATH}:5: versions[0]: found '1.0.0-beta.x', expected a version that pypi allows (")


def test_an_owner_is_not_judged_by_permissions_that_cannot_be_read_nor_a_feed_by_broken_feeds():
    assert [problem.split(":")[0] for problem in told(WAIVER, permissions=b"[\n")] == ["policies/permissions.yaml"]
    assert [problem.split(":")[0] for problem in told(WAIVER, feeds=b"[\n")] == ["feeds.yaml"]


def test_a_waiver_that_is_a_link_is_refused():
    files = {"feeds.yaml": FEEDS, "policies/permissions.yaml": PERMISSIONS}
    tree = [TreeFile(path=path, mode="100644", blob=BlobId(path), data=data) for path, data in files.items()]
    tree.append(TreeFile(path=PATH, mode="120000", blob=BlobId("x"), data=b"../../x.yaml"))
    assert [str(problem) for problem in problems_of(tree, KINDS)] == [f"{PATH}:1: found a symbolic link, expected a regular file"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("owner: ada\n", ""),
        ("expires: 2027-01-31", "expires: never"),
        ('versions: ["13.0.1"]\n', ""),
        ('versions: ["13.0.1"]', "versions: 13.0.1\nrange: 1.0"),
        ('versions: ["13.0.1"]', "versions: []"),
        ("feed: approved-nuget", "feed: ['!approved-nuget']"),
        ("package:", "packages:"),
        ("It ends the denial of service that 12.0.3 has.", "''"),
    ],
)
def test_an_editor_refuses_what_we_refuse(old, new):
    text = WAIVER.replace(old, new)
    assert text != WAIVER
    assert editor_says("waiver", text) != []
    assert told(text) != []


def test_the_schema_says_what_must_be_there():
    schema = json_schema("waiver")
    assert schema["required"] == ["rule", "feed", "package", "owner", "reason", "expires"]
    assert schema["oneOf"] == [{"required": ["versions"]}, {"required": ["range"]}]
