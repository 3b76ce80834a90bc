"""A merged tree as a tar that goes into a program, which makes a filesystem of it: no tree on disk."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import IO, BinaryIO

from bootworthy.filesystems.limits import Limits
from bootworthy.host import processes
from bootworthy.host.processes import Completed
from bootworthy.host.progress import Progress, Task
from bootworthy.layers import writer
from bootworthy.layers.node import Kind, Tree
from bootworthy.layers.writer import Member

_SECOND = 10**9
OUT = "-OUT-"
"""Stands in an argument list where the name of the volume goes."""


def check(tree: Tree, limits: Limits) -> None:
    """Refuse what the format, or a tar on the way to it, cannot hold.

    Raises:
        RefusedError: as `Limits.check`; `FILESYSTEM.xattr-name`.
    """
    limits.check(tree)
    for path, node in tree.walk():
        for name, _ in node.xattrs:
            if b"=" in name or b"\0" in name or not name:
                raise limits.refused(
                    "xattr-name", path,
                    f"a tar cannot hold an extended attribute named {name[:80].decode(errors='backslashreplace')}",
                    "remove the attribute",
                )  # fmt: skip


def content(tree: Tree) -> int:
    """Bytes of all regular files, holes included, each once."""
    return sum({id(node): node.size for _, node in tree.walk() if node.kind is Kind.FILE}.values())


def members(
    tree: Tree, keeps: Callable[[bytes, bytes], bool], *, root: bool = True, fractions: bool = True
) -> Iterator[Member]:
    """A tree as a program shall get it.

    Args:
        tree: the tree.
        keeps: whether an attribute is kept, by path and name.
        root: whether the root itself is a member.
        fractions: whether times have fractions of seconds.
    """
    for member in writer.members_of(tree):
        node = member.node
        if not member.path and not root:
            continue
        kept = tuple(pair for pair in node.xattrs if keeps(member.path, pair[0]))
        mtime = node.mtime if fractions else node.mtime // _SECOND * _SECOND
        if (kept, mtime) == (node.xattrs, node.mtime):
            yield member
        else:
            yield replace(member, node=replace(node, xattrs=kept, mtime=mtime))


def into(
    argv: Sequence[str], members: Iterable[Member], file: BinaryIO, progress: Progress, work: tuple[str, int], *,
    env: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    """Run a program that reads a tar and writes the open file, which it is given the name of.

    Args:
        argv: the program and its arguments, `OUT` among them.
        members: what is in the tar.
        file: open and empty.
        progress: told of the bytes of the tar.
        work: what to call it, and how many bytes it is.
        env: variables for the program alone.

    Raises:
        BuildError: `process.failed`.
        SpaceError: `disk.full`.
        HostError: it cannot be started.
    """
    file.flush()
    place = f"/proc/{os.getpid()}/fd/{file.fileno()}"
    words = [place if word == OUT else word for word in argv]
    # in memory: the disk of temporary files may be the one that is full
    with open(os.memfd_create("said"), "w+b") as said, progress.task(*work) as task:
        with processes.spawn(words, env=env, stdin=processes.PIPE, stdout=said) as child:
            # a program that ends early says why itself
            with contextlib.suppress(BrokenPipeError):
                writer.write(members, _Counted(child.stdin, task), compress=False)
                child.stdin.close()
            status = child.wait()
        said.seek(0)
        if status:
            raise processes.failed(Completed(child.argv, status, said.read(), b"", 0.0))


class _Counted:
    """A pipe that says how far it is."""

    def __init__(self, pipe: IO[bytes], task: Task) -> None:
        self._pipe = pipe
        self._task = task

    def write(self, data: bytes, /) -> object:
        """All of some bytes."""
        self._task.advance(len(data))
        return self._pipe.write(data)
