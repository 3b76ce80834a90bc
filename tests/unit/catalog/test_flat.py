from dataclasses import replace
from pathlib import Path

import pytest

from bootworthy import catalog as catalogs
from bootworthy.catalog import flat
from bootworthy.catalog.entries import Catalog
from bootworthy.catalog.loading import builtin_names

EVERYTHING = """
bootworthy: 1
name: everything
title: "5.10"
note: "yes"
registry: registry.example/os
systems:
  base: {bootstrap: {release: bookworm, packages: [udev, kmod]}, base-layer: false, end-of-life: "2028"}
  web: {dockerfile: web/Dockerfile, from: base, provides: [b, a], software: {kubernetes: "1.20"}, rolling: true}
  other: {dockerfile: Dockerfile, from: {image: "docker.io/library/debian:12"}, variant: small, release: "12"}
  theirs-${n}: {for: {n: ["1", "2"]}, images: {root+kernel: "registry.example/theirs:${n}"}, inferred: true}
kernels:
  packaged: {package: {release: bookworm, name: "linux-image-cloud-${debian-arch}"}, architectures: [x86_64]}
  built: {build: {source: {release: bookworm, name: linux-source-6.1}, profiles: [systemd, containers]}}
  archive: {build: {source: {url: "https://example.com/linux.tar.xz", sha256: "SHA"}, config: own.config}}
  published: {release: "6.1", images: {kernel: "registry.example/k", modules: "registry.example/m"}, tags: "6.1"}
machines:
  fire:
    vmm: firecracker
    arch: x86_64
    prefer: -3
    versions: ">=1.7,<2"
    memory: 2GiB
    vcpus: 3
    deadline: 90
    guests: [{series: "5.10", since: "2022-01-31", until: "2024-01", note: n, source: s, inferred: true}]
  board: {hardware: rpi4, arch: arm64, since: "2020"}
matrix:
  - {systems: [web, other], kernels: [packaged, built, archive], machines: [fire], support: supported}
  - systems: ["theirs-*"]
    kernels: [embedded]
    machines: ["*"]
    support: legacy
    note: "a: b # c"
    when: {capmvm: ">0.7.0", any: [{flintlock: "<=0.4.0"}, {all: [{a: "1"}, {b: "2"}]}]}
  - {systems: [base], kernels: [published], machines: [fire], support: planned, images: {initrd: "r.example/i:1"}}
""".replace("SHA", "ab" * 32)


def bare(catalog: Catalog) -> Catalog:
    """Without what a flat catalog does not keep: how its rows were written, and where it came from."""
    return replace(catalog, rows=(), source="", folder=None)


def again(catalog: Catalog) -> Catalog:
    return catalogs.load_text(flat.text(catalog, catalog.cells), "flat.yaml")


def test_everything_comes_back() -> None:
    catalog = catalogs.load_text(EVERYTHING, "example.yaml")
    assert bare(again(catalog)) == bare(catalog)
    text = flat.text(catalog, catalog.cells)
    assert "for:" not in text
    assert "*" not in text
    assert text == flat.text(again(catalog), again(catalog).cells)


@pytest.mark.parametrize("name", builtin_names())
def test_built_in_ones_come_back(name: str) -> None:
    catalog = catalogs.load(f"builtin:{name}", Path())
    assert bare(again(catalog)) == bare(catalog)


def test_only_what_is_chosen_is_there() -> None:
    catalog = catalogs.load_text(EVERYTHING, "example.yaml")
    (cell,) = [cell for cell in catalog.cells if cell.name == "web/built/fire"]
    document = flat.document(catalog, [cell])
    assert list(document["systems"]) == ["base", "web"]
    assert (list(document["kernels"]), list(document["machines"])) == (["built"], ["fire"])
    assert len(document["matrix"]) == 1
