"""The folder `shared` beside the repository: real packages and recorded answers, too large for it. Tests that read it are skipped without it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
"""The repository."""

DATA: Final = ROOT.parent / "shared" / "data"

needs_shared: Final = pytest.mark.skipif(not DATA.is_dir(), reason="the folder shared/data is not beside the repository")
