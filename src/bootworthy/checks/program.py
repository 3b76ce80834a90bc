"""Whether a program can be started from what an image holds, with all that runs it: scripts, linkers, libraries."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from bootworthy.checks import dynamic, libraries
from bootworthy.checks.libraries import Missing
from bootworthy.checks.part import Part
from bootworthy.checks.reading import Trail, shown, told, trail
from bootworthy.errors import BuildError
from bootworthy.kernels.elf import MACHINE_AARCH64, MACHINE_X86_64, MAGIC
from bootworthy.vocabulary import Architecture

_HEAD = 256
"""Bytes that Linux looks at (BINPRM_BUF_SIZE); the first line of a script ends in them."""
_SCRIPTS = 5
"""Scripts that are run by scripts; Linux gives up at the fifth (execve(2))."""
_NAMED = 3
_MACHINES = {
    MACHINE_X86_64: "x86_64",
    MACHINE_AARCH64: "aarch64",
    3: "i386",
    40: "arm",
    21: "ppc64",
    22: "s390x",
    243: "riscv",
}
NATIVE = {Architecture.X86_64: MACHINE_X86_64, Architecture.AARCH64: MACHINE_AARCH64}
"""`e_machine` of the programs of an architecture."""
_COMPATIBLE = {(Architecture.X86_64, 3): "CONFIG_IA32_EMULATION", (Architecture.AARCH64, 40): "CONFIG_COMPAT"}


class Kind(Enum):
    """What is in the way."""

    NOT_EXECUTABLE = 1
    FOREIGN = 2
    """It is for another architecture."""
    COMPATIBLE = 3
    """It is for another architecture, whose programs some kernels run beside their own."""
    INTERPRETER = 4
    """Its dynamic linker, or what runs a script, is not there."""
    LIBRARY = 5


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a program cannot be started."""

    kind: Kind
    message: str


def obstacles(part: Part, architecture: Architecture, program: Trail) -> Iterator[Obstacle]:
    """Everything that keeps a file with the permission to be executed from running; nothing when it can run."""
    for _ in range(_SCRIPTS):
        assert program.node is not None
        start = part.span(program.node, 0, _HEAD)
        if not start.startswith(b"#!"):
            yield from _binary(part, architecture, program, start)
            return
        words = start[2:].split(b"\n", 1)[0].split()
        if not words:
            message = f"{shown(program.path)} is a script that does not say what runs it"
            yield Obstacle(Kind.NOT_EXECUTABLE, message)
            return
        interpreter = trail(part.tree, words[0])
        if not interpreter.program:
            yield _uninterpreted(program, interpreter, "is a script for")
            return
        program = interpreter
    yield Obstacle(Kind.NOT_EXECUTABLE, f"{_SCRIPTS} scripts are run by scripts, and Linux follows fewer")


def script(part: Part, program: Trail) -> bool:
    """Whether a file is a script."""
    return program.node is not None and part.span(program.node, 0, 2) == b"#!"


def _binary(part: Part, architecture: Architecture, program: Trail, start: bytes) -> Iterator[Obstacle]:
    name = shown(program.path)
    if len(start) < 64 or not start.startswith(MAGIC):
        what = "is empty" if not start else "is neither an ELF program nor a script"
        yield Obstacle(Kind.NOT_EXECUTABLE, f"{name} {what}")
        return
    (machine,) = struct.unpack_from("<H" if start[5] == 1 else ">H", start, 18)
    if machine != NATIVE[architecture]:
        yield _foreign(architecture, machine, name)
        return
    yield from _linked(part, program, machine)


def _linked(part: Part, program: Trail, machine: int) -> Iterator[Obstacle]:
    name = shown(program.path)
    assert program.node is not None
    try:
        asks = dynamic.read(part, program.node)
    except BuildError as fault:
        yield Obstacle(Kind.NOT_EXECUTABLE, f"{name} is no program that can be loaded: {told(fault)}")
        return
    if asks.interpreter is None:
        return
    linker = trail(part.tree, asks.interpreter)
    if not linker.program:
        yield _uninterpreted(program, linker, "asks for the dynamic linker")
        return
    try:
        absent = list(libraries.missing(part, program, asks, machine))
    except BuildError as fault:
        yield Obstacle(
            Kind.LIBRARY, f"the library {shown(fault.where or '')} of {name} cannot be loaded: {told(fault)}"
        )
        return
    if absent:
        yield Obstacle(Kind.LIBRARY, _absent(absent))


def _absent(absent: list[Missing]) -> str:
    told_ = [_lacks(each) for each in absent[:_NAMED]]
    more = len(absent) - len(told_)
    return "; ".join(told_) + (f"; and {more} more" if more else "")


def _lacks(each: Missing) -> str:
    there = f", and {shown(each.foreign)} is for another architecture" if each.foreign else ""
    return f"{shown(each.needed_by)} needs the library {shown(each.name)}, which is not in the image{there}"


def _foreign(architecture: Architecture, machine: int, name: str) -> Obstacle:
    built = _MACHINES.get(machine, f"ELF machine {machine}")
    option = _COMPATIBLE.get((architecture, machine))
    message = f"{name} is built for {built}, and the machine is {architecture}"
    if option is None:
        return Obstacle(Kind.FOREIGN, message)
    return Obstacle(Kind.COMPATIBLE, f"{message}; it runs only under a kernel with {option}")


def _uninterpreted(program: Trail, interpreter: Trail, asks: str) -> Obstacle:
    wanted = shown(interpreter.names[0]) or "nothing"
    return Obstacle(Kind.INTERPRETER, f"{shown(program.path)} {asks} {wanted}: {interpreter.says()}")
