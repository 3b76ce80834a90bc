"""A catalog written out flat: each system, kernel, machine and cell by itself, with no `for:`, glob or alias left."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from bootworthy.catalog.document import ambiguous
from bootworthy.catalog.entries import (
    Access,
    Base,
    Bootstrap,
    Catalog,
    Cell,
    GuestSeries,
    Kernel,
    KernelPackage,
    KernelSource,
    Machine,
    Remarks,
    SourceArchive,
    System,
    When,
)
from bootworthy.vocabulary import Architecture


def text(catalog: Catalog, chosen: Iterable[Cell]) -> str:
    """The same as a YAML document, in which whatever could be taken for a number or a date is quoted."""
    yaml = YAML()
    yaml.width = 120
    stream = io.StringIO()
    yaml.dump(_quoted(document(catalog, chosen)), stream)
    return stream.getvalue()


def _quoted(value: Any) -> Any:
    match value:
        case str():
            return DoubleQuotedScalarString(value) if ambiguous(value) else value
        case list():
            return [_quoted(each) for each in value]
        case dict():
            return {_quoted(key): _quoted(each) for key, each in value.items()}
        case _:
            return value


def document(catalog: Catalog, chosen: Iterable[Cell]) -> dict[str, Any]:
    """The same catalog as plain data, with some of its cells and what these are made of.

    It loads again as a catalog that has just these cells.
    """
    cells = tuple(chosen)
    kernels = {cell.kernel.name: cell.kernel for cell in cells if not cell.kernel.embedded}
    head = {
        "bootworthy": 1, "name": catalog.name, "title": catalog.title, "note": catalog.note,
        "registry": catalog.registry,
        "access": catalog.access.value if catalog.access is not Access.OPEN else None,
    }  # fmt: skip
    systems = {name: system for cell in cells for name, system in _with_bases(cell.system).items()}
    machines = {cell.machine.name: cell.machine for cell in cells}
    return _filled(head) | {
        "systems": {name: _system(each) for name, each in systems.items()},
        **({"kernels": {name: _kernel(each) for name, each in kernels.items()}} if kernels else {}),
        "machines": {name: _machine(each) for name, each in machines.items()},
        "matrix": [_row(cell) for cell in cells],
    }


def _with_bases(system: System) -> dict[str, System]:
    """A system, and those that it is made from, the first of them first."""
    base = system.from_.system if system.from_ is not None else None
    return {**(_with_bases(base) if base is not None else {}), system.name: system}


def _system(system: System) -> dict[str, Any]:
    base = system.from_
    return _filled({
        "title": system.title, "family": system.family, "release": system.release, "rolling": system.rolling,
        "variant": system.variant, "init": system.init, "provides": sorted(system.provides),
        "software": dict(system.software), "end-of-life": system.end_of_life,
        "architectures": _architectures(system.architectures),
        "bootstrap": _bootstrap(system.bootstrap) if system.bootstrap else None, "dockerfile": system.dockerfile,
        "from": _base(base) if base else None, "images": dict(system.images),
        **_remarks(system.remarks),
    }) | ({"base-layer": False} if not system.base_layer else {})  # fmt: skip


def _bootstrap(boot: Bootstrap) -> dict[str, Any]:
    return {"distribution": boot.distribution, "release": boot.release, "packages": list(boot.packages)}


def _base(base: Base) -> Any:
    return base.system.name if base.system is not None else {"image": base.image}


def _kernel(kernel: Kernel) -> dict[str, Any]:
    return _filled({
        "title": kernel.title, "release": kernel.release, "end-of-life": kernel.end_of_life,
        "architectures": _architectures(kernel.architectures),
        "package": _source(kernel.package) if kernel.package else None,
        "build": _build(kernel.build) if kernel.build else None, "images": dict(kernel.images),
        **_remarks(kernel.remarks),
    })  # fmt: skip


def _build(build: KernelSource) -> dict[str, Any]:
    return _filled({"source": _source(build.source), "config": build.config, "profiles": list(build.profiles)})


def _source(source: KernelPackage | SourceArchive) -> dict[str, str]:
    if isinstance(source, SourceArchive):
        return {"url": source.url, "sha256": source.sha256}
    return {"distribution": source.distribution, "release": source.release, "name": source.name}


def _machine(machine: Machine) -> dict[str, Any]:
    return _filled({
        "title": machine.title, "hardware" if machine.hardware else "vmm": machine.vmm,
        "arch": machine.architecture.value, "prefer": machine.prefer, "provides": sorted(machine.provides),
        "versions": machine.versions.text if machine.versions else None, "memory": f"{machine.memory_mib}MiB",
        "vcpus": machine.vcpus, "deadline": int(machine.deadline) if machine.deadline else None,
        "guests": [_guest(each) for each in machine.guests], **_remarks(machine.remarks),
    })  # fmt: skip


def _guest(guest: GuestSeries) -> dict[str, Any]:
    return {"series": guest.series} | _remarks(guest.remarks)


def _row(cell: Cell) -> dict[str, Any]:
    return {
        "systems": [cell.system.name], "kernels": [cell.kernel.name], "machines": [cell.machine.name],
        "support": cell.support.value,
    } | _filled({"images": dict(cell.row_images), **_remarks(cell.remarks)})  # fmt: skip


def _remarks(remarks: Remarks) -> dict[str, Any]:
    return _filled({
        "note": remarks.note, "source": remarks.source, "since": remarks.since, "until": remarks.until,
        "inferred": remarks.inferred, "when": _when(remarks.when) if remarks.when else None,
    })  # fmt: skip


def _when(when: When) -> dict[str, Any]:
    return _filled({
        **{name: within.text for name, within in when.versions.items()},
        "any": [_when(each) for each in when.any_of], "all": [_when(each) for each in when.all_of],
    })  # fmt: skip


def _architectures(found: frozenset[Architecture]) -> list[str]:
    """Nothing where it is every one, which is what nothing means."""
    return sorted(each.value for each in found) if found != frozenset(Architecture) else []


def _filled(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is empty or false."""
    return {name: value for name, value in fields.items() if value not in (None, False, 0, "", [], {})}
