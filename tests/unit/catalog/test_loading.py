import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bootworthy import catalog
from bootworthy.catalog.entries import Access, Base, Bootstrap, Catalog, Cell, KernelPackage
from bootworthy.errors import DocumentError, HostError, NotFoundError
from bootworthy.vocabulary import Architecture, Support

WHOLE = """\
bootworthy: 1
name: example
title: Example microVM images
note: Below the table.
registry: registry.example.com/os
access: reference-only

kernels:
  debian-6.1:
    title: Debian's own
    package: {distribution: debian, release: bookworm, name: "linux-image-cloud-${debian-arch}"}
  theirs-5.10:
    images: {kernel: "registry.example.com/kernel-bin:5.10.77", modules: registry.example.com/modules}
    tags: "5.10.77"
    architectures: [amd64]

systems:
  debian-12:
    title: Debian 12
    family: debian
    init: systemd
    end-of-life: "2028-06"
    bootstrap: {release: bookworm, packages: [systemd-sysv, udev]}
    base-layer: false
  debian-12-web:
    dockerfile: web/Dockerfile
    from: debian-12
  ubuntu-web:
    dockerfile: web/Dockerfile
    from: {image: "docker.io/library/ubuntu:24.04"}
  ubuntu-${release}-${variant}:
    for: {release: ["22.04", "20.04"], variant: [core, standard]}
    title: Ubuntu ${release} ${variant}
    images: {root+kernel: "registry.example.com/${variant}-ubuntu:${release}"}
  k8s:
    images: {root: registry.example.com/k8s}
    tags: "${kubernetes}"
    note: a note
    source: a page
    since: "2022"
    until: "2023-11-30"
    inferred: true
    when: {any: [{capmvm: ">0.7.0"}, {flintlock: ">0.4.0,<2"}], all: [{other: "1"}], flintlock: "!=0.5"}

machines:
  qemu-microvm-x86_64: {vmm: qemu-microvm, arch: x86_64, versions: ">=8.2", memory: 2GiB, vcpus: 4, deadline: 90}
  firecracker-x86_64: {vmm: firecracker, arch: amd64, prefer: 1, title: Firecracker}
  firecracker-aarch64: {vmm: firecracker, arch: arm64}
  ch-x86_64: {vmm: cloud-hypervisor, arch: x86_64, provides: [gpu]}

matrix:
  - systems: [debian-12, debian-12-web]
    kernels: [debian-6.1]
    machines: ["*"]
    support: supported
    note: of the row
  - systems: ["ubuntu-2*-core"]
    kernels: [embedded]
    machines: [firecracker-x86_64]
    support: experimental
    images: {kernel: "registry.example.com/other:1"}
  - {systems: [k8s], kernels: [theirs-5.10], machines: ["*"], support: legacy}
  - {systems: [debian-12], kernels: [debian-6.1], machines: [ch-x86_64], support: planned}
"""


@pytest.fixture(scope="module")
def whole() -> Catalog:
    return catalog.load_text(WHOLE, "whole.yaml")


def cell(whole: Catalog, name: str) -> Cell:
    return next(cell for cell in whole.cells if cell.name == name)


def test_the_head(whole: Catalog) -> None:
    assert (whole.name, whole.title, whole.note) == ("example", "Example microVM images", "Below the table.")
    assert (whole.registry, whole.access) == ("registry.example.com/os", Access.REFERENCE_ONLY)


def test_systems(whole: Catalog) -> None:
    debian = whole.systems["debian-12"]
    assert debian.bootstrap == Bootstrap("bookworm", ("systemd-sysv", "udev"), "debian")
    assert (debian.family, debian.init, debian.end_of_life, debian.base_layer) == (
        "debian",
        "systemd",
        "2028-06",
        False,
    )
    assert whole.systems["debian-12-web"].from_ == Base(system=debian)
    assert whole.systems["debian-12-web"].dockerfile == "web/Dockerfile"
    assert whole.systems["ubuntu-web"].from_ == Base(image="docker.io/library/ubuntu:24.04")


def test_for_repeats_an_entry(whole: Catalog) -> None:
    names = [name for name in whole.systems if name.startswith("ubuntu-2")]
    assert names == ["ubuntu-22.04-core", "ubuntu-22.04-standard", "ubuntu-20.04-core", "ubuntu-20.04-standard"]
    one = whole.systems["ubuntu-20.04-standard"]
    assert one.title == "Ubuntu 20.04 standard"
    assert one.images == {"root+kernel": "registry.example.com/standard-ubuntu:20.04"}


def test_tags_complete_references_and_stay_patterns(whole: Catalog) -> None:
    assert whole.systems["k8s"].images == {"root": "registry.example.com/k8s:${kubernetes}"}
    images = whole.kernels["theirs-5.10"].images
    assert images["kernel"].endswith("kernel-bin:5.10.77")
    assert images["modules"] == "registry.example.com/modules:5.10.77"


def test_remarks(whole: Catalog) -> None:
    remarks = whole.systems["k8s"].remarks
    assert (remarks.note, remarks.source, remarks.since, remarks.until) == ("a note", "a page", "2022", "2023-11-30")
    assert remarks.inferred
    assert remarks.when
    assert not remarks.when.versions["flintlock"].contains("0.5.0")
    assert remarks.when.any_of[1].versions["flintlock"].contains("1.9")
    assert remarks.when.all_of[0].versions["other"].contains("1.0.0")


def test_machines_and_their_defaults(whole: Catalog) -> None:
    qemu, fire = whole.machines["qemu-microvm-x86_64"], whole.machines["firecracker-x86_64"]
    assert (qemu.memory_mib, qemu.vcpus, qemu.deadline, str(qemu.versions)) == (2048, 4, 90.0, ">=8.2")
    assert (fire.memory_mib, fire.vcpus, fire.deadline, fire.versions, fire.prefer) == (1024, 2, None, None, 1)
    assert whole.machines["firecracker-aarch64"].architecture is Architecture.AARCH64
    assert whole.machines["ch-x86_64"].provides == {"gpu", "pci"}


def test_kernels(whole: Catalog) -> None:
    kernel = whole.kernels["debian-6.1"]
    assert kernel.package == KernelPackage("debian", "bookworm", "linux-image-cloud-${debian-arch}")
    assert whole.kernels["theirs-5.10"].architectures == {Architecture.X86_64}
    assert "embedded" not in whole.kernels


def test_cells_stand_in_file_order_and_globs_take_the_fitting_architectures(whole: Catalog) -> None:
    names = [one.name for one in whole.cells]
    every = ["qemu-microvm-x86_64", "firecracker-x86_64", "firecracker-aarch64", "ch-x86_64"]
    assert names[:4] == [f"debian-12/debian-6.1/{machine}" for machine in every]
    assert [name for name in names if name.startswith("k8s")] == [
        f"k8s/theirs-5.10/{machine}" for machine in every if not machine.endswith("aarch64")
    ]


def test_a_plain_row_overrides_one_with_globs(whole: Catalog) -> None:
    support = {one.machine.name: one.support for one in whole.cells if one.system.name == "debian-12"}
    assert support.pop("ch-x86_64") is Support.PLANNED
    assert set(support.values()) == {Support.SUPPORTED}


def test_the_images_of_a_row_replace_those_of_the_same_role(whole: Catalog) -> None:
    one = cell(whole, "ubuntu-22.04-core/embedded/firecracker-x86_64")
    assert one.kernel.embedded
    assert one.images == {"kernel": "registry.example.com/other:1"}
    split = cell(whole, "k8s/theirs-5.10/ch-x86_64")
    assert sorted(split.images) == ["kernel", "modules", "root"]


def test_the_remarks_of_a_row_are_those_of_its_cells(whole: Catalog) -> None:
    assert cell(whole, "debian-12-web/debian-6.1/ch-x86_64").note == "of the row"


# Where it comes from


def test_a_file_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "mine.yaml").write_text(WHOLE)
    loaded = catalog.load("sub/mine.yaml", tmp_path)
    assert (loaded.name, loaded.source, loaded.folder) == ("example", "sub/mine.yaml", tmp_path / "sub")


def test_the_file_of_this_folder_comes_before_the_built_in_one(tmp_path: Path) -> None:
    assert catalog.load(None, tmp_path).source == "builtin:bootworthy"
    (tmp_path / "bootworthy.yaml").write_text(WHOLE)
    assert catalog.load(None, tmp_path).source == "bootworthy.yaml"


def test_a_file_comes_before_a_built_in_of_the_same_name(tmp_path: Path) -> None:
    assert catalog.load("bootworthy", tmp_path).source == "builtin:bootworthy"
    (tmp_path / "bootworthy").write_text(WHOLE)
    assert catalog.load("bootworthy", tmp_path).name == "example"
    assert catalog.load("builtin:bootworthy", tmp_path).name == "bootworthy"


@pytest.mark.parametrize("name", ["botworthy", "builtin:botworthy"])
def test_no_such_catalog(name: str, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as caught:
        catalog.load(name, tmp_path)
    assert caught.value.code == "catalog.not-found"
    assert "did you mean bootworthy?" in (caught.value.hint or "")


def test_a_folder(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    with pytest.raises(DocumentError) as caught:
        catalog.load("cat/", tmp_path)
    assert caught.value.problems[0].hint == "name the file in it: cat/bootworthy.yaml"


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    loop = tmp_path / "loop.yaml"
    loop.symlink_to(loop)
    with pytest.raises(HostError) as caught:
        catalog.load("loop.yaml", tmp_path)
    assert caught.value.code == "catalog.unreadable"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_one_may_not_read(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").touch(mode=0)
    with pytest.raises(HostError) as caught:
        catalog.load("mine.yaml", tmp_path)
    assert caught.value.code == "catalog.denied"


def test_the_schema_names_every_key() -> None:
    schema = catalog.json_schema()
    assert json.loads(json.dumps(schema)) == schema
    assert {"bootworthy", "name", "registry", "access", "systems", "kernels", "machines", "matrix"} <= set(
        schema["properties"]
    )
    system = schema["$defs"]["SystemFile"]["properties"]
    assert {"for", "from", "end-of-life", "base-layer", "when", "bootstrap", "dockerfile"} <= set(system)
    assert schema["$defs"]["SystemFile"]["additionalProperties"] is False


def test_what_cells_are_does_not_need_pydantic() -> None:
    code = "import sys, bootworthy.catalog.entries; print({'pydantic', 'ruamel.yaml'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
