"""What an initial RAM disk loads: whether drivers come with all that they need, and each behind what it needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bootworthy.checks.ram_disk import RamDisk
from bootworthy.checks.reading import shown
from bootworthy.errors import BuildError
from bootworthy.kernels.modules import module_name

_OPENED = 256
"""Modules; a disk and a filesystem need about ten."""
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Problems:
    """Why drivers are not loaded."""

    absent: tuple[str, ...]
    """Modules it does not have."""
    unloaded: tuple[str, ...]
    """Modules it has and does not load."""
    late: tuple[tuple[str, str], ...]
    """Modules, each with one it needs that comes behind it."""

    def says(self) -> str:
        """`have virtio_ring, and does not load ext4`: what it does not do; empty when it does all."""
        told = [f"{verb} {_listed(names)}" for verb, names in (("have", self.absent), ("load", self.unloaded)) if names]
        return ", and does not ".join(told)


def wanted(disk: RamDisk, drivers: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The drivers with all modules they need, each with what it needs itself."""
    found: dict[str, tuple[str, ...]] = {}
    waiting = list(drivers)
    while waiting and len(found) < _OPENED:
        name = waiting.pop()
        if name not in found:
            found[name] = _needs(disk, name)
            waiting += found[name]
    return found


def problems(disk: RamDisk, drivers: Iterable[str]) -> Problems:
    """What keeps an initial RAM disk from loading drivers; it is asked about no more than those."""
    order = disk.order
    needs = wanted(disk, drivers)
    absent = tuple(sorted(name for name in needs if name not in disk.modules))
    if order is None:
        return Problems(absent, (), ())
    places = {name: place for place, name in reversed(list(enumerate(order)))}  # the first is what counts
    unloaded = tuple(sorted(name for name in needs if name in disk.modules and name not in places))
    late = tuple(
        (name, needed) for name, all_ in sorted(needs.items()) for needed in all_
        if name in places and needed in places and places[needed] > places[name]
    )  # fmt: skip
    return Problems(absent, unloaded, late)


def _needs(disk: RamDisk, name: str) -> tuple[str, ...]:
    """What a module says it needs; or the lists of the disk, for one that cannot be opened."""
    module = disk.module(name)
    if module is not None and module.info is not None:
        return tuple(module_name(needed) for needed in module.info.depends)
    if disk.lists is None or name not in disk.lists:
        return ()
    try:
        return tuple(other for path in disk.lists.closure([name], soft=False) if (other := module_name(path)) != name)
    except BuildError:
        return ()


def _listed(names: tuple[str, ...]) -> str:
    some = ", ".join(shown(name) for name in names[:_NAMED])
    return some + (", ..." if len(names) > _NAMED else "")
