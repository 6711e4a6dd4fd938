from datetime import date

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.declare.characters import HIDDEN_IN_TEXT
from reconciler.declare.load import load_approval
from reconciler.declare.write import new_approval
from reconciler.errors import Refused
from reconciler.model.declared import Approval, ApprovedFile, Deprecation, Endorsement, Withdrawal
from reconciler.model.words import FeedName, Sha256

SHA = "5ec4a0ab" * 8
HASH = "HrC5BXdl" * 10 + "HrC5BX=="


def approval(**changed):
    said = {
        "source": FeedName("public-nuget"),
        "reason": "MIT, no known advisories, asked for by the billing service.",
        "ticket": "SEC-123",
        "expires": date(2027, 11, 22),
        "files": (ApprovedFile(name="newtonsoft.json.13.0.3.nupkg", size=2447235, sha256=Sha256(SHA), content_hash=HASH),),
        "endorsed": (),
        "withdrawn": None,
        "deprecated": None,
    }
    return Approval(**{**said, **changed})


def test_a_new_approval_looks_as_in_the_design():
    assert new_approval(approval()) == (
        "from: public-nuget\n"
        "reason: MIT, no known advisories, asked for by the billing service.\n"
        "ticket: SEC-123\n"
        "expires: 2027-11-22\n"
        "files:\n"
        f"  newtonsoft.json.13.0.3.nupkg: {{size: 2447235, sha256: {SHA}, content_hash: {HASH}}}\n"
    )


def test_what_is_not_said_is_left_out():
    files = (
        ApprovedFile(name="b.whl", size=1, sha256=Sha256("1" * 64), content_hash=None),
        ApprovedFile(name="a.whl", size=0, sha256=Sha256("a" * 64), content_hash=None),
    )
    text = new_approval(approval(source=None, ticket="", expires=None, files=files, endorsed=(Endorsement(by="ada", reason="a, b"),)))
    assert text == (
        "reason: MIT, no known advisories, asked for by the billing service.\n"
        "files:\n"
        f"  a.whl: {{size: 0, sha256: {'a' * 64}}}\n"
        f'  b.whl: {{size: 1, sha256: "{"1" * 64}"}}\n'
        "endorsed:\n"
        '  - {by: ada, reason: "a, b"}\n'
    )


def test_for_whose_sake_it_is_approved_stands_in_one_line():
    text = new_approval(approval(required_by=("rich 15.0.0", "@a/b 1.0"), expires=None))
    assert 'ticket: SEC-123\nrequired_by: [rich 15.0.0, "@a/b 1.0"]\nfiles:\n' in text


@pytest.mark.parametrize(
    ("reason", "written"),
    [
        ("Fine.", "reason: Fine."),
        ("Für größere Mengen", "reason: Für größere Mengen"),
        ("see https://x.example/a?b=c (it's \"good\")", "reason: see https://x.example/a?b=c (it's \"good\")"),
        ("fine 😀", 'reason: "fine 😀"'),
        ("/srv, +1", "reason: /srv, +1"),
        ("+1", 'reason: "+1"'),
        ("ratio 1: 2", 'reason: "ratio 1: 2"'),
        ("closes #12", 'reason: "closes #12"'),
        ("1.10", 'reason: "1.10"'),
        ("1e3", 'reason: "1e3"'),
        ("0o17", 'reason: "0o17"'),
        ("12:30", 'reason: "12:30"'),
        ("2027-11-22", 'reason: "2027-11-22"'),
        ("no", 'reason: "no"'),
        ("Y", 'reason: "Y"'),
        ("null", 'reason: "null"'),
        ("~", 'reason: "~"'),
        ("- a", 'reason: "- a"'),
        ("{a", 'reason: "{a"'),
        ("a ", 'reason: "a "'),
        ("a\tb", 'reason: "a\\tb"'),
        ("a\u00a0b", 'reason: "a\\u00A0b"'),
        ("a\U000e0041b", 'reason: "a\\U000E0041b"'),
        ("a\nb", "reason: |-\n  a\n  b"),
        ("a\n\n- b: c #d\n", "reason: |\n  a\n\n  - b: c #d"),
        ("a\n\n", 'reason: "a\\n\\n"'),
        (" a\nb", 'reason: " a\\nb"'),
        ("a\n b\n", "reason: |\n  a\n   b"),
        ("a \nb", 'reason: "a \\nb"'),
        ("x" * 5000, f"reason: {'x' * 5000}"),
    ],
)  # fmt: skip
def test_quotes_stand_only_where_they_are_needed(reason, written):
    text = new_approval(approval(source=None, reason=reason))
    assert text.split("\nticket:")[0] == written
    assert load_approval("x.yaml", text.encode()).reason == reason
    assert yaml.safe_load(text)["reason"] == reason


def test_a_withdrawal_and_a_deprecation_stand_between_files_and_endorsements():
    said = approval(
        withdrawn=Withdrawal(action="quarantine", reason="Steals credentials.\nSee MAL-2026-1.\n", since=date(2026, 11, 20)),
        deprecated=Deprecation(reason="No longer maintained.", use="Newtonsoft.Json 13.0.4"),
        endorsed=(Endorsement(by="ada", reason="Read it."),),
    )
    assert new_approval(said) == new_approval(approval()) + (
        "withdrawn:\n"
        "  action: quarantine\n"
        "  reason: |\n"
        "    Steals credentials.\n"
        "    See MAL-2026-1.\n"
        "  since: 2026-11-20\n"
        "deprecated:\n"
        "  reason: No longer maintained.\n"
        "  use: Newtonsoft.Json 13.0.4\n"
        "endorsed:\n"
        "  - {by: ada, reason: Read it.}\n"
    )


def test_of_a_withdrawal_and_a_deprecation_what_is_not_said_is_left_out():
    said = approval(withdrawn=Withdrawal(action="unlist", reason="no", since=None), deprecated=Deprecation(reason="1.10", use=""))
    assert new_approval(said).endswith('withdrawn:\n  action: unlist\n  reason: "no"\ndeprecated:\n  reason: "1.10"\n')


TEXTS = st.text(max_size=60) | st.text(alphabet="ab 01.:#-\n'\"{}[],&*!|>%@`~=<\t\\", max_size=40)
NAMES = st.from_regex(r"[A-Za-z0-9_+~!(é][A-Za-z0-9._+~!( é#:,{-]{0,30}", fullmatch=True)
FILES = st.builds(
    ApprovedFile,
    name=NAMES,
    size=st.integers(0, 2**53),
    sha256=st.sampled_from(["0" * 64, "1" * 30 + "e" + "1" * 33, "ab" * 32]).map(Sha256),
    content_hash=st.none() | st.sampled_from([HASH, "0" * 86 + "=="]),
)


def withdrawals(texts):
    return st.builds(Withdrawal, action=st.sampled_from(["unlist", "quarantine"]), reason=texts, since=st.none() | st.dates())


def deprecations(texts, lines):
    return st.builds(Deprecation, reason=texts, use=st.just("") | lines)


def approvals(texts, lines, *, fewest):
    """Approvals of at least so many files that say these texts."""
    files = st.lists(FILES, min_size=fewest, max_size=3, unique_by=lambda file: file.name)
    endorsements = st.builds(Endorsement, by=st.sampled_from(["ada", "no", "12", "a@b.example"]), reason=texts)
    return st.builds(
        Approval,
        source=st.none() | st.sampled_from(["public", "1e3", "007", "no"]).map(FeedName),
        reason=texts,
        ticket=st.just("") | lines,
        expires=st.none() | st.dates(),
        files=files.map(lambda found: tuple(sorted(found, key=lambda file: file.name))),
        endorsed=st.lists(endorsements, max_size=2).map(tuple),
        required_by=st.lists(lines, max_size=2).map(tuple),
        withdrawn=st.none() | withdrawals(texts),
        deprecated=st.none() | deprecations(texts, lines),
    )


APPROVALS = approvals(TEXTS, TEXTS, fewest=0)
SAYABLE = TEXTS.map(lambda text: HIDDEN_IN_TEXT.sub("", text)).map(lambda text: text if text.strip() else f"{text}x")
LINES = SAYABLE.map(lambda text: text.replace("\n", " ")).map(lambda text: text if text.strip() else "x")


def can_be_said(text):
    return bool(text.strip()) and not HIDDEN_IN_TEXT.search(text)


def use_of(said):
    return said.deprecated.use if said.deprecated else ""


def texts_of(said):
    lines = [*(text for text in (said.ticket, use_of(said)) if text), *said.required_by]
    return [said.reason, *lines, *(block.reason for block in (*said.endorsed, said.withdrawn, said.deprecated) if block)]


def is_sayable(said):
    return (
        bool(said.files)
        and all(map(can_be_said, texts_of(said)))
        and not any("\n" in line for line in (said.ticket, use_of(said), *said.required_by))
    )


@given(APPROVALS)
def test_what_is_written_is_read_back_or_refused(said):
    try:
        text = new_approval(said)
    except Refused:
        assert not is_sayable(said)
        return
    assert load_approval("x.yaml", text.encode()) == said
    plain = yaml.safe_load(text)
    assert plain["reason"] == said.reason
    assert [e["reason"] for e in plain.get("endorsed", [])] == [e.reason for e in said.endorsed]
    assert {key: plain[key]["reason"] for key in ("withdrawn", "deprecated") if key in plain} == {
        key: block.reason for key, block in (("withdrawn", said.withdrawn), ("deprecated", said.deprecated)) if block
    }
    assert {name: file["sha256"] for name, file in plain["files"].items()} == {file.name: file.sha256 for file in said.files}
    assert {name: file["size"] for name, file in plain["files"].items()} == {file.name: file.size for file in said.files}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"reason": " "}, "this cannot be written as an approval: reason: found ' ', expected a text that is not empty"),
        (
            {"reason": "a\x1b[31mb"},
            (
                "this cannot be written as an approval: reason: found the escaped hidden character U+001B, "
                "expected only characters that a reader sees (no control characters, no bidirectional controls)"
            ),
        ),
        (
            {"reason": "a\u202eb"},
            (
                "this cannot be written as an approval: reason: found the escaped hidden character U+202E, "
                "expected only characters that a reader sees (no control characters, no bidirectional controls)"
            ),
        ),
        ({"files": ()}, "this cannot be written as an approval: files: found none, expected at least one"),
        (
            {"endorsed": (Endorsement(by="Ada@Example.org", reason="x"),)},
            "the approval cannot be written so that it reads the same (addresses in lower case, no doubled file names)",
        ),
    ],
)
def test_what_cannot_be_said_is_refused(changed, message):
    with pytest.raises(Refused) as caught:
        new_approval(approval(**changed))
    assert str(caught.value) == message


def test_half_a_character_is_refused():
    with pytest.raises(Refused):
        new_approval(approval(reason="a\ud800"))
