"""From what people write to what the program uses: names resolved, globs expanded, defaults filled in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bootworthy.catalog.document import Report, Tree, dotted
from bootworthy.catalog.entries import (
    EMBEDDED,
    Base,
    Bootstrap,
    Catalog,
    GuestSeries,
    Kernel,
    KernelPackage,
    KernelSource,
    Machine,
    Remarks,
    Row,
    SourceArchive,
    System,
    When,
)
from bootworthy.catalog.models import (
    CatalogFile,
    EntryFile,
    GuestFile,
    KernelBuildFile,
    KernelFile,
    MachineFile,
    RowFile,
    SourceFile,
    SystemFile,
    WhenFile,
)
from bootworthy.catalog.rows import Parts, cells
from bootworthy.catalog.versions import VersionRange
from bootworthy.machines.facts import MachineFacts, boards, known
from bootworthy.vocabulary import Architecture

_LONGEST_CHAIN = 64


def convert(file: CatalogFile, tree: Tree, report: Report, folder: Path | None) -> Catalog:
    """The catalog of a file that is well-formed; what contradicts itself is noted, what dangles is left out."""
    note = _Notes(tree, report)
    systems = _systems(file.systems, note)
    kernels = {name: _kernel(name, kernel, folder) for name, kernel in file.kernels.items()}
    machines = {name: _machine(name, machine, note) for name, machine in file.machines.items()}
    rows = tuple(_row(row) for row in file.matrix)
    lines = [tree.at(("matrix", index))[0].line for index in range(len(rows))]
    parts = Parts(systems, {**kernels, EMBEDDED: Kernel(name=EMBEDDED, embedded=True)}, machines)
    return Catalog(
        name=file.name, title=file.title, registry=file.registry, access=file.access, systems=systems,
        kernels=kernels, machines=machines, rows=rows, cells=cells(rows, lines, parts, note.at),
        source=report.name, folder=folder, note=file.note,
    )  # fmt: skip


class _Notes:
    """The report, by path instead of by mark."""

    def __init__(self, tree: Tree, report: Report) -> None:
        self._tree = tree
        self._report = report

    def at(self, code: str, message: str, path: tuple[str | int, ...], hint: str | None = None) -> None:
        mark, found = self._tree.at(path)
        spot = mark if isinstance(found.value, dict) else found.mark
        self._report.add(code, message, spot, path=dotted(path), hint=hint)


def _systems(files: Mapping[str, SystemFile], note: _Notes) -> dict[str, System]:
    done: dict[str, System] = {}

    def resolve(name: str, above: tuple[str, ...]) -> System:
        if name not in done:
            file = files[name]
            done[name] = _system(name, file, base(name, file, (*above, name)))
        return done[name]

    def base(name: str, file: SystemFile, above: tuple[str, ...]) -> Base | None:
        if file.from_ is None or file.from_.system is None:
            return Base(image=file.from_.image) if file.from_ else None
        wanted, path = file.from_.system, ("systems", name, "from")
        if wanted in above:
            circle = " from ".join([*above[above.index(wanted) :], wanted])
            note.at("catalog.value", f"these are made from each other: {circle}", path)
        elif len(above) > _LONGEST_CHAIN:
            note.at("catalog.value", f"more than {_LONGEST_CHAIN} systems are made from each other", path)
        elif wanted in files:
            return Base(system=resolve(wanted, above))
        return None

    return {name: resolve(name, ()) for name in files}


def _system(name: str, file: SystemFile, base: Base | None) -> System:
    boot = file.bootstrap
    return System(
        name=name, title=file.title, family=file.family or "", release=file.release or "", rolling=file.rolling,
        variant=file.variant or "", init=file.init or "", provides=frozenset(file.provides),
        software=dict(file.software), end_of_life=file.end_of_life, architectures=_architectures(file.architectures),
        bootstrap=Bootstrap(boot.release, tuple(boot.packages), boot.distribution) if boot else None,
        dockerfile=file.dockerfile, from_=base, images=_images(file.images, file.tags),
        base_layer=file.base_layer, remarks=_remarks(file),
    )  # fmt: skip


def _kernel(name: str, file: KernelFile, folder: Path | None) -> Kernel:
    package = file.package
    return Kernel(
        name=name, title=file.title, release=file.release or "", end_of_life=file.end_of_life,
        architectures=_architectures(file.architectures),
        package=KernelPackage(package.distribution, package.release, package.name) if package else None,
        build=_built(file.build, folder) if file.build else None,
        images=_images(file.images, file.tags), remarks=_remarks(file),
    )  # fmt: skip


def _built(file: KernelBuildFile, folder: Path | None) -> KernelSource:
    return KernelSource(
        source=_source(file.source), config=file.config, profiles=tuple(sorted(file.profiles)), folder=folder
    )


def _source(file: SourceFile) -> KernelPackage | SourceArchive:
    if file.url is not None and file.sha256 is not None:
        return SourceArchive(file.url, file.sha256)
    return KernelPackage(file.distribution, file.release or "", file.name or "")


def _machine(name: str, file: MachineFile, note: _Notes) -> Machine:
    vmm = (boards() if file.hardware else known()).get(file.kind)
    if vmm:
        _fits(name, file, vmm, note)
    return Machine(
        name=name, vmm=file.kind, hardware=file.hardware is not None, architecture=file.arch, title=file.title,
        prefer=file.prefer, provides=frozenset(file.provides) | (vmm.provides if vmm else frozenset()),
        versions=VersionRange.parse(file.versions) if file.versions else None,
        memory_mib=file.memory_mib or (vmm.memory_mib if vmm else 1024),
        vcpus=file.vcpus or (vmm.vcpus if vmm else 2),
        deadline=float(file.deadline) if file.deadline else None,
        guests=tuple(GuestSeries(series=guest.series, remarks=_dated(guest)) for guest in file.guests),
        remarks=_remarks(file),
    )  # fmt: skip


def _dated(file: GuestFile) -> Remarks:
    return Remarks(note=file.note, source=file.source, since=file.since, until=file.until, inferred=file.inferred)


def _fits(name: str, file: MachineFile, vmm: MachineFacts, note: _Notes) -> None:
    if file.arch not in vmm.architectures:
        hint = f"it runs on {', '.join(sorted(vmm.architectures))}"
        note.at("catalog.value", f"{vmm.vmm} does not run on {file.arch}", ("machines", name, "arch"), hint)
    if file.vcpus and file.vcpus > vmm.max_vcpus:
        message = f"{vmm.vmm} gives a guest {vmm.max_vcpus} vCPUs at most"
        note.at("catalog.value", message, ("machines", name, "vcpus"))


def _row(file: RowFile) -> Row:
    return Row(
        systems=tuple(file.systems), kernels=tuple(file.kernels), machines=tuple(file.machines),
        support=file.support, images=_images(file.images, file.tags), remarks=_remarks(file),
    )  # fmt: skip


def _remarks(file: EntryFile) -> Remarks:
    return Remarks(
        note=file.note, source=file.source, since=file.since, until=file.until, inferred=file.inferred,
        when=_when(file.when) if file.when else None,
    )  # fmt: skip


def _when(file: WhenFile) -> When:
    return When(
        versions={name: VersionRange.parse(text) for name, text in (file.__pydantic_extra__ or {}).items()},
        any_of=tuple(_when(one) for one in file.any or ()),
        all_of=tuple(_when(one) for one in file.all or ()),
    )


def _architectures(given: list[Architecture] | None) -> frozenset[Architecture]:
    return frozenset(given or Architecture)


def _images(images: Mapping[str, str], tags: str | None) -> dict[str, str]:
    """References, completed with `tags` where they have neither tag nor digest."""
    return {
        role: f"{reference}:{tags}" if tags and not _tagged(reference) else reference
        for role, reference in images.items()
    }


def _tagged(reference: str) -> bool:
    return "@" in reference or ":" in reference.rpartition("/")[2]
