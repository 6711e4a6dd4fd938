import time

import pytest

from reconciler.declare.load import is_rule_file, load_approval, load_rules, problems_of, rule_files
from reconciler.declare.wording import one_of
from reconciler.errors import DeclarationInvalid
from reconciler.model.declared import TreeFile
from reconciler.model.words import BlobId
from tests.declare.ecosystems import KINDS

FEEDS = b"""\
feeds:
  public: {type: numbers, usage: proxy, connectors: [{upstream: x}]}
  approved: {type: numbers, usage: approved, promotes_from: [public]}
"""
PERMISSIONS = b"permissions: [{allow: promote-packages, user: everyone, to: approved}]\n"
APPROVAL = b"reason: Fine.\nfiles: {a-1.0.zip: {size: 1, sha256: " + b"ab" * 32 + b"}}\n"


def tree(*files):
    return [TreeFile(path=path, mode=mode, blob=BlobId(path), data=data) for path, data, mode in files]


def sound(**changed):
    files = {"feeds.yaml": FEEDS, "policies/permissions.yaml": PERMISSIONS, "approvals/approved/p/1.yaml": APPROVAL, **changed}
    return tree(*((path, data, "100644") for path, data in files.items() if data is not None))


def told(files):
    return [str(problem) for problem in problems_of(files, KINDS)]


def test_rules_are_read_as_one_unit():
    rules = load_rules(
        {"feeds.yaml": FEEDS, "policies/permissions.yaml": PERMISSIONS, "policies/README.md": b"\xff", "x.yaml": b"["}, KINDS
    )
    assert sorted(rules.settings.feeds) == ["approved", "public"]
    assert [permission.task for permission in rules.permissions.permissions] == ["promote-packages"]


def test_the_problems_of_all_rule_files_are_told_at_once():
    files = {
        "feeds.yaml": b"feeds:\n  public: {type: conda, usage: proxy, connectors: [{upstream: x}]}\n",
        "policies/permissions.yaml": b"permissions: [{allow: promote-packages, user: ada, from: public, to: approved}]\n",
        "policies/licenses.yaml": b"rule: licence\n",
        "policies/permissions.yml": b"",
    }
    with pytest.raises(DeclarationInvalid) as caught:
        load_rules(files, KINDS)
    assert str(caught.value).split("\n") == [
        "feeds.yaml:2: feeds.public.type: found 'conda', expected one of: letters, numbers",
        "policies/permissions.yaml:1: permissions[0].user: found the unknown user 'ada', expected none (there are none yet)",
        "policies/permissions.yaml:1: permissions[0].to: found the unknown feed 'approved', expected public",
        f"policies/licenses.yaml:1: rule: found 'licence', expected {one_of(KINDS.rules)}",
        "policies/permissions.yml:1: found an empty file, expected a mapping",
    ]


def test_rule_files_that_are_missing():
    with pytest.raises(DeclarationInvalid) as caught:
        load_rules({}, KINDS)
    assert str(caught.value).split("\n") == [
        "feeds.yaml:1: found no such file, expected this file",
        "policies/permissions.yaml:1: found no such file, expected this file",
    ]


def test_feeds_that_cannot_be_read_do_not_make_every_feed_unknown():
    with pytest.raises(DeclarationInvalid) as caught:
        load_rules({"feeds.yaml": b"feeds: [\n", "policies/permissions.yaml": PERMISSIONS}, KINDS)
    assert [problem.path for problem in caught.value.problems] == ["feeds.yaml"]


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("feeds.yaml", True),
        ("policies/permissions.yaml", True),
        ("policies/deeper/x.yml", True),
        ("policies/README.md", False),
        ("feeds.yml", False),
        ("approvals/f/p/1.yaml", False),
        ("sub/feeds.yaml", False),
    ],
)
def test_which_files_are_rules(path, is_one):
    assert is_rule_file(path) is is_one


def test_rule_files_out_of_a_commit():
    assert rule_files(sound()) == {"feeds.yaml": FEEDS, "policies/permissions.yaml": PERMISSIONS}
    linked = tree(
        ("feeds.yaml", b"other.yaml", "120000"), ("policies/sub", b"", "160000"), ("policies/permissions.yaml", PERMISSIONS, "100644")
    )
    with pytest.raises(DeclarationInvalid) as caught:
        rule_files(linked)
    assert str(caught.value).split("\n") == [
        "feeds.yaml:1: found a symbolic link, expected a regular file",
        "policies/sub:1: found a submodule, expected a regular file",
    ]


def test_a_sound_declaration_has_no_problems():
    assert told(sound()) == []


def test_everything_that_is_wrong_is_told_at_once():
    files = [
        *sound(
            **{
                "feeds.yaml": b"feed: {}\nfeeds: {}\nlimits: {withdrawals: x}\n",
                "policies/permissions.yaml": b"permissions: [{allow: fly, user: everyone}]\n",
                "approvals/approved/p/1.yaml": b"a: 1\na: 2\n",
                "approvals/approved/.q/1.yaml": b"- x\n",
                "approvals/.gitkeep": b"",
            }
        ),
        *tree(("approvals/approved/r/1.yaml", b"x", "120000")),
    ]
    assert told(files) == [
        "approvals/approved/.q/1.yaml:1: found 'approvals/approved/.q/1.yaml', expected 'approvals/approved/%2Eq/1.yaml'",
        "approvals/approved/.q/1.yaml:1: found a list, expected a mapping",
        "approvals/approved/p/1.yaml:1: reason: found nothing (missing key), expected a text that is not empty",
        "approvals/approved/p/1.yaml:1: files: found nothing (missing key), expected a mapping",
        "approvals/approved/p/1.yaml:2: a: found the key a second time (first in line 1), expected each key once",
        "approvals/approved/r/1.yaml:1: found a symbolic link, expected a regular file",
        "feeds.yaml:1: feed: found an unknown key, expected one of: advisories, feeds, limits, public_url, store",
        "feeds.yaml:3: limits.withdrawals: found 'x', expected a count, or a share as in \"10%\" (more than 0%, at most 100%)",
        (
            "policies/permissions.yaml:1: permissions[0].allow: found 'fly', expected one of: "
            "administer, manage-feed, manage-tokens, promote-packages, publish-packages, view-and-download"
        ),
    ]


def test_approvals_are_judged_by_the_rules_where_those_are_sound():
    assert told(sound(**{"approvals/other/p/1.yaml": APPROVAL})) == [
        "approvals/other/p/1.yaml:1: found the unknown feed 'other' in the path, expected approved"
    ]


def test_a_rule_file_that_is_a_link_is_told_once():
    files = [*sound(**{"feeds.yaml": None}), *tree(("feeds.yaml", b"elsewhere", "120000"))]
    assert told(files) == ["feeds.yaml:1: found a symbolic link, expected a regular file"]


def test_an_approval_is_read_in_less_than_a_third_of_a_millisecond():
    """The fastest of many: a slow machine is not the program's fault, and ten times the mark would be."""
    took = []
    for _ in range(50):
        start = time.perf_counter()
        load_approval("approvals/approved/p/1.yaml", APPROVAL)
        took.append(time.perf_counter() - start)
    assert min(took) < 0.003
