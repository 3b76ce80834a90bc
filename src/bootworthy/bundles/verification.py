"""What registries have now of all that a catalog lists, beside what they were last seen to have."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from bootworthy.bundles.seen import Seen
from bootworthy.catalog.entries import Access, Catalog, Cell
from bootworthy.errors import BootworthyError, NotFoundError, RefusedError
from bootworthy.oci.reference import Reference

_VARIABLE = re.compile(r"\$\{[^}]*\}")
_ANY = "[A-Za-z0-9_.-]+"

Resolve = Callable[[Reference], str]
"""The digest that a reference has in its registry. Raises NotFoundError where there is no such image."""
Tags = Callable[[Reference], Iterable[str]]
"""The tags of a repository. Raises NotFoundError where there is no such repository."""


class State(StrEnum):
    """How a reference stands."""

    SAME = "same"
    NEW = "new"
    """It is there, and was not seen before."""
    MOVED = "moved"
    """It means another image than it did."""
    GONE = "gone"
    """It, or one of the tags that fitted it, was seen and is not there any more."""
    MISSING = "missing"
    """It is not there, and was never seen."""
    UNKNOWN = "unknown"
    """It could not be asked."""

    @property
    def drifted(self) -> bool:
        """Whether the catalog says what no longer is so."""
        return self in {State.MOVED, State.GONE, State.MISSING}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """One reference, or one pattern, and what became of it."""

    reference: str
    state: State
    cells: tuple[str, ...]
    """Those of the chosen cells that have it."""
    digest: str | None = None
    before: str | None = None
    """The digest that it was last seen with."""
    tags: tuple[str, ...] = ()
    """Of a pattern: the tags that fit it now."""
    lost: tuple[str, ...] = ()
    """Of a pattern: tags that fitted it and are gone."""
    error: BootworthyError | None = None

    def as_json(self) -> dict[str, object]:
        """For programs."""
        return {
            "reference": self.reference, "state": self.state.value, "digest": self.digest, "before": self.before,
            "tags": list(self.tags), "lost": list(self.lost), "cells": list(self.cells),
            "error": self.error.as_json() if self.error else None,
        }  # fmt: skip


def verify(
    catalog: Catalog, chosen: Iterable[Cell], before: Seen, resolve: Resolve, tags: Tags
) -> tuple[Verified, ...]:
    """Ask after every reference of some cells, each once, in the order of the catalog; nothing is fetched.

    What the lock file of the catalog holds a reference to goes before what was seen.

    Raises:
        RefusedError: `catalog.reference-only`.
    """
    if catalog.access is Access.REFERENCE_ONLY:
        why = f" ({catalog.note})" if catalog.note else ""
        raise RefusedError(
            "catalog.reference-only",
            f"the catalog {catalog.name} lists images for reference only: nobody is asked after them{why}",
            where=catalog.source, hint="compare it with the page that its entries name as their source",
        )  # fmt: skip
    cells = tuple(cell for cell in chosen if cell.support.buildable)
    held = before.with_(_locked(catalog, cells))
    holders: dict[str, list[str]] = {}
    for cell in cells:
        for text in cell.images.values():
            holders.setdefault(text, []).append(cell.name)
    listed = Listed(holders)
    return tuple(
        _pattern(text, tuple(names), listed, held.tags.get(text), tags) if _VARIABLE.search(text)
        else _plain(text, tuple(names), held.digests.get(text), resolve)
        for text, names in holders.items()
    )  # fmt: skip


def now_seen(before: Seen, found: Iterable[Verified], *, accept: bool) -> Seen:
    """What to compare with the next time: what drifted keeps what it was, unless that is accepted."""
    digests, tags = dict(before.digests), dict(before.tags)
    for each in found:
        if each.state is State.UNKNOWN or (each.state.drifted and not accept):
            continue
        digests.pop(each.reference, None)
        tags.pop(each.reference, None)
        if each.digest is not None:
            digests[each.reference] = each.digest
        elif each.tags:
            tags[each.reference] = each.tags
    return Seen(digests, tags)


class Listed:
    """Patterns of references that stand in a catalog; a tag that fits several belongs to the one that says most."""

    def __init__(self, references: Iterable[str]) -> None:
        self._patterns = [text for text in references if _VARIABLE.search(text)]

    def fitting(self, pattern: str, found: Iterable[str]) -> tuple[str, ...]:
        """The tags of a repository that belong to a pattern, in order."""
        rivals = [each for each in self._patterns if _repository(each) == _repository(pattern)]
        return tuple(sorted(tag for tag in set(found) if self._owner(tag, rivals) == pattern))

    def _owner(self, tag: str, rivals: list[str]) -> str | None:
        fitting = [each for each in rivals if _compiled(each).fullmatch(tag)]
        return max(fitting, key=lambda each: len(_VARIABLE.sub("", each)), default=None)


def _plain(text: str, cells: tuple[str, ...], before: str | None, resolve: Resolve) -> Verified:
    try:
        digest = resolve(Reference.parse(text))
    except NotFoundError:
        state = State.GONE if before is not None else State.MISSING
        return Verified(reference=text, state=state, cells=cells, before=before)
    except BootworthyError as error:
        return Verified(reference=text, state=State.UNKNOWN, cells=cells, before=before, error=error)
    state = State.NEW if before is None else State.SAME if digest == before else State.MOVED
    return Verified(reference=text, state=state, cells=cells, digest=digest, before=before)


def _pattern(text: str, cells: tuple[str, ...], listed: Listed, before: tuple[str, ...] | None, tags: Tags) -> Verified:
    try:
        found = listed.fitting(text, tags(Reference.parse(_repository(text))))
    except NotFoundError:
        found = ()
    except BootworthyError as error:
        return Verified(reference=text, state=State.UNKNOWN, cells=cells, error=error)
    lost = tuple(tag for tag in before or () if tag not in found)
    state = State.GONE if lost else State.MISSING if not found else State.NEW if before is None else State.SAME
    return Verified(reference=text, state=state, cells=cells, tags=found, lost=lost)


def _locked(catalog: Catalog, cells: Iterable[Cell]) -> Seen:
    return Seen(dict(_pins(catalog, cells)))


def _pins(catalog: Catalog, cells: Iterable[Cell]) -> Iterator[tuple[str, str]]:
    for cell in cells:
        pinned = catalog.pins.cells.get(cell.name)
        for role, pin in pinned.images.items() if pinned is not None else ():
            if cell.images.get(role) == pin.reference:
                yield pin.reference, pin.digest


def _repository(text: str) -> str:
    head, slash, last = text.rpartition("/")
    return head + slash + last.partition(":")[0]


def _compiled(pattern: str) -> re.Pattern[str]:
    tag = pattern.rpartition("/")[2].partition(":")[2]
    return re.compile(_ANY.join(map(re.escape, _VARIABLE.split(tag))))
