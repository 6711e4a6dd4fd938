"""Characters that a reviewer does not see, and that therefore no file of the declaration may have, raw or escaped.

Control characters, bidirectional controls (https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing: a reviewer reads
another text than the program), line breaks that YAML 1.1 and 1.2 disagree about, and what is no character at all.
"""

from __future__ import annotations

import re
from typing import Final

HIDDEN: Final = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff"
HIDDEN_IN_FILE: Final = re.compile(rf"[{HIDDEN}]|\r(?!\n)")
HIDDEN_IN_TEXT: Final = re.compile(rf"[{HIDDEN}\r]")
HIDDEN_EXPECTED: Final = "only characters that a reader sees (no control characters, no bidirectional controls)"
