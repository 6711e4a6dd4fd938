import re
from datetime import date
from fractions import Fraction

import pytest

from reconciler.declare.approvals import load_approval, load_approvals
from reconciler.errors import DeclarationInvalid
from reconciler.model.declared import (
    Approval,
    ApprovedFile,
    Connector,
    DeclaredApproval,
    Deprecation,
    Endorsement,
    Feed,
    Limit,
    Rules,
    Settings,
    TreeFile,
    Withdrawal,
)
from reconciler.model.permissions import Line, Permissions
from reconciler.model.words import BlobId, FeedName, Identity, PackageKey, Sha256, VersionKey
from tests.declare.ecosystems import ECOSYSTEMS

SHA = "ab" * 32
HASH = "A" * 86 + "=="
FULL = f"""\
from: public                       # where it comes from
reason: |
  MIT, no known advisories.
  Asked for by billing.
ticket: SEC-123
required_by: [rich 15.0.0, "@a/b 1.0"]
expires: 2027-11-22
files:
  z-1.0.zip: {{size: 0, sha256: {SHA.upper()}}}
  a-1.0.zip:
    size: 9007199254740992
    sha256: {SHA}
    content_hash: {HASH}
endorsed:
  - {{by: Grace@Example.org, reason: Read it.}}
  - {{by: ada, reason: Me too.}}
withdrawn: {{action: quarantine, reason: Steals credentials., since: 2026-11-22}}
deprecated:
  reason: |
    No longer maintained.
  use: b 2.0
"""
SMALL = f"reason: Fine.\nfiles: {{a-1.0.zip: {{size: 1, sha256: {SHA}}}}}\n"


def told(text):
    with pytest.raises(DeclarationInvalid) as caught:
        load_approval("approvals/f/p/1.yaml", text.encode())
    return [str(problem).removeprefix("approvals/f/p/1.yaml:") for problem in caught.value.problems]


def test_a_full_approval():
    assert load_approval("x.yaml", FULL.encode()) == Approval(
        source=FeedName("public"),
        reason="MIT, no known advisories.\nAsked for by billing.\n",
        ticket="SEC-123",
        required_by=("rich 15.0.0", "@a/b 1.0"),
        expires=date(2027, 11, 22),
        files=(
            ApprovedFile(name="a-1.0.zip", size=2**53, sha256=Sha256(SHA), content_hash=HASH),
            ApprovedFile(name="z-1.0.zip", size=0, sha256=Sha256(SHA), content_hash=None),
        ),
        endorsed=(Endorsement(by="grace@example.org", reason="Read it."), Endorsement(by="ada", reason="Me too.")),
        withdrawn=Withdrawal(action="quarantine", reason="Steals credentials.", since=date(2026, 11, 22)),
        deprecated=Deprecation(reason="No longer maintained.\n", use="b 2.0"),
    )


def test_what_a_withdrawal_and_a_deprecation_need_not_say():
    approval = load_approval("x.yaml", (SMALL + "deprecated: {reason: no}\nwithdrawn: {reason: 1.10, action: unlist}\n").encode())
    assert approval.withdrawn == Withdrawal(action="unlist", reason="1.10", since=None)
    assert approval.deprecated == Deprecation(reason="no", use="")


def test_what_looks_like_another_type_is_text():
    text = SMALL.replace("Fine.", "1.10") + "ticket: 0123\nfrom: 1e3\n"
    approval = load_approval("x.yaml", text.encode())
    assert (approval.reason, approval.ticket, approval.source) == ("1.10", "0123", "1e3")


KEYS = "expected one of: deprecated, endorsed, expires, files, from, reason, required_by, ticket, withdrawn"
ACTION = "expected unlist or quarantine"
SIZE = "expected a number of bytes, at most 9007199254740992"
DATE = "expected a date as in 2027-11-22"
SHA256 = "expected 64 hexadecimal digits (SHA-256)"
FILE = "expected a file name: no '/' or '\\', no leading dot, no hidden characters, at most 255 bytes"


def one_file(name="a.zip", size="1", sha256=SHA, rest=""):
    return f"reason: x\nfiles:\n  {name}: {{size: {size}, sha256: {sha256}{rest}}}\n"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("reason: x\n", ["1: files: found nothing (missing key), expected a mapping"]),
        ("reason: x\nfiles: {}\n", ["2: files: found none, expected at least one"]),
        (SMALL.replace("Fine.", "''"), ["1: reason: found '', expected a text that is not empty"]),
        (SMALL.replace("Fine.", '" \\n"'), ["1: reason: found ' \\n', expected a text that is not empty"]),
        (SMALL.replace("Fine.", ""), ["1: reason: found nothing (empty value), expected a value, or the key left out"]),
        (SMALL.replace("reason", "reson"), ["1: reason: found nothing (missing key), expected a text that is not empty", f"1: reson: found an unknown key, {KEYS}"]),
        (SMALL + "withdrawn: {action: unlist}\n", ["3: withdrawn.reason: found nothing (missing key), expected a text that is not empty"]),
        (
            SMALL + "withdrawn:\n  action: delete\n  reason: ' '\n  since: monday\n  until: 2027-01-01\n",
            [
                f"4: withdrawn.action: found 'delete', {ACTION}",
                "5: withdrawn.reason: found ' ', expected a text that is not empty",
                f"6: withdrawn.since: found 'monday', {DATE}",
                "7: withdrawn.until: found an unknown key, expected one of: action, reason, since",
            ],
        ),
        (
            SMALL + "withdrawn: {}\n",
            [
                f"3: withdrawn.action: found nothing (missing key), {ACTION}",
                "3: withdrawn.reason: found nothing (missing key), expected a text that is not empty",
            ],
        ),
        (SMALL + "withdrawn: unlist\n", ["3: withdrawn: found 'unlist', expected a mapping"]),
        (SMALL + "withdrawn:\n", ["3: withdrawn: found nothing (empty value), expected a value, or the key left out"]),
        (SMALL + "deprecated: {use: b 2.0}\n", ["3: deprecated.reason: found nothing (missing key), expected a text that is not empty"]),
        (
            SMALL + "deprecated: {reason: x, use: ' ', message: x}\n",
            [
                "3: deprecated.use: found ' ', expected one line of text",
                "3: deprecated.message: found an unknown key, expected one of: reason, use",
            ],
        ),
        (SMALL + "deprecated:\n  reason: x\n  use: |\n    a\n    b\n", ["5: deprecated.use: found 'a\\nb\\n', expected one line of text"]),
        (SMALL + "deprecated: true\n", ["3: deprecated: found 'true', expected a mapping"]),
        (SMALL + "ticket: |\n  a\n  b\n", ["3: ticket: found 'a\\nb\\n', expected one line of text"]),
        (SMALL + "from: Public\n", ["3: from: found 'Public', expected the name of a feed"]),
        (SMALL + "expires: 2027-1-2\n", [f"3: expires: found '2027-1-2', {DATE}"]),
        (SMALL + "expires: 2027-02-30\n", [f"3: expires: found '2027-02-30', {DATE}"]),
        (SMALL + "expires: 20271122\n", [f"3: expires: found '20271122', {DATE}"]),
        (SMALL + "expires: ٢٠٢٧-11-22\n", [f"3: expires: found '٢٠٢٧-11-22', {DATE}"]),
        (SMALL + "required_by: rich 15.0.0\n", ["3: required_by: found 'rich 15.0.0', expected a list"]),
        (SMALL + 'required_by: [""]\n', ["3: required_by[0]: found '', expected one line of text"]),
        (SMALL + "endorsed: {by: ada}\n", ["3: endorsed: found a mapping, expected a list"]),
        (SMALL + "endorsed:\n  - by: ada\n", ["4: endorsed[0].reason: found nothing (missing key), expected a text that is not empty"]),
        (SMALL + "endorsed: [{by: a b, reason: c}]\n", ["3: endorsed[0].by: found 'a b', expected the id of a user or an e-mail address"]),
        (one_file(size="-1"), [f"3: files['a.zip'].size: found '-1', {SIZE}"]),
        (one_file(size="01"), [f"3: files['a.zip'].size: found '01', {SIZE}"]),
        (one_file(size="1_000"), [f"3: files['a.zip'].size: found '1_000', {SIZE}"]),
        (one_file(size="1e3"), [f"3: files['a.zip'].size: found '1e3', {SIZE}"]),
        (one_file(size="٣"), [f"3: files['a.zip'].size: found '٣', {SIZE}"]),
        (one_file(size="9007199254740993"), [f"3: files['a.zip'].size: found '9007199254740993', {SIZE}"]),
        (one_file(size="9" * 5000), [f"3: files['a.zip'].size: found '{'9' * 80}'..., {SIZE}"]),
        (one_file(size="[1]"), [f"3: files['a.zip'].size: found a list, {SIZE}"]),
        (one_file(sha256="abc"), [f"3: files['a.zip'].sha256: found 'abc', {SHA256}"]),
        (one_file(rest=", content_hash: abc"), ["3: files['a.zip'].content_hash: found 'abc', expected 88 characters of base64 (SHA-512 of the archive without its signature)"]),
        (one_file(rest=", sha512: abc"), ["3: files['a.zip'].sha512: found an unknown key, expected one of: content_hash, sha256, size"]),
        ("reason: x\nfiles:\n  a.zip: 1\n", ["3: files['a.zip']: found '1', expected a mapping"]),
        (
            "reason: x\nfiles:\n  a.zip:\n    url: x\n",
            [
                "3: files['a.zip'].size: found nothing (missing key), " + SIZE,
                "3: files['a.zip'].sha256: found nothing (missing key), " + SHA256,
                "4: files['a.zip'].url: found an unknown key, expected one of: content_hash, sha256, size",
            ],
        ),
        (one_file(name="../a.zip"), [f"3: files['../a.zip']: found '../a.zip', {FILE}"]),
        (one_file(name="'a\\b'"), [f"3: files['a\\\\b']: found 'a\\\\b', {FILE}"]),
        (one_file(name="."), [f"3: files['.']: found '.', {FILE}"]),
        (one_file(name=".."), [f"3: files['..']: found '..', {FILE}"]),
        (one_file(name="''"), [f"3: files['']: found '', {FILE}"]),
        (one_file(name="'a\u00adb'"), [f"3: files['a\\xadb']: found 'a\\xadb', {FILE}"]),
        (one_file(name="é" * 128), [f"3: files['{'é' * 80}'...]: found '{'é' * 80}'..., {FILE}"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(text, lines):
    assert told(text) == lines


def test_a_value_below_its_key_is_told_with_its_own_line():
    assert told("reason: x\nfiles:\n  a.zip:\n    size:\n      many\n    sha256: >-\n      few\n") == [
        f"5: files['a.zip'].size: found 'many', {SIZE}",
        f"6: files['a.zip'].sha256: found 'few', {SHA256}",
    ]


# --- the approvals of a commit ------------------------------------------------------------------------------------------------


def feed(name, usage, *promotes_from, type_="numbers"):
    return Feed(
        name=FeedName(name),
        type=type_,
        usage=usage,
        connectors=(Connector(upstream="x"),) if usage == "proxy" else (),
        promotes_from=tuple(map(FeedName, promotes_from)),
        where=Line(path="feeds.yaml", line=1),
    )


FEEDS = (feed("public", "proxy"), feed("approved", "approved", "public"), feed("stable", "approved", "approved", "public"))
RULES = Rules(
    settings=Settings(
        store="x",
        public_url="http://x.example",
        feeds={f.name: f for f in FEEDS},
        withdrawals=Limit(share=Fraction(1, 10)),
        promotions=None,
    ),
    permissions=Permissions(users={}, groups={}, permissions=()),
)


def file(path, text=SMALL, mode="100644"):
    return TreeFile(path=path, mode=mode, blob=BlobId(f"blob of {path}"), data=text.encode())


def load(*files):
    return load_approvals(files, RULES, ecosystems=ECOSYSTEMS)


def identity(feed_name, package, version):
    return Identity(feed=FeedName(feed_name), package=PackageKey(package), version=VersionKey(version))


def problems(approvals):
    return [str(problem) for malformed in approvals.malformed for problem in malformed.problems]


def test_an_approval_at_its_place():
    approvals = load(file("approvals/approved/Big_Name/1.00.yaml", mode="100755"), file("feeds.yaml", "x: y"))
    assert approvals.found
    assert approvals.malformed == ()
    assert approvals.valid == {
        identity("approved", "big-name", "1.0"): DeclaredApproval(
            identity=identity("approved", "big-name", "1.0"),
            path="approvals/approved/Big_Name/1.00.yaml",
            blob=BlobId("blob of approvals/approved/Big_Name/1.00.yaml"),
            package="Big_Name",
            version="1.00",
            approval=Approval(
                source=FeedName("public"),
                reason="Fine.",
                ticket="",
                expires=None,
                files=(ApprovedFile(name="a-1.0.zip", size=1, sha256=Sha256(SHA), content_hash=None),),
                endorsed=(),
            ),
        )
    }


def test_the_source_that_is_named_is_kept():
    approvals = load(file("approvals/stable/p/1.yaml", SMALL + "from: public\n"))
    assert [one.approval.source for one in approvals.valid.values()] == ["public"]


def test_no_folder_is_not_an_empty_folder():
    assert not load(file("feeds.yaml")).found
    assert load(file("approvals/.gitkeep", "")).found
    assert load(file("approvals/approved/p/README.md", "# Why")) == load(file("approvals/.gitkeep", ""))


def test_what_is_no_file_freezes_its_package():
    approvals = load(
        file("approvals/approved/p/1.yaml", "../../x", mode="120000"),
        file("approvals/approved/q/1.yaml", "", mode="160000"),
        file("approvals/approved/r/1.yaml", "", mode="040000"),
        file("approvals/approved/README.md", "/etc/passwd", mode="120000"),
    )
    assert approvals.valid == {}
    assert problems(approvals) == [
        "approvals/approved/README.md:1: found a symbolic link, expected a regular file",
        "approvals/approved/README.md:1: found 'approvals/approved/README.md', expected approvals/<feed>/<package>/<version>.yaml",
        "approvals/approved/p/1.yaml:1: found a symbolic link, expected a regular file",
        "approvals/approved/q/1.yaml:1: found a submodule, expected a regular file",
        "approvals/approved/r/1.yaml:1: found git's file mode '040000', expected a regular file",
    ]
    assert approvals.frozen() == {("approved", "p"), ("approved", "q"), ("approved", "r")}


def test_a_folder_that_is_a_link_is_no_folder():
    approvals = load(file("approvals", "elsewhere", mode="120000"))
    assert not approvals.found
    assert problems(approvals)[0] == "approvals:1: found a symbolic link, expected a regular file"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("approvals/other/p/1.yaml", "found the unknown feed 'other' in the path, expected one of: approved, stable"),
        ("approvals/public/p/1.yaml", "found 'public' in the path, a proxy feed, expected a feed with usage approved"),
        ("approvals/approved/p/1.txt", "found 'approvals/approved/p/1.txt', expected approvals/<feed>/<package>/<version>.yaml"),
        (
            "approvals/approved/p%20q/1.yaml",
            "found the package name 'p q' in the path, expected one that numbers allows ('p q' is no name)",
        ),
        ("approvals/approved/../p/1.yaml", "found '..', expected a name in each part of the path (not empty, not '.' or '..')"),
    ],
)
def test_a_place_that_means_nothing(path, message):
    approvals = load(file(path))
    assert problems(approvals) == [f"{path}:1: {message}"]
    assert approvals.frozen() == frozenset()


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        ("approvals/approved/p/1%2E0.yaml", SMALL, "1: found 'approvals/approved/p/1%2E0.yaml', expected 'approvals/approved/p/1.0.yaml'"),
        ("approvals/approved/p/1.x.yaml", SMALL, "1: found the version '1.x' in the path, expected one that numbers allows ('1.x' is no version)"),
        ("approvals/approved/p/1.yaml", "a: [", "2: found broken YAML (did not find expected node content while parsing a flow node), expected well-formed YAML"),
        ("approvals/approved/p/1.yaml", SMALL + "from: stable\n", "3: from: found 'stable', expected public"),
        ("approvals/stable/p/1.yaml", SMALL, "1: from: found nothing (missing key), expected one of: approved, public"),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_freezes_its_package(path, text, message):
    approvals = load(file(path, text), file("approvals/approved/other/1.yaml"))
    assert problems(approvals) == [f"{path}:{message}"]
    assert approvals.frozen() == {(path.split("/")[1], "p")}
    assert set(approvals.valid) == {identity("approved", "other", "1")}


def test_two_files_of_one_identity_are_both_wrong():
    one, other, third = (f"approvals/approved/{name}.yaml" for name in ("P_q/1.0", "p-q/1.00", "p_q/01.0"))
    approvals = load(file(one), file(other), file(third, "a: ["), file("approvals/approved/p-q/2.yaml"))
    assert set(approvals.valid) == {identity("approved", "p-q", "2")}
    assert approvals.frozen() == {("approved", "p-q")}
    told_of = {malformed.path: [str(problem) for problem in malformed.problems] for malformed in approvals.malformed}
    said = "1: found a second file of one version (the other: {}), expected one file for each version"
    assert told_of[one] == [f"{one}:{said.format(f'{other!r}, {third!r}')}"]
    assert told_of[other] == [f"{other}:{said.format(f'{one!r}, {third!r}')}"]
    assert re.fullmatch(r"\S+:2: found broken YAML .*", told_of[third][0])
    assert told_of[third][1] == f"{third}:{said.format(f'{one!r}, {other!r}')}"


def test_all_that_is_wrong_with_one_file_is_told():
    approvals = load(file("approvals/stable/p/%31.x.yaml", SMALL + "from: other\n"))
    assert problems(approvals) == [
        "approvals/stable/p/%31.x.yaml:1: found 'approvals/stable/p/%31.x.yaml', expected 'approvals/stable/p/1.x.yaml'",
        "approvals/stable/p/%31.x.yaml:1: found the version '1.x' in the path, expected one that numbers allows ('1.x' is no version)",
        "approvals/stable/p/%31.x.yaml:3: from: found 'other', expected one of: approved, public",
    ]


def test_what_an_ecosystem_says_is_shown_without_effect():
    path = "approvals/approved/p/1%1B%0A.yaml"
    assert problems(load(file(path))) == [
        f"{path}:1: found the version '1\\x1b\\n' in the path, expected one that numbers allows ('1\\x1b\\n' is no version)"
    ]
    long = "approvals/approved/" + "%1B/" * 60 + "1.yaml"
    (line,) = problems(load(file(long)))
    assert line.isprintable()
    assert line.endswith("...)")
