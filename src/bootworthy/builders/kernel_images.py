"""The images of a kernel, whoever made it: the kernel with its configuration, and its modules, flat."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from bootworthy.builders import layer
from bootworthy.builders.base import File
from bootworthy.builders.workshop import Build, Made, Workshop
from bootworthy.host import processes, tools
from bootworthy.kernels import profile
from bootworthy.kernels.config import Config
from bootworthy.kernels.profile import Want
from bootworthy.layers.node import Tree
from bootworthy.oci.canonical import canonical_json
from bootworthy.oci.documents import ROLE, Descriptor
from bootworthy.oci.image import Image
from bootworthy.vocabulary import Architecture, Role

REVISION = 1
KERNEL_PATH = "boot/vmlinux"
_CONFIG_PATH = "boot/config-"
RELEASE_LABEL = "dev.bootworthy.kernel.release"
CONFIG_LABEL = "dev.bootworthy.kernel.config"
ARCHITECTURE_LABEL = "dev.bootworthy.kernel.architecture"
PROFILES_LABEL = "dev.bootworthy.kernel.profiles"
"""The profiles that its configuration meets, sorted, with commas."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelFiles:
    """A kernel that was made."""

    release: str
    architecture: Architecture
    kernel: bytes
    """In the form every VMM takes: an ELF on x86_64, an `Image` on aarch64."""
    config: bytes
    modules: Path
    """The folder with `modules.dep` at its top."""
    epoch: int
    """Nothing in the images is younger, in seconds since 1970."""


def put(
    workshop: Workshop, kernel: KernelFiles, history: str, labels: Mapping[str, str] | None = None
) -> Mapping[Role, Descriptor]:  # fmt: skip
    """Put the images of a kernel into the store; `labels` are more than what they say of themselves."""
    boot = [
        File(KERNEL_PATH, 0o644, kernel.kernel), File(f"{_CONFIG_PATH}{kernel.release}", 0o644, kernel.config),
    ]  # fmt: skip
    layers = {
        Role.KERNEL: layer.write_files(workshop.store, boot, kernel.epoch),
        Role.MODULES: layer.write_folder(workshop.store, kernel.modules, kernel.epoch),
    }
    said = {
        RELEASE_LABEL: kernel.release, ARCHITECTURE_LABEL: kernel.architecture.value,
        CONFIG_LABEL: f"sha256:{hashlib.sha256(kernel.config).hexdigest()}", **(labels or {}),
    }  # fmt: skip
    return {
        role: workshop.store.put_image(
            layers=[written], architecture=kernel.architecture, labels=said, epoch=kernel.epoch, history=[history],
            annotations={ROLE: role.value},
        )
        for role, written in layers.items()
    }  # fmt: skip


def judged(workshop: Workshop, compiled: Build, subject: str, history: str) -> Build:
    """The build of the same images with a label more: the profiles that the kernel meets.

    It is one of its own, so that other profiles give other labels and nothing is compiled for them.
    """
    recipe = compiled.recipe
    inputs = {**recipe.inputs, "compiled": recipe.revision, "judged-by": judged_by(recipe.architecture)}

    def make() -> Made:
        built = compiled.obtain(workshop)
        images = {role: workshop.store.image(each, recipe.architecture) for role, each in built.images.items()}
        labels = {**images[Role.KERNEL].config.labels}
        labels[PROFILES_LABEL] = _met_by(layer.tree_of(workshop, images[Role.KERNEL]), recipe.architecture, labels)
        labelled = {
            role: workshop.store.put_image(
                layers=image.layers, architecture=recipe.architecture, labels=labels, epoch=_epoch(image),
                history=[history], annotations={ROLE: role.value},
            )
            for role, image in images.items()
        }  # fmt: skip
        return Made(images=labelled, packages=built.packages, made_with=layer.made_with())

    return Build(
        recipe=replace(recipe, subject=subject, kind="kernel-judged", revision=REVISION, inputs=inputs), make=make,
        offered=compiled.offered,
    )  # fmt: skip


def met(config: bytes, architecture: Architecture, release: str) -> str:
    """The profiles that a configuration meets, as the label has them."""
    parsed = Config.parse(config.decode(errors="replace"), where=f"config-{release}")
    reports = (profile.judge(profile.load(name), parsed, architecture, release) for name in profile.known())
    return ",".join(report.profile.name for report in reports if report.met)


def flat(place: Path, release: str, folder: Path) -> Path:
    """Move the modules of a release into a folder of their own, with `modules.dep` at its top, complete.

    Raises:
        BuildError: depmod failed.
    """
    home = folder / "lib" / "modules" / release
    home.parent.mkdir(parents=True)
    place.rename(home)
    for link in (home / "build", home / "source"):
        link.unlink(missing_ok=True)
    processes.run([tools.DEPMOD.require(), "-b", folder, release], timeout=600)
    return home


def depmod_version() -> str:
    """The version of the program that writes `modules.dep`."""
    return processes.run([tools.DEPMOD.require(), "--version"], timeout=30).text.splitlines()[0].split()[-1]


def asked(name: str, architecture: Architecture) -> dict[str, str]:
    """What a profile asks of the kernels of an architecture, by symbol, as recipes have it.

    Raises:
        NotFoundError: `kernel.unknown-profile`.
    """
    wants = (want for want in profile.load(name).wants if want.architecture in {None, architecture})
    return {want.symbol: _shown(want) for want in wants}


def judged_by(architecture: Architecture) -> str:
    """A digest of all profiles: other ones may be met by the same kernel, and its label says which are."""
    every = {name: asked(name, architecture) for name in profile.known()}
    return f"sha256:{hashlib.sha256(canonical_json(every)).hexdigest()}"


def _shown(want: Want) -> str:
    words = [want.value]
    words += [f"or {symbol}" for symbol in want.alternatives]
    words += [f"since {want.since}"] if want.since else []
    return " ".join(words + ([f"until {want.until}"] if want.until else []))


def _met_by(kernel: Tree, architecture: Architecture, labels: Mapping[str, str]) -> str:
    release = labels[RELEASE_LABEL]
    node = kernel.find(f"{_CONFIG_PATH}{release}".encode())
    assert node is not None
    return met(kernel.read(node), architecture, release)


def _epoch(image: Image) -> int:
    return int(datetime.fromisoformat(image.config.created or "1970-01-01T00:00:00Z").timestamp())
