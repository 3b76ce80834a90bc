"""What a rule calls an error does not boot: something healthy is broken in one place, checked, and booted anyway."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bootworthy.builders import initrd
from bootworthy.checks import rule
from bootworthy.errors import HostError
from bootworthy.filesystems import cpio
from bootworthy.kernels import initramfs
from bootworthy.kernels.elf import MACHINE_AARCH64
from bootworthy.machines.qemu_microvm import FACTS
from bootworthy.proofs.evidence import Evidence
from bootworthy.vocabulary import Architecture, Role, Severity, Verdict, errors
from tests import check_trees
from tests.broken_cells import Bench, Cell, Words
from tests.check_trees import File, Link
from tests.command import Command
from tests.conftest import QEMU
from tests.needs import need

_FOREIGN = check_trees.elf(MACHINE_AARCH64, segments=[(1, b"code")])
_PVH_NOTE = struct.pack("<III", 4, 8, 18) + b"Xen\0"
_AT_ONCE = 2
_PATIENCE = 3
"""How many times as long as the healthy one a guest may take that hangs; others end by themselves."""
_END = 30
"""The same for those."""

Break = Callable[[Bench, Cell], Cell]


def told(change: Callable[[Words], Words]) -> Break:
    """Another kernel command line."""
    return lambda _, cell: replace(cell, told=change)


def said(word: str) -> Break:
    """One more word on the kernel command line."""
    return told(lambda words: (*words, word))


def instead(name: str, word: str) -> Break:
    """Another word on the kernel command line."""
    return told(lambda words: tuple(word if each.startswith(f"{name}=") else each for each in words))


def root(path: str, entry: check_trees.Entry) -> Break:
    """Another file in the root."""
    return lambda _, cell: cell.with_(Role.ROOT, {path: entry})


def kernel(change: Callable[[bytes], bytes]) -> Break:
    """Another kernel."""

    def done(_: Bench, cell: Cell) -> Cell:
        return cell.with_(Role.KERNEL, {"boot/vmlinux": File(change(_content(cell, Role.KERNEL, "boot/vmlinux")))})

    return done


def modules(change: Callable[[bytes], bytes], *, but: int = 0) -> Break:
    """Every module changed, but the first ones."""

    def done(_: Bench, cell: Cell) -> Cell:
        names = sorted(path for path in cell.images[Role.MODULES] if ".ko" in path)[but:]
        return cell.with_(Role.MODULES, {path: File(change(_content(cell, Role.MODULES, path))) for path in names})

    return done


def unpacked_over(entry: cpio.CpioEntry) -> Break:
    """Another file in the initial RAM disk."""
    return lambda bench, cell: cell.only(Role.INITRD, bench.ram_disk(bench.planned, bench.modules, more=[entry]))


def _content(cell: Cell, role: Role, path: str) -> bytes:
    entry = cell.images[role][path]
    assert isinstance(entry, File)
    return entry.content


def _foreign(data: bytes) -> bytes:
    return data[:18] + struct.pack("<H", MACHINE_AARCH64) + data[20:]


def _other_image(_: Bench, cell: Cell) -> Cell:
    return replace(cell.with_(Role.ROOT, {"sbin/init": _FOREIGN}), platforms={Role.ROOT: Architecture.AARCH64})


def _of_another_release(bench: Bench, cell: Cell) -> Cell:
    return cell.only(Role.MODULES, bench.newer_modules())


def _drivers_of_another_release(bench: Bench, cell: Cell) -> Cell:
    tree = initrd.module_tree(bench.other_modules)
    plan = initramfs.plan(FACTS.bus.drivers, initrd.FILESYSTEMS, modules=tree)
    return cell.only(Role.INITRD, bench.ram_disk(plan, bench.other_modules))


def _backwards(bench: Bench, cell: Cell) -> Cell:
    plan = replace(bench.planned, modules=bench.planned.modules[::-1], optional=frozenset())
    return cell.only(Role.INITRD, bench.ram_disk(plan, bench.modules))


def _half_a_ram_disk(_: Bench, cell: Cell) -> Cell:
    whole = _content(cell, Role.INITRD, initrd.INITRD_PATH)
    return cell.only(Role.INITRD, {initrd.INITRD_PATH: File(whole[: len(whole) // 2])})


def _nested(_: Bench, cell: Cell) -> Cell:
    (config,) = (path for path in cell.images[Role.KERNEL] if path.startswith("boot/config-"))
    below = f"lib/modules/{config.removeprefix('boot/config-')}"
    return cell.only(Role.MODULES, {f"{below}/{path}": file for path, file in cell.images[Role.MODULES].items()})


def _only_listed(_: Bench, cell: Cell) -> Cell:
    return cell.only(
        Role.MODULES, {path: file for path, file in cell.images[Role.MODULES].items() if ".ko" not in path}
    )


def _unlisted(_: Bench, cell: Cell) -> Cell:
    return cell.only(
        Role.MODULES, {path: file for path, file in cell.images[Role.MODULES].items() if ".dep" not in path}
    )


def _fstab(bench: Bench, cell: Cell) -> Cell:
    line = b"LABEL=data /srv ext4 x-systemd.device-timeout=5s 0 2\n"
    system = cell.only(Role.ROOT, {"etc/fstab": File(line)}).only(Role.MODULES, {})
    return replace(system, below={Role.ROOT: bench.system, Role.MODULES: bench.every_module})


def _without_its_libraries(_: Bench, cell: Cell) -> Cell:
    linker = Path(check_trees.LINKER.decode())
    files = {"sbin/init": Path("/bin/tar").read_bytes(), str(linker)[1:]: linker.read_bytes()}
    return cell.with_(Role.ROOT, files)


def _machine(**plan: Any) -> Break:
    return lambda _, cell: replace(cell, plan={**cell.plan, **plan})


BROKEN: Mapping[str, Break] = {
    "cmdline.acpi-off": said("acpi=off"),
    "cmdline.nomodule": said("nomodule"),
    "cmdline.root-missing": instead("root", "root=LABEL=none"),
    "cmdline.root-type": said("rootfstype=squashfs"),
    "cmdline.too-long": said("a" * 2048),
    "drivers.missing": lambda _, cell: cell.without(Role.INITRD),
    "drivers.order": _backwards,
    "fstab.missing-device": _fstab,
    "image.architecture": _other_image,
    "init.architecture": root("sbin/init", _FOREIGN),
    "init.interpreter-missing": root("sbin/init", b"#!/bin/none\n"),
    "init.library-missing": _without_its_libraries,
    "init.missing": root("sbin/init", Link(b"/usr/lib/systemd/systemd")),
    "init.not-executable": root("sbin/init", File(b"#!/bin/sh\n", 0o644)),
    "initrd.architecture": unpacked_over(cpio.file(b"init", _FOREIGN, 0o755)),
    "initrd.init-missing": unpacked_over(cpio.symlink(b"init", b"none")),
    "initrd.init-not-executable": unpacked_over(cpio.file(b"init", b"#!/bin/sh\n", 0o644)),
    "initrd.release-mismatch": _drivers_of_another_release,
    "initrd.unreadable": _half_a_ram_disk,
    "kernel.architecture": kernel(lambda _: check_trees.image()),
    "kernel.format": kernel(lambda data: data.replace(_PVH_NOTE, bytes(len(_PVH_NOTE)))),
    "kernel.release-mismatch": _of_another_release,
    "kernel.unreadable": kernel(lambda data: data[64:]),
    "machine.memory": _machine(memory_mib=24),
    "machine.vcpus": _machine(vcpus=1000),
    "modules.architecture": modules(_foreign),
    "modules.incomplete": _only_listed,
    "modules.mixed": modules(lambda data: data.replace(b" mod_unload ", b" mod_reload "), but=1),
    "modules.nested": _nested,
    "modules.no-dep": _unlisted,
    "modules.unreadable": modules(lambda data: data[:200]),
    "modules.unsigned": said("module.sig_enforce"),
}

HANG: Mapping[str, str] = {
    "cmdline.acpi-off": "without ACPI there are no interrupts, and nothing that init says comes out",
    "cmdline.too-long": "an x86_64 kernel dies of it before it has a console",
    "initrd.architecture": "the kernel tries /bin/sh last of all, and our initial RAM disks have it",
    "initrd.init-not-executable": "the same",
}
"""Errors that no guest ends by, and why. That one ends takes less time to see, and says more."""

NOT_SHOWN: Mapping[str, str] = {
    "cmdline.pci-off": "QEMU's microvm has no PCI; the rule is for Cloud Hypervisor",
    "initrd.missing": "there is nothing to give to QEMU",
    "initrd.unsupported": "the kernels that are built here unpack all that there is",
    "kernel.missing": "there is nothing to give to QEMU",
    "machine.architecture": "there is no QEMU microvm for another architecture",
}
"""Errors whose harm cannot be seen here, and why."""


@pytest.fixture(scope="module")
def bench(home: Command, built: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Bench:
    need("qemu-system-x86_64")
    own, other = (built[name]["images"] for name in QEMU)
    return Bench.of(home, own, other, tmp_path_factory.mktemp("rules"))


@pytest.fixture(scope="module")
def healthy(bench: Bench) -> Evidence:
    return bench.boot(bench.whole, 200)


@pytest.fixture(scope="module")
def seen(bench: Bench, healthy: Evidence) -> dict[str, Future[Evidence]]:
    """What becomes of each that is broken; some boot at once."""
    took = healthy.times["healthy"]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return {
            id_: pool.submit(bench.boot, change(bench, bench.whole), took * (_PATIENCE if id_ in HANG else _END))
            for id_, change in BROKEN.items()
        }


def test_every_error_is_shown_or_says_why_not() -> None:
    known = {each.id for family in rule.known().values() for each in family.rules if each.severity is Severity.ERROR}
    assert BROKEN.keys() | NOT_SHOWN.keys() == known
    assert BROKEN.keys() & NOT_SHOWN.keys() == set()


def test_what_is_broken_was_healthy(bench: Bench, healthy: Evidence) -> None:
    assert errors(bench.check(bench.whole)) == []
    assert (healthy.verdict, healthy.reasons) == (Verdict.HEALTHY, ())


@pytest.mark.parametrize("id_", sorted(BROKEN))
def test_an_error_does_not_boot(bench: Bench, seen: dict[str, Future[Evidence]], id_: str) -> None:
    found = errors(bench.check(BROKEN[id_](bench, bench.whole)))
    assert id_ in {each.id for each in found}
    try:
        evidence = seen[id_].result()
    except HostError as error:
        # QEMU refuses the machine itself, and says so.
        assert (id_, error.code) in {("machine.vcpus", "vmm.failed"), ("machine.memory", "vmm.failed")}, error  # noqa: PT017
    else:
        ended = {Verdict.PANICKED, Verdict.EXITED, Verdict.UNHEALTHY}
        assert evidence.verdict in ({Verdict.HUNG} if id_ in HANG else ended), evidence.ending
