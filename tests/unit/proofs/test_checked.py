from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from bootworthy.builders.workshop import Workshop
from bootworthy.catalog import loading
from bootworthy.catalog.entries import Cell
from bootworthy.catalog.versions import Version
from bootworthy.checks import support
from bootworthy.layers.node import Kind, Node
from bootworthy.layers.writer import Member, write
from bootworthy.machines.facts import facts
from bootworthy.oci.documents import LAYER_GZIP
from bootworthy.oci.image import Image, Layer
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from bootworthy.proofs import setting, target
from bootworthy.proofs.checked import Checked
from bootworthy.proofs.target import Named, Target
from bootworthy.vocabulary import Architecture, Role, Severity
from tests import check_trees as make

X86 = Architecture.X86_64
CATALOG = """
bootworthy: 1
name: made
systems: {old: {end-of-life: "2024-06", images: {root: localhost/made/root:1}}}
kernels: {six: {end-of-life: "2026-12", images: {kernel: localhost/made/kernel:1}}}
machines:
  small: {vmm: firecracker, arch: x86_64, versions: ">=1.7.0", vcpus: 3, memory: 512MiB, provides: [metadata]}
matrix: [{systems: [old], kernels: [six], machines: [small], support: supported}]
"""


def put(store: Store, name: str, files: Mapping[str, bytes]) -> Image:
    """An image of some files in a store."""
    members = [
        Member(path.encode(), Node(Kind.FILE, 0o755, size=len(data)), lambda data=data: [data])  # type: ignore[misc]
        for path, data in files.items()
    ]
    with store.new_blob(LAYER_GZIP) as blob:
        written = write(members, blob)
    reference = Reference.parse(f"localhost/made/{name}:1")
    store.tag(reference, store.put_image(layers=[Layer(blob.descriptor, written.diff_id)], architecture=X86))
    return store.image(reference, X86)


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    """A store with a root that has a table of disks, and a kernel that Firecracker did not always support."""
    made = Workshop(Store(tmp_path / "store"), tmp_path / "cache")
    put(
        made.store,
        "root",
        {"sbin/init": make.elf(segments=[(1, b"code")]), "etc/fstab": b"/dev/vda / ext4\n/dev/sda1 /data ext4\n"},
    )
    put(made.store, "kernel", {"boot/vmlinux": make.vmlinux("6.1.0")})
    return made


def of_cell(workshop: Workshop) -> tuple[Cell, Target]:
    """The one cell of the catalog."""
    (cell,) = loading.load_text(CATALOG, "made").cells
    images = {
        role: workshop.store.image(Reference.parse(f"localhost/made/{role}:1"), X86)
        for role in (Role.ROOT, Role.KERNEL)
    }
    digests = {role.value: image.descriptor.digest for role, image in images.items()}
    return cell, Target(
        facts=facts("firecracker"), architecture=X86, images=images, digests=digests, workshop=workshop, cell=cell,
        machine=cell.machine,
    )  # fmt: skip


def test_rules_see_the_machine_of_a_cell(workshop: Workshop) -> None:
    _, made = of_cell(workshop)
    subject = made.subject
    assert subject.command_line == ("console=ttyS0", "panic=-1", "root=/dev/vda", "rw", "reboot=k", "pci=off")
    assert (subject.vcpus, subject.memory_mib, subject.vmm_version) == (3, 512, Version("1.7.0"))
    assert (set(subject.devices), subject.metadata_only) == ({"metadata"}, True)
    assert subject.ends == {"system old": "2024-06", "kernel six": "2026-12"}
    assert subject.at is None
    ((name, role, label),) = [(disk.name, disk.role, disk.label) for disk in subject.disks]
    assert (name, role, label) == ("vda", Role.ROOT, "root")
    assert subject.disks[0].uuid is not None


def test_images_that_are_named_have_a_machine_too(workshop: Workshop) -> None:
    references = {Role.ROOT: "localhost/made/root:1", Role.KERNEL: "localhost/made/kernel:1"}
    catalog = loading.load_text(CATALOG, "made")
    made = target.of_names(workshop, catalog, Named(references=references, machine="small"))
    assert (made.vcpus, made.memory_mib, made.subject.vmm_version) == (3, 512, Version("1.7.0"))
    bare = target.of_names(workshop, catalog, Named(references=references, vmm="cloud-hypervisor", architecture=X86))
    assert (bare.vcpus, bare.memory_mib, bare.subject.vcpus, bare.subject.memory_mib) == (None, None, 2, 1024)
    assert set(bare.subject.devices) == {"pci"}
    assert not bare.subject.ends


def test_what_is_asked_about_reaches_the_rules(workshop: Workshop, tmp_path: Path) -> None:
    _, made = of_cell(workshop)
    checked = Checked(tmp_path / "checks")
    ids = {each.id for each in checked.check(made)}
    assert {"fstab.missing-device", "machine.vcpu-pairs", "kernel.unsupported-series"} <= ids
    assert ids.isdisjoint({"cmdline.console", "cmdline.root-missing", "system.end-of-life"})
    asked = replace(made, told="console=hvc0 root=LABEL=x", at=date(2026, 11, 21), version=Version("1.9.0"))
    ids = {each.id for each in checked.check(asked)}
    assert {"cmdline.console", "cmdline.root-missing", "system.end-of-life", "kernel.support-lapsed"} <= ids
    assert ids.isdisjoint({"kernel.unsupported-series", "kernel.end-of-life"})


def test_findings_are_kept_for_the_setting_they_were_made_for(workshop: Workshop, tmp_path: Path) -> None:
    cell, made = of_cell(workshop)
    checked = Checked(tmp_path / "checks")
    where = setting.of_cell(cell, made.digests)
    assert made.setting == where
    checked.check(replace(made, told="root=/dev/vda"))
    assert list((tmp_path / "checks").iterdir())
    assert not checked.passed(made.digests, where)  # another line was asked about
    findings = checked.check(made)
    assert {each.id for each in findings if each.severity is Severity.ERROR} == set()
    assert checked.passed(made.digests, where)
    assert not checked.passed(made.digests, replace(where, memory_mib=1))
    assert not checked.passed({**made.digests, "root": "sha256:0"}, where)


def test_an_error_is_no_pass(workshop: Workshop, tmp_path: Path) -> None:
    cell, made = of_cell(workshop)
    checked = Checked(tmp_path / "checks")
    small = replace(cell, machine=replace(cell.machine, vcpus=33))
    findings = checked.check(replace(made, cell=small, machine=small.machine))
    assert "machine.vcpus" in {each.id for each in findings if each.severity is Severity.ERROR}
    assert not checked.passed(made.digests, setting.of_cell(small, made.digests))


def test_the_day_does_not_count_and_is_kept(workshop: Workshop, tmp_path: Path) -> None:
    """It need not: what depends on it stands in nobody's way."""
    cell, made = of_cell(workshop)
    checked = Checked(tmp_path / "checks")
    checked.check(replace(made, at=date(2040, 1, 1)))
    (path,) = (tmp_path / "checks").iterdir()
    assert json.loads(path.read_bytes())["at"] == "2040-01-01"
    assert checked.passed(made.digests, setting.of_cell(cell, made.digests))
    assert Severity.ERROR not in {rule.severity for rule in support.CHECK.rules}
