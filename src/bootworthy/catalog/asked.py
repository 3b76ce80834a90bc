"""From what somebody typed to needs in the words of a catalog; forgiving where only one thing can be meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TypeVar

from bootworthy.catalog.conditions import consumers
from bootworthy.catalog.entries import Catalog
from bootworthy.catalog.mistakes import nearest
from bootworthy.catalog.needs import Needs, machines, systems, variables
from bootworthy.catalog.versions import Version
from bootworthy.catalog.words import among, words
from bootworthy.errors import NotFoundError, UsageError
from bootworthy.machines.facts import known
from bootworthy.vocabulary import Architecture

T = TypeVar("T")

_ALSO = {"gpu": "pci", "pcie": "pci", "vfio": "pci"}
"""What people ask for that comes with something else: to hand a GPU to a guest is to have PCI in it."""


def understood(asked: Needs, catalog: Catalog, architecture: str = "") -> Needs:
    """The same needs in the words of a catalog.

    Args:
        asked: as typed; VMM, provisions and versions may be spelled freely.
        catalog: what is chosen from.
        architecture: as typed, where one was.

    Raises:
        UsageError: `arch.unknown`, `version.bad`, `resolve.empty`, `resolve.unknown-consumer`,
            `resolve.unknown-value`: it cannot mean anything. `resolve.bad-needs`, where several needs are wrong.
        NotFoundError: `machine.unknown-vmm`, `resolve.unknown-system`, `resolve.unknown-machine`,
            `resolve.unknown-need`, `resolve.unknown-variant`: nobody here knows that word.
    """
    every = {machine.vmm for machine in catalog.machines.values()} | set(known())
    read = _Reader()
    needs = Needs(
        system=read(lambda: _named("system", asked.system, systems(catalog), catalog), ""),
        architecture=read(lambda: read_architecture(architecture) if architecture else asked.architecture, None),
        vmm=read(lambda: _vmm(asked.vmm, every) if asked.vmm else "", ""),
        machine=read(lambda: _named("machine", asked.machine, machines(catalog), catalog), ""),
        provides=tuple(dict.fromkeys(read(partial(_provision, each, catalog), "") for each in asked.provides)),
        kubernetes=read(lambda: _version(asked.kubernetes), ""),
        variant=read(lambda: _variant(asked.variant, catalog), ""), kernel=asked.kernel.strip(),
        versions={
            read(partial(_consumer, name, catalog), ""): read(partial(_version, version), "")
            for name, version in asked.versions.items()
        },
        values={read(partial(_variable, name, catalog), ""): value for name, value in asked.values.items()},
    )  # fmt: skip
    read.close()
    return needs


class _Reader:
    """Reads one field after another, and keeps what is wrong until all are read."""

    def __init__(self) -> None:
        self._wrong: list[UsageError | NotFoundError] = []

    def __call__(self, read: Callable[[], T], otherwise: T) -> T:
        """What is read, or something else where that is wrong."""
        try:
            return read()
        except (UsageError, NotFoundError) as error:
            self._wrong.append(error)
            return otherwise

    def close(self) -> None:
        """Raise what was wrong: as it is, or all of it as one."""
        if not self._wrong:
            return
        if len(self._wrong) == 1:
            raise self._wrong[0]
        lines = [f"{error}" + (f"; {error.hint}" if error.hint else "") for error in self._wrong]
        raise UsageError("resolve.bad-needs", "\n  ".join([f"{len(lines)} needs cannot be read:", *lines]))


def read_architecture(text: str) -> Architecture:
    """An architecture as people write it: `arm64`, `AArch64`, `x86-64`.

    Raises:
        UsageError: `arch.unknown`.
    """
    return Architecture.parse(re.sub(r"^x86-64$|^x64$", "x86_64", text.strip().casefold()))


def _named(option: str, text: str, entries: Mapping[str, tuple[str, ...]], catalog: Catalog) -> str:
    if text and not words(text):
        raise UsageError("resolve.empty", f"--{option} {text!r} has no word in it")
    vocabulary = {word for name, also in entries.items() for each in (name, *also) for word in words(each)}
    # A release that nobody has is refused with the nearest ones; a word that nobody has is a slip.
    strange = [word for word in words(text) if not word[0].isdigit() and not among(word, vocabulary)]
    if strange:
        # `for` is no name, and near to everything.
        near = difflib.get_close_matches(strange[0], sorted(word for word in vocabulary if len(word) > 3), 1)
        known_here = f"known here: {', '.join(entries)}" + (f"\n        {catalog.note}" if catalog.note else "")
        hint = f"did you mean {near[0]}?" if near else known_here
        message = f"no {option} of the catalog {catalog.name} has {strange[0]!r} in its name"
        raise NotFoundError(f"resolve.unknown-{option}", message, hint=hint)
    return text.strip()


def _vmm(text: str, every: Iterable[str]) -> str:
    slug = "-".join(words(text))
    short = {name: "".join(word[0] for word in words(name)) for name in every if "-" in name}
    fitting = [name for name in every if name == slug]
    fitting = fitting or [name for name in every if slug and (name.startswith(f"{slug}-") or short.get(name) == slug)]
    if len(fitting) == 1:
        return fitting[0]
    hint = nearest(slug, sorted(every)) if not fitting else f"one of {', '.join(sorted(fitting))}"
    raise NotFoundError("machine.unknown-vmm", f"no VMM is called {text!r}", hint=hint)


def _variant(text: str, catalog: Catalog) -> str:
    every = sorted({system.variant for system in catalog.systems.values()} - {""})
    name = text.strip().casefold()
    if name and name not in every:
        message = f"no system of the catalog {catalog.name} has a variant {text!r}"
        raise NotFoundError("resolve.unknown-variant", message, hint=nearest(name, every) if every else "leave it out")
    return name


def _provision(text: str, catalog: Catalog) -> str:
    every = {each for machine in catalog.machines.values() for each in machine.provides}
    every |= {each for system in catalog.systems.values() for each in system.provides}
    every |= {each for vmm in known().values() for each in vmm.provides}
    word = text.strip().casefold()
    name = _ALSO.get(word, word)
    if name not in every:
        message = f"nothing is known to provide {text!r}"
        raise NotFoundError("resolve.unknown-need", message, hint=nearest(word, sorted(every)))
    return name


def _version(text: str) -> str:
    if text:
        Version(text.strip())
    return text.strip().removeprefix("v")


def _consumer(name: str, catalog: Catalog) -> str:
    every = consumers(catalog)
    if name.strip().casefold() not in every:
        message = f"nothing in the catalog {catalog.name} hangs on the version of {name!r}"
        raise UsageError("resolve.unknown-consumer", message, hint=nearest(name, every) if every else "leave it out")
    return name.strip().casefold()


def _variable(name: str, catalog: Catalog) -> str:
    every = sorted({each for cell in catalog.cells for each in variables(cell)})
    if name not in every:
        message = f"no reference of the catalog {catalog.name} leaves {name!r} open"
        raise UsageError("resolve.unknown-value", message, hint=nearest(name, every) if every else "leave it out")
    return name
