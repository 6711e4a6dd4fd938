"""Workflow commands, read as GitHub's runner reads a log: nothing from outside is one, and no limit is passed."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from itertools import takewhile
from operator import ne

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.show.sanitised import command
from reconciler.show.workflow import applied_commands, output_lines, plan_commands, plan_outputs
from tests.show.everything import applied_of, plan_of
from tests.show.test_markdown import HOSTILE

PLAN = plan_of()


@dataclass(frozen=True)
class Obeyed:
    """A command as the runner understands it: unescaped."""

    kind: str
    properties: dict[str, str]
    message: str


def unescaped(text: str, *more: str) -> str:
    for code, character in (*((f"%{ord(c):02X}", c) for c in more), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        text = text.replace(code, character)
    return text


def obeyed(log: str) -> list[Obeyed]:
    """The commands in a log, wherever a line of it ends for somebody."""
    found = []
    for line in re.split(r"[\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]", log):
        assert not re.search(r"##(vso)?\[", line, re.IGNORECASE)
        if match := re.match(r"\s*::([^:\s]+) ?([^:]*)::(.*)", line):
            pairs = (pair.partition("=") for pair in match[2].split(",") if pair)
            found.append(Obeyed(match[1], {key: unescaped(value, ":", ",") for key, _, value in pairs}, unescaped(match[3])))
        else:
            assert not line.lstrip().startswith("::")
    return found


def shapes(commands: list[Obeyed]) -> list[tuple[str, list[str]]]:
    return [(one.kind, list(one.properties)) for one in commands]


def assert_inert(said: dict[str, str]) -> None:
    for lines, usual in (
        (plan_commands(plan_of(**said)), plan_commands(PLAN)),
        (applied_commands(applied_of(**said)), applied_commands(applied_of())),
    ):
        commands = obeyed("\n".join(lines))
        assert shapes(commands) == shapes(obeyed("\n".join(usual)))
        assert all(len(one.message) < 5000 and len(one.properties["title"]) < 1000 for one in commands)
        assert all(one.message.count("\n") <= 1 for one in commands)


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:30]))
@pytest.mark.parametrize("where", ["package", "name", "id"])
def test_nothing_from_outside_is_a_command(text, where):
    assert_inert({where: text, "reason": text or "x"})


@given(st.text(alphabet=st.sampled_from("%:,=#[]vso0AD25\r\n\u2028 x"), min_size=1, max_size=30).filter(str.strip))
@example("%250A::error::x")
@settings(max_examples=60, deadline=None)
def test_no_text_is_a_command(text):
    assert_inert({"reason": text, "package": text, "name": text, "id": text})


@pytest.mark.parametrize(
    ("message", "title", "line"),
    [
        ("plain", "plain", "::error title=plain::plain"),
        ("100%\r\nnext: a, b", "a: b, 1%", "::error title=a%3A b%2C 1%25::100%25%0D%0Anext: a, b"),
        ("%0A", "%3A", "::error title=%253A::%250A"),
        ("", "", "::error::"),
    ],
)
def test_how_commands_are_escaped(message, title, line):
    assert command("error", message, title=title) == line
    if title:
        assert obeyed(line) == [Obeyed("error", {"title": title}, message)]


@pytest.mark.parametrize("count", [3, 4, 5, 2000])
def test_of_each_kind_there_are_at_most_ten_and_the_last_says_how_many_more(count):
    holds = (*PLAN.holds[:2] * count, *PLAN.holds[2:])
    commands = obeyed("\n".join(plan_commands(replace(PLAN, holds=holds, alerts=PLAN.alerts * count, warnings=PLAN.warnings * count))))
    kinds = Counter(one.kind for one in commands)
    assert set(kinds) == {"error", "warning", "notice"}
    assert all(number <= 10 for number in kinds.values())
    assert len(commands) <= 50
    whole = {"error": count + 1, "warning": count + 3, "notice": 2 * count + 1}
    for kind, number in kinds.items():
        last = [one for one in commands if one.kind == kind][-1]
        more = re.fullmatch(r"and (\d+) more: the log or the summary of this step has them", last.message)
        assert number + (int(more[1]) - 1 if more else 0) == whole[kind]


def test_severities_are_those_of_what_there_is_to_do():
    titles = {(one.kind, one.properties["title"].split(":")[0]) for one in obeyed("\n".join(applied_commands(applied_of())))}
    assert titles == {
        ("error", "Failed"), ("error", "Held"), ("notice", "Held"), ("warning", "Waiting"), ("warning", "Alert"),
        ("warning", "Drift, orphan"), ("warning", "Reanchored"), ("notice", "Warning"), ("notice", "Waiver"),
    }  # fmt: skip
    differing = replace(PLAN, drift=(replace(PLAN.drift[0], kind="differing"),))
    assert "::error title=Drift%2C differing%3A old 1 in approved::nobody" in plan_commands(differing)


@pytest.mark.parametrize("value", ["held", "a\nEND\nb", "END_\nEND__", ""])
def test_a_value_of_several_lines_is_one_output(value):
    first, second = read_outputs(output_lines({"outcome": value, "digest": "d"})).items()
    assert (first, second) == (("outcome", value), ("digest", "d"))


def read_outputs(text: str) -> dict[str, str]:
    """As the runner reads the file: a name and a delimiter, then all lines up to the delimiter."""
    outputs, lines = dict[str, str](), iter(text.splitlines())
    for line in lines:
        name, _, delimiter = line.partition("<<")
        outputs[name] = "\n".join(takewhile(partial(ne, delimiter), lines))
    return outputs


def test_the_outputs_of_a_plan():
    assert plan_outputs(PLAN) == {
        "outcome": "held", "digest": "d" * 64, "changes": "3", "holds": "3", "waiting": "1", "alerts": "1",
    }  # fmt: skip
