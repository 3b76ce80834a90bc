"""The images of an archive into the store, under the names they have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bootworthy.errors import NotFoundError, UsageError
from bootworthy.host.progress import QUIET, Progress
from bootworthy.oci.reference import Reference, is_tag
from bootworthy.oci.store import Store
from bootworthy.oci.transfer.archive import Found, every
from bootworthy.oci.transfer.copy import Report, copy
from bootworthy.oci.transfer.local import StorePlace

_HINT = "say what to call it: --as NAME:TAG"


def load(path: Path, store: Store, *, name: str | None = None, progress: Progress = QUIET) -> tuple[Report, ...]:
    """Read every image of an archive, verify it, and name it in the store once all are there.

    `name` is for archives that have no full names: the whole name of the one image in it, or the repository of images
    that have a tag alone.

    Raises:
        NotFoundError: there is no such file, or no image in it.
        UsageError: `load.no-name`, `load.same-name`, `reference.bad`, `archive.compressed`.
        DocumentError, IntegrityError: something in it is wrong.
        SpaceError, HostError: as `host.files.writing`.
    """
    found = list(every(path))
    if not found:
        raise NotFoundError("layout.empty", "there is no image in it", where=str(path))
    names = _named(found, name, path)
    place = StorePlace(store)
    reports = [copy(each.source, place, each.descriptor, (), progress, thorough=True) for each in found]
    for report, given in zip(reports, names, strict=True):
        for each in given:
            store.tag(each, report.descriptor)
    return tuple(
        replace(report, names=tuple(map(str, given))) for report, given in zip(reports, names, strict=True)
    )  # fmt: skip


def _named(found: Sequence[Found], name: str | None, path: Path) -> list[tuple[Reference, ...]]:
    """The names that each image gets."""
    if name is None:
        names = [tuple(Reference.parse(each) for each in image.full) for image in found]
    else:
        names = [(_called(image, name, alone=len(found) == 1, path=path),) for image in found]
    for image, given in zip(found, names, strict=True):
        if not given:
            said = f"called {image.names[0]!r} alone" if image.names else "without a name"
            raise UsageError("load.no-name", f"there is an image {said} in it", where=str(path), hint=_HINT)
    owners: dict[str, str] = {}
    for image, given in zip(found, names, strict=True):
        for each in given:
            if owners.setdefault(str(each), image.descriptor.digest) != image.descriptor.digest:
                raise UsageError("load.same-name", f"two images would be called {each}", where=str(path))
    return names


def _called(image: Found, name: str, *, alone: bool, path: Path) -> Reference:
    """What an image is called when a person says so."""
    given = Reference.parse(name)
    if given.digest is not None:
        raise UsageError("load.no-name", f"{name} is a digest, and no name", where=str(path), hint=_HINT)
    tag = next((each for each in image.names if is_tag(each)), None)
    has_tag = ":" in name.rpartition("/")[2]
    if has_tag and alone:
        return given
    if has_tag or (tag is None and not alone):
        message = "there is more than one image in it" if has_tag else "an image in it has no tag"
        raise UsageError("load.no-name", message, where=str(path), hint="--as NAME, and each keeps its tag")
    return given.tagged(tag) if tag else given
