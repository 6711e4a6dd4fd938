"""Plans as markdown: whole reports in golden files; bounded however large; nothing from outside means anything in them."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from reconciler.model.plan import Plan
from reconciler.show.markdown import COMMENT, SUMMARY, applied_markdown, plan_markdown
from reconciler.show.sanitised import ADVISORIES
from reconciler.show.workflow import applied_commands, applied_outputs, output_lines, plan_commands, plan_outputs
from tests.show.everything import applied_of, change, plan_of
from tests.support.golden import check_golden

GOLDEN = Path(__file__).parent / "golden" / "plan"
PLAN = plan_of()
HOSTILE = (
    "::error::x",
    "##vso[task.setvariable variable=x]y",
    "##[error]x",
    "@everyone",
    "@acme/admins #1 !2 ~3 acme/x#4 :tada: $x$ /merge",
    "<script>alert(1)</script>",
    "</code></summary></details><h1>x",
    "<!-- reconciler:plan -->",
    "-->",
    "[x](javascript:alert(1)) ![x](https://evil.example/x.png)",
    "https://evil.example www.evil.example mail@evil.example <https://evil.example>",
    "\x1b[31mred",
    "a\u202eb\u200bc\u2028d",
    "`x` @everyone `` <b> ``` y",
    "`",
    "```\n@everyone\n```",
    "`" * 200 + " @everyone <b>",
    "x|y\n|-|-|\n|@everyone|b|",
    "x\r\n\r\n# heading\n\n- list @everyone\n> quote\n/merge",
    "\\` @everyone &lt;script&gt; &#64;everyone",
    "\n::set-output name=x::y\r::stop-commands::z",
    "a" * 100_000 + "@everyone",
    "\U000e0001" * 100_000,
    "%0A::error::x",
    "",
)


class Html(HTMLParser):
    """Tags, and the text that is not code."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.plain, self.comments, self.inside = "", list[str](), 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))
        self.inside += tag == "code"

    def handle_endtag(self, tag: str) -> None:
        self.inside -= tag == "code"

    def handle_data(self, data: str) -> None:
        self.plain += "" if self.inside else data

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


def leaves(tokens: list[Token]) -> list[Token]:
    return [leaf for token in tokens for leaf in (leaves(token.children) if token.children else [token])]


def read(markdown: str) -> tuple[str, Html, set[str]]:
    """What a reader sees that is no code, the HTML, and the addresses of links."""
    tokens = leaves(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(markdown))
    parsed = Html()
    for token in tokens:
        if token.type == "html_block":
            parsed.feed(token.content + "\n")
    parsed.close()
    assert not any(token.type == "html_inline" for token in tokens)
    assert not any(token.type in {"image", "table_open", "code_block", "hr", "blockquote_open"} for token in tokens)
    links = {str(token.attrs["href"]) for token in tokens if token.type == "link_open"}
    return "\n".join(token.content for token in tokens if token.type == "text") + parsed.plain, parsed, links


def assert_inert(markdown: str, like: str) -> None:
    """The report reads, code apart, as one without hostile texts does."""
    plain, parsed, links = read(markdown)
    assert {(tag, tuple(attrs)) for tag, attrs in parsed.tags} == {("details", ()), ("summary", ()), ("code", ())}
    assert len(parsed.comments) == 1
    assert all(re.fullmatch(re.escape(ADVISORIES) + r"[A-Za-z0-9.:-]+", link) for link in links)
    words = set(re.findall(r"\S+", plain)) - set(re.findall(r"\S+", read(like)[0]))
    assert not {word for word in words if word.strip("();:,") != "none"}
    assert not re.search(r"##(vso)?\[", markdown)
    assert not re.search(r"^\s*(::|##\[|/)", markdown, re.MULTILINE)
    assert re.fullmatch(r"[\n\x20-\U0010ffff]*", markdown)
    rows = "\n".join(line for line in markdown.splitlines() if not line.startswith("<details>"))
    assert "`" * 5 not in rows, "parsers know code spans up to some number of backticks only"
    assert "\x1b" not in markdown
    assert "\u202e" not in markdown
    assert len(markdown.encode()) <= COMMENT


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:30]))
@pytest.mark.parametrize("where", ["reason", "package", "license", "name", "id"])
def test_nothing_from_outside_means_anything(text, where):
    assert_inert(plan_markdown(plan_of(**{where: text})), plan_markdown(PLAN))
    assert_inert(applied_markdown(applied_of(**{where: text})), applied_markdown(applied_of()))


@given(st.text(alphabet=st.sampled_from("`\\<>@#[]()|&;:\n\r -~*_!/x\u202e"), max_size=40))
@example("``` `")
@settings(max_examples=60, deadline=None)
def test_no_text_means_anything(text):
    assert_inert(plan_markdown(plan_of(reason=text, package=text, license=text, name=text, id=text)), plan_markdown(PLAN))


def test_the_texts_themselves_are_there_to_be_read():
    markdown = plan_markdown(plan_of(reason="see <b> & `x` of @ada"))
    codes = [token.content for token in leaves(MarkdownIt("commonmark").parse(markdown)) if token.type == "code_inline"]
    assert "see <b> & `x` of @ada" in codes


def test_what_there_is_of_each_report():
    applied = applied_of()
    check_golden(
        GOLDEN,
        {
            "plan.md": plan_markdown(PLAN).encode(),
            "applied.md": applied_markdown(applied).encode(),
            "plan.commands": "\n".join(plan_commands(PLAN)).encode(),
            "applied.commands": "\n".join(applied_commands(applied)).encode(),
            "plan.outputs": output_lines(plan_outputs(PLAN)).encode(),
            "applied.outputs": output_lines(applied_outputs(applied)).encode(),
        },
    )


def test_the_mark_comes_first_and_the_counts_before_anything_else():
    first, second, *_ = plan_markdown(PLAN).splitlines()
    assert first == "<!-- reconciler:plan -->"
    assert second == "## Plan: 3 to change, 3 held, 1 waiting, 1 drifted, 1 alert"
    assert applied_markdown(applied_of()).startswith(
        "<!-- reconciler:apply -->\n## Applied: 1 applied, 1 failed, 3 held, 1 waiting, 1 alert"
    )


def large(plan: Plan, count: int) -> Plan:
    ada = plan.changes[0].author
    return replace(
        plan,
        changes=tuple(change(ada, {"package": f"pkg{number}"}) for number in range(count)),
        holds=plan.holds * count,
        alerts=plan.alerts * count,
        warnings=plan.warnings * count,
        drift=plan.drift * count,
        access=tuple(replace(row, user=f"user{number}") for row in plan.access for number in range(count)),
    )


@pytest.mark.parametrize("count", [30, 300, 3000])
@pytest.mark.parametrize("most", [COMMENT, SUMMARY, 5000])
def test_it_fits_by_whole_blocks_and_counts_are_those_of_the_whole_plan(count, most):
    markdown = plan_markdown(large(PLAN, count), most=most)
    assert len(markdown.encode()) <= most
    assert f"## Plan: {count + 1} to change, {3 * count} held, {count} waiting, {count} drifted, {count} alerts\n" in markdown
    assert f"- **Added**: {count} promote (" in markdown
    assert markdown.count("<details>") == markdown.count("\n</details>") == markdown.count("</summary>")
    for title, whole in (
        ("Added", count),
        ("Held", 3 * count),
        ("Alerts", count),
        ("Warnings", count),
        ("Access", count),
        ("Drift", count),
    ):
        section = markdown.split(f"\n### {title} ({whole})\n")[1].split("\n### ")[0]
        told = section.count("<details>") or section.count("\n- ")
        left = re.search(r"^\.\.\. and (\d+) more, left out here", section, re.MULTILINE)
        assert told + (int(left[1]) if left else 0) == whole, title
    assert markdown.endswith(f"Digest `{'d' * 64}`\n")


def test_no_section_crowds_out_another():
    markdown = plan_markdown(replace(large(PLAN, 3000), drift=PLAN.drift))
    sections = dict(re.findall(r"\n### ([^\n]+) \(\d+\)\n(.*?)(?=\n### |\Z)", markdown, re.DOTALL))
    assert set(sections) >= {"Added", "Held", "Alerts", "Warnings", "Access", "Drift", "Waivers to look at"}
    assert "left out" not in sections["Drift"]
    assert all("<details>" in text or "\n- " in text for text in sections.values())


def test_a_block_is_bounded_however_many_files_and_verdicts_a_version_has():
    first = PLAN.changes[0]
    much = replace(first, files=first.files * 1000, judgements=first.judgements * 1000, relies_on=first.relies_on * 1000)
    markdown = plan_markdown(replace(PLAN, changes=(much,)))
    assert "\n- and 988 more\n" in markdown
    assert "### Added (1)\n\n<details>" in markdown


def test_nothing_to_do():
    empty: dict[str, Any] = {
        "changes": (),
        "access": (),
        "holds": (),
        "drift": (),
        "evictions": (),
        "reanchored": (),
        "alerts": (),
        "warnings": (),
    }
    quiet = replace(PLAN, **empty, waivers=(), snapshot=None, valid_until=None)
    assert plan_markdown(quiet) == (
        f"<!-- reconciler:plan -->\n## Plan: nothing to do\n\nFor commit `cccccccccccc`\n\nDigest `{'d' * 64}`\n"
    )
