"""Kernels that are compiled here, as a catalog names them."""

from pathlib import Path

import pytest

from bootworthy import catalog
from bootworthy.catalog.entries import Kernel, KernelPackage, SourceArchive
from bootworthy.errors import DocumentError

DIGEST = 64 * "a"
TEXT = """\
bootworthy: 1
name: own
systems: {s: {bootstrap: {release: bookworm}}}
kernels:
  k: {build: {source: {release: bookworm, name: linux-source-6.1}}}
machines: {m: {vmm: qemu-microvm, arch: x86_64}}
matrix: [{systems: [s], kernels: [k], machines: [m], support: supported}]
"""
BUILD = "build: {source: {release: bookworm, name: linux-source-6.1}}"
ARCHIVE = "{url: 'https://kernel.example/linux-6.1.90.tar.xz', sha256: " + DIGEST + "}"


def with_build(text: str) -> str:
    assert TEXT.count(BUILD) == 1
    return TEXT.replace(BUILD, text)


def kernel(text: str, folder: Path | None = None) -> Kernel:
    return catalog.load_text(text, "own.yaml", folder).kernels["k"]


def test_a_distributions_source() -> None:
    build = kernel(TEXT).build
    assert build
    assert build.source == KernelPackage("debian", "bookworm", "linux-source-6.1")
    assert (build.config, build.profiles, build.folder) == ("microvm", (), None)


def test_an_archive_with_everything(tmp_path: Path) -> None:
    more = "config: kernels/own.config, profiles: [systemd, containers]"
    build = kernel(with_build(f"build: {{source: {ARCHIVE}, {more}}}"), tmp_path).build
    assert build
    assert build.source == SourceArchive("https://kernel.example/linux-6.1.90.tar.xz", DIGEST)
    assert (build.config, build.profiles, build.folder) == (
        "kernels/own.config", ("containers", "systemd"), tmp_path
    )  # fmt: skip


@pytest.mark.parametrize(
    ("build", "path", "words"),
    [
        ("build: {}", "kernels.k.build.source", "`source` is missing"),
        ("build: {source: {}}", "kernels.k.build.source", "has all that it needs"),
        ("build: {source: {release: bookworm}}", "kernels.k.build.source", "has all that it needs"),
        (f"build: {{source: {{sha256: {DIGEST}}}}}", "kernels.k.build.source", "has all that it needs"),
        (f"build: {{source: {ARCHIVE[:-1]}, name: x}}}}", "kernels.k.build.source", "has all that it needs"),
        (f"build: {{source: {ARCHIVE.replace('aaa', 'AAA')}}}", "kernels.k.build.source.sha256", "SHA-256 digest"),
        (f"build: {{source: {ARCHIVE.replace('https', 'file')}}}", "kernels.k.build.source.url", "no address"),
        (f"{BUILD[:-1]}, config: ../own.config}}", "kernels.k.build.config", "leaves the folder"),
        (f"{BUILD[:-1]}, profiles: [a, a]}}", "kernels.k.build.profiles", "a stands here twice"),
        (f"{BUILD[:-1]}, profile: [a]}}", "kernels.k.build.profile", "unknown key"),
        (f"{BUILD}, package: {{release: bookworm, name: linux-image}}", "kernels.k", "`package` and `build`"),
        (f"{BUILD}, images: {{kernel: example.test/k:1}}", "kernels.k", "`build` and `images`"),
    ],
)
def test_mistakes(build: str, path: str, words: str) -> None:
    with pytest.raises(DocumentError) as caught:
        catalog.load_text(with_build(build), "own.yaml")
    (problem,) = caught.value.problems
    assert problem.path == path
    assert words in problem.message


def test_what_counts() -> None:
    def digest(text: str) -> str:
        return catalog.catalog_entry_digest(catalog.load_text(text, "own.yaml").cells[0])

    archive = with_build(f"build: {{source: {ARCHIVE}}}")
    others = [
        archive, TEXT.replace("linux-source-6.1", "linux-source"), with_build(f"{BUILD[:-1]}, profiles: [a]}}"),
        with_build(f"{BUILD[:-1]}, config: own.config}}"), archive.replace("aaa}", "aab}"),
    ]  # fmt: skip
    assert len({digest(text) for text in [TEXT, *others]}) == 6
    assert digest(archive.replace("kernel.example", "mirror.example")) == digest(archive)
    assert digest(with_build(f"{BUILD[:-1]}, config: microvm}}")) == digest(TEXT)


def test_the_built_in_catalog_of_kernels_from_source(tmp_path: Path) -> None:
    """It has the same systems and machines as the other, so that evidence of both can be compared."""
    ours, other = (catalog.load(f"builtin:{name}", tmp_path) for name in ("from-source", "bootworthy"))
    build = ours.kernels["bootworthy-6.1"].build
    assert build
    assert build.source == KernelPackage("debian", "bookworm", "linux-source-6.1")
    assert build.config == "microvm"
    assert set(build.profiles) == {"microvm", "firecracker", "cloud-hypervisor", "systemd", "containers"}
    assert ours.systems["debian-12"] == other.systems["debian-12"]
    assert ours.machines == other.machines
    assert ours.registry == other.registry
