"""What a cell says of itself, in words that every format uses."""

from __future__ import annotations

from bootworthy.catalog.entries import Cell
from bootworthy.matrix.attempt import Attempt
from bootworthy.matrix.mark import EMULATED, Mark
from bootworthy.matrix.model import Matrix, Tile
from bootworthy.proofs.health import UNTESTED
from bootworthy.vocabulary import Accelerator

ACCELERATORS = {Accelerator.KVM: "KVM", Accelerator.TCG: "TCG"}

_UNTESTED = (
    "other versions of the VMM, of the host's kernel, and other processors",
    "what the image is for: nobody asked its services anything",
    "whether the guest told the truth: an image that wants to lie about itself can",
)
_UNTESTED_EMULATED = "speed, and whatever depends on the processor itself: this boot was emulated"


def untested(attempt: Attempt) -> list[str]:
    """What this healthy boot says nothing about."""
    return [*([_UNTESTED_EMULATED] if attempt.emulated else []), *UNTESTED, *_UNTESTED]


def aside(tile: Tile) -> str:
    """What follows the mark: how a failed boot ended, what a stale one had been, and whether it was emulated."""
    attempt = tile.attempt
    if attempt is None:
        return ""
    ended = {Mark.FAILED: f": {attempt.verdict}", Mark.STALE: f": was {attempt.verdict}"}.get(tile.mark, "")
    return f"{ended}, {EMULATED}" if tile.emulated else ended


def facts(tile: Tile) -> list[str]:
    """What stands below the mark, a short line each: promise, date, VMM, tally, stand-ins."""
    attempt = tile.attempt
    seen = [attempt.date, place(attempt), boots(tile)] if attempt is not None else []
    return [fact for fact in [support(tile), *seen, *map(stand_in, tile.stand_ins)] if fact]


def support(tile: Tile) -> str:
    """The promise; nothing where the mark is the promise already."""
    return tile.cell.support.value if tile.cell.support.buildable else ""


def boots(tile: Tile) -> str:
    """`3 of 4 healthy`; nothing where no boot was run."""
    return f"{tile.status.healthy} of {tile.status.total} healthy" if tile.status.total else ""


def place(attempt: Attempt) -> str:
    """What it ran on: `qemu-microvm 10.0.2, TCG`."""
    return f"{attempt.vmm} {attempt.version}, {ACCELERATORS[attempt.accelerator]}"


def stand_in(attempt: Attempt) -> str:
    """A boot of the same images elsewhere: `healthy in qemu-microvm, emulated`."""
    words = f"{attempt.verdict} in {attempt.vmm}"
    return f"{words}, {EMULATED}" if attempt.emulated else words


def remarks(tile: Tile) -> list[str]:
    """Why a cell failed or is stale, what the catalog notes beside it, and whether its kernel is supported there."""
    return [*tile.status.reasons, *filter(None, [tile.cell.note, kernel_support(tile.cell)])]


def kernel_support(cell: Cell) -> str:
    """That the makers of its machine do not support its kernel, where the catalog says which they do."""
    guests = [guest.series for guest in cell.machine.guests]
    release = cell.kernel.release
    if not guests or not release or any(release == each or release.startswith(f"{each}.") for each in guests):
        return ""
    return (
        f"The makers of {cell.machine.vmm} promise support of guest kernels {', '.join(guests)}, and not of {release}"
    )


def published(tile: Tile) -> list[str]:
    """References that others publish its images under: alone, or with its role where there are several."""
    images = tile.cell.images
    return [*images.values()] if len(images) == 1 else [f"{role}: {text}" for role, text in images.items()]


def tally(matrix: Matrix) -> str:
    """How the matrix stands, in one sentence: `2 of 6 cells healthy (2 emulated)`."""
    every = [tile for tile in matrix.tiles.values() if tile.cell.support.buildable]
    healthy = [tile for tile in every if tile.mark is Mark.HEALTHY]
    emulated = sum(tile.emulated for tile in healthy)
    cells = "cell" if len(every) == 1 else "cells"
    return f"{len(healthy)} of {len(every)} {cells} healthy" + (f" ({emulated} {EMULATED})" if emulated else "")


def marks(matrix: Matrix) -> list[Mark]:
    """The marks that occur, best first."""
    return [mark for mark in Mark if matrix.count(mark)]


def symbols(matrix: Matrix, mark: Mark) -> str:
    """The symbols that a mark has in this matrix: a healthy boot has two, by what executed it."""
    emulated = {tile.emulated for tile in matrix.tiles.values() if tile.mark is mark}
    return " ".join(dict.fromkeys(mark.symbol(emulated=each) for each in sorted(emulated)))


def mentions_emulation(matrix: Matrix) -> bool:
    """Whether the word stands anywhere in it."""
    return any(tile.emulated or any(attempt.emulated for attempt in tile.stand_ins) for tile in matrix.tiles.values())
