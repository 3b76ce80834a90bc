"""Entry point: runs a verb and turns whatever happens into text and an exit status."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

import click

from bootworthy.cli import output
from bootworthy.cli.app import APP
from bootworthy.errors import BootworthyError, InternalError

INTERRUPTED = 130


class _Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP: unwinds like Ctrl-C, so that everything is cleaned up."""


def start() -> NoReturn:
    """Run this process's command line and exit."""
    try:
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _terminate)
        if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        status = run(sys.argv[1:])
    except KeyboardInterrupt:
        status = INTERRUPTED
    finally:
        # All is tidied up; Python would only complain about being interrupted while it ends.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
    sys.exit(status)


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit status (docs/exit-status.md)."""
    output.begin()
    try:
        status = APP.main(list(arguments), prog_name="bootworthy", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        output.log("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output is gone; Python must not complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except BootworthyError as error:
        output.error(error, arguments)
        return error.exit_status
    except BaseException as error:
        if "--debug" in arguments:
            raise
        output.error(_our_bug(error), arguments)
        raise SystemExit(InternalError.exit_status) from error
    return int(status or 0)


def _our_bug(error: BaseException) -> InternalError:
    return InternalError(
        "internal", f"this is a bug of ours: {type(error).__name__}: {error}",
        hint="run it again with --debug and send us what it prints",
    )  # fmt: skip


def _terminate(number: int, _frame: FrameType | None) -> None:
    raise _Terminated(signal.Signals(number).name)
