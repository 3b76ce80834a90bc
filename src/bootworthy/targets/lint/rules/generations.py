"""Legacy images hold kernel and modules together, split ones apart; old versions know no modules volume."""

from __future__ import annotations

import json
from collections.abc import Iterator

from bootworthy.catalog.versions import VersionRange
from bootworthy.targets.lint import editing
from bootworthy.targets.lint.consumers import Asked
from bootworthy.targets.lint.machine import Machine, reference
from bootworthy.targets.lint.names import camel
from bootworthy.targets.lint.rule import Family, Fault, Rule, each
from bootworthy.targets.lint.tree import Edit, Node
from bootworthy.vocabulary import Severity

GENERATION = Rule(
    id="LM-009", severity=Severity.ERROR, title="The images do not fit the versions",
    why="CAPMVM up to 0.7.0 and Flintlock up to 0.4.0 ignore mount points without a word, so only legacy images, which "
    "hold their modules, work there; newer ones want kernel, modules and root apart.",
    remedy="use flintlock-kernel and capmvm-kubernetes with old versions, kernel-bin, kernel-modules and capmvm-k8s-os "
    "with new ones", source="Liquid Metal, docs/component-info/images.md; flintlock v0.5.0 (2023-01-13) brought "
    "mount_point back", fixed=True,
)  # fmt: skip

_OLD = {"flintlock": VersionRange.parse("<=0.4.0"), "capmvm": VersionRange.parse("<=0.7.0")}
_SPLIT_OF = {"flintlock-kernel": "kernel-bin", "capmvm-kubernetes": "capmvm-k8s-os"}
_LEGACY = " and ".join(_SPLIT_OF)
_SPLIT = {*_SPLIT_OF.values(), "kernel-modules"}
_PUBLISHED = {
    "flintlock-kernel": {"5.10.77", "4.19.215"}, "capmvm-kubernetes": {"1.23.5", "1.22.8", "1.22.3", "1.21.8"},
}  # fmt: skip
"""Tags that there are in both generations."""


def find(machine: Machine, asked: Asked) -> Iterator[Fault]:
    """Compare the images with the versions they are for."""
    if not machine.kind.liquid_metal:
        return
    versions = {name: asked.version(name) for name in _consumers(machine)}
    old = next((f"{name} {version.text}" for name, version in versions.items() if _OLD[name].contains(version)), None)
    yield from _for_old(machine, old) if old else _for_new(machine)


def _consumers(machine: Machine) -> tuple[str, ...]:
    return ("flintlock", "capmvm") if machine.kind.capmvm else ("flintlock",)


def _name(node: Node | None) -> str:
    image = reference(node)
    return image.repository.rpartition("/")[2] if image else ""


def _for_old(machine: Machine, old: str) -> Iterator[Fault]:
    for volume in machine.volumes:
        if volume.mount is not None:
            message = f"{old} ignores mount points, so this volume is never mounted"
            yield GENERATION.broken(volume.mount.span, message, remedy="use legacy images, or a newer version")
    for role, node in machine.images:
        if _name(node) in _SPLIT:
            message = f"{_name(node)} is an image of the split generation, and {old} has no modules volume ({role})"
            yield GENERATION.broken(node.span, message, remedy=f"use {_LEGACY}, or a newer version")


def _for_new(machine: Machine) -> Iterator[Fault]:
    root = machine.root.image if machine.root else None
    legacy = [node for node in (machine.kernel_image, root) if node is not None and _name(node) in _SPLIT_OF]
    modules = machine.modules
    if legacy:
        names = " and ".join(_name(node) for node in legacy)
        also = (
            ", and its modules are mounted over by those of the volume" if modules and _name(root) in _SPLIT_OF else ""
        )
        message = f"{names}: of the legacy generation, which old versions need{also}"
        edits, remedy = _edits(machine, legacy), "use kernel-bin, capmvm-k8s-os and a volume of kernel-modules"
        yield GENERATION.broken(legacy[0].span, message, severity=Severity.WARNING, remedy=remedy, edits=edits)
    elif root is not None and modules is None and (_name(root) == "capmvm-k8s-os" or "k8s-ubuntu" in _name(root)):
        message = f"{_name(root)} has no modules, and no volume brings them: what the kernel has as a module is missing"
        yield GENERATION.broken(root.span, message, severity=Severity.WARNING, remedy="add a modules volume")


def _edits(machine: Machine, legacy: list[Node]) -> tuple[Edit, ...]:
    """Split images in place of the legacy ones, and the modules volume; nothing where that is not certain."""
    edits: list[Edit] = []
    for node in legacy:
        image, name = reference(node), _name(node)
        if image is None or image.digest or image.tag not in _PUBLISHED[name]:
            return ()
        edit = editing.within(machine.source, node, f"/{name}:", f"/{_SPLIT_OF[name]}:")
        if not edit:
            return ()
        edits += edit
    if machine.modules is None:
        volume = _volume(machine)
        if volume is None:
            return ()
        edits.append(volume)
    return tuple(edits)


def _volume(machine: Machine) -> Edit | None:
    """The modules volume, behind the root volume or the other volumes."""
    kernel = reference(machine.kernel_image)
    if kernel is None or kernel.tag not in _PUBLISHED["flintlock-kernel"] or machine.vmm != "firecracker":
        return None
    image = f"{kernel.name.rpartition('/')[0]}/kernel-modules:{kernel.tag}"
    names, root = machine.names, machine.names.entry(machine.node, "root")
    spell = camel if "rootVolume" in machine.node.entries else str
    where, mount = spell(names.of("mount-point")), f"/lib/modules/{kernel.tag}"
    if machine.kind.flintlock:
        source, reading = spell("container_source"), spell("is_read_only")
        item: dict[str, object] = {"id": "modules", reading: False, where: mount, "source": {source: image}}
    else:
        item = {"id": "modules", "image": image, where: mount}
    flow = json.dumps(item)
    every = names.entry(machine.node, "volumes")
    if every is not None:
        return editing.appended(machine.source, every.node, flow, flow) if every.node.items else None
    key = spell(names.of("volumes"))
    if root is None:
        return None
    block = f"{key}:\n- {flow}"
    return editing.after(machine.source, machine.node, root, f'"{key}": [{flow}]', block)


FAMILY = Family(title="Generations of images", rules=(GENERATION,), find=each(find))
