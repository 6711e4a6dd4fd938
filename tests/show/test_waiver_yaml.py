"""The waiver that a plan proposes: whatever it is about, the file is read strictly and means just that."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.declare.strict_yaml import parse
from reconciler.errors import DeclarationInvalid
from reconciler.model.findings import Cure
from reconciler.show.waiver_yaml import waiver_lines, waiver_path
from tests.support.world import NOW

VISIBLE = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=30)
HOSTILE = "\u202egnp.exe\u2028\x85\x1b[31m\n::error::\ud800"


def cure(text: str) -> Cure:
    return Cure(rule="license", id=text, feed="approved-npm", package=text, version=text, owner=text)


@given(VISIBLE)
@example("@types/node")
@example("null")
@example("1.10")
@example("a: b # c")
@example('"quoted" \\ back')
@example("\U0001f4a9")
def test_it_is_read_as_what_it_is_about(text):
    lines = list(waiver_lines(cure(text), NOW))
    read = parse("waiver.yaml", "\n".join(lines).replace("reason: ", "reason: Because").encode()).value
    assert isinstance(read, dict)
    assert {name: read[name] for name in ("id", "package", "versions", "owner")} == {
        "id": text,
        "package": text,
        "versions": [text],
        "owner": text,
    }


@pytest.mark.parametrize(("text", "line"), [("Newtonsoft.Json", "package: Newtonsoft.Json"), ("@types/node", 'package: "@types/node"')])
def test_what_yaml_reads_as_it_stands_is_not_quoted(text, line):
    assert line in waiver_lines(cure(text), NOW)


@pytest.mark.parametrize(("owner", "missing"), [("ada", {"reason"}), ("", {"owner", "reason"})])
def test_pasted_as_it_stands_it_is_an_error_for_what_only_a_person_can_say(owner, missing):
    text = "\n".join(waiver_lines(replace(cure("x"), owner=owner), NOW))
    with pytest.raises(DeclarationInvalid) as caught:
        parse("waiver.yaml", text.encode())
    assert {problem.key for problem in caught.value.problems} == missing


@given(st.text(min_size=1, max_size=30))
@example(HOSTILE)
def test_its_path_is_a_file_of_the_waivers(text):
    path = PurePosixPath(waiver_path(cure(text)))
    assert path.parts[:-1] == ("policies", "waivers")
    assert path.suffix == ".yaml"
    assert path.name.isascii()


def test_nothing_in_it_moves_the_cursor_and_no_line_begins_within_another():
    assert all(line.isprintable() for line in waiver_lines(cure(HOSTILE), NOW))
