"""The initial RAM disk: that the kernel can unpack it, start what is in it, and load its modules."""

from __future__ import annotations

from collections.abc import Iterator

from bootworthy.checks import having, loading, program, ram_disk
from bootworthy.checks.having import Had
from bootworthy.checks.part import Part
from bootworthy.checks.ram_disk import RamDisk
from bootworthy.checks.reading import shown, told
from bootworthy.checks.rule import Check, Rule
from bootworthy.checks.subject import Subject
from bootworthy.kernels.config import Config
from bootworthy.vocabulary import Finding, Severity

_FORMAT = "Documentation/driver-api/early-userspace/buffer-format.rst of Linux"
_INIT = "Documentation/filesystems/ramfs-rootfs-initramfs.rst of Linux"

MISSING = Rule(
    id="initrd.missing", severity=Severity.ERROR, title="There is no initial RAM disk in its image",
    why="The machine is to be started with one, and there is nothing to give to the VMM.",
    remedy="name an image that has /boot/initrd, or none",
    source="the layout of Bootworthy's images: /boot/initrd",
)  # fmt: skip
UNREADABLE = Rule(
    id="initrd.unreadable", severity=Severity.ERROR, title="The initial RAM disk, or a module in it, is damaged",
    why="The kernel unpacks what comes before the damage and goes on without the rest, so it finds no init or no root.",
    remedy="build the initial RAM disk again", source=_FORMAT,
)  # fmt: skip
UNSUPPORTED = Rule(
    id="initrd.unsupported", severity=Severity.ERROR, title="The kernel cannot unpack the initial RAM disk",
    why="It goes on as if there were none, and does not find its root.",
    remedy="use a kernel with these options, or compress the initial RAM disk in a way that the kernel knows",
    source="Documentation/admin-guide/initrd.rst and usr/Kconfig of Linux",
)  # fmt: skip
INIT_MISSING = Rule(
    id="initrd.init-missing", severity=Severity.ERROR, title="There is no init in the initial RAM disk",
    why="The kernel then mounts the root by itself, and knows neither labels nor drivers that are modules.",
    remedy="build the initial RAM disk with an /init, or name another one with `rdinit=`", source=_INIT,
)  # fmt: skip
NOT_EXECUTABLE = Rule(
    id="initrd.init-not-executable", severity=Severity.ERROR, title="The init of the initial RAM disk cannot run",
    why="The kernel tries other programs in its place, and then panics, or waits for ever in a shell.",
    remedy="build the initial RAM disk again, with all that its init is run by", source=_INIT,
)  # fmt: skip
RELEASE = Rule(
    id="initrd.release-mismatch", severity=Severity.ERROR,
    title="The initial RAM disk has drivers of another kernel release",
    why="The kernel refuses them, so it does not reach its root.",
    remedy="build the initial RAM disk from the modules of this kernel",
    source="include/linux/vermagic.h and kernel/module/version.c of Linux",
)  # fmt: skip

_UNABLE = {program.Kind.NOT_EXECUTABLE, program.Kind.INTERPRETER, program.Kind.LIBRARY}
_SAMPLE = 5


def find(subject: Subject) -> Iterator[Finding]:
    """Unpack the initial RAM disk and follow its init, and open the modules that reach the root."""
    if subject.initrd is None:
        return
    disk = subject.ram_disk
    if disk is None:
        yield MISSING.broken(subject.initrd.at("boot/initrd"), "there is no initial RAM disk in this image")
        return
    if disk.fault is not None:
        # What we do not read, the kernel may.
        severity = Severity.NOTE if disk.fault.code == "kernel.lzo" else None
        message = f"the initial RAM disk cannot be read: {told(disk.fault)}"
        yield UNREADABLE.broken(disk.where, message, severity=severity)
    if disk.inside is None:
        return
    kernel = subject.kernel_file
    if kernel is not None and kernel.config is not None:
        yield from _supported(disk, kernel.config)
    yield from _init(subject, disk.inside)
    yield from _modules(subject, disk)


def _supported(disk: RamDisk, config: Config) -> Iterator[Finding]:
    wanted = ["BLK_DEV_INITRD", *dict.fromkeys(compression.symbol for compression in disk.compressions)]
    unset = [f"CONFIG_{symbol}" for symbol in wanted if not config.builtin(symbol)]
    if unset:
        message = f"the kernel was built without {', '.join(unset)}, which this initial RAM disk needs"
        yield UNSUPPORTED.broken(disk.where, message)


def _init(subject: Subject, inside: Part) -> Iterator[Finding]:
    init = ram_disk.init(inside, subject.arguments)
    where = inside.at(init.names[0])
    if init.node is None:
        yield INIT_MISSING.broken(where, init.says())
        return
    if not init.program:
        yield NOT_EXECUTABLE.broken(where, init.says())
        return
    for obstacle in program.obstacles(inside, subject.architecture, init):
        if obstacle.kind in _UNABLE:  # what is built for another machine is the family architecture's
            yield NOT_EXECUTABLE.broken(where, obstacle.message)


def _modules(subject: Subject, disk: RamDisk) -> Iterator[Finding]:
    """Open the drivers that reach the root; where the kernel needs none, a few modules."""
    drivers = [name for name in having.for_root(subject) if having.had(subject, name) is Had.MODULE]
    names = sorted(loading.wanted(disk, drivers)) if drivers else sorted(disk.modules)[:_SAMPLE]
    opened = [module for name in names if (module := disk.module(name)) is not None]
    for module in opened:
        if module.fault is not None:
            yield UNREADABLE.broken(module.where, f"this module cannot be read: {told(module.fault)}")
    said = [(module, module.info.release) for module in opened if module.info is not None and module.info.vermagic]
    other = next(((module, release) for module, release in said if release != subject.release), None)
    if other is not None and subject.release is not None:
        message = f"the kernel is {shown(subject.release)}, and this module is built for {shown(other[1])}"
        # A kernel that needs none of them boots without.
        yield RELEASE.broken(other[0].where, message, severity=None if drivers else Severity.WARNING)


CHECK = Check(
    title="Initial RAM disk",
    rules=(MISSING, UNREADABLE, UNSUPPORTED, INIT_MISSING, NOT_EXECUTABLE, RELEASE), find=find,
)  # fmt: skip
