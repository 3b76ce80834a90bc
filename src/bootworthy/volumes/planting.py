"""Nodes of a tree as files of this machine, in a folder that is ours alone."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Self

from bootworthy.errors import HostError
from bootworthy.host import copies
from bootworthy.host.progress import Progress, Task
from bootworthy.layers.node import Kind, Node, Tree
from bootworthy.volumes.owners import Left, is_plain, short, without_privilege
from bootworthy.volumes.selection import Path as Names

_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_REFUSED = {errno.EOPNOTSUPP, errno.EPERM, errno.EACCES, errno.EINVAL, errno.ENODATA, errno.E2BIG, errno.ERANGE}
_SPECIAL = {Kind.CHARACTER: stat.S_IFCHR, Kind.BLOCK: stat.S_IFBLK, Kind.FIFO: stat.S_IFIFO, Kind.SOCKET: stat.S_IFSOCK}
_DEVICES = {Kind.CHARACTER, Kind.BLOCK}


@contextlib.contextmanager
def open_below(base: int, path: Names) -> Iterator[int]:
    """The directory at a path below an open one, no link followed.

    Raises:
        HostError: `unpack.in-the-way`, when something on the way is no directory.
        FileNotFoundError: it is not there.
    """
    here = os.dup(base)
    try:
        for name in path:
            try:
                deeper = os.open(name, _OPEN, dir_fd=here)
            except OSError as error:
                if error.errno not in {errno.ELOOP, errno.ENOTDIR}:
                    raise
                raise HostError(
                    "unpack.in-the-way", "there is a symbolic link or a file in the place of a directory of the image",
                    where=b"/".join(path).decode(errors="backslashreplace"), hint="remove it, or unpack elsewhere",
                ) from error  # fmt: skip
            os.close(here)
            here = deeper
        yield here
    finally:
        os.close(here)


class Planter:
    """Makes what a tree has below an open, empty directory. Directories get their modes and times at the end."""

    left: list[Left]
    """What could not be kept."""
    absent: set[Names]
    """What was not made at all."""
    size: int
    """Bytes of the files that were made, holes included."""

    def __init__(self, tree: Tree, base: int, *, plain: bool) -> None:
        self._tree = tree
        self._base = base
        self._plain = plain
        self._bodies: dict[int, int] = {}
        self._first: dict[int, Names] = {}
        self._made: dict[Names, tuple[int, int]] = {}
        self.left = []
        self.absent = set()
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for descriptor in self._bodies.values():
            os.close(descriptor)

    def plant(self, chosen: Mapping[Names, Node], progress: Progress) -> None:
        """Make everything that was chosen, given parents first.

        Raises:
            IntegrityError: `layer.short-body`.
            HostError: `unpack.no-privilege`.
            OSError: as the operating system says.
        """
        folders: dict[Names, list[tuple[bytes, Node]]] = {(): []}
        for path, node in chosen.items():
            if path:
                folders[path[:-1]].append((path[-1], node))
                if node.kind is Kind.DIRECTORY:
                    folders[path] = []
        total = sum(node.size for node in {id(node): node for node in chosen.values()}.values())
        with progress.task("unpacking files", total) as task:
            for path, children in folders.items():
                with open_below(self._base, path) as folder:
                    status = os.fstat(folder)
                    self._made[path] = status.st_dev, status.st_ino
                    for name, node in children:
                        self._one(folder, (*path, name), node, task)

    def finish(self, chosen: Mapping[Names, Node], base: int | None = None) -> None:
        """Give the directories that were made owner, attributes, mode and time, children first.

        `base` is where they are now, if they were moved; one that was there before, or that somebody put in the place
        of ours, is left as it is.

        Raises:
            HostError: `unpack.no-privilege`.
        """
        top = self._base if base is None else base
        for path, node in reversed(list(chosen.items())):
            if node.kind is not Kind.DIRECTORY:
                continue
            with open_below(top, path) as folder:
                status = os.fstat(folder)
                if (status.st_dev, status.st_ino) == self._made[path]:
                    self._describe(folder, node, b"/".join(path))

    def _one(self, folder: int, path: Names, node: Node, task: Task) -> None:
        name = path[-1]
        if node.kind is Kind.DIRECTORY:
            os.mkdir(name, 0o700, dir_fd=folder)
            return
        first = self._first.get(id(node))
        if first is not None:
            with open_below(self._base, first[:-1]) as place:
                os.link(first[-1], name, src_dir_fd=place, dst_dir_fd=folder, follow_symlinks=False)
            return
        if node.kind in _DEVICES and self._plain:
            self.left.append(Left(b"/".join(path), node, node.xattrs, missing=True))
            self.absent.add(path)
            return
        self._first[id(node)] = path
        if node.kind is Kind.FILE:
            descriptor = os.open(name, _NEW, 0o600, dir_fd=folder)
            try:
                self._fill(descriptor, node, task)
                self._describe(descriptor, node, b"/".join(path))
            finally:
                os.close(descriptor)
            self.size += node.size
        elif node.kind is Kind.SYMLINK:
            os.symlink(node.target, name, dir_fd=folder)
            self._describe_in(folder, name, node, b"/".join(path))
        else:
            with _privileged(path):
                os.mknod(name, 0o600 | _SPECIAL[node.kind], os.makedev(*node.device), dir_fd=folder)
            self._describe_in(folder, name, node, b"/".join(path))

    def _fill(self, descriptor: int, node: Node, task: Task) -> None:
        for chunk in node.chunks:
            body = self._body(chunk.body)
            if copies.copy(body, chunk.position, descriptor, chunk.offset, chunk.length, task.advance) < chunk.length:
                raise short(self._tree.bodies[chunk.body])
        end = node.chunks[-1].offset + node.chunks[-1].length if node.chunks else 0
        if end < node.size:
            os.ftruncate(descriptor, node.size)

    def _body(self, number: int) -> int:
        if number not in self._bodies:
            self._bodies[number] = os.open(self._tree.bodies[number], os.O_RDONLY | os.O_CLOEXEC)
        return self._bodies[number]

    def _describe(self, descriptor: int, node: Node, path: bytes) -> None:
        """Owner before attributes and mode: a change of owner takes capabilities and setuid away."""
        if not self._plain:
            with _privileged((path,)):
                os.fchown(descriptor, node.uid, node.gid)
        self._leave(path, node, self._attributes(descriptor, node))
        os.fchmod(descriptor, self._mode(node))
        os.utime(descriptor, ns=(node.mtime, node.mtime))

    def _describe_in(self, folder: int, name: bytes, node: Node, path: bytes) -> None:
        """The same for what cannot be opened: a link, a device, a pipe."""
        if not self._plain:
            with _privileged((path,)):
                os.chown(name, node.uid, node.gid, dir_fd=folder, follow_symlinks=False)
        place = f"/proc/self/fd/{folder}/".encode() + name
        self._leave(path, node, self._attributes(place, node))
        if node.kind is not Kind.SYMLINK:
            os.chmod(name, self._mode(node), dir_fd=folder)  # we made it, and nobody else can come here
        os.utime(name, ns=(node.mtime, node.mtime), dir_fd=folder, follow_symlinks=False)

    def _mode(self, node: Node) -> int:
        return without_privilege(node.mode) if self._plain else node.mode

    def _attributes(self, place: int | bytes, node: Node) -> list[tuple[bytes, bytes]]:
        """Set the attributes of a node; returns those that cannot be kept."""
        left = []
        for name, value in node.xattrs:
            if self._plain and not name.startswith((b"user.", b"system.posix_acl_")):
                left.append((name, value))
                continue
            try:
                os.setxattr(place, name, value, follow_symlinks=isinstance(place, int))
            except OSError as error:
                if error.errno not in _REFUSED:
                    raise
                left.append((name, value))
        return left

    def _leave(self, path: bytes, node: Node, xattrs: list[tuple[bytes, bytes]]) -> None:
        if xattrs or (self._plain and not is_plain(node)):
            self.left.append(Left(path, node, tuple(xattrs)))


@contextlib.contextmanager
def _privileged(path: Names) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.EINVAL}:
            raise
        raise HostError(
            "unpack.no-privilege", f"may not make this as the image has it: {error.strerror}",
            where=b"/".join(path).decode(errors="backslashreplace"),
            hint="add --plain: owners and devices are then recorded beside the folder",
        ) from error  # fmt: skip
