"""Documents that `emit` writes, for every format, guest and version: `python -m tests.golden` writes them again.

Each content is there once; `index.json` says which case has it, or why a case is refused.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from bootworthy.errors import RefusedError
from bootworthy.machines.facts import facts
from bootworthy.targets import files
from bootworthy.targets.consumer import Versions, versions
from bootworthy.targets.guest import Guest, Layout, Modules
from bootworthy.targets.target import Document, FileTarget, ImageTarget, Target, known
from bootworthy.vmms.compose import Bootable, Volume
from bootworthy.vocabulary import Architecture

FOLDER = Path(__file__).parent / "data" / "golden"
RELEASE = "5.10.77"


def digest(number: int) -> str:
    """A digest that people recognise."""
    return "sha256:" + f"{number:x}" * 64


def _image(name: str, number: int) -> str:
    return f"registry.example/lm/{name}@{digest(number)}"


SPLIT = Guest(
    name="node", vmm="firecracker", architecture=Architecture.X86_64, vcpus=2, memory_mib=2048,
    root=_image("capmvm-k8s-os:1.23.5", 1), kernel=_image(f"kernel-bin:{RELEASE}", 2), kernel_file="boot/vmlinux",
    release=RELEASE, kubernetes="1.23.5",
    modules=Modules(image=_image(f"kernel-modules:{RELEASE}", 3), layout=Layout.FLAT, path="/"),
)  # fmt: skip
ROOTED = Modules(image=_image(f"kernel-modules:{RELEASE}", 4), layout=Layout.ROOTED, path=f"/lib/modules/{RELEASE}")
GUESTS: Mapping[str, Guest] = {
    "split": SPLIT,
    "rooted": replace(SPLIT, modules=ROOTED),
    "legacy": replace(
        SPLIT, root=_image("capmvm-kubernetes:1.23.5", 5), kernel=_image(f"flintlock-kernel:{RELEASE}", 6),
        modules=None, kernel_has_modules=True,
    ),
    "newer": replace(
        SPLIT, kernel=_image("kernel-bin:6.1.1", 7), release="6.1.1", kubernetes=None,
        modules=Modules(image=_image("kernel-modules:6.1.1", 8), layout=Layout.FLAT, path="/"),
    ),
    "cloud": replace(SPLIT, vmm="cloud-hypervisor", kernel_file="boot/vmlinux.bin"),
    "ram-disk": replace(SPLIT, initrd=_image("initrd:1", 9), initrd_file="boot/initrd"),
}  # fmt: skip


def bootables() -> Mapping[str, Bootable]:
    """Files that a VM boots."""
    here = Path("vm")
    plain = Bootable(
        architecture=Architecture.X86_64, kernel=Volume(path=here / "kernel", digest=digest(1)), initrd=None,
        root=Volume(path=here / "root.ext4", digest=digest(2)),
    )  # fmt: skip
    modules = Volume(path=here / "modules.ext4", digest=digest(3))
    return {
        "plain": plain,
        "ram-disk": replace(plain, initrd=Volume(path=here / "initrd", digest=digest(4)), modules=modules),
    }


def pairs(target: Target) -> Iterator[Versions]:
    """Every version of a format's consumers, each with each."""
    for chosen in itertools.product(*(each.releases for each in target.consumers)):
        names = (each.name for each in target.consumers)
        yield versions(target.consumers, dict(zip(names, chosen, strict=True)))


def cases() -> Iterator[tuple[str, str, Versions, Document | RefusedError]]:
    """Format, guest, versions, and what comes of them."""
    for name, target in known().items():
        if isinstance(target, FileTarget):
            for (what, files_), asked in itertools.product(bootables().items(), list(pairs(target))):
                plan = files.plan(facts(target.vmm), files_, None, None)
                yield name, what, asked, target.render(plan, asked, None if name == "qemu" else "tap0")
        elif isinstance(target, ImageTarget):
            for (what, guest), asked in itertools.product(GUESTS.items(), list(pairs(target))):
                try:
                    yield name, what, asked, target.render(guest, asked)
                except RefusedError as refused:
                    yield name, what, asked, refused


def suffix(name: str) -> str:
    """What a file of a format is called at its end."""
    if name.startswith("capmvm"):
        return ".sh" if name == "capmvm-env" else ".yaml"
    return {"ignite": ".yaml", "qemu": ".sh", "cloud-hypervisor": ".sh"}.get(name, ".json")


def everything() -> dict[str, str]:
    """Every golden file by its name."""
    made: dict[str, str] = {}
    index: dict[str, dict[str, str]] = {}
    for name, what, asked, found in cases():
        label = " ".join(f"{consumer}={version.text}" for consumer, version in asked.taken.items())
        if isinstance(found, RefusedError):
            said = found.code
        else:
            said = next(
                (each for each, text in made.items() if each.startswith(f"{name}.{what}.") and text == found.text),
                f"{name}.{what}.{'-'.join(version.text for version in asked.taken.values())}{suffix(name)}",
            )
            made[said] = found.text
        index.setdefault(f"{name} {what}", {})[label] = said
    return {**made, "index.json": json.dumps(index, indent=1) + "\n"}


if __name__ == "__main__":
    for old in FOLDER.glob("*"):
        old.unlink()
    FOLDER.mkdir(parents=True, exist_ok=True)
    for file, text in everything().items():
        (FOLDER / file).write_text(text)
