"""Catalogs that only say what exists: `access: reference-only` forbids to fetch, copy or pin what they list."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from importlib import resources
from pathlib import Path

from bootworthy import catalog as catalogs
from bootworthy.catalog.entries import Access, Catalog
from bootworthy.errors import RefusedError, UsageError
from bootworthy.oci.reference import Reference

_FILE = "bootworthy.yaml"
_WORD = b"reference-only"
_PATTERN = re.compile(r"\$\{[^}]*\}")


def check(reference: Reference, name: str | None, cwd: Path) -> None:
    """See that a reference may be fetched.

    Args:
        reference: what is to be fetched.
        name: the catalog in use, as `-c` takes it; without one it is `bootworthy.yaml` of `cwd`, if that is there.
        cwd: the folder we are in.

    Raises:
        RefusedError: `catalog.reference-only`.
        DocumentError: the catalog in use says `reference-only` and cannot be read otherwise.
    """
    refuse(reference, _closed(name, cwd))


def guard(catalog: Catalog | None) -> Callable[[Reference], None]:
    """The same as a function of the reference alone, where the catalog in use was read already."""
    return lambda reference: refuse(reference, itertools.chain(_builtin(), _if_closed(catalog) if catalog else ()))


def refuse(reference: Reference, closed: Iterable[Catalog]) -> None:
    """See that none of some catalogs, which forbid what they list, lists a reference.

    Raises:
        RefusedError: `catalog.reference-only`.
    """
    for catalog in closed:
        if lists(catalog, reference):
            why = f" ({catalog.note})" if catalog.note else ""
            raise RefusedError(
                "catalog.reference-only",
                f"the catalog {catalog.name} lists this image for reference only: it is not fetched{why}",
                where=str(reference), hint=f"what {catalog.source} lists is shown, and never downloaded by bootworthy",
            )  # fmt: skip


def lists(catalog: Catalog, reference: Reference) -> bool:
    """Whether a reference stands in a catalog, or fits a pattern there.

    A digest cannot be compared with a tag: by digest, every image of a listed repository counts.
    """
    return any(_same(text, reference) for text in references(catalog))


def references(catalog: Catalog) -> Iterator[str]:
    """Every reference in a catalog as it is written, patterns too."""
    for system in catalog.systems.values():
        yield from system.images.values()
        if system.from_ is not None and system.from_.image is not None:
            yield system.from_.image
    for kernel in catalog.kernels.values():
        yield from kernel.images.values()
    for row in catalog.rows:
        yield from row.images.values()


def _same(text: str, reference: Reference) -> bool:
    pattern = _PATTERN.split(text)
    try:
        # A pattern that is no reference without its variables is compared as it is written.
        listed = Reference.parse(_PATTERN.sub("x", text))
    except UsageError:
        return False
    if len(pattern) == 1:
        if listed.digest is not None or reference.digest is not None:
            return listed.name == reference.name and (
                listed.digest == reference.digest or None in {listed.digest, reference.digest}
            )
        return listed == reference
    fits = re.compile("[^/]*".join(map(re.escape, pattern)))
    shown = {str(reference), f"{reference.name}:{reference.tag}", reference.name}
    shown |= {each.removeprefix("docker.io/").removeprefix("library/") for each in shown}
    if reference.digest is not None:
        fits = re.compile("[^/]*".join(map(re.escape, _PATTERN.split(_without_tag(text)))))
    return any(fits.fullmatch(each) for each in shown)


def _without_tag(text: str) -> str:
    head, slash, last = text.partition("@")[0].rpartition("/")
    return head + slash + last.partition(":")[0]


def _closed(name: str | None, cwd: Path) -> Iterator[Catalog]:
    """The catalogs that forbid; others are not even read whole."""
    yield from _builtin()
    path = cwd / (name or _FILE)
    try:
        said = _WORD in path.read_bytes()
    except OSError:
        said = False
    if said:
        yield from _if_closed(catalogs.load(name, cwd))


def _builtin() -> Iterator[Catalog]:
    folder = resources.files("bootworthy.catalog") / "builtin"
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        if file.name.endswith(".yaml") and _WORD in file.read_bytes():
            yield from _if_closed(catalogs.load(f"builtin:{file.name.removesuffix('.yaml')}", Path()))


def _if_closed(catalog: Catalog) -> Iterator[Catalog]:
    if catalog.access is Access.REFERENCE_ONLY:
        yield catalog
