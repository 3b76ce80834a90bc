"""The initial RAM disk of a kernel for a machine: exactly the modules that reach the root, in an order that loads."""

from __future__ import annotations

import functools

from bootworthy.builders import busybox, layer
from bootworthy.builders.base import File
from bootworthy.builders.kernel_images import RELEASE_LABEL
from bootworthy.builders.record import Recipe
from bootworthy.builders.workshop import Build, Made, Workshop
from bootworthy.kernels import initramfs
from bootworthy.kernels.config import Config
from bootworthy.kernels.initramfs import InitramfsPlan
from bootworthy.kernels.modules import ModuleTree
from bootworthy.layers.node import Kind, Tree
from bootworthy.machines.facts import MachineFacts
from bootworthy.oci.documents import ROLE
from bootworthy.oci.image import Image
from bootworthy.vocabulary import Architecture, Role

REVISION = 1
INITRD_PATH = "boot/initrd"
FILESYSTEMS = ("ext4",)
"""What roots and modules volumes are made as."""


def build(
    workshop: Workshop, subject: str, facts: MachineFacts, architecture: Architecture, kernel: Image, modules: Image
) -> Build:
    """The build of an initial RAM disk for a kernel and its modules on a machine."""
    inputs: dict[str, object] = {
        "kernel": [each.diff_id for each in kernel.layers], "modules": [each.diff_id for each in modules.layers],
        "drivers": list(facts.bus.drivers), "filesystems": list(FILESYSTEMS), "script": initramfs.script_digest(),
        "busybox": busybox.build(workshop, architecture).recipe.key,
    }  # fmt: skip
    return Build(
        recipe=Recipe(
            subject=f"initrd {subject}", kind="initrd", revision=REVISION, architecture=architecture, inputs=inputs,
            tools={},
        ),
        make=functools.partial(_make, workshop, facts, architecture, kernel, modules),
    )  # fmt: skip


def plan(facts: MachineFacts, kernel: Tree, modules: ModuleTree) -> InitramfsPlan:
    """What must be loaded before the root can be mounted; `needed` is false when the kernel has it all built in.

    Raises:
        BuildError: the kernel has no way to reach its root.
    """
    return initramfs.plan(facts.bus.drivers, FILESYSTEMS, modules=modules, config=configuration(kernel))


def module_tree(tree: Tree) -> ModuleTree:
    """The modules of a modules image: flat, or under `lib/modules/RELEASE`, where others have them."""
    top = _top(tree)

    def read(path: str) -> bytes | None:
        node = tree.find(top + path.encode())
        return tree.read(node) if node is not None and node.kind is Kind.FILE else None

    return ModuleTree(read)


def _top(tree: Tree) -> bytes:
    """The path of the folder that has modules.dep, `/` behind it; nothing where it is the root, or nowhere."""
    if tree.find(b"modules.dep") is not None:
        return b""
    for below in (b"lib/modules", b"usr/lib/modules"):
        folder = tree.find(below)
        for name in sorted(folder.children) if folder is not None else ():
            top = below + b"/" + name + b"/"
            if tree.find(top + b"modules.dep") is not None:
                return top
    return b""


def configuration(kernel: Tree) -> Config | None:
    """The configuration that a kernel image carries beside the kernel."""
    boot = kernel.find(b"boot")
    names = sorted(name for name in boot.children if name.startswith(b"config-")) if boot else []
    if not names:
        return None
    node = kernel.find(b"boot/" + names[0])
    return Config.parse(kernel.read(node).decode(errors="replace")) if node else None


def _make(workshop: Workshop, facts: MachineFacts, architecture: Architecture, kernel: Image, modules: Image) -> Made:
    program = busybox.program(workshop, architecture)
    tree = module_tree(layer.tree_of(workshop, modules))
    planned = plan(facts, layer.tree_of(workshop, kernel), tree)
    data = initramfs.build(planned, program, tree)
    written = layer.write_files(workshop.store, [File(INITRD_PATH, 0o644, data)], 0)
    labels = {
        RELEASE_LABEL: kernel.config.labels.get(RELEASE_LABEL, ""), initramfs.VMM_LABEL: facts.vmm,
        "dev.bootworthy.initrd.modules": " ".join(planned.modules),
    }  # fmt: skip
    image = workshop.store.put_image(
        layers=[written], architecture=architecture, labels=labels, annotations={ROLE: Role.INITRD.value},
        history=["bootworthy initial RAM disk"],
    )  # fmt: skip
    return Made(images={Role.INITRD: image}, made_with=layer.made_with())
