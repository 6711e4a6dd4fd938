import itertools
from datetime import date

import pytest

from reconciler.declare.permissions import read_permissions
from reconciler.model.permissions import Line, Permission, Permissions, SigningKey, User
from reconciler.model.words import FeedName

FEEDS = ("approved-numbers", "public-numbers")

ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIME3Gi76CVwtWPOgt2zE470QWmlp6E0beMOQuaG3iRdL"
ED25519_PRINT = "SHA256:sg/MDyejKXzS13DaHhSYSXwI16kxWJ4bVByE06fqrOo"
ECDSA = (
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBPG/0dPKnPgMTiX2FlHMUeMTXQaBQHfT6KpDv15Ua+4GAIJwpjgwkJuuzFTt"
    "lPQvy/bVCbuYUzZOG+h5J4hLnt0="
)
ECDSA_PRINT = "SHA256:Oiz00cl5qarK1sh3fGLq7mF92q5oNFBYTqlg3T41YVw"

WHOLE = f"""\
users:
  ada: {{name: Ada Lovelace, emails: [Ada@Example.org, ada@home.example], github: 4711}}
  grace:
    name: Grace Hopper
    emails: [grace@example.org]
    signing_keys:
      - {ED25519} grace@laptop, the new one
      - key: {ECDSA}
        valid_from: 2026-01-01
        valid_until: 2027-01-01
        revoked: 2026-05-01
    gitlab: 4711
  alan: {{name: Alan Turing}}
groups:
  administrators: [ada]
  senior-developers: [ada, grace]
  developers: [alan, "@senior-developers"]
  everybody: ["@developers", "@administrators"]
  nobody: []
permissions:
  - {{allow: promote-packages, group: senior-developers, from: public-numbers}}
  - {{allow: view-and-download, group: developers, feeds: [approved-numbers]}}
  - {{allow: administer, group: administrators}}
  - deny: promote-packages
    user: grace
    to: [approved-numbers, public-numbers]
  - {{allow: view-and-download, user: anonymous, feeds: [approved-numbers]}}
  - {{allow: manage-tokens, user: everyone}}
"""

USERS = "users:\n  ada: {name: Ada, emails: [a@x.example]}\ngroups:\n  g: [ada]\n"


def told(text):
    return [str(problem).removeprefix("policies/permissions.yaml:") for problem in read_permissions(text.encode(), FEEDS).problems]


def line(number):
    return Line(path="policies/permissions.yaml", line=number)


def permission(**changed):
    unsaid = {"allow": True, "source": None, "target": None, "feeds": None}
    return Permission(**{**unsaid, **changed})


GRACES_KEYS = (
    SigningKey(key=ED25519, fingerprint=ED25519_PRINT, valid_from=None, valid_until=None, revoked=None, where=line(7)),
    SigningKey(
        key=ECDSA,
        fingerprint=ECDSA_PRINT,
        valid_from=date(2026, 1, 1),
        valid_until=date(2027, 1, 1),
        revoked=date(2026, 5, 1),
        where=line(8),
    ),
)


def test_a_whole_file():
    public, approved = FeedName("public-numbers"), FeedName("approved-numbers")
    read = read_permissions(WHOLE.encode(), FEEDS)
    assert read.problems == ()
    assert read.permissions == Permissions(
        users={
            "ada": User(id="ada", name="Ada Lovelace", emails=frozenset({"ada@example.org", "ada@home.example"}), github=4711),
            "grace": User(
                id="grace", name="Grace Hopper", emails=frozenset({"grace@example.org"}), github=None, gitlab=4711, signing_keys=GRACES_KEYS
            ),
            "alan": User(id="alan", name="Alan Turing", emails=frozenset(), github=None),
        },
        groups={
            "administrators": frozenset({"ada"}),
            "senior-developers": frozenset({"ada", "grace"}),
            "developers": frozenset({"alan", "ada", "grace"}),
            "everybody": frozenset({"alan", "ada", "grace"}),
            "nobody": frozenset(),
        },
        permissions=(
            permission(task="promote-packages", kind="group", principal="senior-developers", source=frozenset({public}), where=line(21)),
            permission(task="view-and-download", kind="group", principal="developers", feeds=frozenset({approved}), where=line(22)),
            permission(task="administer", kind="group", principal="administrators", where=line(23)),
            permission(
                allow=False, task="promote-packages", kind="user", principal="grace", target=frozenset({approved, public}), where=line(24)
            ),
            permission(task="view-and-download", kind="anonymous", principal="anonymous", feeds=frozenset({approved}), where=line(27)),
            permission(task="manage-tokens", kind="everyone", principal="everyone", where=line(28)),
        ),
    )


TASKS = "one of: administer, manage-feed, manage-tokens, promote-packages, publish-packages, view-and-download"
PRINCIPAL = "expected a name of A-Z, a-z, 0-9, '.', '_', '-', not everyone or anonymous"
KEYS = "expected one of: allow, deny, feeds, from, group, to, user"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("users: {}\n", ["1: permissions: found nothing (missing key), expected a list"]),
        ("permissions: {a: b}\n", ["1: permissions: found a mapping, expected a list"]),
        ("permissions: [x]\n", ["1: permissions[0]: found 'x', expected a mapping"]),
        ("users: {everyone: {name: x}}\npermissions: []\n", [f"1: users.everyone: found 'everyone', {PRINCIPAL}"]),
        ("users: {a/b: {name: x}}\npermissions: []\n", [f"1: users['a/b']: found 'a/b', {PRINCIPAL}"]),
        ("groups: {anonymous: []}\npermissions: []\n", [f"1: groups.anonymous: found 'anonymous', {PRINCIPAL}"]),
        ("users: {ada: {}}\npermissions: []\n", ["1: users.ada.name: found nothing (missing key), expected one line of text"]),
        (
            "users:\n  ada:\n    name: Ada\n    signing_key: x\npermissions: []\n",
            ["4: users.ada.signing_key: found an unknown key, expected one of: emails, github, gitlab, name, signing_keys"],
        ),
        ("users: {a: {name: A, gitlab: ada}}\npermissions: []\n", ["1: users.a.gitlab: found 'ada', expected the number of a GitLab account"]),
        ("users: {a: {name: A, github: ada}}\npermissions: []\n", ["1: users.a.github: found 'ada', expected the number of a GitHub account"]),
        ("users: {a: {name: A, github: 0}}\npermissions: []\n", ["1: users.a.github: found '0', expected the number of a GitHub account"]),
        ("users: {a: {name: A, github: ٣}}\npermissions: []\n", ["1: users.a.github: found '٣', expected the number of a GitHub account"]),
        ("users: {a: {name: A, emails: [a.x]}}\npermissions: []\n", ["1: users.a.emails[0]: found 'a.x', expected an e-mail address"]),
        ("users: {a: {name: A, emails: a@x.example}}\npermissions: []\n", ["1: users.a.emails: found 'a@x.example', expected a list"]),
        (
            ("users:\n  a: {name: A, emails: [x@y.example], github: 7, gitlab: 8}\n"
            "  b: {name: B, emails: [X@Y.example], github: 7, gitlab: 8}\n  c: {name: C, github: 8, gitlab: 7}\npermissions: []\n"),
            [
                "3: users.b.emails[0]: found 'x@y.example', which 'a' has too, expected one user for it",
                "3: users.b.github: found '7', which 'a' has too, expected one user for it",
                "3: users.b.gitlab: found '8', which 'a' has too, expected one user for it",
            ],
        ),
        (
            "users: {ada: {name: A}}\ngroups:\n  g:\n    - bob\n    - '@h'\n    - everyone\n    - '@'\npermissions: []\n",
            ["7: groups.g[3]: found '@', expected the id of a user, or the name of a group as in \"@developers\""],
        ),
        (
            "users: {ada: {name: A}}\ngroups:\n  g:\n    - bob\n    - '@h'\n    - everyone\npermissions: []\n",
            [
                "4: groups.g[0]: found the unknown user 'bob', expected ada",
                "5: groups.g[1]: found the unknown group 'h', expected g",
                "6: groups.g[2]: found the reserved user everyone, expected users that are declared, in a group",
            ],
        ),
        (
            "groups:\n  a: ['@b']\n  b: ['@a']\n  c: ['@c']\npermissions: []\n",
            [
                "2: groups.a: found a cycle (a -> b -> a), expected groups that do not lead back here",
                "4: groups.c: found a cycle (c -> c), expected groups that do not lead back here",
            ],
        ),
        (
            USERS + "permissions:\n  - {allow: promote, user: ada}\n  - {user: ada}\n  - {allow: administer}\n",
            [
                f"6: permissions[0].allow: found 'promote', expected {TASKS}",
                "7: permissions[1]: found neither allow nor deny, expected either allow or deny",
                "8: permissions[2]: found neither user nor group, expected either user or group",
            ],
        ),
        (
            USERS + "permissions:\n  - {allow: administer, deny: administer, user: ada, group: g}\n",
            [
                "6: permissions[0]: found allow and deny, expected either allow or deny",
                "6: permissions[0]: found user and group, expected either user or group",
            ],
        ),
        (
            USERS + "permissions:\n  - {allow: administer, user: bob}\n  - {allow: administer, group: everyone}\n  - {allow: administer, usr: x}\n",
            [
                f"8: permissions[2].usr: found an unknown key, {KEYS}",
                "6: permissions[0].user: found the unknown user 'bob', expected ada",
                "7: permissions[1].group: found the unknown group 'everyone', expected g",
            ],
        ),
        (
            USERS
            + "permissions:\n"
            + "  - {allow: administer, user: ada, feeds: public-numbers}\n"
            + "  - {allow: manage-tokens, user: ada, to: public-numbers}\n"
            + "  - {allow: promote-packages, user: ada, feeds: [public-numbers]}\n"
            + "  - {allow: view-and-download, user: ada, from: public-numbers}\n",
            [
                "6: permissions[0].feeds: found the key feeds with administer, expected no feeds, since the task concerns none",
                "7: permissions[1].to: found the key to with manage-tokens, expected no feeds, since the task concerns none",
                "8: permissions[2].feeds: found the key feeds with promote-packages, expected from, to",
                "9: permissions[3].from: found the key from with view-and-download, expected feeds",
            ],
        ),
        (
            USERS
            + "permissions:\n"
            + "  - {allow: promote-packages, user: ada, from: other, to: [approved-numbers,\n      another]}\n"
            + "  - {allow: view-and-download, user: ada, feeds: []}\n"
            + "  - {allow: view-and-download, user: ada, feeds: A/B}\n"
            + "  - {allow: view-and-download, user: ada, feeds: {a: b}}\n"
            + "  - {allow: view-and-download, user: ada, feeds: [[a]]}\n",
            [
                "8: permissions[1].feeds: found none, expected at least one",
                "9: permissions[2].feeds: found 'A/B', expected the name of a feed",
                "10: permissions[3].feeds: found a mapping, expected a list",
                "11: permissions[4].feeds[0]: found a list, expected the name of a feed",
                "6: permissions[0].from: found the unknown feed 'other', expected one of: approved-numbers, public-numbers",
                "7: permissions[0].to[1]: found the unknown feed 'another', expected one of: approved-numbers, public-numbers",
            ],
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(text, lines):
    assert told(text) == lines


def test_feeds_are_not_judged_where_they_are_not_known():
    text = "permissions: [{allow: view-and-download, user: everyone, feeds: [x]}]\n"
    assert read_permissions(text.encode(), None).problems == ()
    assert len(read_permissions(text.encode(), ()).problems) == 1


def test_groups_may_be_nested_without_limit():
    names = [f"g{i}" for i in range(3000)]
    chain = "".join(f"  {name}: ['@{inner}']\n" for name, inner in itertools.pairwise(names))
    read = read_permissions(f"users: {{ada: {{name: A}}}}\ngroups:\n{chain}  g2999: [ada]\npermissions: []\n".encode(), FEEDS)
    assert read.permissions is not None
    assert read.permissions.groups["g0"] == frozenset({"ada"})


def test_ten_cycles_are_told_at_most():
    groups = "".join(f"  g{i}: ['@g{i}']\n" for i in range(100))
    assert len(told(f"groups:\n{groups}permissions: []\n")) == 10


# --- signing keys -------------------------------------------------------------------------------------------------------------

KEY = "a public key as in a .pub file: one of ssh-ed25519, "


def keys_of(entries, *, more=""):
    return f"users:\n  a:\n    name: A\n    signing_keys:\n{entries}{more}permissions: []\n"


@pytest.mark.parametrize(
    ("entries", "lines"),
    [
        ("      - x\n", [f"5: users.a.signing_keys[0]: found 'x', expected {KEY}"]),
        ("      - {key: x}\n", [f"5: users.a.signing_keys[0].key: found 'x', expected {KEY}"]),
        ("      - [x]\n", ["5: users.a.signing_keys[0]: found a list, expected a public key, or a mapping with one"]),
        (
            f"      - {ED25519}\n      - {{valid_from: 2026-01-01}}\n",
            [f"6: users.a.signing_keys[1].key: found nothing (missing key), expected {KEY}"],
        ),
        (
            f"      - {ED25519}\n      - key: {ECDSA}\n        valid_til: 2026-01-01\n",
            ["7: users.a.signing_keys[1].valid_til: found an unknown key, expected one of: key, revoked, valid_from, valid_until"],
        ),
        (
            f"      - key: {ECDSA}\n        revoked: yes\n",
            ["6: users.a.signing_keys[0].revoked: found 'yes', expected a date as in 2027-11-22"],
        ),
        (
            f"      - key: {ECDSA}\n        valid_from: 2026-01-01\n        valid_until: 2026-01-01\n",
            ["7: users.a.signing_keys[0].valid_until: found '2026-01-01', expected a day after valid_from (2026-01-01)"],
        ),
        (
            f"      - {ED25519}\n      - key: {ED25519} the same under another name\n        revoked: 2026-01-01\n",
            [f"6: users.a.signing_keys[1]: found {ED25519_PRINT} a second time, expected each key once"],
        ),
        (
            "      - |\n        -----BEGIN OPENSSH PRIVATE KEY-----\n        c2VjcmV0\n",
            [
                (
                    "5: users.a.signing_keys[0]: found a private key, expected the line in the .pub file of a new pair,"
                    " since this one is no secret any more"
                )
            ],
        ),
    ],
)
def test_what_is_wrong_with_signing_keys_is_told_with_its_line(entries, lines):
    assert [text.partition("ecdsa-sha2-nistp256,")[0] for text in told(keys_of(entries))] == lines


def test_a_key_belongs_to_one_user():
    other = f"  b:\n    name: B\n    signing_keys:\n      - {{key: {ED25519} b@laptop}}\n"
    expected = [f"9: users.b.signing_keys[0]: found '{ED25519_PRINT}', which 'a' has too, expected one user for it"]
    assert told(keys_of(f"      - {ED25519} a@laptop\n", more=other)) == expected
