"""The first process: that it is there, can be executed on this machine, and is one a proof can speak with."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from bootworthy.checks.part import Part
from bootworthy.checks.reading import Trail, head, shown, span, told, trail
from bootworthy.checks.rule import Check, Rule
from bootworthy.checks.subject import Subject
from bootworthy.errors import BuildError
from bootworthy.kernels.elf import MACHINE_AARCH64, MACHINE_X86_64, MAGIC, Elf
from bootworthy.layers.node import Node
from bootworthy.vocabulary import Architecture, Finding, Severity

_BOOT = "Documentation/admin-guide/init.rst of Linux"

MISSING = Rule(
    id="init.missing", severity=Severity.ERROR, title="There is no init in the root",
    why="The kernel has nothing to start as its first process, and panics.",
    remedy="install an init system in the image (Debian and Ubuntu: apt-get install systemd-sysv); "
    "images made for containers have none",
    source=_BOOT,
)  # fmt: skip
NOT_EXECUTABLE = Rule(
    id="init.not-executable", severity=Severity.ERROR, title="Init cannot be executed",
    why="The kernel finds its first process and cannot execute it, so it panics.",
    remedy="install the init system again, and keep file modes when you build the image", source=_BOOT,
)  # fmt: skip
ARCHITECTURE = Rule(
    id="init.architecture", severity=Severity.ERROR, title="Init is built for another architecture",
    why="The machine's processor cannot execute it: the kernel panics with `Exec format error`.",
    remedy="pull or build the root image for the architecture of the machine", source="elf(5), e_machine",
)  # fmt: skip
INTERPRETER = Rule(
    id="init.interpreter-missing", severity=Severity.ERROR, title="What init is run by is not in the root",
    why="The kernel finds init, cannot find the dynamic linker or the shell it asks for, and panics.",
    remedy="install the package that has it (the C library, or the shell), or link init statically",
    source="execve(2), and elf(5), PT_INTERP",
)  # fmt: skip
NOT_SYSTEMD = Rule(
    id="init.not-systemd", severity=Severity.WARNING, title="Init is not systemd",
    why="A proof asks systemd whether the system is up; of another init it sees only that it started.",
    remedy="expect no more than `booted` as standing, or use a variant of the system with systemd",
    source="how Bootworthy's probe asks for health",
)  # fmt: skip

_HEAD = 64 << 10
_SCRIPT_LINE = 256
_SCRIPTS = 5
"""Scripts that are run by scripts; Linux gives up at the fifth (execve(2))."""
_MACHINES = {
    MACHINE_X86_64: "x86_64",
    MACHINE_AARCH64: "aarch64",
    3: "i386",
    40: "arm",
    21: "ppc64",
    22: "s390x",
    243: "riscv",
}
_NATIVE = {Architecture.X86_64: MACHINE_X86_64, Architecture.AARCH64: MACHINE_AARCH64}
_COMPATIBLE = {(Architecture.X86_64, 3): "CONFIG_IA32_EMULATION", (Architecture.AARCH64, 40): "CONFIG_COMPAT"}
_INTERPRETER = 3
_KNOWN = (
    (b"systemd", "systemd"), (b"busybox", "BusyBox init"), (b"openrc-init", "OpenRC"), (b"runit-init", "runit"),
    (b"runit", "runit"), (b"s6-svscan", "s6"), (b"s6-linux-init", "s6"), (b"dinit", "dinit"), (b"finit", "Finit"),
    (b"upstart", "Upstart"), (b"tini", "tini"), (b"dumb-init", "dumb-init"), (b"bash", "a shell"),
    (b"dash", "a shell"), (b"sh", "a shell"),
)  # fmt: skip
_SYSTEMD = (b"usr/lib/systemd/systemd", b"lib/systemd/systemd")
_BUSYBOX = (b"bin/busybox", b"usr/bin/busybox")


def find(subject: Subject) -> Iterator[Finding]:
    """Follow init from its name to the last program that the kernel must load for it."""
    root = subject.root
    if root is None:
        return
    init = trail(root.tree, subject.init.encode(errors="surrogateescape"))
    where = root.at(init.names[0])
    if init.node is None:
        yield MISSING.broken(where, init.says(), remedy=_link_remedy(root, init))
        return
    if not init.program:
        yield NOT_EXECUTABLE.broken(where, init.says())
        return
    yield from _runs(root, subject.architecture, init, where)
    who = _name(root, init, init.node)
    if who != "systemd":
        yield NOT_SYSTEMD.broken(where, f"{shown(init.names[0])} is {who}")


def _link_remedy(root: Part, init: Trail) -> str:
    systemd = next((path for path in _SYSTEMD if root.file(path) is not None), None)
    if systemd is None or init.names[0] != b"/sbin/init":
        return ""
    return f"systemd is in the image: link /sbin/init to /{systemd.decode()} (Debian and Ubuntu: install systemd-sysv)"


def _runs(root: Part, architecture: Architecture, program: Trail, where: str) -> Iterator[Finding]:
    """Whether the kernel can execute a program, scripts followed to what runs them."""
    for _ in range(_SCRIPTS):
        assert program.node is not None
        start = head(root.tree, program.node, _HEAD)
        if not start.startswith(b"#!"):
            yield from _binary(root, architecture, program, start, where)
            return
        words = start[2:_SCRIPT_LINE].split(b"\n", 1)[0].split()
        if not words:
            yield NOT_EXECUTABLE.broken(where, f"{shown(program.path)} is a script that does not say what runs it")
            return
        interpreter = trail(root.tree, words[0])
        if not interpreter.program:
            yield _uninterpreted(where, program, interpreter, "is a script for")
            return
        program = interpreter
    yield NOT_EXECUTABLE.broken(where, f"{_SCRIPTS} scripts are run by scripts, and Linux follows fewer")


def _binary(root: Part, architecture: Architecture, program: Trail, start: bytes, where: str) -> Iterator[Finding]:
    name = shown(program.path)
    if len(start) < 64 or not start.startswith(MAGIC):
        what = "is empty" if not start else "is neither an ELF program nor a script"
        yield NOT_EXECUTABLE.broken(where, f"{name} {what}")
        return
    (machine,) = struct.unpack_from("<H" if start[5] == 1 else ">H", start, 18)
    if machine != _NATIVE[architecture]:
        yield _foreign(architecture, machine, name, where)
        return
    try:
        # Without its section table, which is at the file's end and no loader's business.
        elf = Elf.parse(start[:40] + bytes(8) + start[48:])
    except BuildError as fault:
        yield NOT_EXECUTABLE.broken(where, f"{name} is no program that can be loaded: {told(fault)}")
        return
    wanted = next((segment for segment in elf.segments if segment.type == _INTERPRETER), None)
    if wanted is None:
        return
    assert program.node is not None
    path = span(root.tree, program.node, wanted.offset, min(wanted.size, 4096)).split(b"\0", 1)[0]
    linker = trail(root.tree, path)
    if not linker.program:
        yield _uninterpreted(where, program, linker, "asks for the dynamic linker")


def _foreign(architecture: Architecture, machine: int, name: str, where: str) -> Finding:
    built = _MACHINES.get(machine, f"ELF machine {machine}")
    option = _COMPATIBLE.get((architecture, machine))
    message = f"{name} is built for {built}, and the machine is {architecture}"
    if option is None:
        return ARCHITECTURE.broken(where, message)
    return ARCHITECTURE.broken(
        where, f"{message}; it runs only under a kernel with {option}", severity=Severity.WARNING
    )  # fmt: skip


def _uninterpreted(where: str, program: Trail, interpreter: Trail, asks: str) -> Finding:
    wanted = shown(interpreter.names[0]) or "nothing"
    return INTERPRETER.broken(where, f"{shown(program.path)} {asks} {wanted}: {interpreter.says()}")


def _name(root: Part, init: Trail, node: Node) -> str:
    """Which init it is: by the name its links end at, or because it is the same file as a known one."""
    if any(root.file(path) is node for path in _SYSTEMD):
        return "systemd"
    if any(root.file(path) is node for path in _BUSYBOX):
        return "BusyBox init"
    last = init.path.rpartition(b"/")[2]
    named = next((title for name, title in _KNOWN if name == last), None)
    if named is not None:
        return named
    if head(root.tree, node, 2) == b"#!":
        return "a script"
    if root.file(b"etc/inittab") is not None:
        return "an init that reads /etc/inittab, such as System V init"
    return "an init of its own"


CHECK = Check(title="Init", rules=(MISSING, NOT_EXECUTABLE, ARCHITECTURE, INTERPRETER, NOT_SYSTEMD), find=find)
