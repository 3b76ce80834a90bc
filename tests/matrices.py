"""A matrix with every mark in it, out of a catalog that is loaded and evidence that is parsed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from bootworthy import catalog
from bootworthy.matrix.model import Matrix, Tile, build
from bootworthy.oci.canonical import canonical_json
from bootworthy.proofs.evidence import Evidence, parse
from bootworthy.proofs.standing import Expected, Status, status
from bootworthy.vocabulary import Accelerator, Standing, Verdict

TEXT = """
bootworthy: 1
name: example
title: Example microVM images
kernels:
  debian-6.1: {package: {release: bookworm, name: linux-image-cloud-amd64}}
  debian-6.12: {package: {release: trixie, name: linux-image-cloud-amd64}}
systems:
  debian-12: {title: Debian 12, bootstrap: {release: bookworm}}
  debian-12-web: {title: Debian 12 with a web server, dockerfile: web/Dockerfile, from: debian-12}
  debian-13: {bootstrap: {release: trixie}}
machines:
  qemu-microvm-x86_64: {vmm: qemu-microvm, arch: x86_64}
  firecracker-x86_64: {vmm: firecracker, arch: x86_64, prefer: 1}
  cloud-hypervisor-x86_64: {vmm: cloud-hypervisor, arch: x86_64, versions: ">=50"}
matrix:
  - {systems: [debian-12], kernels: [debian-6.1], machines: ["*"], support: supported}
  - {systems: [debian-12-web], kernels: [debian-6.1], machines: [qemu-*, firecracker-*], support: best-effort}
  - {systems: [debian-12-web], kernels: [debian-6.1], machines: [cloud-*], support: planned, note: waits for PCI}
  - {systems: [debian-13], kernels: [debian-6.1], machines: [qemu-*], support: experimental}
  - {systems: [debian-13], kernels: [debian-6.1], machines: [fire*], support: legacy}
  - {systems: [debian-13], kernels: [debian-6.1], machines: [cloud-*], support: unavailable}
  - {systems: [debian-13], kernels: [debian-6.12], machines: [qemu-*], support: supported}
"""
NOW = datetime(2026, 3, 2, tzinfo=UTC)
ROOT = f"sha256:{'a1' * 32}"
GUEST = {
    "init": "systemd", "state": "running", "failed_units": [], "kernel_release": "6.1.0-41-cloud-amd64",
    "architecture": "x86_64", "os_release": {"PRETTY_NAME": "Debian GNU/Linux 12 (bookworm)"},
    "root": {"filesystem": "ext4", "free": 780 * 2**20, "writable": ["/", "/var"]},
    "module": {"outcome": "loaded", "name": "dummy", "error": ""},
    "network": [{"name": "eth0", "carrier": True, "addresses": ["10.0.2.15/24"]}],
}  # fmt: skip


def evidence(
    vmm: str = "qemu-microvm", version: str = "10.0.2", accelerator: Accelerator = Accelerator.TCG,
    verdict: Verdict = Verdict.HEALTHY, reached: Standing = Standing.HEALTHY, **more: object,
) -> Evidence:  # fmt: skip
    """One attempt, as a document that was read."""
    document: dict[str, object] = {
        "schema": "bootworthy.evidence/1", "cell": None, "started": "2026-03-01T12:30:00.000+00:00",
        "verdict": verdict.value, "reached": reached.value, "ending": f"the guest was {verdict}", "reasons": [],
        "digests": {"console": f"sha256:{'0' * 64}", "images": {"root": ROOT}, "plan": "sha256:plan"},
        "vmm": {"name": vmm, "version": version},
        "host": {"accelerator": accelerator.value, "kernel": "6.12.9", "cpu": "EPYC", "architecture": "x86_64"},
        "times": {"kernel": 0.9, "userspace": 6.4, "healthy": 21.7}, "guest": GUEST, "checks": [],
        "last_lines": ["[    1.2] <last words>"], "tool": "bootworthy 0.1.0", "again": "bootworthy prove debian-12",
    }  # fmt: skip
    return parse(canonical_json({**document, **more}), "a sample")


def seen(vmm: str, attempts: Sequence[Evidence], **expected: object) -> Status:
    """The standing that attempts give a cell."""
    return status(Expected(vmm=vmm, **expected), attempts, NOW)  # type: ignore[arg-type]


def statuses() -> dict[str, Status]:
    """One cell for each mark: what each of the catalog's cells has been seen as."""
    qemu, fire, cloud = "qemu-microvm", "firecracker", "cloud-hypervisor"
    emulated = evidence()
    kvm = evidence(fire, "1.13.1", Accelerator.KVM)
    old = evidence(cloud, "48.0", Accelerator.KVM)
    panicked = evidence(verdict=Verdict.PANICKED, reached=Standing.STARTED, guest=None, reasons=["Kernel panic: <VFS>"])
    hung = evidence(fire, "1.13.1", Accelerator.KVM, Verdict.HUNG, Standing.STARTED, guest=None)
    unhealthy = evidence(verdict=Verdict.UNHEALTHY, reasons=["the unit nginx.service failed"])
    return {
        "debian-12/debian-6.1/qemu-microvm-x86_64": seen(qemu, [emulated, emulated]),
        "debian-12/debian-6.1/firecracker-x86_64": seen(fire, [emulated], checked=True),
        "debian-12/debian-6.1/cloud-hypervisor-x86_64": seen(
            cloud, [old], versions=catalog.load_text(TEXT, "x").machines["cloud-hypervisor-x86_64"].versions
        ),
        "debian-12-web/debian-6.1/qemu-microvm-x86_64": seen(qemu, [unhealthy]),
        "debian-12-web/debian-6.1/firecracker-x86_64": seen(fire, [hung]),
        "debian-12-web/debian-6.1/cloud-hypervisor-x86_64": seen(cloud, []),
        "debian-13/debian-6.1/qemu-microvm-x86_64": seen(qemu, [panicked]),
        "debian-13/debian-6.1/firecracker-x86_64": seen(fire, [kvm]),
        "debian-13/debian-6.1/cloud-hypervisor-x86_64": seen(cloud, []),
    }


def matrix(text: str = TEXT, seen_as: Mapping[str, Status] | None = None) -> Matrix:
    """The matrix of a catalog; cells that nothing was seen of are declared."""
    loaded = catalog.load_text(text, "bootworthy.yaml")
    known = statuses() if seen_as is None else seen_as
    declared = Status(standing=Standing.DECLARED)
    images = {"root": "registry.example.com/os/debian-12:debian-6.1"}
    return build(
        loaded,
        [
            Tile(
                cell=cell, status=known.get(cell.name, declared), images=images if cell.support.buildable else {},
                digests={"root": ROOT} if cell.support.buildable else {},
            )
            for cell in loaded.cells
        ],
    )  # fmt: skip


def hostile(words: str) -> Matrix:
    """A matrix in which everything that a person, a guest or a VMM can write is `words`."""
    quoted = canonical_json(words).decode()
    text = TEXT.replace("title: Example microVM images", f"title: {quoted}\nnote: {quoted}")
    text = text.replace("title: Debian 12,", f"title: {quoted}, ").replace("note: waits for PCI", f"note: {quoted}")
    guest = {**GUEST, "os_release": {"PRETTY_NAME": words}, "init": words, "failed_units": [words]}
    attempt = evidence(
        version=words, guest=guest, ending=words, reasons=[words], verdict=Verdict.UNHEALTHY, last_lines=[words],
        checks=[{"severity": "warning", "message": words}], tool=words, again=words,
    )  # fmt: skip
    cell = "debian-12/debian-6.1/{}-x86_64".format
    return matrix(
        text,
        {
            cell("qemu-microvm"): seen("qemu-microvm", [attempt]),
            cell("firecracker"): seen("firecracker", [attempt]),
        },
    )
