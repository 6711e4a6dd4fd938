from datetime import date

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.declare.characters import HIDDEN_IN_TEXT
from reconciler.declare.load import load_approval
from reconciler.declare.write import append_endorsement, new_approval
from reconciler.errors import DeclarationInvalid, Refused
from reconciler.model.declared import Approval, ApprovedFile, Endorsement
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


TEXTS = st.text(max_size=60) | st.text(alphabet="ab 01.:#-\n'\"{}[],&*!|>%@`~=<\t\\", max_size=40)
NAMES = st.from_regex(r"[A-Za-z0-9_+~!(é][A-Za-z0-9._+~!( é#:,{-]{0,30}", fullmatch=True)
FILES = st.builds(
    ApprovedFile,
    name=NAMES,
    size=st.integers(0, 2**53),
    sha256=st.sampled_from(["0" * 64, "1" * 30 + "e" + "1" * 33, "ab" * 32]).map(Sha256),
    content_hash=st.none() | st.sampled_from([HASH, "0" * 86 + "=="]),
)
APPROVALS = st.builds(
    Approval,
    source=st.none() | st.sampled_from(["public", "1e3", "007", "no"]).map(FeedName),
    reason=TEXTS,
    ticket=st.just("") | TEXTS,
    expires=st.none() | st.dates(),
    files=st.lists(FILES, max_size=3, unique_by=lambda file: file.name).map(lambda files: tuple(sorted(files, key=lambda file: file.name))),
    endorsed=st.lists(st.builds(Endorsement, by=st.sampled_from(["ada", "no", "12", "a@b.example"]), reason=TEXTS), max_size=2).map(tuple),
)


def can_be_said(text):
    return bool(text.strip()) and not HIDDEN_IN_TEXT.search(text)


@given(APPROVALS)
def test_what_is_written_is_read_back_or_refused(said):
    try:
        text = new_approval(said)
    except Refused:
        texts = [said.reason, *([said.ticket] if said.ticket else []), *(e.reason for e in said.endorsed)]
        assert not (all(map(can_be_said, texts)) and "\n" not in said.ticket and said.files)
        return
    assert load_approval("x.yaml", text.encode()) == said
    plain = yaml.safe_load(text)
    assert plain["reason"] == said.reason
    assert [e["reason"] for e in plain.get("endorsed", [])] == [e.reason for e in said.endorsed]
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


# --- endorsements -------------------------------------------------------------------------------------------------------------

FILES_LINE = f"files: {{a.zip: {{size: 1, sha256: {SHA}}}}}"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            f"# first\nreason: x   # why\n{FILES_LINE}  # end\n# last\n",
            f"# first\nreason: x   # why\n{FILES_LINE}  # end\nendorsed:\n  - {{by: ada, reason: Read it.}}\n# last\n",
        ),
        (f"{FILES_LINE}\nreason: x", f"{FILES_LINE}\nreason: x\nendorsed:\n  - {{by: ada, reason: Read it.}}\n"),
        (f"{FILES_LINE}\r\nreason: x", f"{FILES_LINE}\r\nreason: x\r\nendorsed:\r\n  - {{by: ada, reason: Read it.}}\r\n"),
        (
            f"\ufeff{FILES_LINE}\nreason: |\n  x\n  # no comment\n\n# comment\n",
            f"\ufeff{FILES_LINE}\nreason: |\n  x\n  # no comment\n\nendorsed:\n  - {{by: ada, reason: Read it.}}\n# comment\n",
        ),
        (f"---\n{FILES_LINE}\nreason: x\n...\n", f"---\n{FILES_LINE}\nreason: x\nendorsed:\n  - {{by: ada, reason: Read it.}}\n...\n"),
        (f"  {FILES_LINE}\n  reason: x\n", f"  {FILES_LINE}\n  reason: x\n  endorsed:\n    - {{by: ada, reason: Read it.}}\n"),
        (
            f"endorsed:\n- by: bob   # he\n  reason: y # so\n# between\n{FILES_LINE}\nreason: x\n",
            f"endorsed:\n- by: bob   # he\n  reason: y # so\n- {{by: ada, reason: Read it.}}\n# between\n{FILES_LINE}\nreason: x\n",
        ),
        (
            f"{FILES_LINE}\nreason: x\nendorsed:\n    - {{by: bob, reason: y}} # c",
            f"{FILES_LINE}\nreason: x\nendorsed:\n    - {{by: bob, reason: y}} # c\n    - {{by: ada, reason: Read it.}}\n",
        ),
        (f"{FILES_LINE}\nreason: x\nendorsed: []\n", f"{FILES_LINE}\nreason: x\nendorsed: [{{by: ada, reason: Read it.}}]\n"),
        (
            f"{FILES_LINE}\nreason: x\nendorsed: [\n  {{by: bob, reason: y}}, # c\n]\n",
            f"{FILES_LINE}\nreason: x\nendorsed: [\n  {{by: bob, reason: y}}, {{by: ada, reason: Read it.}}, # c\n]\n",
        ),
        (f"{{reason: x, {FILES_LINE}}}\n", f"{{reason: x, {FILES_LINE}, endorsed: [{{by: ada, reason: Read it.}}]}}\n"),
    ],
)
def test_an_endorsement_is_put_in_and_the_rest_stays(before, after):
    assert append_endorsement("a.yaml", before, by="ada", reason="Read it.") == after
    assert load_approval("a.yaml", after.encode()).endorsed[-1] == Endorsement(by="ada", reason="Read it.")


@given(said=APPROVALS, by=st.sampled_from(["ada", "no", "Ada@X.example"]), reason=TEXTS)
def test_endorsing_changes_nothing_else(said, by, reason):
    try:
        text = new_approval(said)
        extended = append_endorsement("a.yaml", text, by=by, reason=reason)
    except Refused:
        return
    after = load_approval("a.yaml", extended.encode())
    assert after.endorsed == (*said.endorsed, Endorsement(by=by.lower() if "@" in by else by, reason=reason))
    assert (after.reason, after.files, after.source) == (said.reason, said.files, said.source)
    assert all(line in extended.split("\n") for line in text.split("\n"))


@pytest.mark.parametrize(
    ("by", "reason", "message"),
    [
        ("a b", "x", "this cannot be written as an approval: endorsed[0].by: found 'a b', expected the id of a user or an e-mail address"),
        ("ada", "", "this cannot be written as an approval: endorsed[0].reason: found '', expected a text that is not empty"),
    ],
)
def test_an_endorsement_that_says_nothing_is_refused(by, reason, message):
    with pytest.raises(Refused) as caught:
        append_endorsement("a.yaml", f"reason: x\n{FILES_LINE}\n", by=by, reason=reason)
    assert str(caught.value) == message


def test_what_is_no_approval_is_not_endorsed():
    with pytest.raises(DeclarationInvalid) as caught:
        append_endorsement("a.yaml", "reason: x\n", by="ada", reason="x")
    assert str(caught.value) == "a.yaml:1: files: found nothing (missing key), expected a mapping"


def test_a_text_that_would_change_by_a_line_end_is_left_alone():
    with pytest.raises(Refused) as caught:
        append_endorsement("a.yaml", f"{FILES_LINE}\nreason: |+\n  x", by="ada", reason="x")
    assert str(caught.value) == "a.yaml cannot be extended without changing what else it says"
    assert caught.value.remedy == "add the entry under `endorsed:` by hand"
