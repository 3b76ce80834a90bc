"""Kernels from a distribution's own package: a kernel image and a flat modules image.

Debian's packages have no `modules.dep` (their installation scripts run depmod), and their kernel is a bzImage; a VMM
wants the ELF that is inside.
"""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

from bootworthy.builders import apt, debs, layer
from bootworthy.builders.apt import Archive
from bootworthy.builders.base import File
from bootworthy.builders.record import Recipe
from bootworthy.builders.workshop import Build, Made, Workshop
from bootworthy.catalog.entries import Kernel, KernelPackage
from bootworthy.errors import BuildError
from bootworthy.host import files, processes, tools
from bootworthy.kernels.extract import unpacked
from bootworthy.oci.documents import ROLE
from bootworthy.vocabulary import Architecture, Role

REVISION = 1
KERNEL_PATH = "boot/vmlinux"
RELEASE_LABEL = "dev.bootworthy.kernel.release"
CONFIG_LABEL = "dev.bootworthy.kernel.config"
ARCHITECTURE_LABEL = "dev.bootworthy.kernel.architecture"
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
        }  # fmt: skip
        return Build(
            recipe=Recipe(
                subject=f"kernel {kernel.name}", kind="kernel-package", revision=REVISION, architecture=architecture,
                inputs=inputs, tools={"depmod": _depmod_version()},
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
            modules = _modules(root, release, folder / "flat")
            config = (root / "boot" / f"config-{release}").read_bytes()
            image = (root / "boot" / f"vmlinuz-{release}").read_bytes()
            epoch = int((root / "boot" / f"vmlinuz-{release}").stat().st_mtime)
            boot = [File(KERNEL_PATH, 0o644, _bootable(image)), File(f"boot/config-{release}", 0o644, config)]
            layers = {
                Role.KERNEL: layer.write_files(workshop.store, boot, epoch),
                Role.MODULES: layer.write_folder(workshop.store, modules, epoch),
            }
    labels = {
        RELEASE_LABEL: release, ARCHITECTURE_LABEL: architecture.value,
        CONFIG_LABEL: f"sha256:{hashlib.sha256(config).hexdigest()}",
    }  # fmt: skip
    images = {
        role: workshop.store.put_image(
            layers=[written], architecture=architecture, labels=labels, epoch=epoch,
            history=[f"{package.distribution} package {package.name}"], annotations={ROLE: role.value},
        )
        for role, written in layers.items()
    }  # fmt: skip
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


def _bootable(image: bytes) -> bytes:
    """The form every VMM of ours takes: an ELF on x86_64, an `Image` on aarch64."""
    return unpacked(image)


def _modules(root: Path, release: str, flat: Path) -> Path:
    """The modules of a release in a folder of their own, with `modules.dep` at its top, complete."""
    places = [root / prefix / "modules" / release for prefix in ("usr/lib", "lib")]
    place = next((place for place in places if place.is_dir()), None)
    if place is None:
        raise BuildError("build.no-modules", f"the package of {release} has no modules", hint="add the modules package")
    home = flat / "lib" / "modules" / release
    home.parent.mkdir(parents=True)
    place.rename(home)
    for link in (home / "build", home / "source"):
        link.unlink(missing_ok=True)
    processes.run([tools.DEPMOD.require(), "-b", flat, release], timeout=600)
    return home


def _depmod_version() -> str:
    return processes.run([tools.DEPMOD.require(), "--version"], timeout=30).text.splitlines()[0].split()[-1]
