"""Approval files changed in place, in every style that people write them in."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.declare.edit import (
    append_endorsement,
    with_deprecation,
    with_withdrawal,
    without_deprecation,
    without_withdrawal,
)
from reconciler.declare.load import load_approval
from reconciler.declare.quoting import in_flow
from reconciler.declare.write import flow_mapping, new_approval
from reconciler.errors import DeclarationInvalid, Refused
from reconciler.model.declared import Deprecation, Endorsement, Withdrawal
from tests.declare.test_write import APPROVALS, LINES, SAYABLE, SHA, TEXTS, approvals, deprecations, withdrawals

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
    assert str(caught.value) == "a.yaml cannot be changed without changing what else it says"
    assert caught.value.remedy == "add the entry under `endorsed:` by hand"


# --- withdrawals and deprecations, style by style -------------------------------------------------------------------------------

BAD = Withdrawal(action="quarantine", reason="Steals credentials.", since=date(2026, 11, 20))
BAD_BLOCK = "withdrawn:\n  action: quarantine\n  reason: Steals credentials.\n  since: 2026-11-20\n"
BAD_FLOW = "withdrawn: {action: quarantine, reason: Steals credentials., since: 2026-11-20}"
OLD = Deprecation(reason="No longer maintained.", use="b 2.0")
MILD = "{action: unlist, reason: x}"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            f"# first\nreason: x   # why\n{FILES_LINE}  # end\n# last\n",
            f"# first\nreason: x   # why\n{FILES_LINE}  # end\n{BAD_BLOCK}# last\n",
        ),
        (f"{FILES_LINE}\nreason: x", f"{FILES_LINE}\nreason: x\n{BAD_BLOCK}"),
        (f"\ufeff---\r\n{FILES_LINE}\r\nreason: x\r\n...\r\n", f"\ufeff---\n{FILES_LINE}\nreason: x\n{BAD_BLOCK}...\n".replace("\n", "\r\n")),
        (f"  {FILES_LINE}\n  reason: x\n", f"  {FILES_LINE}\n  reason: x\n" + "".join(f"  {line}\n" for line in BAD_BLOCK.splitlines())),
        (f"{{reason: x, {FILES_LINE}}}\n", f"{{reason: x, {FILES_LINE}, {BAD_FLOW}}}\n"),
        (f"{{\n  reason: x,\n  {FILES_LINE}, # end\n}}\n", f"{{\n  reason: x,\n  {FILES_LINE}, {BAD_FLOW}, # end\n}}\n"),
        (
            f"withdrawn:   # since monday\n  action: unlist\n  # it breaks\n  reason: |\n    x\n\n# not this one\nreason: x\n{FILES_LINE}\n",
            f"{BAD_BLOCK}# not this one\nreason: x\n{FILES_LINE}\n",
        ),
        (f"reason: x\n{FILES_LINE}\nwithdrawn:\n  action: unlist\n  reason: x", f"reason: x\n{FILES_LINE}\n{BAD_BLOCK}"),
        (f"reason: x\nwithdrawn: {MILD} # why\n{FILES_LINE}\n", f"reason: x\n{BAD_FLOW} # why\n{FILES_LINE}\n"),
        (f"{{reason: x, withdrawn: {MILD}, {FILES_LINE}}}\n", f"{{reason: x, {BAD_FLOW}, {FILES_LINE}}}\n"),
    ],
    ids=["block", "no end of line", "mark, CRLF, document", "margin", "flow", "flow, lines", "block again", "last again", "flow value", "flow again"],
)  # fmt: skip
def test_a_withdrawal_is_put_in_and_the_rest_stays(before, after):
    assert with_withdrawal("a.yaml", before, BAD) == after
    assert load_approval("a.yaml", after.encode()).withdrawn == BAD


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"# first\nreason: x\n# before\n{BAD_BLOCK}# after\n{FILES_LINE}\n", f"# first\nreason: x\n# before\n# after\n{FILES_LINE}\n"),
        (f"{BAD_BLOCK}reason: x\n{FILES_LINE}\n", f"reason: x\n{FILES_LINE}\n"),
        (f"reason: x\n{FILES_LINE}\n{BAD_BLOCK.rstrip()}", f"reason: x\n{FILES_LINE}\n"),
        (f"reason: x\n{FILES_LINE}\n{BAD_BLOCK}# end\n...\n", f"reason: x\n{FILES_LINE}\n# end\n...\n"),
        (f"reason: x\r\n{BAD_FLOW} # gone, too\r\n{FILES_LINE}\r\n", f"reason: x\r\n{FILES_LINE}\r\n"),
        (f'reason: x\n"withdrawn":\n  {MILD}\n{FILES_LINE}\n', f"reason: x\n{FILES_LINE}\n"),
        (f"reason: x\n? withdrawn\n: {MILD}\n{FILES_LINE}\n", f"reason: x\n{FILES_LINE}\n"),
        (f"{{reason: x, {FILES_LINE}, ? withdrawn : {MILD}}}\n", f"{{reason: x, {FILES_LINE}}}\n"),
        (f"{{{BAD_FLOW}, reason: x, {FILES_LINE}}}\n", f"{{reason: x, {FILES_LINE}}}\n"),
        (f"{{reason: x, {BAD_FLOW}, {FILES_LINE}}}\n", f"{{reason: x, {FILES_LINE}}}\n"),
        (f"{{reason: x, {FILES_LINE}, {BAD_FLOW}}}\n", f"{{reason: x, {FILES_LINE}}}\n"),
        (f"{{reason: x, {FILES_LINE} , {BAD_FLOW} , }}\n", f"{{reason: x, {FILES_LINE} ,  }}\n"),
        (f"{{\n  reason: x,\n  # before\n  {BAD_FLOW},\n  {FILES_LINE},\n}}\n", f"{{\n  reason: x,\n  # before\n  {FILES_LINE},\n}}\n"),
        (f"{{\n  reason: x,\n  {FILES_LINE}, # files, all\n  {BAD_FLOW}\n}}\n", f"{{\n  reason: x,\n  {FILES_LINE} # files, all\n}}\n"),
        (f"{{\n  reason: x,\n  {BAD_FLOW} # a, b\n  , {FILES_LINE}\n}}\n", f"{{\n  reason: x,\n   # a, b\n  {FILES_LINE}\n}}\n"),
        (f"{{\n  reason: x,\n  {FILES_LINE},\n  {BAD_FLOW} # stays\n}}\n", f"{{\n  reason: x,\n  {FILES_LINE}\n   # stays\n}}\n"),
    ],
)  # fmt: skip
def test_a_withdrawal_is_taken_out_and_the_rest_stays(before, after):
    assert without_withdrawal("a.yaml", before, reason=None) == after
    assert load_approval("a.yaml", after.encode()).withdrawn is None


@pytest.mark.parametrize(
    ("line", "reason", "after"),
    [
        ("reason: x   # why\n", "Repaired in 1.0.", "reason: Repaired in 1.0.   # why\n"),
        ("reason: 'x'\n", "1.0", 'reason: "1.0"\n'),
        ("reason: x # why\n", "a\nb", "reason: |- # why\n  a\n  b\n"),
        ("reason: |+ # why\n  x\n\n", "Fine.", "reason: Fine. # why\n"),
        ("reason: >2-\n    x\n", "a\n\nb\n", "reason: |\n  a\n\n  b\n"),
        ("reason:\n  x\n  y # why\n", "a\nb", "reason:\n  |- # why\n  a\n  b\n"),
        ("reason: a\n  b\n", "Fine.", "reason: Fine.\n"),
    ],
)
def test_who_gives_back_says_why(line, reason, after):
    for end in (f"{FILES_LINE}\n", f"# end\n{FILES_LINE}\n"):
        assert without_withdrawal("a.yaml", BAD_BLOCK + line + end, reason=reason) == after + end
    windows = (BAD_BLOCK + line + FILES_LINE).replace("\n", "\r\n")
    assert without_withdrawal("a.yaml", windows, reason=reason) == (after + FILES_LINE).replace("\n", "\r\n")
    last = without_withdrawal("a.yaml", f"{FILES_LINE}\n{BAD_BLOCK}{line.rstrip()}", reason=reason)
    assert last == f"{FILES_LINE}\n{after}"


def test_who_gives_back_says_why_in_flow_style_and_behind_a_margin():
    text = f"{{reason: x, {FILES_LINE}, {BAD_FLOW}}}\n"
    assert without_withdrawal("a.yaml", text, reason="a, b") == f'{{reason: "a, b", {FILES_LINE}}}\n'
    text = f"  {FILES_LINE}\n  withdrawn: {MILD}\n  reason: x\n"
    assert without_withdrawal("a.yaml", text, reason="a\nb") == f"  {FILES_LINE}\n  reason: |-\n    a\n    b\n"


def test_a_deprecation_beside_a_withdrawal():
    text = f"reason: x\n{FILES_LINE}\n"
    both = with_deprecation("a.yaml", with_withdrawal("a.yaml", text, BAD), OLD)
    assert both == f"{text}{BAD_BLOCK}deprecated:\n  reason: No longer maintained.\n  use: b 2.0\n"
    assert without_deprecation("a.yaml", without_withdrawal("a.yaml", both, reason=None)) == text
    assert without_withdrawal("a.yaml", without_deprecation("a.yaml", both), reason=None) == text
    flow = f"{{reason: x, {FILES_LINE}}}"
    assert (
        with_deprecation("a.yaml", flow, OLD) == f"{{reason: x, {FILES_LINE}, deprecated: {{reason: No longer maintained., use: b 2.0}}}}"
    )


def test_what_is_not_there_is_not_taken_out():
    text = f"reason: x\n{FILES_LINE}\n"
    with pytest.raises(Refused) as caught:
        without_withdrawal("a.yaml", text, reason=None)
    assert str(caught.value) == "a.yaml is not withdrawn"
    with pytest.raises(Refused) as caught:
        without_deprecation("a.yaml", text)
    assert str(caught.value) == "a.yaml is not deprecated"


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        (lambda text: with_withdrawal("a.yaml", f"{text}reason: |+\n  x", BAD), "write the block `withdrawn:` by hand"),
        (lambda text: with_deprecation("a.yaml", f"{text}reason: |+\n  x", OLD), "write the block `deprecated:` by hand"),
        (
            lambda text: without_withdrawal("a.yaml", f"{{ reason: x, {text},\n? withdrawn : {MILD}}}", reason="y"),
            "remove the block `withdrawn:` by hand",
        ),
    ],
)
def test_a_style_that_cannot_be_changed_is_left_to_an_editor(change, remedy):
    with pytest.raises(Refused) as caught:
        change(f"{FILES_LINE}\n")
    assert str(caught.value) == "a.yaml cannot be changed without changing what else it says"
    assert caught.value.remedy == remedy


def test_what_would_be_no_yaml_any_more_is_refused():
    with pytest.raises(Refused, match="broken YAML"):
        without_deprecation("a.yaml", f"{{reason: x, {FILES_LINE},\n? deprecated : {{reason: x}}}}")


@pytest.mark.parametrize("reason", ["", " \n", "a\x1b[31mb", "a\u202eb", "a\ud800"])
@pytest.mark.parametrize("text", [f"reason: x\n{FILES_LINE}\n", f"{{reason: x, {FILES_LINE}}}"], ids=["block", "flow"])
def test_a_reason_that_says_nothing_or_hides_something_is_refused(text, reason):
    with pytest.raises(Refused, match="this cannot be written as an approval"):
        with_withdrawal("a.yaml", text, replace(BAD, reason=reason))
    with pytest.raises(Refused, match="this cannot be written as an approval"):
        without_withdrawal("a.yaml", with_withdrawal("a.yaml", text, BAD), reason=reason)


def test_what_is_no_approval_is_not_changed():
    with pytest.raises(DeclarationInvalid):
        with_withdrawal("a.yaml", "reason: x\n", BAD)
    with pytest.raises(DeclarationInvalid):
        without_deprecation("a.yaml", f"reason: x\n{FILES_LINE}\ndeprecated: {{}}\n")


# --- any approval, any style ------------------------------------------------------------------------------------------------------

STYLES = ("block", "margin", "flow", "flow, lines")


def entries(said):
    """The lines of each key as a new file has them, by key."""
    found: dict[str, list[str]] = {}
    key = ""
    for line in new_approval(said).splitlines():
        if line[:1].strip():
            key = line.partition(":")[0]
        found.setdefault(key, []).append(line)
    return found


def flow_entry(said, key):
    match key:
        case "withdrawn":
            return f"withdrawn: {flow_mapping(said.withdrawn)}"
        case "deprecated":
            return f"deprecated: {flow_mapping(said.deprecated)}"
        case "endorsed":
            return "endorsed: [" + ", ".join(f"{{by: {in_flow(e.by)}, reason: {in_flow(e.reason)}}}" for e in said.endorsed) + "]"
        case "required_by":
            return f"required_by: [{', '.join(map(in_flow, said.required_by))}]"
        case "files":
            return "files: {" + ", ".join(line.strip() for line in entries(said)["files"][1:]) + "}"
        case _:
            value = {"from": said.source, "reason": said.reason, "ticket": said.ticket, "expires": str(said.expires)}[key]
            return f"{key}: {in_flow(value)}"


def styled(said, style, keys, newline):
    """The approval's text with comments wherever they may stand: a line before each key, one behind each value."""
    if style == "flow":
        text = "{" + ", ".join(flow_entry(said, key) for key in keys) + "}  # the end\n"
    elif style == "flow, lines":
        text = "{\n" + "".join(f"  # before {key}\n  {flow_entry(said, key)}, # behind {key}\n" for key in keys) + "  # the end\n}\n"
    else:
        margin, lines = "  " if style == "margin" else "", []
        for key in keys:
            first, *more = entries(said)[key]
            behind = "" if first.endswith((":", "|", "|-")) else f" # behind {key}"
            lines += [f"# before {key}", first + behind, *more]
        text = "".join(f"{margin}{line}\n" if line else "\n" for line in [*lines, "# the end"])
    return text.replace("\n", newline)


def comments(text, *but):
    return [line.strip() for line in text.splitlines() if line.lstrip().startswith("# ") and not line.endswith(but)]


@st.composite
def files_in_any_style(draw):
    said = draw(approvals(SAYABLE, LINES, fewest=1))
    keys = draw(st.permutations(list(entries(said))))
    style = draw(st.sampled_from(STYLES))
    mark = draw(st.sampled_from(["", "\ufeff"]))
    return said, style, mark + styled(said, style, keys, draw(st.sampled_from(["\n", "\r\n"])))


@given(files_in_any_style(), withdrawals(SAYABLE), st.none() | SAYABLE)
def test_what_is_taken_back_and_given_back_again_is_the_same_approval(file, withdrawal, reason):
    said, style, text = file
    assert load_approval("a.yaml", text.encode()) == said
    taken = with_withdrawal("a.yaml", text, withdrawal)
    assert load_approval("a.yaml", taken.encode()) == replace(said, withdrawn=withdrawal)
    back = without_withdrawal("a.yaml", taken, reason=reason)
    assert load_approval("a.yaml", back.encode()) == replace(said, withdrawn=None, reason=said.reason if reason is None else reason)
    for changed in (taken, back):
        assert changed.startswith("\ufeff") == text.startswith("\ufeff")
        assert ("\r\n" in text) == ("\r\n" in changed)
        assert changed.count("\r\n") in {0, changed.count("\n")}
        if style == "flow":
            assert changed.endswith(text[text.index("  # the end") :])
    if style != "flow":
        assert comments(taken) == comments(text)
        assert comments(back, "behind withdrawn") == comments(text)
    if said.withdrawn is None and style in {"block", "margin"}:
        assert without_withdrawal("a.yaml", taken, reason=None) == text


@given(files_in_any_style(), deprecations(SAYABLE, LINES))
def test_what_is_deprecated_and_not_any_more_is_the_same_approval(file, deprecation):
    said, style, text = file
    old = with_deprecation("a.yaml", text, deprecation)
    assert load_approval("a.yaml", old.encode()) == replace(said, deprecated=deprecation)
    back = without_deprecation("a.yaml", old)
    assert load_approval("a.yaml", back.encode()) == replace(said, deprecated=None)
    if said.deprecated is None and style != "flow, lines":
        assert back == text
