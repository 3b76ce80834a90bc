"""Volumes that are written from front to end: how large they become shows only then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from bootworthy.filesystems.limits import shown
from bootworthy.filesystems.writer import Planned
from bootworthy.host.progress import Progress
from bootworthy.layers.node import Kind, Tree


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What a format cannot keep and a machine can do without; it is named, never silently gone."""

    xattrs: tuple[str, ...] = ()
    """Extended attributes, as `path: name`."""
    sockets: tuple[str, ...] = ()
    """Paths."""

    @classmethod
    def of(cls, tree: Tree, keeps: Callable[[bytes, bytes], bool], *, sockets: bool) -> LeftOut:
        """What a tree loses: attributes that are not kept, by path and name; and sockets, where there are none."""
        xattrs: list[str] = []
        gone: list[str] = []
        for path, node in tree.walk():
            if node.kind is Kind.SOCKET and not sockets:
                gone.append(shown(path))
                continue
            xattrs += [
                f"{shown(path)}: {name.decode(errors='backslashreplace')}"
                for name, _ in node.xattrs
                if not keeps(path, name)
            ]
        return cls(tuple(xattrs), tuple(gone))

    def facts(self) -> dict[str, object]:
        """For programs."""
        return {"left-out-xattrs": list(self.xattrs), "left-out-sockets": list(self.sockets)}

    def tell(self, filesystem: str, progress: Progress) -> None:
        """For people."""
        for line in self.xattrs:
            progress.note(f"left out an extended attribute that {filesystem} cannot keep: {line}")
        for line in self.sockets:
            progress.note(f"left out a socket, which {filesystem} cannot keep: {line}")


@dataclass(slots=True)
class StreamedVolume:
    """A planned volume; its size is known when it is written."""

    filesystem: str
    profile: str
    into: Callable[[BinaryIO, Progress], None]
    """Writes it into an open, empty file."""
    left_out: LeftOut
    facts: Mapping[str, object] = field(default_factory=dict)
    """More about it, for programs."""
    size: int = 0

    @property
    def planned(self) -> Planned:
        """What will be written, or was."""
        facts = {"filesystem": self.filesystem, "profile": self.profile, "size": self.size, **self.facts}
        text = f"{self.filesystem} ({self.profile}) of {self.size} bytes"
        return Planned(size=self.size, description=text, facts=facts | self.left_out.facts())

    def write(self, file: BinaryIO, progress: Progress) -> None:
        """Write it into an open, empty file."""
        self.left_out.tell(self.filesystem, progress)
        self.into(file, progress)
        self.size = file.seek(0, 2)
