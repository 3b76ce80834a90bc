"""The command line: the only room that prints results and exits. One file per verb in `verbs/`."""

from __future__ import annotations

from bootworthy.cli.main import main

__all__ = ["main"]
