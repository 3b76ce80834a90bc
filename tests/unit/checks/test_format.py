from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import pytest

from bootworthy.catalog.versions import Version
from bootworthy.checks.format import CHECK
from bootworthy.layers.node import Chunk, Kind, Node
from bootworthy.vocabulary import Architecture, Finding, Severity
from tests import check_trees as make
from tests.check_trees import Entry, File, Link

X86, ARM = Architecture.X86_64, Architecture.AARCH64
ELF, PVH, BZIMAGE = make.vmlinux(pvh=False), make.vmlinux(), make.bzimage()


def found(
    folder: Path, kernel: dict[str, Entry] | bytes, vmm: str = "qemu-microvm", architecture: Architecture = X86
) -> list[Finding]:
    files = make.kernel(data=kernel) if isinstance(kernel, bytes) else kernel
    return list(CHECK.find(make.subject(folder, kernel_=files, vmm=vmm, architecture=architecture)))


@pytest.mark.parametrize(
    ("vmm", "architecture", "data"),
    [
        ("qemu-microvm", X86, PVH), ("qemu-microvm", X86, BZIMAGE),
        ("firecracker", X86, ELF), ("firecracker", X86, PVH), ("firecracker", ARM, make.image()),
        ("cloud-hypervisor", X86, PVH), ("cloud-hypervisor", X86, BZIMAGE), ("cloud-hypervisor", ARM, make.image()),
    ],
)  # fmt: skip
def test_what_the_vmm_loads_is_silent(tmp_path: Path, vmm: str, architecture: Architecture, data: bytes) -> None:
    assert found(tmp_path, data, vmm, architecture) == []


@pytest.mark.parametrize(
    ("vmm", "architecture", "data", "message", "remedy"),
    [
        ("qemu-microvm", X86, ELF, "an ELF vmlinux without the PVH note, and QEMU microvm loads", "CONFIG_PVH=y"),
        ("cloud-hypervisor", X86, ELF, "loads an ELF vmlinux with the PVH note or a bzImage", "CONFIG_PVH=y"),
        ("firecracker", X86, BZIMAGE, "is a bzImage, and Firecracker loads an ELF vmlinux", "extract-vmlinux"),
        (
            "firecracker",
            ARM,
            gzip.compress(make.image(), mtime=0),
            "is a compressed Image, and Firecracker",
            "unpacked",
        ),
    ],
)
def test_what_it_does_not_load_is_an_error(
    tmp_path: Path, vmm: str, architecture: Architecture, data: bytes, message: str, remedy: str
) -> None:
    (finding,) = found(tmp_path, data, vmm, architecture)
    assert (finding.id, finding.severity) == ("kernel.format", Severity.ERROR)
    assert message in finding.message
    assert remedy in finding.remedy


@pytest.mark.parametrize(("version", "loads"), [("38.0", False), ("39.0", True), ("51.1", True)])
def test_a_format_has_a_first_release(tmp_path: Path, version: str, loads: bool) -> None:
    subject = make.subject(tmp_path, kernel_=make.kernel(data=BZIMAGE), vmm="cloud-hypervisor")
    findings = list(CHECK.find(replace(subject, vmm_version=Version(version))))
    says = "the kernel is a bzImage, and Cloud Hypervisor 38.0 loads an ELF vmlinux with the PVH note"
    assert [each.message for each in findings] == ([] if loads else [says])


def test_another_architecture_is_not_said_twice(tmp_path: Path) -> None:
    assert found(tmp_path, make.image()) == []
    assert found(tmp_path, make.vmlinux(machine=243)) == []
    assert found(tmp_path, PVH, "qemu-microvm", ARM) == []


def test_nothing_to_look_at_is_silent(tmp_path: Path) -> None:
    assert list(CHECK.find(make.subject(tmp_path))) == []


@pytest.mark.parametrize("files", [{}, {"boot": b"file"}, {"boot/vmlinux": None}, {"boot/vmlinux": Link(b"vmlinux")}])
def test_an_image_without_a_kernel_is_an_error(tmp_path: Path, files: dict[str, Entry]) -> None:
    (finding,) = found(tmp_path, files)
    assert (finding.id, finding.severity) == ("kernel.missing", Severity.ERROR)
    assert finding.where == "kernel@sha256:0: /boot/vmlinux"


def test_a_root_without_a_kernel_needs_a_kernel_image(tmp_path: Path) -> None:
    (finding,) = CHECK.find(make.subject(tmp_path, root_=make.root()))
    assert finding.id == "kernel.missing"
    assert "no kernel image is named" in finding.message


@pytest.mark.parametrize("data", [b"", b"no kernel at all", make.FAR, PVH[:80], BZIMAGE[:0x300], b"\x7fELF"])
def test_a_damaged_kernel_is_an_error(tmp_path: Path, data: bytes) -> None:
    (finding,) = found(tmp_path, data)
    assert finding.id == "kernel.unreadable"
    assert finding.message.startswith("the kernel cannot be read: ")


def test_a_kernel_without_end_is_refused_unread(tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(bytes(4096))
    endless = Node(Kind.FILE, 0o644, size=1 << 60, chunks=(Chunk(0, 4096, 0, 0),))
    (finding,) = found(tmp_path, {"boot/vmlinux": endless})
    assert finding.id == "kernel.unreadable"
    assert "make no sense" in finding.message


@pytest.mark.parametrize(
    ("files", "path"),
    [
        ({"boot/vmlinux": File(PVH), "boot/vmlinuz": File(b"")}, "/boot/vmlinux"),
        ({"boot/vmlinux.bin": File(PVH)}, "/boot/vmlinux.bin"),
        ({"vmlinux": File(PVH)}, "/vmlinux"),
        ({"vmlinuz": Link(b"boot/vmlinuz-6.1"), "boot/vmlinuz-6.1": File(PVH)}, "/vmlinuz"),
        ({"boot/vmlinuz-6.9": File(b""), "boot/vmlinuz-6.10": File(PVH)}, "/boot/vmlinuz-6.10"),
        ({"boot/vmlinuz-6.9": File(PVH), "boot/vmlinuz-6.10": Link(b"none")}, "/boot/vmlinuz-6.9"),
        ({"boot/vmlinuz-6.9": File(PVH), "boot/vmlinuz-6.9.hmac": File(b"x")}, "/boot/vmlinuz-6.9"),
    ],
)
def test_the_kernel_is_found_by_any_of_its_names(tmp_path: Path, files: dict[str, Entry], path: str) -> None:
    kernel = make.subject(tmp_path, kernel_=files).kernel_file
    assert kernel is not None
    assert kernel.where == f"kernel@sha256:0: {path}"
    assert kernel.release == make.RELEASE
