"""A catalog of images that somebody published, all of them small and in a store."""

from __future__ import annotations

from pathlib import Path

from bootworthy import catalog as catalogs
from bootworthy.builders.workshop import Workshop
from bootworthy.catalog.entries import Catalog
from bootworthy.catalog.loading import load_text
from bootworthy.oci import documents
from bootworthy.oci.documents import Descriptor
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from bootworthy.vocabulary import Architecture
from tests.oci_images import put_layer

TEXT = """\
bootworthy: 1
name: shelf
registry: registry.example/os
systems:
  one:
    title: One
    end-of-life: "2028-06"
    source: https://one.example
    images: {root: "%(host)s/up/one:1"}
kernels:
  k1:
    end-of-life: "2026"
    images: {kernel: "%(host)s/up/k1:1-kernel", modules: "%(host)s/up/k1:1-modules"}
machines:
  micro: {vmm: qemu-microvm, arch: x86_64}
  fire: {vmm: firecracker, arch: x86_64}
matrix:
  - systems: [one]
    kernels: [k1]
    machines: [micro]
    support: supported
    images: {initrd: "%(host)s/up/k1:1-initrd-micro"}
  - systems: [one]
    kernels: [k1]
    machines: [fire]
    support: supported
    images: {initrd: "%(host)s/up/k1:1-initrd-fire"}
"""
MICRO, FIRE = "one/k1/micro", "one/k1/fire"
HOST = "published.example"
BUNDLE = "registry.example/os/one:k1"
RELEASE = "6.1.0-test"


def text(host: str = HOST) -> str:
    """The catalog, its images at a host."""
    return TEXT % {"host": host}


def catalog(host: str = HOST) -> Catalog:
    """The same, read."""
    return read(text(host))


def read(text: str) -> Catalog:
    """A catalog by its text."""
    return load_text(text, "shelf.yaml")


def workshop(folder: Path) -> Workshop:
    """An empty store and cache."""
    return Workshop(Store(folder / "data/store"), folder / "cache")


def put(store: Store, role: str, content: str = "", architecture: Architecture = Architecture.X86_64) -> Descriptor:
    """An image of one role, in a store."""
    files = {"root": {"etc/passwd": b"root:x:0:0::/root:/bin/sh\n"}, "kernel": {"boot/vmlinux": b"no kernel"}}
    layer = put_layer(store, {**files.get(role, {}), f"{role}.txt": content.encode()})
    labels = {"dev.bootworthy.kernel.release": RELEASE} if role == "kernel" else {}
    return store.put_image(layers=[layer], architecture=architecture, labels=labels, annotations={documents.ROLE: role})


def name(role: str, host: str = HOST) -> Reference:
    """What the published image of a role is called: `root`, `kernel`, `modules`, `initrd-micro`, `initrd-fire`."""
    return Reference.parse(f"{host}/up/one:1" if role == "root" else f"{host}/up/k1:1-{role}")


ROLES = ("root", "kernel", "modules", "initrd-micro", "initrd-fire")


def stock(store: Store, host: str = HOST, content: str = "") -> dict[str, Descriptor]:
    """Every image of the catalog, named in a store."""
    found = {}
    for each in ROLES:
        found[each] = put(store, each.partition("-")[0], content + each)
        store.tag(name(each, host), found[each])
    return found


def write(folder: Path, host: str = HOST) -> Path:
    """The catalog as `bootworthy.yaml` of a folder."""
    path = folder / "bootworthy.yaml"
    path.write_text(text(host))
    assert catalogs.load(None, folder).name == "shelf"
    return path
