"""The images of a guest, set in a manifest that somebody else wrote and keeps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ruamel.yaml.nodes import Node, ScalarNode

from bootworthy.errors import DocumentError, Problem
from bootworthy.targets import mounts
from bootworthy.targets.guest import Guest
from bootworthy.targets.splice import Edit, child, documents, items, place, scalar, splice

_KINDS = {
    "MicrovmMachineTemplate": ("spec", "template", "spec"), "MicrovmMachine": ("spec",), "Microvm": ("spec",),
    "MicrovmReplicaSet": ("spec", "template", "spec"), "MicrovmDeployment": ("spec", "template", "spec"),
}  # fmt: skip
"""Where the specification of a machine is, by the kind of its object."""
_MODULES = "/lib/modules"


@dataclass(frozen=True, slots=True)
class Changed:
    """A manifest with other images in it."""

    text: str
    machines: int
    """Specifications that were found."""
    notes: tuple[str, ...]


def into(text: str, guest: Guest, name: str) -> Changed:
    """Set the images of every machine of a manifest: CAPMVM's and microvm-operator's objects, Flintlock's JSON.

    Raises:
        DocumentError: `emit.file`, with everything that is missing in it or cannot be changed.
    """
    roots = documents(text, name)
    found = [each for root in roots for each in _machines(root)]
    problems: list[Problem] = []
    edits: list[Edit] = []
    if not found:
        hint = f"one of {', '.join(_KINDS)}, or a MicroVMSpec of Flintlock"
        problems.append(Problem("emit.no-machine", "no machine is described here", name, hint=hint))
    for machine in found:
        wanted = _wanted(machine, guest, name, problems)
        edits += [Edit(node, value) for node, value in wanted]
    if problems:
        raise DocumentError("emit.file", "this file cannot be changed in place", problems, where=name)
    return Changed(splice(text, roots, edits, name), len(found), tuple(_notes(roots, guest)))


def _machines(root: Node) -> Iterator[Node]:
    kind = scalar(child(root, "kind"))
    if kind in _KINDS:
        node: Node | None = root
        for key in _KINDS[kind]:
            node = child(node, key)
        if node is not None:
            yield node
    elif kind == "List":
        for item in items(child(root, "items")):
            yield from _machines(item)
    else:
        machine = child(root, "microvm") or root
        if child(machine, "root_volume", "rootVolume") is not None and child(machine, "kernel") is not None:
            yield machine


def _wanted(machine: Node, guest: Guest, name: str, problems: list[Problem]) -> Iterator[tuple[ScalarNode, str]]:
    """Scalars and what they are to say; what is not there is a problem."""
    kernel, initrd = child(machine, "kernel"), child(machine, "initrd")
    volumes = child(machine, "volumes", "additional_volumes", "additionalVolumes")
    modules = next((each for each in items(volumes) if _holds_modules(each)), None)
    fields: list[tuple[str, Node | None, str]] = [
        ("kernel.image", child(kernel, "image"), guest.kernel),
        ("kernel.filename", child(kernel, "filename"), guest.kernel_file),
        ("the image of the root volume", _image(child(machine, "root_volume", "rootVolume")), guest.root),
    ]
    if guest.initrd is not None and guest.initrd_file is not None:
        fields += [("initrd.image", child(initrd, "image"), guest.initrd)]
        fields += [("initrd.filename", child(initrd, "filename"), guest.initrd_file)]
    elif initrd is not None:
        problems.append(_extra(initrd, "an initial RAM disk, which this kernel does without", name))
    if guest.modules is not None:
        fields.append(("the image of a modules volume", _image(modules), guest.modules.image))
        if (at := mounts.in_place(guest)) is not None:
            fields.append(("the mount point of the modules", child(modules, "mount_point", "mountPoint"), at))
        elif modules is not None and (point := child(modules, "mount_point", "mountPoint")) is not None:
            problems.append(_extra(point, "a mount point, and these modules do not fit one", name))
    elif modules is not None:
        problems.append(_extra(modules, "a modules volume, and these images have none", name))
    for what, node, value in fields:
        if isinstance(node, ScalarNode):
            yield node, value
        else:
            hint = f"add it, as {value}"
            problems.append(Problem("emit.missing", f"{what} is not here", place(machine, name), hint=hint))


def _extra(node: Node, what: str, name: str) -> Problem:
    return Problem("emit.extra", f"this is {what}", place(node, name), hint="take it out")


def _holds_modules(volume: Node) -> bool:
    point = scalar(child(volume, "mount_point", "mountPoint")) or ""
    return point.startswith(_MODULES) or scalar(child(volume, "id")) == "modules"


def _image(volume: Node | None) -> Node | None:
    return child(child(volume, "source"), "container_source", "containerSource") or child(volume, "image")


def _notes(roots: tuple[Node, ...], guest: Guest) -> Iterator[str]:
    if any(scalar(child(root, "kind")) == "MicrovmMachineTemplate" for root in roots):
        yield "Cluster API replaces machines only when a template's name changes: rename it, and in what names it"
    if wanted := mounts.told(guest):
        yield f"the guest mounts its modules itself: cloud-init needs `mounts: {wanted}`"
