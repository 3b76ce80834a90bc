"""What nothing refers to any more in the store and the cache: found, and removed.

Images that have a name are kept, with what they reach: blobs, bodies of their layers, volumes and files made of them,
records that speak of them. So is what a lease names, as if it had a name. While things are looked at and removed nobody
can begin to use one, and what was removed first is never what something that stays needs.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bootworthy.host import files, leases, locks
from bootworthy.layers import body
from bootworthy.oci import downloads, intake
from bootworthy.oci.layout import Layout, names_of
from bootworthy.oci.reach import Reached, described, reach
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import LEASES, Store
from bootworthy.volumes import clone, identity

GRACE = 600.0
"""Seconds for which a blob without a name is left alone: other programs write a store too, and take no lease."""
_HEX = re.compile(r"[0-9a-f]{64}")
_RECORDS = ("builds", "builds/newest", "checks")
"""Folders of JSON documents whose `images` are the manifests that they speak of."""


class Kind(StrEnum):
    """What was not needed any more."""

    BLOB = "blobs"
    BODY = "bodies of layers"
    VOLUME = "volumes"
    FILE = "kernels and RAM disks"
    RECORD = "records"
    SCRATCH = "leftovers of processes that died"


@dataclass(frozen=True, slots=True)
class Item:
    """A file or folder that can go."""

    kind: Kind
    path: Path
    size: int
    """Bytes that it takes on the disk; 0 where another name keeps them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What was found, and removed unless it was a dry run."""

    items: tuple[Item, ...]
    names: tuple[str, ...]
    """Names of builds that newer ones have replaced."""
    young: int
    """Blobs that stay only because they are young."""
    in_use: bool
    """Whether a process held a lease."""
    unreadable: tuple[str, ...]
    """Named images that cannot be read whole: no blob was removed, for it may be theirs."""


def collect(
    store: Store, cache: Path, *, replaced: Sequence[Reference], now: float, grace: float = GRACE,
    dry_run: bool = False,
) -> Collected:  # fmt: skip
    """Find what nothing refers to and remove it. Several at once are safe, and so is one that is killed.

    Args:
        store: whose blobs.
        cache: the folder of bodies, volumes and records.
        replaced: names that keep nothing any more; one whose image is in use stays.
        now: seconds since 1970.
        grace: seconds for which blobs are left alone.
        dry_run: remove nothing.

    Raises:
        DocumentError, NotFoundError: the store's own index cannot be read.
        DeadlineError: `lock.busy`.
        SpaceError, HostError: as `host.files.writing`.
    """
    with contextlib.ExitStack() as stack:
        exists = (store.root / "oci-layout").exists()
        used = stack.enter_context(leases.cleaning(store.root / LEASES)) if exists else frozenset()
        leased = stack.enter_context(leases.cleaning(leases.of_cache(cache))) if cache.exists() else frozenset()
        finder = _Finder(store.root, cache, used, leased, {str(name) for name in replaced}, now - grace)
        items = tuple(finder.items())
        if not dry_run:
            for name in finder.dropped:
                store.untag(Reference.parse(name))
            for item in items:
                _remove(item)
    return Collected(
        items=items, names=finder.dropped, young=finder.young, in_use=bool(used or leased), unreadable=finder.unreadable
    )


class _Finder:
    def __init__(
        self, store: Path, cache: Path, used: frozenset[str], leased: frozenset[str], replaced: set[str],
        youngest: float,
    ) -> None:  # fmt: skip
        self._store = store
        self._cache = cache
        self._leased = leased
        self._youngest = youngest
        self.young = 0
        layout = Layout(store)
        entries = layout.index().manifests if (store / "oci-layout").exists() else ()
        gone = {
            entry: name for entry in entries for name in names_of(entry)[:1]
            if name in replaced and entry.digest not in used
        }  # fmt: skip
        self.dropped = tuple(gone.values())
        kept = [entry for entry in entries if entry not in gone]
        found = [described(layout, digest) for digest in sorted(used)]
        self._live: Reached = reach(layout, [*kept, *(each for each in found if each is not None)])
        self._blobs = self._live.blobs.keys() | used  # what is leased may come while we look
        self.unreadable = tuple(
            (names_of(entry) or (entry.digest,))[0] for entry in kept if reach(layout, [entry]).problem is not None
        ) if self._live.problem else ()  # fmt: skip

    def items(self) -> Iterator[Item]:
        """Everything that can go, in the order in which it can."""
        yield from self._records()
        yield from self._bodies()
        overlaid = set(self._overlaid())
        yield from self._of_images(Kind.VOLUME, self._cache / "volumes", overlaid)
        yield from self._of_images(Kind.FILE, self._cache / "files", set())
        yield from self._unnamed()
        yield from self._scratch()

    def _unnamed(self) -> Iterator[Item]:
        """Small ones first: manifests, without which the rest means nothing."""
        if self.unreadable:
            return
        found = []
        for path in self._store.glob("blobs/*/*"):
            if f"{path.parent.name}:{path.name}" in self._blobs:
                continue
            status = path.stat()
            if status.st_mtime > self._youngest:
                self.young += 1
                continue
            found.append((status.st_size, path))
        yield from (_item(Kind.BLOB, path) for _, path in sorted(found))

    def _bodies(self) -> Iterator[Item]:
        folder = self._cache / "layers"
        live = {path for diff_id in self._live.diff_ids | self._leased for path in body.names(folder, diff_id)}
        for path in _children(folder, backwards=True):  # an index before the body that it vouches for
            if path not in live and _HEX.match(path.name):
                yield _item(Kind.BODY, path)

    def _of_images(self, kind: Kind, folder: Path, kept: set[Path]) -> Iterator[Item]:
        owners = self._live.configs | self._leased
        for path in _children(folder):
            if _HEX.match(path.name) and f"sha256:{path.name}" not in owners and path not in kept:
                yield _item(kind, path)

    def _overlaid(self) -> Iterator[Path]:
        """Folders of volumes that overlays lie over."""
        for _, backing in clone.backings(self._cache / "clones"):
            owner = identity.owner_of(self._cache / "volumes", backing) if backing is not None else None
            if owner is not None:
                yield self._cache / "volumes" / owner.partition(":")[2]

    def _records(self) -> Iterator[Item]:
        for name in _RECORDS:
            every = _children(self._cache / name)
            live = {path for path in every if path.suffix == ".json" and self._speaks_of_live(path)}
            for path in every:
                lock = path.with_suffix(".lock")
                idle = not lock.exists() or files.is_abandoned(lock)
                free = path.suffix == ".json" or (path.suffix in {".lock", ".log"} and idle)
                if free and path.with_suffix(".json") not in live:
                    yield _item(Kind.RECORD, path)
        for path, backing in clone.backings(self._cache / "clones"):
            if backing is None and path.stat().st_mtime < self._youngest:
                yield _item(Kind.RECORD, path)

    def _speaks_of_live(self, path: Path) -> bool:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            return set(json.loads(path.read_bytes())["images"].values()) <= self._blobs
        return False

    def _scratch(self) -> Iterator[Item]:
        homes = [self._store, self._cache / "scratch", self._cache / "layers", self._cache / "checks"]
        homes += [self._cache / "builds", self._cache / "builds/newest", self._cache / "clones"]
        homes += [path for name in ("volumes", "files") for path in _children(self._cache / name) if path.is_dir()]
        for home in homes:
            yield from (_item(Kind.SCRATCH, path) for path in files.abandoned(home))
        for path in files.abandoned(Path(tempfile.gettempdir()), prefix="bootworthy-"):
            yield _item(Kind.SCRATCH, path)
        yield from (_item(Kind.SCRATCH, path) for path in intake.abandoned(self._store))
        # Somebody may want to go on with a download, for a while.
        left = downloads.abandoned(self._store, before=self._youngest)
        yield from (_item(Kind.SCRATCH, path) for path in left)


def _children(folder: Path, *, backwards: bool = False) -> list[Path]:
    return sorted(folder.iterdir(), reverse=backwards) if folder.is_dir() else []


def _item(kind: Kind, path: Path) -> Item:
    return Item(kind, path, occupied(path))


def occupied(path: Path) -> int:
    """Bytes of the disk that would be free without a file or folder; what reflinks share is counted in each."""
    every = [path, *path.rglob("*")] if path.is_dir() and not path.is_symlink() else [path]
    total = 0
    for each in every:
        with contextlib.suppress(OSError):
            status = each.lstat()
            if each.is_dir() or status.st_nlink == 1:
                total += status.st_blocks * 512
    return total


def _remove(item: Item) -> None:
    with files.writing(item.path):
        if item.path.suffix == ".lock":
            locks.remove_if_free(item.path)
        elif item.kind is Kind.SCRATCH:
            files.remove_abandoned(item.path)
        elif item.path.is_dir() and not item.path.is_symlink():
            shutil.rmtree(item.path, ignore_errors=True)
        else:
            item.path.unlink(missing_ok=True)
