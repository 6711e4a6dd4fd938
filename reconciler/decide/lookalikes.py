"""Names that are taken for other names: written with look-alikes, or with one slip of the keys.

Folded are what fonts show alike among ASCII letters and digits, the separators, and the Cyrillic and Greek letters that look like Latin
ones: a small part of the confusables of Unicode (https://www.unicode.org/reports/tr39/), after compatibility forms and accents are taken
off. Other scripts (Armenian, Cherokee, Coptic, ...) are not covered; neither are added words (`requests-secure`), other endings, or the
same word in another language.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Final

LATIN: Final[Mapping[str, str]] = {
    "a": "\u0410\u0430\u0391\u03b1\u0251",
    "b": "\u0412\u0432\u042c\u044c\u0392\u03b2",
    "c": "\u0421\u0441\u03f2\u03f9",
    "d": "\u0500\u0501",
    "e": "\u0415\u0435\u0395\u03b5",
    "g": "\u0261\u050c\u050d",
    "h": "\u041d\u043d\u04ba\u04bb\u0397",
    "i": "\u0406\u0456\u0399\u03b9\u0131",
    "j": "\u0408\u0458\u03f3",
    "k": "\u041a\u043a\u039a\u03ba",
    "l": "\u04c0\u04cf",
    "m": "\u041c\u043c\u039c\u03fa",
    "n": "\u039d\u043f\u03b7",
    "o": "\u041e\u043e\u039f\u03bf\u03c3",
    "p": "\u0420\u0440\u03a1\u03c1",
    "q": "\u051a\u051b",
    "r": "\u0433",
    "s": "\u0405\u0455",
    "t": "\u0422\u0442\u03a4\u03c4",
    "u": "\u03c5",
    "v": "\u0474\u0475\u03bd",
    "w": "\u051c\u051d\u0461\u03c9",
    "x": "\u0425\u0445\u03a7\u03c7",
    "y": "\u0423\u0443\u03a5\u04ae\u04af\u03b3",
    "z": "\u0396",
    "3": "\u0417\u0437",
    "6": "\u0431",
}
"""What looks like each Latin letter or digit, capitals included: they are seen before names are lower-cased."""

_FROM_ALPHABETS: Final = str.maketrans({other: letter for letter, others in LATIN.items() for other in others})
_FROM_ASCII: Final = str.maketrans({"0": "o", "1": "i", "l": "i"})
_PAIRS: Final = (("rn", "m"), ("vv", "w"))
_SEPARATORS: Final = str.maketrans("_.", "--")
_UNSEEN: Final = str.maketrans("", "", "-@/")
SHORTEST: Final = 5
"""Characters of a name from which on one slip is looked for: among shorter ones too many honest names differ by one letter."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Likeness:
    """A name that another one is taken for: because it looks like it, or because one letter makes the difference."""

    name: str
    slip: bool = False


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Lookalikes:
    """What others may be taken for: names, and patterns with wildcards. Made once by `lookalikes_of`, and asked for many names.

    Its last answers are kept: the versions of a package follow each other.
    """

    alike: Mapping[str, str]
    near: Mapping[str, str]
    patterns: tuple[tuple[str, str], ...]
    longest: int

    @lru_cache(maxsize=128)  # noqa: B019 - of the few that there are, one a policy, the last ones stay
    def of(self, name: str) -> Likeness | None:
        """What a name, which is none of them, is taken for; None for nothing."""
        bare = _bare(name)
        if bare in self.alike:
            return Likeness(name=self.alike[bare])
        dashed = _dashed(name)
        if pattern := next((one for shape, one in self.patterns if fnmatchcase(dashed, shape)), None):
            return Likeness(name=pattern)
        if len(bare) > self.longest + 1:
            return None
        slip = next((self.near[key] for key in (bare, *_without_one(bare)) if key in self.near), None)
        return None if slip is None else Likeness(name=slip, slip=True)


def lookalikes_of(names: Iterable[str], *, slips: Iterable[str] = ()) -> Lookalikes:
    """What names and patterns are taken for; of `slips`, which are among them, also what differs by one letter.

    One letter left out, added, replaced, or moved: that is where two names have something in common that is left of either after one
    letter is taken out, so each look-up costs the length of the name, however many names there are.
    """
    alike: dict[str, str] = {}
    near: dict[str, str] = {}
    patterns: list[tuple[str, str]] = []
    for name in names:
        if "*" in name or "?" in name:
            patterns.append((_dashed(name), name))
        else:
            alike.setdefault(_bare(name), name)
    for name in slips:
        bare = _bare(name)
        if len(bare) >= SHORTEST:
            for key in (bare, *_without_one(bare)):
                near.setdefault(key, name)
    return Lookalikes(alike=alike, near=near, patterns=tuple(patterns), longest=max(map(len, near), default=0))


def _bare(name: str) -> str:
    """The name as a quick eye sees it, without separators."""
    return _blurred(_latin(name).translate(_UNSEEN))


def _dashed(name: str) -> str:
    """The same with separators, all alike."""
    return _blurred(_latin(name))


def _latin(name: str) -> str:
    if name.isascii():
        return name.lower().translate(_SEPARATORS)
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if unicodedata.category(c) not in {"Mn", "Cf"})
    return plain.translate(_FROM_ALPHABETS).casefold().translate(_SEPARATORS)


def _blurred(text: str) -> str:
    for pair, letter in _PAIRS:
        text = text.replace(pair, letter)
    return text.translate(_FROM_ASCII)


def _without_one(text: str) -> Iterator[str]:
    return (text[:at] + text[at + 1 :] for at in range(len(text)))
