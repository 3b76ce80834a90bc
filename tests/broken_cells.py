"""Something small that boots healthy, to be broken in one place, checked, and booted all the same.

Its root is a static busybox: init starts the probe that every proof adds, and a script of two lines says what systemd
would. Its kernel is one that was built; its modules are those that it needs, and some for the probe to load.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bootworthy.builders import busybox, initrd, layer
from bootworthy.builders.workshop import Workshop
from bootworthy.checks import run
from bootworthy.checks.subject import Subject
from bootworthy.cli import launching
from bootworthy.filesystems import cpio
from bootworthy.filesystems.cpio import CpioEntry
from bootworthy.kernels import initramfs
from bootworthy.kernels.initramfs import InitramfsPlan
from bootworthy.kernels.modules import module_name
from bootworthy.layers.node import Tree
from bootworthy.machines.qemu_microvm import FACTS
from bootworthy.oci.image import Image, Layer
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from bootworthy.proofs import prepare
from bootworthy.proofs.evidence import Evidence, EvidenceStore
from bootworthy.proofs.prove import Launcher, prove
from bootworthy.proofs.target import Target
from bootworthy.vmms.plan import LaunchPlan
from bootworthy.vmms.qemu_microvm import QemuMicrovm
from bootworthy.vocabulary import Accelerator, Architecture, Finding, Role
from tests.check_trees import Entry, File, Link
from tests.command import Command
from tests.faults import branch
from tests.tree_images import put_tree

Entries = Mapping[str, Entry]
Words = tuple[str, ...]
_INIT = b"""\
#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
busybox --install -s /bin
modprobe virtio_net
exec /usr/lib/bootworthy-probe/busybox sh /usr/lib/bootworthy-probe/probe.sh
"""
_SYSTEMCTL = b"""\
#!/bin/sh
[ "$1" != is-system-running ] || echo running
"""
_FOLDERS = ("dev", "etc", "proc", "root", "run", "sbin", "sys", "tmp", "usr/bin", "usr/lib", "usr/sbin", "var")
_FOR_THE_PROBE = ("kernel/lib/", "kernel/crypto/", "kernel/fs/")
_LISTS = ("modules.builtin", "modules.builtin.modinfo", "modules.order", "modules.softdep")
_SIGNED = b"~Module signature appended~\n"
_SPARE = 12
_SMALL = {"vcpus": 1, "memory_mib": 512}


def _as_it_is(words: Words) -> Words:
    return words


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What boots: the content of each image, and what is said of it."""

    images: Mapping[Role, Entries]
    below: Mapping[Role, tuple[Layer, ...]] = field(default_factory=dict)
    """Layers that an image has below its content."""
    platforms: Mapping[Role, Architecture] = field(default_factory=dict)
    """What the config of an image says, where that is not x86_64."""
    told: Callable[[Words], Words] = _as_it_is
    """The kernel command line, from the one that we would give."""
    plan: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the launch plan, which are called the same in a `Subject`."""

    def with_(self, role: Role, entries: Entries) -> Cell:
        """With more files in an image, or others in their place."""
        return replace(self, images={**self.images, role: {**self.images.get(role, {}), **entries}})

    def only(self, role: Role, entries: Entries) -> Cell:
        """With another image for a role."""
        return replace(self, images={**self.images, role: entries})

    def without(self, *roles: Role) -> Cell:
        """Without some images."""
        return replace(self, images={role: kept for role, kept in self.images.items() if role not in roles})


@dataclass(frozen=True)
class _Told(QemuMicrovm):
    """QEMU, with plans changed at the last moment: what is booted is what was checked."""

    cell: Cell

    def argv(self, plan: LaunchPlan, binary: Path, *, interactive: bool = False) -> list[str]:
        changed = replace(plan, command_line=self.cell.told(plan.command_line), **self.cell.plan)
        return super().argv(changed, binary, interactive=interactive)


@dataclass(frozen=True)
class Bench:
    """Where cells are made and booted."""

    workshop: Workshop
    folder: Path
    kernel: Tree
    modules: Tree
    other_modules: Tree
    """Of another release."""
    system: tuple[Layer, ...]
    """The layers of a whole system, with systemd."""
    every_module: tuple[Layer, ...]
    """The layers of all modules of its kernel."""

    @classmethod
    def of(cls, home: Command, own: Mapping[str, str], other: Mapping[str, str], folder: Path) -> Bench:
        """With what was built in a home: the images of one cell, and of another with another kernel."""
        mine = branch(home, folder / "home", "layers")
        workshop = Workshop(Store(mine.store), mine.cache)

        def image(reference: str) -> Image:
            return workshop.store.image(Reference.parse(reference), Architecture.X86_64)

        names = (own["kernel"], own["modules"], other["modules"])
        kernel, modules, others = (layer.tree_of(workshop, image(each)) for each in names)
        layers = (image(own["root"]).layers, image(own["modules"]).layers)
        return cls(workshop, folder, kernel, modules, others, *layers)

    @functools.cached_property
    def program(self) -> bytes:
        """A static busybox."""
        return busybox.program(self.workshop, Architecture.X86_64)

    @functools.cached_property
    def planned(self) -> InitramfsPlan:
        """What the initial RAM disk has to load."""
        return initrd.plan(FACTS, self.kernel, initrd.module_tree(self.modules))

    @functools.cached_property
    def whole(self) -> Cell:
        """The one that is healthy."""
        boot = self.kernel.find(b"boot")
        assert boot is not None
        kernel = {f"boot/{name.decode()}": File(self.kernel.read(node)) for name, node in boot.children.items()}
        return Cell(
            images={
                Role.ROOT: root(self.program), Role.KERNEL: kernel, Role.MODULES: self.some_modules(),
                Role.INITRD: self.ram_disk(self.planned, self.modules),
            },
            plan=_SMALL,
        )  # fmt: skip

    def ram_disk(self, plan: InitramfsPlan, modules: Tree, *, more: Iterable[CpioEntry] = ()) -> Entries:
        """The initial RAM disk of a plan; what is in `more` is unpacked over it."""
        data = initramfs.build(plan, self.program, initrd.module_tree(modules))
        # Where another archive begins is a multiple of four.
        return {initrd.INITRD_PATH: File(data + bytes(-len(data) % 4) + cpio.write(more) if more else data)}

    def some_modules(self) -> dict[str, Entry]:
        """The modules that reach the root and the network, and some for the probe to load; lists as depmod has them."""
        tree = initrd.module_tree(self.modules)
        alone = [
            path for path in tree if path.startswith(_FOR_THE_PROBE) and len(tree.closure([module_name(path)])) == 1
        ]
        taken = {*self.planned.modules, *tree.closure(["virtio_net"]), *alone[:_SPARE]}
        lines = _read(self.modules, "modules.dep").splitlines(keepends=True)
        kept = b"".join(line for line in lines if line.split(b":")[0].decode() in taken)
        lists = {name: File(_read(self.modules, name)) for name in _LISTS}
        files = {path: File(_unsigned(_read(self.modules, path))) for path in taken}
        return {**files, **lists, "modules.dep": File(kept)}

    def newer_modules(self) -> dict[str, Entry]:
        """Modules of another release that need no others, for the probe to load."""
        lines = _read(self.other_modules, "modules.dep").splitlines(keepends=True)
        alone = [line for line in lines if line.startswith(b"kernel/lib/") and line.endswith(b":\n")]
        paths = [line.split(b":")[0].decode() for line in alone]
        files = {path: File(_read(self.other_modules, path)) for path in paths}
        return {**files, "modules.dep": File(b"".join(alone))}

    def subject(self, cell: Cell) -> Subject:
        """What the checks look at."""
        return self._subject(self._target(cell), cell)

    def check(self, cell: Cell) -> tuple[Finding, ...]:
        """What every rule says."""
        return run.run(self.subject(cell))

    def boot(self, cell: Cell, seconds: float) -> Evidence:
        """What is seen when it is booted, whatever the rules say."""
        target = self._target(cell)
        request = prepare.request(target, Accelerator.TCG, (), again="", tool="test")
        launcher = Launcher(vmm=_Told(cell), binary=QemuMicrovm().tool.require())
        choice = launching.accelerator(target, request, launcher)
        request = replace(request, accelerator=choice.accelerator, deadline=seconds)
        return prove(request, launcher, EvidenceStore(self.folder / "state"))

    def _target(self, cell: Cell) -> Target:
        images = {role: self._image(role, entries, cell) for role, entries in cell.images.items()}
        return Target(
            facts=FACTS, architecture=Architecture.X86_64, images=images, workshop=self.workshop,
            digests={role.value: image.descriptor.digest for role, image in images.items()},
        )  # fmt: skip

    def _subject(self, target: Target, cell: Cell) -> Subject:
        subject = target.subject
        return replace(subject, command_line=cell.told(subject.command_line), **cell.plan)

    def _image(self, role: Role, entries: Entries, cell: Cell) -> Image:
        architecture = cell.platforms.get(role, Architecture.X86_64)
        descriptor = put_tree(
            self.workshop.store, entries, below=cell.below.get(role, ()), architecture=architecture,
            labels={initramfs.VMM_LABEL: FACTS.vmm} if role is Role.INITRD else {},
        )  # fmt: skip
        return self.workshop.store.image(descriptor, architecture)


def root(program: bytes) -> dict[str, Entry]:
    """The files of the root."""
    return {
        **dict.fromkeys(_FOLDERS), "lib": Link(b"usr/lib"), "bin/busybox": program,
        **{f"bin/{name}": Link(b"busybox") for name in ("sh", "mount", "modprobe")},
        "sbin/init": _INIT, "bin/systemctl": _SYSTEMCTL,
    }  # fmt: skip


def _unsigned(data: bytes) -> bytes:
    """A module without its signature, so that one that is changed is refused for the change and for nothing else.

    The signature is followed by twelve bytes, of which the last four are its length, and by a mark
    (struct module_signature of Linux).
    """
    if not data.endswith(_SIGNED):
        return data
    length = int.from_bytes(data[-len(_SIGNED) - 4 : -len(_SIGNED)], "big")
    return data[: -len(_SIGNED) - 12 - length]


def _read(tree: Tree, path: str) -> bytes:
    node = tree.find(path.encode())
    assert node is not None
    return tree.read(node)
