"""The initramfs of a machine: the modules its root needs, an init that finds the root, and a shell to run it.

It exists for kernels whose disk or filesystem driver is a module. Format: Documentation/driver-api/early-userspace/
buffer-format.rst of Linux.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.resources
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from isal import isal_zlib

from bootworthy.errors import BuildError
from bootworthy.filesystems import cpio
from bootworthy.filesystems.cpio import CpioEntry
from bootworthy.kernels.compression import Compression
from bootworthy.kernels.config import Config
from bootworthy.kernels.elf import Elf
from bootworthy.kernels.modules import ModuleTree, module_name

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

VMM_LABEL = "dev.bootworthy.initrd.vmm"
"""Label of every image of an initial RAM disk that is made here; its value is the VMM it is for."""
APPLETS = ("cat", "findfs", "insmod", "mkdir", "mount", "printf", "readlink", "sh", "sleep", "switch_root")
"""Programs that our init calls; busybox has all of them since 1.22."""

SYMBOLS: Mapping[str, str] = {
    "virtio_mmio": "VIRTIO_MMIO", "virtio_pci": "VIRTIO_PCI", "virtio_blk": "VIRTIO_BLK", "virtio_pmem": "VIRTIO_PMEM",
    "virtio_scsi": "SCSI_VIRTIO", "virtio_console": "VIRTIO_CONSOLE", "virtio_net": "VIRTIO_NET",
    "nvme": "BLK_DEV_NVME", "ahci": "SATA_AHCI", "sd_mod": "BLK_DEV_SD",
    "ext4": "EXT4_FS", "erofs": "EROFS_FS", "squashfs": "SQUASHFS", "xfs": "XFS_FS", "btrfs": "BTRFS_FS",
    "overlay": "OVERLAY_FS", "vfat": "VFAT_FS",
}  # fmt: skip
"""The configuration symbol behind a module, for kernels that came without a list of what is built in."""

_NEEDED = ("BLK_DEV_INITRD", "DEVTMPFS", "BINFMT_SCRIPT", "PROC_FS", "SYSFS")
_GZIP_LEVEL = 3
_ZSTD_OPTIONS: dict[int, int] = {
    zstd.CompressionParameter.compression_level: 9,
    zstd.CompressionParameter.checksum_flag: 1,
}


@dataclass(frozen=True, slots=True)
class InitramfsPlan:
    """What an initramfs will hold."""

    modules: tuple[str, ...]
    """Paths below the modules folder, in the order they are loaded."""
    optional: frozenset[str]
    """Those of them that a machine may refuse."""
    script: str
    """`/init`."""
    compression: Compression | None
    """What the kernel can take it out of; None for plain cpio."""

    @property
    def needed(self) -> bool:
        """Whether the kernel could not reach its root without it."""
        return bool(self.modules)


def plan(
    drivers: Sequence[str], filesystems: Sequence[str], *,
    modules: ModuleTree | None = None, config: Config | None = None,
) -> InitramfsPlan:  # fmt: skip
    """Find what a kernel must load to reach its root: the drivers of its bus and disks, then the filesystems.

    `drivers` and `filesystems` are module names, as `("virtio_mmio", "virtio_blk")` and `("ext4",)`. A kernel without
    modules is told by its configuration alone.

    Raises:
        BuildError: `kernel.module-missing` when the kernel has a driver neither as a module nor built in;
            `kernel.no-initramfs` when it needs an initramfs and was built unable to use one.
    """
    names = [name for name in (*drivers, *filesystems) if not _builtin(name, modules, config)]
    if modules is None:
        for name in names:
            raise _absent(name, config)
    hard: tuple[str, ...] = ()
    every: tuple[str, ...] = ()
    if modules is not None:
        hard = modules.closure(names, soft=False)
        every = modules.closure(names)
    if every and config is not None:
        _able(config)
    return InitramfsPlan(every, frozenset(every) - frozenset(hard), _script(), _compression(config))


def build(plan: InitramfsPlan, busybox: bytes, modules: ModuleTree | None = None) -> bytes:
    """The initramfs of a plan, around a static `busybox` of the guest's architecture; the same inputs, the same bytes.

    Raises:
        BuildError: `initramfs.busybox` when that program could not run there; `kernel.module-missing` and
            `kernel.unreadable` for modules.
    """
    if plan.modules and modules is None:
        raise BuildError("kernel.module-missing", f"{len(plan.modules)} modules are planned, and were not given")
    contents = {path: modules.content(path) for path in plan.modules} if modules is not None else {}
    _check_busybox(busybox, contents)
    archive = cpio.write(_entries(plan, busybox, contents))
    match plan.compression:
        case None:
            return archive
        case Compression.ZSTD:
            return zstandard(archive)
        case _:
            return gzipped(archive)


def zstandard(data: bytes) -> bytes:
    """One zstd frame with its checksum, at a fixed level."""
    return zstd.compress(data, options=_ZSTD_OPTIONS)


def gzipped(data: bytes) -> bytes:
    """One gzip member without name or time, by ISA-L at a fixed level."""
    packer = isal_zlib.compressobj(_GZIP_LEVEL, isal_zlib.DEFLATED, 31)
    return packer.compress(data) + packer.flush()


def _builtin(name: str, modules: ModuleTree | None, config: Config | None) -> bool:
    if modules is not None and (name in modules or name.replace("-", "_") in modules.builtin):
        return False  # the closure knows better
    symbol = SYMBOLS.get(name.replace("-", "_"))
    return config is not None and symbol is not None and config.builtin(symbol)


def _absent(name: str, config: Config | None) -> BuildError:
    symbol = SYMBOLS.get(name.replace("-", "_"))
    if config is not None and symbol is not None and config.module(symbol):
        return BuildError(
            "kernel.module-missing", f"{name} is a module of this kernel (CONFIG_{symbol}=m), but none were given",
            hint="give the modules that belong to the kernel",
        )  # fmt: skip
    because = f"CONFIG_{symbol} is not set" if config is not None and symbol else "its configuration does not say"
    return BuildError(
        "kernel.module-missing", f"this kernel has no driver {name} ({because})",
        hint="use a kernel that has it, or give its configuration and its modules",
    )  # fmt: skip


def _able(config: Config) -> None:
    missing = [f"CONFIG_{symbol}" for symbol in _NEEDED if not config.builtin(symbol)]
    if missing:
        raise BuildError(
            "kernel.no-initramfs",
            f"this kernel needs modules to reach its root, and cannot run an initramfs: {', '.join(missing)} not set",
            hint="build it with these, or with the drivers built in",
        )  # fmt: skip


def _compression(config: Config | None) -> Compression | None:
    if config is None:
        return Compression.GZIP
    choices = (Compression.ZSTD, Compression.GZIP)
    return next((choice for choice in choices if config.builtin(choice.symbol)), None)


def script_digest() -> str:
    """`sha256:...` of our init: initramfs of another one are other initramfs."""
    return f"sha256:{hashlib.sha256(_script().encode()).hexdigest()}"


@functools.cache
def _script() -> str:
    return importlib.resources.files("bootworthy.kernels").joinpath("init.sh").read_text("utf-8")


def _check_busybox(busybox: bytes, contents: Mapping[str, bytes]) -> None:
    program = Elf.parse(busybox, where="busybox")
    if program.interpreter is not None:
        linker = program.interpreter.decode(errors="replace")
        raise BuildError(
            "initramfs.busybox", f"it is dynamically linked (it asks for {linker})", where="busybox",
            hint="use the one of the package busybox-static",
        )  # fmt: skip
    for path, content in contents.items():
        if Elf.parse(content, where=path).machine != program.machine:
            raise BuildError(
                "initramfs.busybox", f"it is for another architecture than the module {module_name(path)}",
                where="busybox", hint="use the busybox-static of the guest's architecture",
            )  # fmt: skip


def _entries(plan: InitramfsPlan, busybox: bytes, contents: Mapping[str, bytes]) -> list[CpioEntry]:
    entries = [cpio.directory(name) for name in (b"bin", b"dev", b"modules", b"newroot", b"proc", b"sys")]
    entries.append(cpio.character(b"dev/console", 5, 1))
    entries.append(cpio.file(b"bin/busybox", busybox, 0o755))
    entries += [cpio.symlink(b"bin/" + applet.encode(), b"busybox") for applet in APPLETS]
    entries += [cpio.file(f"modules/{module_name(path)}.ko".encode(), data) for path, data in contents.items()]
    order = "".join(f"{'?' * (path in plan.optional)}{module_name(path)}.ko\n" for path in plan.modules)
    entries.append(cpio.file(b"modules/order", order.encode()))
    entries.append(cpio.file(b"init", plan.script.encode(), 0o755))
    return entries
