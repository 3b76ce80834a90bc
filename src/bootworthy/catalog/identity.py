"""What of a catalog reaches an image or a launch plan, as one digest: evidence is stale when it changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from bootworthy.catalog.entries import Cell, Kernel, KernelPackage, KernelSource, Machine, SourceArchive, System


def catalog_entry_digest(cell: Cell) -> str:
    """`sha256:` and the digest of canonical JSON of the cell's entries.

    Titles, notes, sources, dates, support and the names of entries do not count, nor do `prefer`, `provides`,
    `versions` and `deadline`, which change neither images nor plan. Empty fields are left out, so that a key that
    a later version of the program adds changes no digest of a catalog that does not use it.
    """
    facts = {
        "system": _system(cell.system),
        "kernel": _kernel(cell.kernel),
        "machine": _machine(cell.machine),
        "images": cell.images,
    }
    return _digest(facts)


def images_entry_digest(cell: Cell) -> str:
    """The same over what reaches the cell's images alone: of the machine its VMM and architecture."""
    machine = {"vmm": cell.machine.vmm, "architecture": cell.architecture.value}
    return _digest(
        {"system": _system(cell.system), "kernel": _kernel(cell.kernel), "machine": machine, "images": cell.images}
    )


def _digest(facts: Mapping[str, Any]) -> str:
    text = json.dumps(_filled(facts), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _system(system: System) -> dict[str, Any]:
    boot, base = system.bootstrap, system.from_
    return {
        "bootstrap": {"distribution": boot.distribution, "release": boot.release, "packages": sorted(boot.packages)}
        if boot
        else None,
        "dockerfile": system.dockerfile,
        "from": {"system": _system(base.system) if base.system else None, "image": base.image} if base else None,
        # Only a root that we build can have it.
        "no-base-layer": not system.base_layer,
    }


def _kernel(kernel: Kernel) -> dict[str, Any]:
    return {
        "embedded": kernel.embedded,
        "package": _source(kernel.package) if kernel.package else None,
        "build": _built(kernel.build) if kernel.build else None,
    }


def _built(build: KernelSource) -> dict[str, Any]:
    return {"source": _source(build.source), "config": build.config, "profiles": list(build.profiles)}


def _source(source: KernelPackage | SourceArchive) -> dict[str, str]:
    if isinstance(source, SourceArchive):
        return {"sha256": source.sha256}
    return {"distribution": source.distribution, "release": source.release, "name": source.name}


def _machine(machine: Machine) -> dict[str, Any]:
    return {
        "vmm": machine.vmm, "architecture": machine.architecture.value, "memory-mib": machine.memory_mib,
        "vcpus": machine.vcpus,
    }  # fmt: skip


def _filled(value: Any) -> Any:
    """Without what is empty or false, at any depth."""
    if not isinstance(value, Mapping):
        return value
    filled = {key: _filled(one) for key, one in value.items()}
    return {key: one for key, one in filled.items() if one not in (None, False, {}, [], "")}
