"""`when:` of entries: for which versions of its consumers a cell is meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bootworthy.catalog.entries import Catalog, Cell, When


def conditions(cell: Cell) -> tuple[When, ...]:
    """All that must be so for a cell: of its row, system, kernel and machine."""
    parts = (cell.remarks, cell.system.remarks, cell.kernel.remarks, cell.machine.remarks)
    return tuple(dict.fromkeys(remarks.when for remarks in parts if remarks.when is not None))


def met(when: When, versions: Mapping[str, str]) -> bool | None:
    """Whether it is so with these versions; None where it hangs on one that is not among them."""
    parts = [within.contains(versions[name]) if name in versions else None for name, within in when.versions.items()]
    parts += (met(each, versions) for each in when.all_of)
    if when.any_of:
        parts.append(_any([met(each, versions) for each in when.any_of]))
    return False if False in parts else None if None in parts else True


def said(when: When) -> str:
    """The condition as a person says it: `capmvm >0.7.0 and flintlock >0.4.0`."""
    parts = [f"{name} {within}" for name, within in when.versions.items()]
    parts += (_bracketed(each) for each in when.all_of)
    if when.any_of:
        either = " or ".join(map(_bracketed, when.any_of))
        parts.append(f"({either})" if parts and len(when.any_of) > 1 else either)
    return " and ".join(parts)


def consumers(catalog: Catalog) -> tuple[str, ...]:
    """Everything whose version something in a catalog hangs on."""
    return tuple(sorted({name for cell in catalog.cells for when in conditions(cell) for name in _names(when)}))


def _any(parts: list[bool | None]) -> bool | None:
    return True if True in parts else None if None in parts else False


def _bracketed(when: When) -> str:
    text = said(when)
    return f"({text})" if len(when.versions) + len(when.all_of) + bool(when.any_of) > 1 else text


def _names(when: When) -> Iterator[str]:
    yield from when.versions
    for each in (*when.any_of, *when.all_of):
        yield from _names(each)
