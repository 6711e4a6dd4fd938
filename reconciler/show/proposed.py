"""A change that is proposed, as the message of its commit, the name of its branch, and the text of its pull request.

Trailers are the last paragraph (https://git-scm.com/docs/git-interpret-trailers), and nothing in the reason can be one: what looks like a
trailer, a divider or a comment there is indented, so that it stays prose too when somebody puts messages together in a squash.
In a pull request all text stands in one fenced block (https://spec.commonmark.org/0.31.2/#fenced-code-blocks), where forges neither
mention people, nor follow links, nor take a line for a command.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from reconciler.show.inert import inert

MAX_SUBJECT: Final = 200
MAX_BODY: Final = 60_000
"""Characters of a pull request's text; GitHub takes 65,536."""
MAX_LINES: Final = 2000
MAX_BRANCH: Final = 100
_NO_PROSE: Final = re.compile(r"[A-Za-z0-9-]+[ \t]*:|---|#|diff |Index: |\(cherry picked")


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What is proposed for a feed. `task` is the command, `packages` are package URLs, `names` how people call them."""

    task: str
    subject: str
    reason: str
    feed: str
    names: tuple[str, ...]
    packages: tuple[str, ...]
    ticket: str = ""

    @property
    def title(self) -> str:
        """The subject of the commit, on one line."""
        return inert(self.subject, longest=MAX_SUBJECT)


def named(names: Sequence[str]) -> str:
    """The first, and how many more there are: rich 15.0.0 and 3 more."""
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def commit_message(change: Change) -> str:
    """Subject, reason, and the trailers `Package` (a package URL each), `Feed` and, where there is one, `Ticket`."""
    lines = (inert(line) for line in islice(change.reason.splitlines(), MAX_LINES))
    reason = "\n".join(f"  {line}" if _NO_PROSE.match(line) else line for line in lines).strip("\n")
    trailers = [*(f"Package: {inert(package)}" for package in change.packages), f"Feed: {inert(change.feed)}"]
    ticket = inert(change.ticket, longest=MAX_SUBJECT)
    trailers += [f"Ticket: {ticket}"] if ticket else []
    return "\n\n".join(part for part in (change.title, reason, "\n".join(trailers)) if part) + "\n"


def branch_name(change: Change) -> str:
    """A name that says what is asked for, of characters that no shell, address or file system reads anything into."""
    several = f"-and-{len(change.names) - 1}-more" if len(change.names) > 1 else ""
    safe = re.sub("[^A-Za-z0-9._-]+", "-", f"{change.feed}-{change.names[0]}")
    short = re.sub("[.-]{2,}", "-", safe)[:MAX_BRANCH].strip(".-")
    name = f"{change.task}/{short}{several}"
    return f"{name}-" if name.endswith(".lock") else name


def request_body(change: Change, shown: Iterable[str]) -> str:
    """The reason and what the command has shown, as inert Markdown of at most MAX_BODY characters."""
    ticket = [f"Ticket: {inert(change.ticket)}", ""] if change.ticket else []
    told = [*(inert(line) for line in islice(change.reason.splitlines(), MAX_LINES)), "", *ticket, *map(_line, shown)]
    fence = "`" * max(3, 1 + max((len(run) for line in told for run in re.findall("`+", line)), default=0))
    left = MAX_BODY - 2 * len(fence) - 100
    kept: list[str] = []
    for line in told:
        left -= len(line) + 1
        if left < 0:
            break
        kept.append(line)
    more = [f"... and {len(told) - len(kept)} more lines"] if len(kept) < len(told) else []
    return "\n".join([f"{fence}text", *kept, *more, fence, ""])


def _line(text: str) -> str:
    """Inert, with the margin that it has."""
    stripped = text.lstrip(" ")
    return f"{' ' * min(len(text) - len(stripped), 40)}{inert(stripped)}"
