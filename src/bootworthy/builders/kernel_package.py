"""Kernels from a distribution's own package: a kernel image and a flat modules image.

Debian's packages have no `modules.dep` (their installation scripts run depmod), and their kernel is a bzImage; a VMM
wants the ELF that is inside.
"""

from __future__ import annotations

import functools
from pathlib import Path

from bootworthy.builders import apt, debs, kernel_images, layer
from bootworthy.builders.apt import Archive
from bootworthy.builders.kernel_images import KernelFiles
from bootworthy.builders.record import Recipe
from bootworthy.builders.workshop import Build, Made, Workshop
from bootworthy.catalog.entries import Kernel, KernelPackage
from bootworthy.errors import BuildError
from bootworthy.host import files
from bootworthy.kernels.extract import unpacked
from bootworthy.vocabulary import Architecture

REVISION = 2
_PATTERN = r"linux-\(image\|modules\)-.*"


class PackagedKernels:
    """Builds the kernels of a catalog that have a `package`."""

    def serves(self, kernel: Kernel) -> bool:
        """Whether a kernel is built this way."""
        return kernel.package is not None

    def build(self, workshop: Workshop, kernel: Kernel, architecture: Architecture) -> Build:
        """The build of a kernel's two images."""
        assert kernel.package is not None
        package = kernel.package.for_architecture(architecture)
        archive = workshop.archive(package.distribution, package.release, architecture)
        inputs: dict[str, object] = {
            "distribution": package.distribution, "release": package.release, "package": package.name,
            "judged-by": kernel_images.judged_by(architecture),
        }  # fmt: skip
        return Build(
            recipe=Recipe(
                subject=f"kernel {kernel.name}", kind="kernel-package", revision=REVISION, architecture=architecture,
                inputs=inputs, tools={"depmod": kernel_images.depmod_version()},
            ),
            make=functools.partial(_make, workshop, archive, kernel, package, architecture),
            offered=lambda: apt.resolve(archive, [package.name], essential=False, pattern=_PATTERN).packages,
        )  # fmt: skip


KERNEL_BUILDER = PackagedKernels()


def _make(
    workshop: Workshop, archive: Archive, kernel: Kernel, package: KernelPackage, architecture: Architecture
) -> Made:
    with files.scratch(workshop.cache / "scratch", prefix="kernel-") as folder:
        with workshop.progress.task(f"fetching {package.name} of {package.release}"):
            packages = apt.fetch(archive, [package.name], _PATTERN, folder)
            root = debs.unpack(folder / "out", folder / "root")
        with workshop.progress.task(f"writing the images of {kernel.name}"):
            release = _release(root, package)
            image = root / "boot" / f"vmlinuz-{release}"
            config = (root / "boot" / f"config-{release}").read_bytes()
            made = KernelFiles(
                release=release, architecture=architecture, kernel=unpacked(image.read_bytes()), config=config,
                modules=kernel_images.flat(_modules(root, release), release, folder / "flat"),
                epoch=int(image.stat().st_mtime),
            )  # fmt: skip
            history = f"{package.distribution} package {package.name}"
            met = {kernel_images.PROFILES_LABEL: kernel_images.met(config, architecture, release)}
            images = kernel_images.put(workshop, made, history, met)
    return Made(images=images, packages=packages, made_with=layer.made_with())


def _release(root: Path, package: KernelPackage) -> str:
    found = sorted(path.name.removeprefix("vmlinuz-") for path in (root / "boot").glob("vmlinuz-*"))
    if len(found) != 1:
        there = ", ".join(found) or "none"
        raise BuildError(
            "build.no-kernel", f"{package.name} of {package.release} should bring one kernel; it brings {there}",
            hint="name a package that installs one kernel image",
        )  # fmt: skip
    return found[0]


def _modules(root: Path, release: str) -> Path:
    places = [root / prefix / "modules" / release for prefix in ("usr/lib", "lib")]
    place = next((place for place in places if place.is_dir()), None)
    if place is None:
        raise BuildError("build.no-modules", f"the package of {release} has no modules", hint="add the modules package")
    return place
