"""vCPUs and memory are what the VMM gives and the guest needs."""

from __future__ import annotations

from collections.abc import Iterator

from bootworthy.checks.rule import Check, Rule
from bootworthy.checks.subject import Subject
from bootworthy.kernels import extent
from bootworthy.vocabulary import Finding, Severity

VCPUS = Rule(
    id="machine.vcpus", severity=Severity.ERROR, title="The VMM does not give so many vCPUs",
    why="It refuses to start the guest.", remedy="set `vcpus` of the machine to what the VMM gives",
    source="the facts of the VMM in machines/",
)  # fmt: skip
PAIRS = Rule(
    id="machine.vcpu-pairs", severity=Severity.WARNING, title="The number of vCPUs is odd",
    why="The VMM refuses it where its caller asks for two threads a core, as flintlock does on x86_64.",
    remedy="give one vCPU or an even number of them", source="Firecracker API, machine-config, `smt` and `vcpu_count`",
)  # fmt: skip
MEMORY = Rule(
    id="machine.memory", severity=Severity.ERROR, title="The guest has too little memory for its kernel",
    why="The VMM cannot load it, or the kernel panics before its first process.",
    remedy="set `memory` of the machine higher",
    source="elf(5), p_memsz; Documentation/arch/x86/boot.rst and Documentation/arch/arm64/booting.rst of Linux",
)  # fmt: skip

_MIB = 1 << 20
_LEAST = 16 * _MIB
"""Beside kernel and initial RAM disk. Debian 12 with systemd was seen to come up with 17 MiB, and to die with 1."""


def find(subject: Subject) -> Iterator[Finding]:
    """Compare the machine with the VMM's limits and with what must be in memory at once."""
    facts, vcpus = subject.facts, subject.vcpus
    where = f"{facts.vmm} {subject.architecture}"
    if not 1 <= vcpus <= facts.max_vcpus:
        yield VCPUS.broken(where, f"{vcpus} vCPUs are asked for, and {facts.title} gives 1 to {facts.max_vcpus}")
    elif facts.smt_in_pairs and vcpus > 1 and vcpus % 2:
        yield PAIRS.broken(where, f"{vcpus} vCPUs are asked for")
    yield from _memory(subject)


def _memory(subject: Subject) -> Iterator[Finding]:
    kernel = subject.kernel_file
    if kernel is None or kernel.info is None:
        return
    needed = extent.extent(kernel.part.head(kernel.path, extent.HEAD) or b"", kernel.info.format)
    if needed is None:
        return
    what = "the kernel alone"
    disk = subject.ram_disk
    packed = None if disk is None else disk.part.file(disk.path)
    if packed is not None:
        needed, what = needed + packed.size, "kernel and initial RAM disk alone"
    left = subject.memory_mib * _MIB - needed
    message = f"{what} take {-(-needed // _MIB)} MiB, and the guest gets {subject.memory_mib}"
    if left < 0:
        yield MEMORY.broken(kernel.where, message)
    elif left < _LEAST:
        yield MEMORY.broken(kernel.where, message, severity=Severity.WARNING)


CHECK = Check(title="Limits", rules=(VCPUS, PAIRS, MEMORY), find=find)
