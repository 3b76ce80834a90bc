"""Kernels from Debian's real source, compiled small: the same bytes anywhere, for two architectures; and failures."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bootworthy.builders import kernel_images, kernel_request, layer
from bootworthy.builders.kernel_make import KernelMake
from bootworthy.builders.kernel_source import KERNEL_BUILDER
from bootworthy.builders.kernel_tree import KernelTree
from bootworthy.builders.toolchain import Toolchain
from bootworthy.builders.workshop import Build, Built, Workshop
from bootworthy.catalog.entries import Kernel, KernelSource, SourceArchive
from bootworthy.errors import BuildError
from bootworthy.kernels import base, kconfig, profile
from bootworthy.kernels.config import Config
from bootworthy.kernels.formats import Format, identify
from bootworthy.kernels.modules import ModuleInfo
from bootworthy.layers.node import Tree
from bootworthy.oci.documents import Descriptor
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from bootworthy.vocabulary import Architecture, Role
from tests import compiled_kernels
from tests.command import Command
from tests.faults import left_processes
from tests.oci_images import put_small

X86, ARM = Architecture.X86_64, Architecture.AARCH64
FORMATS = {X86: Format.PVH, ARM: Format.IMAGE}


@dataclass(frozen=True)
class Sources:
    """A real source, at an address and unpacked, and configurations for it."""

    archive: SourceArchive
    tree: KernelTree
    folder: Path
    """`x86_64.config` and `aarch64.config` are in it."""

    def kernel(self, architecture: Architecture, **more: object) -> Kernel:
        source = KernelSource(source=self.archive, config=f"{architecture}.config", folder=self.folder, **more)  # type: ignore[arg-type]
        return Kernel(name="tiny", build=source)

    def build(self, workshop: Workshop, architecture: Architecture, **more: object) -> Build:
        return KERNEL_BUILDER.build(workshop, self.kernel(architecture, **more), architecture)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sources]:
    compiled_kernels.need_compilers(X86, ARM)
    folder = tmp_path_factory.mktemp("sources")
    archive = compiled_kernels.fetched(Workshop(Store(folder / "store"), folder / "cache"), folder / "debian")
    tree = compiled_kernels.unpacked(archive, folder / "tree")
    for architecture in Architecture:
        (folder / f"{architecture}.config").write_text(compiled_kernels.tiny(tree, architecture))
    compiled_kernels.clean(tree)
    with compiled_kernels.served(compiled_kernels.lean(tree, folder / "linux.tar")) as served:
        yield Sources(served, tree, folder)


def workshop(folder: Path) -> Workshop:
    return Workshop(Store(folder / "store"), folder / "cache")


def trees(shop: Workshop, built: Built, architecture: Architecture) -> tuple[Tree, Tree]:
    images = [shop.store.image(built.images[role], architecture) for role in (Role.KERNEL, Role.MODULES)]
    kernel, modules = (layer.tree_of(shop, image) for image in images)
    return kernel, modules


def labels(shop: Workshop, image: Descriptor, architecture: Architecture) -> dict[str, str]:
    return dict(shop.store.image(image, architecture).config.labels)


@pytest.fixture(scope="module")
def once(sources: Sources, tmp_path_factory: pytest.TempPathFactory) -> tuple[Workshop, Built]:
    shop = workshop(tmp_path_factory.mktemp("once"))
    return shop, sources.build(shop, X86).obtain(shop)


def holds_a_kernel(shop: Workshop, built: Built, architecture: Architecture, version: str) -> None:
    release = f"{version}-tiny"
    kernel, modules = trees(shop, built, architecture)
    node, config = kernel.find(b"boot/vmlinux"), kernel.find(f"boot/config-{release}".encode())
    assert node
    assert config
    found = identify(kernel.read(node))
    assert (found.format, found.architecture, found.release) == (FORMATS[architecture], architecture, release)
    assert found.banner
    assert "(bootworthy@bootworthy)" in found.banner
    written = Config.parse(kernel.read(config).decode())
    assert dict(Config.embedded(kernel.read(node)) or {}) == dict(written)
    driver = modules.find(b"kernel/drivers/net/dummy.ko")
    assert driver
    info = ModuleInfo.parse(modules.read(driver))
    assert (info.name, info.release, info.signed) == ("dummy", release, False)
    dep = modules.find(b"modules.dep")
    assert dep
    assert b"kernel/drivers/net/dummy.ko:" in modules.read(dep)
    assert modules.find(b"build") is None
    for role in (Role.KERNEL, Role.MODULES):
        said = labels(shop, built.images[role], architecture)
        assert said[kernel_images.RELEASE_LABEL] == release
        assert said[kernel_images.ARCHITECTURE_LABEL] == architecture
        assert said[kernel_images.PROFILES_LABEL] == ",".join(
            name for name in profile.known()
            if profile.judge(profile.load(name), written, architecture, release).met
        )  # fmt: skip


def test_a_kernel_of_this_machine(sources: Sources, once: tuple[Workshop, Built]) -> None:
    shop, built = once
    assert built.reasons == ("never built here",)
    holds_a_kernel(shop, built, X86, sources.tree.version)
    assert sources.build(shop, X86).obtain(shop).reasons == ()
    assert not list((shop.cache / "scratch").iterdir())
    assert not list((shop.cache / "builds").glob("*.log"))


def test_the_same_bytes_in_another_folder(
    sources: Sources, once: tuple[Workshop, Built], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    monkeypatch.setenv("KBUILD_BUILD_USER", "somebody")
    shop = workshop(tmp_path / "a much longer path than the other one" / "here")
    built = sources.build(shop, X86).obtain(shop)
    assert {role: each.digest for role, each in built.images.items()} == {
        role: each.digest for role, each in once[1].images.items()
    }


def test_a_kernel_for_another_architecture(sources: Sources, tmp_path: Path) -> None:
    shop = workshop(tmp_path)
    built = sources.build(shop, ARM).obtain(shop)
    holds_a_kernel(shop, built, ARM, sources.tree.version)


def test_a_changed_profile_builds_again_and_says_why(sources: Sources, once: tuple[Workshop, Built]) -> None:
    shop, _ = once
    (reason,) = sources.build(shop, X86, profiles=("wireguard",)).reasons(shop)
    assert reason.startswith("inputs.profiles.wireguard: (nothing) -> {")
    assert '"WIREGUARD": "m' in reason
    assert sources.build(shop, X86).reasons(shop) == ()


def test_what_the_kernels_build_drops_is_an_error(sources: Sources, tmp_path: Path) -> None:
    """The tiny configuration has neither NETFILTER nor SMP, and profiles do not ask for all that they need."""
    shop = workshop(tmp_path)
    with pytest.raises(BuildError) as caught:
        sources.build(shop, X86, profiles=("containers",)).obtain(shop)
    assert caught.value.code == "kernel.config-drift"
    assert "CPUSETS=y (containers) was dropped: it needs SMP, which is not set" in caught.value.message
    assert "base configuration" not in caught.value.message
    assert not list((shop.cache / "scratch").iterdir())


@pytest.mark.parametrize("architecture", Architecture)
def test_every_profile_goes_with_the_configuration_of_ours(sources: Sources, architecture: Architecture) -> None:
    """All but `ebpf`, whose type information needs a program that tests do without."""
    chain = Toolchain(architecture, Architecture.native())
    symbols = kconfig.symbols(sources.tree.root, architecture)
    names = [name for name in profile.known() if name != "ebpf"]
    begun = base.load("microvm", architecture)
    request = kernel_request.join(begun, names, architecture, sources.tree.version, symbols)
    compiled_kernels.clean(sources.tree)
    config = KernelMake(sources.tree, chain, sources.folder / "log").configure(request)
    reports = [profile.judge(profile.load(name), config, architecture, sources.tree.version) for name in names]
    assert [report.profile.name for report in reports if not report.met] == []


def test_a_build_that_fails(sources: Sources) -> None:
    log = sources.folder / "failed.log"
    make = KernelMake(sources.tree, Toolchain(X86, Architecture.native()), log)
    compiled_kernels.clean(sources.tree)
    (sources.tree.root / ".config").write_text((sources.folder / f"{X86}.config").read_text())
    broken = sources.tree.root / "init" / "version.c"
    text = broken.read_text()
    broken.write_text("#error what nobody can compile\n")
    try:
        with pytest.raises(BuildError) as caught:
            make.build("init/version.o")
    finally:
        broken.write_text(text)
    assert caught.value.code == "kernel.make"
    assert "what nobody can compile" in caught.value.message
    assert str(log) in str(caught.value.hint)
    assert "what nobody can compile" in log.read_text()


CATALOG = """\
bootworthy: 1
name: killed
systems: {{made: {{images: {{root: "localhost/made:root"}}}}}}
kernels: {{tiny: {{build: {{source: {{url: "{url}", sha256: {sha256}}}, config: x86_64.config}}}}}}
machines: {{qemu-microvm-x86_64: {{vmm: qemu-microvm, arch: x86_64}}}}
matrix:
  - {{systems: [made], kernels: [tiny], machines: ["*"], support: supported}}
"""


def test_a_build_that_is_killed_leaves_nobody_behind(sources: Sources, tmp_path: Path) -> None:
    home = Command.at(tmp_path / "home")
    store = Store(home.store)
    store.tag(Reference.parse("localhost/made:root"), put_small(store))
    (tmp_path / "x86_64.config").write_text((sources.folder / f"{X86}.config").read_text())
    catalog = tmp_path / "bootworthy.yaml"
    catalog.write_text(CATALOG.format(url=sources.archive.url, sha256=sources.archive.sha256))
    for number in (signal.SIGKILL, signal.SIGINT):
        with home.running("build", "-c", str(catalog)) as process:
            while not any(b"  CC " in log.read_bytes() for log in (home.cache / "builds").glob("*.log")):
                assert process.poll() is None
                time.sleep(0.1)
            process.send_signal(number)
            _, said = process.communicate(timeout=60)
        assert b"Traceback" not in said
        assert left_processes(tmp_path, 10.0) == []
        left = list((home.cache / "scratch").iterdir())
        assert len(left) == (number == signal.SIGKILL)  # it is swept by the next build
        for log in (home.cache / "builds").glob("*.log"):
            log.unlink()
    home("gc")
    assert not list((home.cache / "builds").glob("*.lock"))
