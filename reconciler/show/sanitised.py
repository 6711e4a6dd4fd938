"""Text from outside where something reads more than text out of it: markdown, HTML, and the logs of CI runners.

In markdown it only ever stands in a code span: nothing in there is a tag, a link, a mention, a reference, an emoji, a formula or a quick
action, at GitHub (https://github.github.com/gfm/#code-spans) as little as at GitLab. Escaping alone would not do: both look for mentions
(`@everyone`) in the rendered text, where an escape has become what it stands for.
"""

from __future__ import annotations

import html
import re
from typing import Final
from urllib.parse import quote

from reconciler.show.inert import inert

LONGEST: Final = 600
"""Characters of one text that are shown in a report."""
ADVISORIES: Final = "https://osv.dev/vulnerability/"
_ADVISORY: Final = re.compile(r"[A-Z][A-Za-z0-9]{0,19}-[A-Za-z0-9.:-]{1,80}", re.ASCII)
_BACKTICKS: Final = re.compile(r"`{4,}")
"""More than anybody writes: a parser may know code spans only up to some number of them (cmark-gfm: 80)."""


def shown(text: str, *, longest: int = LONGEST) -> str:
    """The text on one line with everything invisible escaped, cut so that escapes do not make it long, either."""
    line = inert(text, longest=longest)
    return line if len(line) <= 2 * longest else f"{line[: 2 * longest]}…"


def code(text: str, *, longest: int = LONGEST) -> str:
    """The text as a code span of markdown; "(none)" for no text. Not for cells of tables, which "|" would divide all the same."""
    line = _BACKTICKS.sub(lambda run: "\\x60" * len(run[0]), shown(text, longest=longest))
    if not line:
        return "(none)"
    fence = "`" * (1 + max(map(len, re.findall(r"`+", line)), default=0))
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def code_tag(text: str, *, longest: int = 200) -> str:
    """The text as a `code` element, where markdown is HTML already, as in a `summary`."""
    return f"<code>{html.escape(shown(text, longest=longest)) or '(none)'}</code>"


def code_block(lines: list[str], language: str) -> str:
    """Lines that are inert already as a fenced block. None of them may be a fence itself: ValueError."""
    if any(line.lstrip().startswith(("```", "~~~")) for line in lines):
        message = "a line of a code block would end it"
        raise ValueError(message)
    return "\n".join([f"```{language}", *lines, "```"])


def advisory(name: str) -> str:
    """An advisory by its id, as a link to what OSV knows of it; a code span where it does not look like an id."""
    return f"[{code(name)}]({ADVISORIES}{quote(name, safe=':')})" if _ADVISORY.fullmatch(name) else code(name)


def command(kind: str, message: str, **properties: str) -> str:
    """A workflow command of GitHub, `::kind name=value,...::message`, escaped as its toolkit does. A message may have several lines
    (https://docs.github.com/actions/reference/workflow-commands-for-github-actions)."""
    named = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value)
    return f"::{kind}{' ' if named else ''}{named}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
