"""Bounds of memory and time around a piece of a test."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def bounded(*, seconds: float, mebibytes: float) -> Iterator[None]:
    """Fails if Python allocates more than this beside what is there, or if it takes longer.

    The time is many times what it takes: it tells a bomb that is unpacked from one that is refused, on a slow machine too.
    """
    tracemalloc.start()
    began = time.perf_counter()
    try:
        yield
        took, (_, peak) = time.perf_counter() - began, tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert took < seconds
    assert peak < mebibytes * (1 << 20)
