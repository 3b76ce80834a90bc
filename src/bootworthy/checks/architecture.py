"""Everything is built for the processor of the machine."""

from __future__ import annotations

from collections.abc import Iterator

from bootworthy.checks import having, program, ram_disk
from bootworthy.checks.reading import shown
from bootworthy.checks.rule import Check, Rule
from bootworthy.checks.subject import Subject
from bootworthy.kernels.elf import MACHINE_AARCH64, MACHINE_X86_64
from bootworthy.vocabulary import Architecture, Finding, Severity

MACHINE = Rule(
    id="machine.architecture", severity=Severity.ERROR, title="The VMM does not run on this architecture",
    why="There is no such machine, so nothing can boot on it.",
    remedy="choose a machine with an architecture that the VMM has", source="the facts of the VMM in machines/",
)  # fmt: skip
IMAGE = Rule(
    id="image.architecture", severity=Severity.ERROR, title="An image is for another architecture",
    why="Its programs cannot be executed on the machine: the guest hangs or panics, and does not say why.",
    remedy="pull or build the image for the architecture of the machine (`--arch`, or a multi-platform index)",
    source="OCI image specification, config.md, `architecture`",
)  # fmt: skip
KERNEL = Rule(
    id="kernel.architecture", severity=Severity.ERROR, title="The kernel is for another architecture",
    why="The VMM refuses to load it, or the guest never shows a line.",
    remedy="use the kernel image that is built for the architecture of the machine",
    source="elf(5), e_machine; Documentation/arch/x86/boot.rst and Documentation/arch/arm64/booting.rst of Linux",
)  # fmt: skip
MODULES = Rule(
    id="modules.architecture", severity=Severity.ERROR, title="The modules are for another architecture",
    why="The kernel refuses every one of them: `Exec format error`.",
    remedy="use the modules image that is built for the architecture of the machine", source="elf(5), e_machine",
)  # fmt: skip
INITRD = Rule(
    id="initrd.architecture", severity=Severity.ERROR, title="The initial RAM disk is for another architecture",
    why="The kernel cannot execute its init, or loads none of its modules: it panics, or hangs.",
    remedy="use the initial RAM disk that is built for the architecture of the machine",
    source="elf(5), e_machine",
)  # fmt: skip

_MACHINES = {MACHINE_X86_64: Architecture.X86_64, MACHINE_AARCH64: Architecture.AARCH64}


def find(subject: Subject) -> Iterator[Finding]:
    """Compare what images, kernel and modules say with the machine."""
    machine = subject.architecture
    if machine not in subject.facts.architectures:
        has = ", ".join(sorted(subject.facts.architectures))
        yield MACHINE.broken(
            subject.facts.vmm, f"{subject.facts.title} does not run on {machine}", remedy=f"it runs on {has}"
        )
    for role, platform in sorted(subject.platforms.items()):
        if platform != machine:
            part = subject.part(role)
            where = part.name if part is not None else f"{role} image"
            yield IMAGE.broken(where, f"the {role} image is for {platform}, and the machine is {machine}")
    yield from _kernel(subject)
    yield from _modules(subject)
    yield from _initrd(subject)


def _kernel(subject: Subject) -> Iterator[Finding]:
    kernel = subject.kernel_file
    if kernel is None:
        return
    if kernel.info is not None and kernel.info.architecture != subject.architecture:
        message = f"the kernel is built for {kernel.info.architecture}, and the machine is {subject.architecture}"
        yield KERNEL.broken(kernel.where, message)
    if kernel.fault is not None and kernel.fault.code == "kernel.architecture":
        yield KERNEL.broken(kernel.where, f"the kernel {shown(kernel.fault.message)}")


def _modules(subject: Subject) -> Iterator[Finding]:
    folder = subject.modules_folder
    for module in folder.sample if folder is not None else ():
        if module.info is None:
            continue
        built = _MACHINES.get(module.info.machine)
        if built != subject.architecture:
            message = f"this module is built for {built or f'ELF machine {module.info.machine}'}"
            yield MODULES.broken(module.where, f"{message}, and the machine is {subject.architecture}")
            return  # one says it all


def _initrd(subject: Subject) -> Iterator[Finding]:
    """Its init, and else one of its modules."""
    disk = subject.ram_disk
    if disk is None or disk.inside is None:
        return
    init = ram_disk.init(disk.inside, subject.arguments)
    for obstacle in program.obstacles(disk.inside, subject.architecture, init) if init.program else ():
        if obstacle.kind is program.Kind.FOREIGN:
            yield INITRD.broken(disk.inside.at(init.names[0]), obstacle.message)
            return
    drivers = [name for name in having.for_root(subject) if name in disk.modules]
    for name in (*drivers, *sorted(disk.modules))[:1]:
        module = disk.module(name)
        built = None if module is None or module.info is None else _MACHINES.get(module.info.machine)
        if module is not None and module.info is not None and built != subject.architecture:
            message = f"this module is built for {built or f'ELF machine {module.info.machine}'}"
            yield INITRD.broken(module.where, f"{message}, and the machine is {subject.architecture}")


CHECK = Check(title="Architecture", rules=(MACHINE, IMAGE, KERNEL, MODULES, INITRD), find=find)
