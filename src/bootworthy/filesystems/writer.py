"""What every filesystem offers, and how it is found: a new one is a module or package here with `FILESYSTEM`."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol
from uuid import UUID

from bootworthy.errors import UsageError
from bootworthy.host import registry
from bootworthy.host.progress import Progress
from bootworthy.layers.node import Tree

_REASONS = {
    "size": "it is as large as what is in it", "free": "nothing can be written into it",
    "inodes": "it has as many as it has files", "label": "it has none", "uuid": "it has none",
}  # fmt: skip


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
    uuid: UUID | None = None
    """Instead of the one that derives from what the volume is made from."""

    def as_json(self) -> dict[str, object]:
        """For the key under which a volume is found again. `0.5` and `0` bytes are different wishes."""
        asked = {} if self.uuid is None else {"uuid": str(self.uuid)}
        return {
            "size": self.size, "free": None if self.free is None else repr(self.free), "inodes": self.inodes,
            "label": self.label, "profile": self.profile, **asked,
        }  # fmt: skip

    def refuse(self, filesystem: str, *names: str) -> None:
        """Refuse options that a filesystem has no use for.

        Raises:
            UsageError: `FILESYSTEM.option`.
        """
        for name in names:
            if getattr(self, name) not in {None, ""}:
                raise UsageError(
                    f"{filesystem}.option",
                    f"{filesystem} has no use for --{name}: {_REASONS[name]}",
                    hint="leave it out",
                )

    def one_of(self, filesystem: str, profiles: Sequence[str]) -> str:
        """The profile that is asked for; the first one when none is.

        Raises:
            UsageError: `FILESYSTEM.profile`.
        """
        name = self.profile or profiles[0]
        if name not in profiles:
            near = difflib.get_close_matches(name, profiles, 1)
            hint = f"did you mean {near[0]}?" if near else f"one of {', '.join(profiles)}"
            raise UsageError(f"{filesystem}.profile", f"{filesystem} has no profile {name!r}", hint=hint)
        return name


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A volume before it is written."""

    size: int
    """Bytes; 0 before it is written where only a compressor knows."""
    description: str
    """For people: sizes, counts, features."""
    facts: Mapping[str, object] = field(default_factory=dict)
    """The same for programs."""
    devices: tuple[Path, ...] = ()
    """Files that hold the volume's file data, where it does not itself; readers want them too, in this order."""


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
    found: Filesystem | None = registry.find("bootworthy.filesystems", "FILESYSTEM", name)
    if found is None:
        every = known()
        near = difflib.get_close_matches(name, every, 1)
        hint = f"did you mean {near[0]}?" if near else f"one of {', '.join(every)}"
        raise UsageError("filesystem.unknown", f"cannot write a volume as {name!r}", hint=hint)
    return found
