"""What the guest says reaches somebody: `console=` names a console that the machine has."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bootworthy.checks.reading import shown
from bootworthy.checks.rule import Check, Rule
from bootworthy.checks.subject import ARGUMENTS, Subject
from bootworthy.vocabulary import Architecture, Finding, Severity

CONSOLE = Rule(
    id="cmdline.console", severity=Severity.WARNING, title="The console is not one that the machine has",
    why="The guest runs and nobody sees what it says: a boot that fails looks like one that hangs, and there is no"
    " login there.",
    remedy="give the console of the machine, last of all",
    source="Documentation/admin-guide/serial-console.rst of Linux; the consoles of the VMM in machines/",
)  # fmt: skip


_SCREEN = re.compile(r"tty\d*", re.ASCII)


def find(subject: Subject) -> Iterator[Finding]:
    """Compare every `console=` with what there is; the last that the kernel has is what init speaks to."""
    facts = subject.facts
    if not subject.command_line or subject.architecture not in facts.architectures:
        return
    serial = facts.console(subject.architecture)
    there = {serial, "hvc0"} if facts.virtio_console else {serial}
    remedy = f"{CONSOLE.remedy}: console={serial}"
    words = subject.arguments.all("console")
    if not words:
        # On aarch64 the firmware's tables name one.
        if subject.architecture is Architecture.X86_64:
            yield CONSOLE.broken(ARGUMENTS, "it says no console=", remedy=remedy)
        return
    has = f"{facts.title} has {' and '.join(sorted(there, reverse=True))}"
    named = [_device(word.value or "") for word in words]
    # A UART that is named by its address is the serial port.
    absent = [name for name in named if name not in there and not name.startswith("uart")]
    if len(absent) == len(named):
        listed = " and ".join(dict.fromkeys(shown(name) or "nothing" for name in absent))
        yield CONSOLE.broken(ARGUMENTS, f"the console is {listed}, and {has}", remedy=remedy)
    elif _SCREEN.fullmatch(named[-1]) and _has_screens(subject):
        message = f"the last console is the screen {named[-1]}, and {has}: init speaks to the last alone"
        yield CONSOLE.broken(ARGUMENTS, message, remedy=remedy)


def _has_screens(subject: Subject) -> bool:
    """Whether the kernel takes a screen for a console, as it does without one; one that it lacks is passed over."""
    config = None if subject.kernel_file is None else subject.kernel_file.config
    return config is None or config.builtin("VT_CONSOLE")


def _device(value: str) -> str:
    return value.partition(",")[0]


CHECK = Check(title="Console", rules=(CONSOLE,), find=find)
