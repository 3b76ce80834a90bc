"""The first process: that it is there, can be executed on this machine, and is one a proof can speak with."""

from __future__ import annotations

from collections.abc import Iterator

from bootworthy.checks import program
from bootworthy.checks.part import Part
from bootworthy.checks.reading import Trail, shown, trail
from bootworthy.checks.rule import Check, Rule
from bootworthy.checks.subject import Subject
from bootworthy.layers.node import Node
from bootworthy.vocabulary import Finding, Severity

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
LIBRARY = Rule(
    id="init.library-missing", severity=Severity.ERROR, title="A library of init is not in the root",
    why="The dynamic linker ends the first process before it has done anything, and the kernel panics.",
    remedy="install the package that has the library, or init again with all it depends on",
    source="ld.so(8); elf(5), DT_NEEDED",
)  # fmt: skip
NOT_SYSTEMD = Rule(
    id="init.not-systemd", severity=Severity.WARNING, title="Init is not systemd",
    why="A proof asks systemd whether the system is up; of another init it sees only that it started.",
    remedy="expect no more than `booted` as standing, or use a variant of the system with systemd",
    source="how Bootworthy's probe asks for health",
)  # fmt: skip

_RULES = {
    program.Kind.NOT_EXECUTABLE: NOT_EXECUTABLE, program.Kind.FOREIGN: ARCHITECTURE,
    program.Kind.COMPATIBLE: ARCHITECTURE, program.Kind.INTERPRETER: INTERPRETER, program.Kind.LIBRARY: LIBRARY,
}  # fmt: skip
_KNOWN = (
    (b"systemd", "systemd"), (b"busybox", "BusyBox init"), (b"openrc-init", "OpenRC"), (b"runit-init", "runit"),
    (b"runit", "runit"), (b"s6-svscan", "s6"), (b"s6-linux-init", "s6"), (b"dinit", "dinit"), (b"finit", "Finit"),
    (b"upstart", "Upstart"), (b"tini", "tini"), (b"dumb-init", "dumb-init"), (b"bash", "a shell"),
    (b"dash", "a shell"), (b"sh", "a shell"),
)  # fmt: skip
_SYSTEMD = (b"usr/lib/systemd/systemd", b"lib/systemd/systemd")
_BUSYBOX = (b"bin/busybox", b"usr/bin/busybox")


def find(subject: Subject) -> Iterator[Finding]:
    """Follow init from its name to the last library that is loaded for it."""
    root = subject.root
    if root is None:
        return
    told = subject.arguments.last("init")
    name = told.value if told is not None and told.value else subject.init
    init = trail(root.tree, name.encode(errors="surrogateescape"))
    where = root.at(init.names[0])
    if init.node is None:
        yield MISSING.broken(where, init.says(), remedy=_link_remedy(root, init))
        return
    if not init.program:
        yield NOT_EXECUTABLE.broken(where, init.says())
        return
    for obstacle in program.obstacles(root, subject.architecture, init):
        severity = Severity.WARNING if obstacle.kind is program.Kind.COMPATIBLE else None
        yield _RULES[obstacle.kind].broken(where, obstacle.message, severity=severity)
    who = _name(root, init, init.node)
    if who != "systemd":
        yield NOT_SYSTEMD.broken(where, f"{shown(init.names[0])} is {who}")


def _link_remedy(root: Part, init: Trail) -> str:
    systemd = next((path for path in _SYSTEMD if root.file(path) is not None), None)
    if systemd is None or init.names[0] != b"/sbin/init":
        return ""
    return f"systemd is in the image: link /sbin/init to /{systemd.decode()} (Debian and Ubuntu: install systemd-sysv)"


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
    if program.script(root, init):
        return "a script"
    if root.file(b"etc/inittab") is not None:
        return "an init that reads /etc/inittab, such as System V init"
    return "an init of its own"


CHECK = Check(title="Init", rules=(MISSING, NOT_EXECUTABLE, ARCHITECTURE, INTERPRETER, LIBRARY, NOT_SYSTEMD), find=find)
