"""Images laid out as Liquid Metal and Kairos publish theirs, small, under the names that the built-in catalogs have."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Protocol

from bootworthy import catalog as catalogs
from bootworthy.catalog import access
from bootworthy.cli.main import run
from bootworthy.kernels.elf import MACHINE_AARCH64, MACHINE_X86_64
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from bootworthy.vocabulary import Architecture
from tests import check_trees as make
from tests.check_trees import Entry, File, Link
from tests.tree_images import put_tree

KUBERNETES, KERNEL, VERSION = "1.20.4", "5.10.77", "v1.2.0"
"""What the open tags are filled with: of Liquid Metal's legacy pair, and of Kairos."""
_AMD, _ARM = Architecture.X86_64, Architecture.AARCH64


class Hosted(Protocol):
    """A registry, of whoever's making."""

    @property
    def host(self) -> str:
        """What a reference to it begins with."""


def references(name: str) -> list[str]:
    """Every reference of a built-in catalog, its open tags filled."""
    values = {"kubernetes": KUBERNETES, "kernel": KERNEL, "version": VERSION}
    texts = dict.fromkeys(access.references(catalogs.load(f"builtin:{name}", Path())))
    return [re.sub(r"\$\{([^}]*)\}", lambda match: values[match[1]], text) for text in texts]


def put(store: Store, texts: Iterable[str]) -> dict[str, str]:
    """The images of some references, named in a store; reference to digest."""
    found = {}
    for text in texts:
        reference = Reference.parse(text)
        entries, architecture = _layout(reference)
        found[text] = put_tree(store, entries, architecture=architecture, name=text).digest
    return found


def publish(store: Store, registry: Hosted, texts: Iterable[str]) -> dict[str, str]:
    """The same, at a registry on loopback; the mirror settings have to lead there."""
    found = put(store, texts)
    for text in found:
        reference = Reference.parse(text)
        assert run(["push", text, f"{registry.host}/{reference.repository}:{reference.tag}"]) == 0
    return found


def mirrors(registry: Hosted) -> str:
    """The setting under which the registries of both are asked at this one."""
    return ",".join(f"{host}={registry.host}" for host in ("ghcr.io", "quay.io"))


def _layout(reference: Reference) -> tuple[Mapping[str, Entry], Architecture]:
    repository, tag = reference.repository.rpartition("/")[2], reference.tag or ""
    made = _LIQUID_METAL.get(repository)
    if made is None:
        return _kairos(repository, tag)
    return made(tag), _ARM if repository.endswith("-arm") else _AMD


def _modules(release: str, below: str = "lib/modules") -> dict[str, Entry]:
    """A whole folder below the root of the image, as their builder leaves it; what a root needs is built in."""
    return make.modules(["vxlan", "ip_set"], below=f"{below}/{release}", release=release)


def _kubernetes(version: str) -> dict[str, Entry]:
    return {"usr/bin/kubelet": make.program(), "etc/kubernetes-version": File(version.encode())}


def _arm_root() -> dict[str, Entry]:
    linker = b"/lib/ld-linux-aarch64.so.1"
    program = make.program(MACHINE_AARCH64, linker)
    return make.root() | {
        "usr/lib/ld-linux-aarch64.so.1": make.elf(MACHINE_AARCH64, segments=[(1, b"code")]),
        "usr/lib/systemd/systemd": program, "usr/bin/sh": program,
    }  # fmt: skip


_LIQUID_METAL: dict[str, Callable[[str], Mapping[str, Entry]]] = {
    "kernel-bin": lambda tag: make.kernel(release=tag),
    "kernel-modules": _modules,
    "flintlock-kernel": lambda tag: {**make.kernel(release=tag), **_modules(tag)},
    # The kernel of arm64 is called so, in lower case.
    "flintlock-kernel-arm": lambda tag: {"boot/image": File(make.image(tag)), **_modules(tag)},
    "capmvm-k8s-os": lambda tag: make.root() | _kubernetes(tag),
    "capmvm-kubernetes": lambda tag: make.root() | _kubernetes(tag) | _modules(KERNEL, "usr/lib/modules"),
    "capmvm-kubernetes-arm": lambda tag: _arm_root() | _kubernetes(tag),
}


def _kairos(repository: str, tag: str) -> tuple[Mapping[str, Entry], Architecture]:
    """A whole system: kernel, initial RAM disk, root; or the wrapper of a disk image."""
    arm = repository.endswith("-rpi")
    architecture = _ARM if arm else _AMD
    if tag.endswith(".img"):
        return {f"build/{repository}-{tag}.xz": File(b"a compressed disk")}, architecture
    name = "Image" if arm else "vmlinuz-5.14.21"
    kernel = make.image("5.14.21") if arm else make.bzimage("5.14.21")
    disk = make.initrd(make.ram_disk(release="5.14.21", machine=MACHINE_AARCH64 if arm else MACHINE_X86_64))
    release = f'NAME="{repository}"\nVERSION_ID="{tag}"\nID="kairos"\n'
    return {
        **(_arm_root() if arm else make.root()), **disk, f"boot/{name}": File(kernel),
        "boot/vmlinuz": Link(name.encode()), "etc/os-release": File(release.encode()),
        "etc/cos/bootargs.cfg": File(b"set kernel=/boot/vmlinuz\n"),
        "system/oem/00_rootfs.yaml": File(b"name: rootfs\n"),
    }, architecture  # fmt: skip
