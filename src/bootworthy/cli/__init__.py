"""The command line: the only room that prints results and exits. One file per verb in `verbs/`."""

from __future__ import annotations

import signal
from typing import NoReturn


def main() -> NoReturn:
    """The console script."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # Until there is something to tidy up, Ctrl-C just ends us: a half imported program can say nothing better.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from bootworthy.cli.main import start  # noqa: PLC0415  (what takes long to import comes after that)

    start()


__all__ = ["main"]
