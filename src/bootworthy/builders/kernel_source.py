"""Kernels compiled here: a source, a base configuration and profiles into the same two images as a packaged kernel.

A source is a distribution's package, which apt fetches and which is recorded as what a mirror supplied, or an archive
with its digest.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

from bootworthy.builders import apt, debs, download, kernel_images, kernel_request, kernel_tree, layer, toolchain
from bootworthy.builders.apt import Archive, Package
from bootworthy.builders.kernel_images import KernelFiles
from bootworthy.builders.kernel_make import KernelMake
from bootworthy.builders.record import Recipe
from bootworthy.builders.toolchain import Toolchain
from bootworthy.builders.workshop import Build, Made, Workshop
from bootworthy.catalog.entries import Kernel, KernelPackage, KernelSource, SourceArchive
from bootworthy.errors import BuildError
from bootworthy.host import files
from bootworthy.kernels import base, kconfig
from bootworthy.kernels.base import Base
from bootworthy.kernels.config import Config
from bootworthy.vocabulary import Architecture

REVISION = 2


class SourceKernels:
    """Builds the kernels of a catalog that have a `build`."""

    def serves(self, kernel: Kernel) -> bool:
        """Whether a kernel is built this way."""
        return kernel.build is not None

    def build(self, workshop: Workshop, kernel: Kernel, architecture: Architecture) -> Build:
        """The build of a kernel's two images.

        Raises:
            NotFoundError: `kernel.unknown-config`, `kernel.no-config`, `kernel.unknown-profile`.
            BuildError: `kernel.config`.
            HostError: `tool.missing`.
        """
        assert kernel.build is not None
        begun = _base(kernel.build, architecture)
        asked = {name: kernel_images.asked(name, architecture) for name in kernel.build.profiles}
        chain = toolchain.chosen(architecture, (symbol for each in asked.values() for symbol in each))
        inputs: dict[str, object] = {
            "source": _named(kernel.build.source), "config": dict(begun.config), "unnamed": begun.target,
            "profiles": asked,
        }  # fmt: skip
        recipe = Recipe(
            subject=f"kernel {kernel.name}, compiled", kind="kernel-source", revision=REVISION,
            architecture=architecture, inputs=inputs, tools=chain.versions(),
        )  # fmt: skip
        work = _Work(workshop, kernel.name, kernel.build, begun, chain, workshop.records.log(recipe))
        compiled = Build(recipe=recipe, make=work.make, offered=work.offered())
        return kernel_images.judged(workshop, compiled, f"kernel {kernel.name}", work.history)


KERNEL_BUILDER = SourceKernels()


@dataclass(frozen=True, slots=True)
class _Work:
    """One build."""

    workshop: Workshop
    name: str
    source: KernelSource
    base: Base
    chain: Toolchain
    log: Path

    @property
    def history(self) -> str:
        """Where its images come from; an archive is the same wherever it lies."""
        source = self.source.source
        if isinstance(source, SourceArchive):
            return f"compiled from sha256:{source.sha256}"
        return f"compiled from {source.distribution} package {source.name}"

    def offered(self) -> functools.partial[tuple[Package, ...]] | None:
        """How to ask what the mirror has now; None where nobody can ask."""
        source = self.source.source
        return functools.partial(_offered, self._archive(source), source) if isinstance(source, KernelPackage) else None

    def make(self) -> Made:
        progress = self.workshop.progress
        self.log.unlink(missing_ok=True)
        with files.scratch(_place(self.workshop.cache), prefix="bootworthy-kernel-") as folder:
            packages, archive, where = self._fetch(folder)
            with progress.task(f"unpacking {archive.name}"):
                (folder / "tree").mkdir()
                tree = kernel_tree.unpack(archive, folder / "tree", where)
                archive.unlink()
            kernel = KernelMake(tree, self.chain, self.log)
            with progress.task(f"configuring {self.name}: Linux {tree.version} for {self.chain.architecture}"):
                self._configure(kernel)
            with progress.task(f"compiling {self.name} with {toolchain.processors()} processors"):
                kernel.compile()
            with progress.task(f"writing the images of {self.name}"):
                release = kernel.release()
                made = KernelFiles(
                    release=release, architecture=self.chain.architecture, kernel=kernel.kernel(folder),
                    config=kernel.config_file.read_bytes(), epoch=tree.epoch,
                    modules=kernel_images.flat(kernel.install_modules(folder / "root"), release, folder / "flat"),
                )  # fmt: skip
                images = kernel_images.put(self.workshop, made, self.history)
        self.log.unlink(missing_ok=True)
        return Made(images=images, packages=packages, made_with=layer.made_with())

    def _fetch(self, folder: Path) -> tuple[tuple[Package, ...], Path, str]:
        """The packages that a mirror supplied, the archive, and what to call it."""
        source = self.source.source
        if isinstance(source, SourceArchive):
            archive = folder / (source.url.rpartition("/")[2].partition("?")[0][-80:] or "source")
            download.fetch(source, archive, self.workshop.settings.registries, self.workshop.progress)
            return (), archive, source.url
        with self.workshop.progress.task(f"fetching {source.name} of {source.release}"):
            packages = apt.fetch(self._archive(source), [source.name], _pattern(source), folder)
            root = debs.unpack(folder / "out", folder / "package")
        found = sorted((root / "usr" / "src").glob("*.tar.*"))
        where = self.history
        if len(found) != 1:
            raise BuildError(
                "source.no-kernel", f"it should bring one archive in /usr/src; it brings {len(found)}", where=where,
                hint="name a package such as linux-source-6.1",
            )  # fmt: skip
        return packages, found[0], where

    def _configure(self, kernel: KernelMake) -> Config:
        tree, architecture = kernel.tree, self.chain.architecture
        symbols = kconfig.symbols(tree.root, architecture)
        request = kernel_request.join(self.base, self.source.profiles, architecture, tree.version, symbols)
        config = kernel.configure(request)
        if not config.builtin("MODULES"):
            raise BuildError(
                "build.no-modules", "the configuration has no modules, and a kernel here has an image of them",
                where=self.base.name, hint="set CONFIG_MODULES=y",
            )  # fmt: skip
        self.chain.require_headers(config)
        return config

    def _archive(self, source: KernelPackage) -> Archive:
        # A source is the same for every architecture, and ours is one that the archive surely has.
        return self.workshop.archive(source.distribution, source.release, Architecture.native())


def _place(cache: Path) -> Path | None:
    """Where a source is unpacked. The kernel's build refuses folders with spaces and colons: those it has elsewhere."""
    return None if set(" :").intersection(str(cache)) else cache / "scratch"


def _base(source: KernelSource, architecture: Architecture) -> Base:
    if base.is_name(source.config):
        return base.load(source.config, architecture)
    return base.read(source.config, source.folder or Path())


def _named(source: KernelPackage | SourceArchive) -> dict[str, str]:
    """A source as recipes have it; where an archive lies does not matter."""
    if isinstance(source, SourceArchive):
        return {"sha256": source.sha256}
    return {"distribution": source.distribution, "release": source.release, "package": source.name}


def _pattern(source: KernelPackage) -> str:
    return source.name.replace(".", r"\.")


def _offered(archive: Archive, source: KernelPackage) -> tuple[Package, ...]:
    return apt.resolve(archive, [source.name], essential=False, pattern=_pattern(source)).packages
