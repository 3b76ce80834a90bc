"""What every filesystem offers, and how it is found: a new one is a module or package here with `FILESYSTEM`."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol
from uuid import UUID

from bootworthy.errors import UsageError
from bootworthy.host import registry
from bootworthy.host.progress import Progress
from bootworthy.layers.node import Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeOptions:
    """What a person can ask of a volume; a filesystem refuses what it does not have."""

    size: int | None = None
    """Bytes of the whole volume."""
    free: float | int | None = None
    """A share of the volume as a float, or bytes as an int, to be left free; instead of `size`."""
    inodes: int | None = None
    label: str = ""
    profile: str | None = None
    """A variant that the filesystem knows: `full` or `lean` for ext4."""

    def as_json(self) -> dict[str, object]:
        """For the key under which a volume is found again. `0.5` and `0` bytes are different wishes."""
        return {
            "size": self.size, "free": None if self.free is None else repr(self.free), "inodes": self.inodes,
            "label": self.label, "profile": self.profile,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A volume before it is written."""

    size: int
    """Bytes."""
    description: str
    """For people: sizes, counts, features."""
    facts: Mapping[str, object] = field(default_factory=dict)
    """The same for programs."""


class Filesystem(Protocol):
    """Writes trees as volumes. Everything that could go wrong with the tree goes wrong in `prepare`."""

    @property
    def revision(self) -> int:
        """Raised whenever the same tree and options begin to make other bytes."""

    def prepare(self, tree: Tree, options: VolumeOptions, *, uuid: UUID, time: int) -> PreparedVolume:
        """Plan a volume; `time` is when it shall say it was made, in seconds since 1970.

        Raises:
            SpaceError: the size asked for is too small; the error has the one that would do.
            UsageError: an option that this filesystem does not have.
            RefusedError: the tree holds something that it cannot keep.
        """


class PreparedVolume(Protocol):
    """A planned volume that can be written."""

    @property
    def planned(self) -> Planned:
        """What will be written."""

    def write(self, file: BinaryIO, progress: Progress) -> None:
        """Write it into an open, empty file."""


def known() -> dict[str, Filesystem]:
    """Every filesystem that we write, by name."""
    return dict(registry.scan("bootworthy.filesystems", "FILESYSTEM"))


def filesystem(name: str) -> Filesystem:
    """One filesystem.

    Raises:
        UsageError: `filesystem.unknown`.
    """
    every = known()
    if name not in every:
        near = difflib.get_close_matches(name, every, 1)
        hint = f"did you mean {near[0]}?" if near else f"one of {', '.join(every)}"
        raise UsageError("filesystem.unknown", f"cannot write a volume as {name!r}", hint=hint)
    return every[name]
