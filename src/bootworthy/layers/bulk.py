"""How Python runs while many small objects are made at once, beside threads that inflate and hash."""

from __future__ import annotations

import contextlib
import gc
import sys
import threading
from collections.abc import Iterator

_INTERVAL = 0.0005
"""Seconds after which a thread that parses lets one that has inflated go on; Python's own 5 ms would starve it."""

_lock = threading.Lock()
_blocks = 0
_before = (True, 0.005)


@contextlib.contextmanager
def bulk() -> Iterator[None]:
    """Build without looking for reference cycles: there are none, and looking through a million objects takes seconds.

    Blocks can be nested and run side by side; after the last of them Python runs as it did before the first, but never
    looks at what is there by then: that goes when nobody refers to it any more.
    """
    global _blocks, _before  # noqa: PLW0603  (what it changes is the interpreter's, of which there is one)
    with _lock:
        if not _blocks:
            _before = gc.isenabled(), sys.getswitchinterval()
            gc.disable()
            sys.setswitchinterval(_INTERVAL)
        _blocks += 1
    try:
        yield
    finally:
        with _lock:
            _blocks -= 1
            if not _blocks:
                sys.setswitchinterval(_before[1])
                if _before[0]:
                    gc.freeze()
                    gc.enable()
