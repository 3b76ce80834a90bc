"""Every blob of the store, read and compared with its digest; and what images lack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bootworthy.errors import IntegrityError, NotFoundError
from bootworthy.host.progress import QUIET, Progress
from bootworthy.oci import digest as digests
from bootworthy.oci.blobs import open_verified
from bootworthy.oci.documents import Descriptor
from bootworthy.oci.image import is_here, members
from bootworthy.oci.layout import Layout, names_of
from bootworthy.oci.reach import reach
from bootworthy.oci.store import Store

_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Corrupt:
    """A blob that is not what its digest says."""

    digest: str
    path: Path
    names: tuple[str, ...]
    """The images that need it, as far as they can be read."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found."""

    blobs: int
    size: int
    """Bytes that were read."""
    corrupt: tuple[Corrupt, ...]
    missing: Mapping[str, tuple[str, ...]]
    """Images that lack something, with the digests of that."""

    def as_json(self) -> dict[str, object]:
        """The finding as programs read it."""
        return {
            "schema": "bootworthy.verified/1", "blobs": self.blobs, "size": self.size,
            "corrupt": [
                {"digest": each.digest, "path": str(each.path), "images": list(each.names)} for each in self.corrupt
            ],
            "missing": {name: list(found) for name, found in self.missing.items()},
        }  # fmt: skip


def verify(store: Store, progress: Progress = QUIET) -> Verified:
    """Read everything. A blob that a clean-up removes meanwhile is passed over.

    Raises:
        DocumentError, NotFoundError: the store's own index cannot be read.
    """
    if not (store.root / "oci-layout").exists():
        return Verified(0, 0, (), {})
    entries = Layout(store.root).index().manifests
    paths = sorted(path for path in store.root.glob("blobs/*/*") if digests.is_valid(_digest(path)))
    sizes = {path: path.stat().st_size for path in paths if path.is_file()}
    bad = []
    count = total = 0
    with progress.task("reading the store", sum(sizes.values())) as task:
        for path, size in sizes.items():
            try:
                with open_verified(store, Descriptor("", _digest(path), size)) as stream:
                    while piece := stream.read(_PIECE):
                        task.advance(len(piece))
            except IntegrityError:
                bad.append(path)
            except NotFoundError:
                continue
            count += 1
            total += size
    below = {(names_of(entry) or (entry.digest,))[0]: reach(store, [entry]).blobs for entry in entries}
    corrupt = tuple(
        Corrupt(_digest(path), path, tuple(name for name, needs in below.items() if _digest(path) in needs))
        for path in bad
    )
    return Verified(count, total, corrupt, _missing(store, entries))


def _missing(store: Store, entries: tuple[Descriptor, ...]) -> dict[str, tuple[str, ...]]:
    """What is not there of images; the platforms that an index only names do not count."""
    found = {}
    for entry in entries:
        try:
            named = [each for each in members(store, entry) if each.digest != entry.digest]
        except (NotFoundError, IntegrityError):
            named = []
        only_named = {each.digest for each in named if not is_here(store, each)}
        gone = {each.digest for each in store.missing(entry)} - only_named
        if named and len(only_named) == len({each.digest for each in named}):
            gone |= only_named
        if gone:
            found[(names_of(entry) or (entry.digest,))[0]] = tuple(sorted(gone))
    return found


def _digest(path: Path) -> str:
    return f"{path.parent.name}:{path.name}"
