"""Images laid out as other projects lay theirs out, made by code: what is in them, and where.

Liquid Metal: `kernel-bin` and `kernel-modules` of its image builder, and the older image that held both. Ignite: one
kernel image with its modules. Kairos: a whole system that brings kernel and initial RAM disk. Firecracker: a bare
`vmlinux` beside an ext4 file, which are no images (`tests/unit/volumes/test_plain.py`).
"""

from __future__ import annotations

from tests import check_trees as make
from tests.check_trees import Entry, File, Link

LM_RELEASE = "5.10.77"
KAIROS_RELEASE = "6.12.0-1-default"
_ROOTED = f"lib/modules/{LM_RELEASE}"
_DRIVERS = ("overlay", "vxlan", "xfs")


def _config(release: str) -> dict[str, Entry]:
    return {f"boot/config-{release}": File(make.CONFIG.encode())}


def _kernel(name: str, data: bytes) -> dict[str, Entry]:
    return {name: File(data), **_config(LM_RELEASE)}


LIQUID_METAL_KERNELS: dict[str, dict[str, Entry]] = {
    "kernel-bin": _kernel("boot/vmlinux", make.vmlinux(LM_RELEASE)),
    "cloudhypervisor-kernel-bin": _kernel("boot/vmlinux.bin", make.vmlinux(LM_RELEASE)),
    "kernel-bin-arm": _kernel("boot/image", make.image(LM_RELEASE)),
    "mikrolite": {"vmlinux": File(make.vmlinux(LM_RELEASE)), f"config-{LM_RELEASE}": File(make.CONFIG.encode())},
    "mikrolite, cloud hypervisor": {
        "vmlinux.bin": File(make.vmlinux(LM_RELEASE)),
        f"config-{LM_RELEASE}": File(make.CONFIG.encode()),
    },
    "demo": {"vmlinux": File(make.vmlinux(LM_RELEASE)), "initrd-generic": make.initrd()["boot/initrd"]},
}
LIQUID_METAL_MODULES = make.modules(_DRIVERS, below=_ROOTED, release=LM_RELEASE)
LIQUID_METAL_FLAT_MODULES = make.modules(_DRIVERS, release=LM_RELEASE)
LIQUID_METAL_BOTH = LIQUID_METAL_KERNELS["kernel-bin"] | LIQUID_METAL_MODULES
IGNITE_KERNEL = {"boot/vmlinux": File(make.vmlinux(LM_RELEASE))} | LIQUID_METAL_MODULES


def kairos(*, links: bool = True) -> dict[str, Entry]:
    """A whole system whose kernel needs its initial RAM disk, behind links or in plain files."""
    kernel, ram_disk = make.bzimage(KAIROS_RELEASE), make.initrd(make.ram_disk(release=KAIROS_RELEASE))["boot/initrd"]
    below = f"usr/lib/modules/{KAIROS_RELEASE}"
    modules = make.modules(
        ("virtio_blk", "virtio_mmio", "ext4"), below=below, release=KAIROS_RELEASE, builtin=("virtio_pci",)
    )
    files: dict[str, Entry] = {
        "boot/vmlinuz": Link(f"vmlinuz-{KAIROS_RELEASE}".encode()), "boot/initrd": Link(b"initrd-link"),
        "boot/initrd-link": Link(f"/boot/initrd-{KAIROS_RELEASE}".encode()),
        f"boot/vmlinuz-{KAIROS_RELEASE}": File(kernel), f"boot/initrd-{KAIROS_RELEASE}": ram_disk,
    }  # fmt: skip
    plain: dict[str, Entry] = {"boot/vmlinuz": File(kernel), "boot/initrd": ram_disk}
    return {**make.root(), **modules, **(files if links else plain)}
