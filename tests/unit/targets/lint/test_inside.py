"""Rules that look into the images: each breaks in an image that is made so, and not in one that is well."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import pytest

from bootworthy.errors import NotFoundError
from bootworthy.kernels import profile
from bootworthy.kernels.elf import MACHINE_AARCH64
from bootworthy.layers.node import Kind, Node
from bootworthy.targets.lint import rule
from bootworthy.targets.lint.consumers import Asked
from bootworthy.targets.lint.documents import Source, read_text
from bootworthy.targets.lint.images import Opened
from bootworthy.targets.lint.rule import Fault
from bootworthy.targets.lint.run import run
from bootworthy.vocabulary import Architecture, Severity
from tests import check_trees as make
from tests import lint_cases
from tests.check_trees import CONFIG, RELEASE, Entry, File, Link

Trees = dict[str, dict[str, Entry]]
ASKED = Asked(at=date(2026, 1, 1))
IMAGES = {"kernel": "a/kernel:1", "modules": "a/modules:1", "root": "a/root:1", "initrd": "a/initrd:1"}


def config(name: str) -> str:
    """A configuration that meets a profile."""
    wants = profile.load(name).wants
    return "".join(f"CONFIG_{want.symbol}={want.value.replace('m', 'y')}\n" for want in wants) + CONFIG


def good() -> Trees:
    root = {**make.root(), "usr/bin/cloud-init": b"#!/bin/sh\n", "usr/sbin/sshd": make.program()}
    return {"kernel": make.kernel(config("firecracker")), "modules": make.modules(), "root": root}


def document(trees: Trees, *changes: tuple[str, object]) -> Source:
    made = lint_cases.changed(
        lint_cases.spec(), ("kernel/image", IMAGES["kernel"]), ("root_volume/source/container_source", IMAGES["root"]),
        ("additional_volumes/0/source/container_source", IMAGES["modules"]),
        ("additional_volumes/0/mount_point", f"/lib/modules/{RELEASE}"), *changes,
    )  # fmt: skip
    return read_text("x.json", json.dumps(made, indent=1))


def linted(folder: Path, trees: Mapping[str, Mapping[str, Entry]], source: Source) -> tuple[Fault, ...]:
    parts = {name: make.part(folder, name, entries) for name, entries in trees.items()}

    def images(text: str) -> Opened:
        role = next((role for role, name in IMAGES.items() if name == text), "")
        if role not in parts:
            raise NotFoundError("image.absent", f"{text} is not in the store")
        return Opened(parts[role], Architecture.X86_64)

    return run(source, ASKED, images)


def without(trees: Trees, role: str, *paths: str) -> Trees:
    return {**trees, role: {path: entry for path, entry in trees[role].items() if path not in paths}}


def adding(trees: Trees, role: str, entries: Mapping[str, Entry]) -> Trees:
    return {**trees, role: {**trees[role], **entries}}


def _bare() -> Trees:
    return {**good(), "kernel": make.kernel(CONFIG.replace("CONFIG_VIRTIO_BLK=y\n", ""))}


LARGE = Node(Kind.FILE, 0o644, size=9_500_000_000)
BROKEN: dict[str, tuple[Callable[[], Trees], tuple[tuple[str, object], ...], str]] = {
    "LM-002": (good, (("kernel/filename", "bin/vmlinux"),), "it has boot/vmlinux"),
    "LM-003": (lambda: {**good(), "kernel": make.kernel(data=b"no kernel" * 9)}, (), ""),
    "LM-004": (lambda: without(good(), "modules", "modules.dep"), (), "no modules.dep"),
    "LM-005": (lambda: {**good(), "modules": make.modules(below=f"lib/modules/{RELEASE}")}, (), "lib/modules"),
    "LM-006": (good, (("additional_volumes/0/mount_point", "/lib/modules/6.1.0"),), f"is {RELEASE}"),
    "LM-007": (lambda: {**good(), "modules": make.modules(release="5.10.77")}, (), "5.10.77"),
    "LM-008": (
        lambda: {**good(), "kernel": make.kernel(data=make.vmlinux(machine=MACHINE_AARCH64))}, (), "aarch64"
    ),
    "LM-025": (lambda: without(good(), "root", "usr/sbin/init", "usr/lib/systemd/systemd"), (), "init"),
    "LM-027": (lambda: adding(good(), "root", {"large": LARGE}), (), "bytes"),
    "LM-028": (_bare, (), "virtio_blk"),
    "LM-030": (
        lambda: adding(good(), "root", {"etc/sysctl.d/99.conf": File(b"net.ipv4.tcp_congestion_control = bbr\n")}), (),
        "bbr",
    ),
}  # fmt: skip


def test_every_rule_that_needs_images_is_broken_here() -> None:
    rules = {each.id for family in rule.known().values() for each in family.rules if each.images}
    assert set(BROKEN) == rules | {"LM-006", "LM-007"}


@pytest.mark.parametrize("id_", BROKEN)
def test_a_rule_is_broken_in_the_image(tmp_path: Path, id_: str) -> None:
    trees, changes, words = BROKEN[id_]
    source = document(good(), *changes)
    found = [fault for fault in linted(tmp_path, trees(), source) if fault.rule.id == id_]
    assert found
    assert any(words in fault.message for fault in found)
    values = {*IMAGES.values(), *(str(value) for _, value in changes)}
    assert {source.written(fault.span).strip('"') for fault in found} <= values
    assert not [fault for fault in run(source, ASKED) if fault.rule.id == id_], "nobody could tell without the image"


def test_good_images_break_none(tmp_path: Path) -> None:
    found = linted(tmp_path, good(), document(good()))
    assert [(fault.rule.id, fault.message) for fault in found if fault.rule.id != "LM-026"] == []


def test_nested_modules_that_are_mounted_elsewhere_are_no_fault(tmp_path: Path) -> None:
    trees = {**good(), "modules": make.modules(below=f"lib/modules/{RELEASE}")}
    source = document(trees, ("additional_volumes/0/mount_point", "/srv"))
    assert "LM-005" not in {fault.rule.id for fault in linted(tmp_path, trees, source)}


@pytest.mark.parametrize(("path", "words"), [("usr/sbin/sshd", "no sshd"), ("usr/bin/cloud-init", "no cloud-init")])
def test_a_root_that_nobody_gets_into_is_warned_of(tmp_path: Path, path: str, words: str) -> None:
    trees = without(good(), "root", path)
    found = [fault for fault in linted(tmp_path, trees, document(trees)) if fault.rule.id == "LM-025"]
    assert [fault.severity for fault in found] == [Severity.WARNING]
    assert words in found[0].message


def test_a_node_of_kubernetes_needs_more_of_its_kernel(tmp_path: Path) -> None:
    made = lint_cases.changed(
        lint_cases.template(), ("spec/template/spec/kernel/image", IMAGES["kernel"]),
        ("spec/template/spec/volumes", lint_cases.REMOVED), ("spec/template/spec/rootVolume/image", IMAGES["root"]),
    )  # fmt: skip
    source = read_text("x.yaml", json.dumps(made))
    (fault,) = [each for each in linted(tmp_path, good(), source) if each.rule.id == "LM-028"]
    assert "of what the profile kubernetes wants" in fault.message
    assert fault.severity is Severity.WARNING
    both = {**good(), "kernel": make.kernel(config("firecracker") + config("kubernetes"))}
    assert "LM-028" not in {each.rule.id for each in linted(tmp_path, both, source)}


@pytest.mark.parametrize("absent", ["kernel", "modules", "root"])
def test_what_was_not_opened_is_not_judged(tmp_path: Path, absent: str) -> None:
    settings = {"etc/sysctl.d/99.conf": File(b"net.ipv4.tcp_congestion_control = bbr\n")}
    trees = adding(good(), "root", {**make.kernel(data=b"the system's own" * 9), **settings})
    del trees[absent]
    ids = {fault.rule.id for fault in linted(tmp_path, trees, document(trees))}
    assert ids == {"LM-026"}


def test_an_initial_ram_disk_brings_drivers(tmp_path: Path) -> None:
    named = document(good(), ("initrd", {"image": IMAGES["initrd"], "filename": "boot/initrd"}))
    lacking = {**good(), "kernel": make.kernel(config("firecracker").replace("VIRTIO_BLK=y", "VIRTIO_BLK=m"))}
    said = [
        [fault for fault in linted(tmp_path, trees, source) if "no initial RAM disk" in fault.message]
        for trees, source in (
            (lacking, document(good())), (lacking, named), ({**lacking, "initrd": make.initrd()}, named),
        )
    ]  # fmt: skip
    assert [len(each) for each in said] == [1, 0, 0]


def test_a_shared_folder_needs_its_driver(tmp_path: Path) -> None:
    share = ("additional_volumes/1", lint_cases.SHARE)
    source = document(good(), ("provider", "cloudhypervisor"), share)
    with_it = {**good(), "kernel": make.kernel(config("cloud-hypervisor") + "CONFIG_VIRTIO_FS=y\n")}
    without_it = {**good(), "kernel": make.kernel(config("cloud-hypervisor") + "# CONFIG_VIRTIO_FS is not set\n")}
    found = [
        [fault for fault in linted(tmp_path, trees, source) if "VIRTIO_FS" in fault.message]
        for trees in (with_it, without_it)
    ]
    assert [[fault.severity for fault in each] for each in found] == [[], [Severity.ERROR]]


def test_a_kernel_file_may_be_a_link(tmp_path: Path) -> None:
    trees = adding(good(), "kernel", {"vmlinux": Link(b"boot/vmlinux")})
    source = document(trees, ("kernel/filename", "/vmlinux"))
    assert "LM-002" not in {fault.rule.id for fault in linted(tmp_path, trees, source)}


def test_an_image_that_is_not_there_is_a_note(tmp_path: Path) -> None:
    trees = {role: tree for role, tree in good().items() if role != "modules"}
    found = [fault for fault in linted(tmp_path, trees, document(trees)) if "not looked into" in fault.message]
    assert [(fault.rule.id, fault.severity) for fault in found] == [("LM-026", Severity.NOTE)]
