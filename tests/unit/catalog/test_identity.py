import pytest

from bootworthy import catalog

TEXT = """\
bootworthy: 1
name: one
title: ""
systems:
  debian: {title: Debian, bootstrap: {release: bookworm, packages: [udev, kmod]}}
  web: {dockerfile: Dockerfile, from: debian}
kernels:
  own: {package: {release: bookworm, name: linux-image}}
machines:
  qemu: {vmm: qemu-microvm, arch: x86_64, memory: 1GiB}
matrix:
  - {systems: [web], kernels: [own], machines: [qemu], support: supported}
"""


def digest(text: str) -> str:
    (cell,) = catalog.load_text(text, "one.yaml").cells
    return catalog.catalog_entry_digest(cell)


def changed(old: str, new: str) -> str:
    assert TEXT.count(old) == 1
    return TEXT.replace(old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("title: Debian", "title: Other, note: n, source: s, since: '2020', inferred: true"),
        ("name: one", "name: two"),
        ("support: supported", "support: legacy, note: n"),
        ("memory: 1GiB", "memory: 1024MiB, vcpus: 2, prefer: 3, deadline: 9, versions: '>1', provides: [x]"),
        ("title: Debian,", "family: debian, init: systemd, end-of-life: '2028', base-layer: true,"),
        ("arch: x86_64", "arch: amd64"),
        ("[udev, kmod]", "[kmod, udev]"),
        ("{package: {release", "{package: {distribution: debian, release"),
    ],
)
def test_what_reaches_no_image_does_not_count(old: str, new: str) -> None:
    assert digest(changed(old, new)) == digest(TEXT)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[udev, kmod]", "[udev]"),
        ("title: Debian,", "base-layer: false,"),
        ("dockerfile: Dockerfile", "dockerfile: other/Dockerfile"),
        ("from: debian", "from: {image: debian}"),
        ("linux-image", "linux-image-cloud"),
        ("memory: 1GiB", "memory: 2GiB"),
        ("memory: 1GiB", "vcpus: 1"),
        ("vmm: qemu-microvm", "vmm: firecracker"),
        ("support: supported", "support: supported, images: {root: somebody/else}"),
        ("kernels: [own]", "kernels: [embedded]"),
    ],
)
def test_what_reaches_an_image_or_the_plan_counts(old: str, new: str) -> None:
    assert digest(changed(old, new)) != digest(TEXT)


def test_it_is_the_same_everywhere() -> None:
    assert digest(TEXT) == "sha256:c4897badf33064764bd01484346faa9b01da6dc191d6c93baa837ffa475334d7"
