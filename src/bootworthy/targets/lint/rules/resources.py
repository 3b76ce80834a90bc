"""Resources of Kubernetes: what their definitions refuse, ignore, or leave to people to keep equal."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from bootworthy.targets.lint.machine import Kind, Machine, said
from bootworthy.targets.lint.rule import Family, Fault, Rule, Subject
from bootworthy.targets.lint.tree import Node
from bootworthy.vocabulary import Severity

RESOURCE = Rule(
    id="LM-040", severity=Severity.ERROR, title="The resource does not say what its definition wants",
    why="The API server refuses or drops what its definition does not know, and the controller passes the rest on as "
    "it is: a value that fits no version of the images, or not the other machines, is found when nodes fail.",
    remedy="write the fields of MicrovmMachineSpec", source="cluster-api-provider-microvm v0.10.1, its CRDs; "
    "controller-pkg, types/microvm/microvm.go",
)  # fmt: skip

_FIELDS = frozenset(
    [
        "provider",
        "vcpu",
        "memoryMb",
        "rootVolume",
        "volumes",
        "kernel",
        "kernelCmdline",
        "initrd",
        "networkInterfaces",
        "labels",
        "sshPublicKeys",
        "providerID",
    ]
)
_MORE = frozenset({"host", "userdata"})
"""What the microvm-operator has beside them."""
_KERNEL = frozenset({"image", "filename"})
_VOLUME = frozenset({"id", "image", "readOnly", "mountPoint", "virtiofsPath"})
_NIC = frozenset({"guestDeviceName", "type", "guestMac", "address"})


def find(subject: Subject) -> Iterator[Fault]:
    """Look at every resource, and at those of one file beside each other."""
    resources = [machine for machine in subject.machines if machine.kind.operator]
    for machine in resources:
        yield from _unknown(machine)
        yield from _values(machine)
    templates = [machine for machine in resources if machine.kind is Kind.TEMPLATE]
    for one, other in itertools.pairwise(templates):
        yield from _differ(one, other)


def _unknown(machine: Machine) -> Iterator[Fault]:
    more = _MORE if machine.kind is Kind.MICROVM else frozenset()
    places: list[tuple[Node | None, frozenset[str]]] = [(machine.node, _FIELDS | more), (machine.kernel, _KERNEL)]
    places += [(volume.node, _VOLUME) for volume in machine.volumes]
    places += [(machine.root.node, _VOLUME)] if machine.root else []
    places += [(nic.node, _NIC) for nic in machine.interfaces]
    for node, known in places:
        for key, entry in (node.entries if node else {}).items():
            if key not in known:
                yield RESOURCE.broken(entry.key, f"there is no field {key!r} here: {', '.join(sorted(known))}")


def _values(machine: Machine) -> Iterator[Fault]:
    for nic in machine.interfaces:
        kind = said(nic.type)
        if nic.type is None:
            yield RESOURCE.broken(nic.node.span, "an interface has no type: macvtap or tap")
        elif kind is not None and kind not in {"macvtap", "tap"}:
            yield RESOURCE.broken(nic.type.span, f"the type of an interface is macvtap or tap, and not {kind!r}")
        elif kind == "macvtap" and said(machine.get("provider")) is None:
            message = "macvtap, and no provider is named; Flintlock takes Firecracker, which has none"
            yield RESOURCE.broken(nic.type.span, message, severity=Severity.WARNING)
    for node in (machine.root.mount, machine.root.share) if machine.root else ():
        if node is not None:
            message = "mount point and shared folder of the root are ignored"
            yield RESOURCE.broken(node.span, message, severity=Severity.WARNING)
    memory, vcpus = machine.get("memory"), machine.get("vcpu")
    if memory is not None and memory.number is not None and memory.number < 1024:
        yield RESOURCE.broken(memory.span, f"memoryMb is {memory.number}, and 1024 is the least")
    if vcpus is not None and vcpus.number is not None and vcpus.number < 1:
        yield RESOURCE.broken(vcpus.span, f"vcpu is {vcpus.number}, and 1 is the least")
    yield from _hard_coded(machine)


def _hard_coded(machine: Machine) -> Iterator[Fault]:
    """A variable chooses the kernel, and the mount point stays."""
    kernel, modules = machine.kernel_image, machine.modules
    if kernel is None or modules is None or modules.mount is None:
        return
    if "${" in (kernel.text or "") and "${" not in (modules.mount.text or ""):
        message = f"a variable chooses the kernel, and {modules.mount.text} stays as it is"
        yield RESOURCE.broken(modules.mount.span, message, severity=Severity.WARNING)


def _differ(one: Machine, other: Machine) -> Iterator[Fault]:
    before, after = dict(one.images), dict(other.images)
    for role in before.keys() & after.keys():
        texts = before[role].text, after[role].text
        if texts[0] != texts[1]:
            message = f"the {role} image of {other.title} is {texts[1]}, that of {one.title} {texts[0]}"
            yield RESOURCE.broken(
                after[role].span, message, severity=Severity.WARNING, remedy="keep them equal, unless that is meant"
            )


FAMILY = Family(title="Resources of Kubernetes", rules=(RESOURCE,), find=find)
