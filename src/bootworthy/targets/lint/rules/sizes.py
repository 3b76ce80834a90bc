"""Who a microVM is, and how large."""

from __future__ import annotations

from collections.abc import Iterator

from bootworthy.targets.lint.consumers import Asked
from bootworthy.targets.lint.machine import Kind, Machine, said
from bootworthy.targets.lint.rule import Family, Fault, Rule, each
from bootworthy.targets.lint.tree import Node
from bootworthy.vocabulary import Architecture, Severity

SIZE = Rule(
    id="LM-017", severity=Severity.ERROR, title="So many processors or so much memory cannot be had",
    why="Flintlock takes 1 to 64 processors and 1024 to 32768 MiB; Firecracker at most 32 processors, and on x86_64 "
    "one or an even number, since Flintlock gives it pairs of threads.",
    remedy="choose numbers within the bounds", source="flintlock v0.11.0, its validators; firecracker, machine-config",
)  # fmt: skip
IDENTITY = Rule(
    id="LM-019", severity=Severity.ERROR, title="The microVM has no usable id",
    why="Folders, leases and snapshots are named NAMESPACE/ID/UID: an empty id is refused, and a slash in it names "
    "another microVM.", remedy="give it an id and a namespace without a slash",
    source="flintlock v0.11.0, core/models/vmid.go",
)  # fmt: skip


def find(machine: Machine, asked: Asked) -> Iterator[Fault]:
    """Look at id, namespace, processors and memory."""
    vcpus = machine.get("machine", "vcpu_count") if machine.kind is Kind.FIRECRACKER else machine.get("vcpu")
    if vcpus is not None and vcpus.number is not None and machine.kind is not Kind.IGNITE:
        yield from _processors(machine, vcpus, vcpus.number, asked)
    if machine.kind.liquid_metal:
        yield from _memory(machine)
    if machine.kind.flintlock:
        yield from _identity(machine)


def _processors(machine: Machine, node: Node, count: int, asked: Asked) -> Iterator[Fault]:
    flintlock = machine.kind.liquid_metal
    if flintlock and not 0 <= count <= 64:
        yield SIZE.broken(node.span, f"{count} processors; Flintlock takes 1 to 64")
    elif machine.kind is Kind.FIRECRACKER or machine.vmm == "firecracker":
        smt = machine.get("machine", "smt") if machine.kind is Kind.FIRECRACKER else None
        pairs = (
            (smt is not None and smt.value is True) if machine.kind is Kind.FIRECRACKER else not _is_arm(machine, asked)
        )
        if count > 32 or (machine.kind is Kind.FIRECRACKER and count < 1):
            yield SIZE.broken(node.span, f"{count} processors; Firecracker takes 1 to 32")
        elif pairs and count > 1 and count % 2:
            yield SIZE.broken(node.span, f"{count} processors; with pairs of threads it is one, or an even number")


def _is_arm(machine: Machine, asked: Asked) -> bool:
    names = [said(node) or "" for _, node in machine.images]
    return asked.architecture is Architecture.AARCH64 or any("-arm" in name for name in names)


def _memory(machine: Machine) -> Iterator[Fault]:
    memory = machine.get("memory")
    if memory is None or memory.number is None or memory.number == 0:
        return
    low = 0 if machine.kind.operator else 1024  # below that, LM-040 tells of resources
    if not low <= memory.number <= 32768:
        yield SIZE.broken(memory.span, f"{memory.number} MiB; Flintlock takes 1024 to 32768")


def _identity(machine: Machine) -> Iterator[Fault]:
    name, space = machine.get("id"), machine.get("namespace")
    if name is None or name.empty:
        yield IDENTITY.broken(name.span if name else machine.span, "the microVM has no id")
    if space is None or space.empty:
        where = space.span if space else machine.span
        yield IDENTITY.broken(where, "no namespace is given, so it is `default`", severity=Severity.WARNING)
    for word, node in (("id", name), ("namespace", space)):
        if node is not None and "/" in (said(node) or ""):
            yield IDENTITY.broken(node.span, f"the {word} {said(node)!r} has a slash in it")


FAMILY = Family(title="Identity and size", rules=(SIZE, IDENTITY), find=each(find))
