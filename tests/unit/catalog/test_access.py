"""What a catalog lists for reference only."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootworthy import catalog as catalogs
from bootworthy.catalog import access
from bootworthy.errors import DocumentError, RefusedError
from bootworthy.oci.reference import Reference

DIGEST = "sha256:" + 64 * "a"
CATALOG = f"""\
bootworthy: 1
name: theirs
note: ask them for a licence
access: reference-only
systems:
  one: {{images: {{root: registry.example/one:1.0}}}}
  pattern: {{images: {{root: "registry.example/pattern:${{version}}-arm"}}}}
  pinned: {{images: {{root: "registry.example/pinned@{DIGEST}"}}}}
  short: {{images: {{root: "ubuntu:24.04"}}}}
kernels:
  k: {{images: {{kernel: "registry.example/k:6.1"}}}}
machines:
  m: {{vmm: qemu-microvm, arch: x86_64}}
matrix:
  - {{systems: ["*"], kernels: [k], machines: [m], support: supported, images: {{modules: "registry.example/row:1"}}}}
"""

LISTED = [
    "registry.example/one:1.0", f"registry.example/one@{DIGEST}", "registry.example/pattern:7-arm",
    f"registry.example/pattern@{DIGEST}", f"registry.example/pinned@{DIGEST}", "registry.example/pinned:1",
    "docker.io/library/ubuntu:24.04", "ubuntu:24.04", "registry.example/k:6.1", "registry.example/row:1",
]  # fmt: skip
FREE = [
    "registry.example/one:2.0", "registry.example/on:1.0", "other.example/one:1.0", "registry.example/pattern:7-amd",
    f"registry.example/pinned@sha256:{64 * 'b'}", "ubuntu:22.04", "registry.example/one/more:1.0",
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bootworthy.yaml").write_text(CATALOG)
    return tmp_path


@pytest.mark.parametrize("text", LISTED)
def test_what_is_listed_is_refused(folder: Path, text: str) -> None:
    with pytest.raises(RefusedError) as caught:
        access.check(Reference.parse(text), None, folder)
    assert caught.value.code == "catalog.reference-only"
    assert "theirs" in caught.value.message
    assert caught.value.where == str(Reference.parse(text))
    with pytest.raises(RefusedError):
        access.check(Reference.parse(text), "bootworthy.yaml", folder)
    with pytest.raises(RefusedError):
        access.guard(catalogs.load(None, folder))(Reference.parse(text))


@pytest.mark.parametrize("text", FREE)
def test_what_is_not_listed_is_free(folder: Path, text: str) -> None:
    access.check(Reference.parse(text), None, folder)
    access.guard(catalogs.load(None, folder))(Reference.parse(text))


@pytest.mark.parametrize("text", LISTED)
def test_an_open_catalog_forbids_nothing(folder: Path, text: str) -> None:
    (folder / "bootworthy.yaml").write_text(CATALOG.replace("access: reference-only", "access: open"))
    access.check(Reference.parse(text), None, folder)
    access.guard(catalogs.load(None, folder))(Reference.parse(text))
    access.guard(None)(Reference.parse(text))


def test_only_a_catalog_that_forbids_has_to_be_right(tmp_path: Path) -> None:
    reference = Reference.parse(LISTED[0])
    (tmp_path / "bootworthy.yaml").write_text("bootworthy: 1\nnonsense: true\n")
    access.check(reference, None, tmp_path)
    (tmp_path / "bootworthy.yaml").write_text("bootworthy: 1\naccess: reference-only\nnonsense: true\n")
    with pytest.raises(DocumentError):
        access.check(reference, None, tmp_path)
