"""Files of an image into a folder, without following any link on the way.

Everything is made in a folder of our own, private and beside its final place or inside it, and takes its place by
renames: a folder that is new appears whole, in one that was there each file does. Directories are opened from the top
down, one name at a time and never through a link (openat(2), O_NOFOLLOW), so neither the image nor anybody who can
write there leads us elsewhere.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bootworthy.errors import HostError, RefusedError, UsageError
from bootworthy.host import files
from bootworthy.host.progress import QUIET, Progress
from bootworthy.layers.node import Kind, Node, Tree
from bootworthy.volumes import owners, selection
from bootworthy.volumes.owners import Left
from bootworthy.volumes.planting import Planter, open_below

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_DEEPEST = 500
_LONGEST = 4096
_FORCE = "unpack it elsewhere, or add --force to replace files that are there"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """What was unpacked."""

    folder: Path
    names: int
    """Files, links, directories and all else, each name counted."""
    size: int
    """Bytes of regular files, each file once, holes included."""
    plain: bool
    """Whether owners and devices were left out."""
    left: tuple[Left, ...]
    """What could not be kept."""
    owners: Path | None
    """The file beside the folder that has it."""


def unpack(
    tree: Tree, out: Path, paths: Sequence[str] = (), *, name: str = "image", force: bool = False,
    plain: bool | None = None, progress: Progress = QUIET,
) -> Unpacked:  # fmt: skip
    """Unpack a tree, or the paths of it that are named, into the folder `out`.

    Args:
        tree: of the image.
        out: made when it is not there. In a folder that is there, nothing that was there is touched without `force`;
            with it, files are replaced, never directories.
        paths: as `selection.select` has them; all without any.
        name: the image's, for messages.
        force: replace files that are there.
        plain: leave out owners, devices, setuid bits and all but the user's own attributes, and record them in a file
            beside the folder. Without root there is no other way, and it is the default.
        progress: told of bytes.

    Raises:
        NotFoundError: `image.no-path`.
        UsageError: `unpack.exists`, `unpack.not-a-folder`.
        RefusedError: `unpack.too-deep`.
        HostError: `unpack.in-the-way`, `unpack.other-disk`, `unpack.no-privilege`.
        SpaceError, HostError: as `host.files.writing`.
    """
    chosen = selection.select(tree, paths, name) if paths else selection.every(tree)
    _refuse_depth(chosen, name)
    plain = os.geteuid() != 0 if plain is None else plain
    fresh = _is_new(out, force=force or bool(paths))
    place = (out.parent if fresh else out).resolve()
    with files.scratch(place, prefix=f".{out.name[:100]}.") as room, files.writing(out):
        base, target = _ours(room), os.open(place, _FOLDER)
        try:
            with Planter(tree, base, plain=plain) as planter:
                moves = [] if fresh else list(_moves(target, chosen, out, force=force))
                planter.plant(chosen, progress)
                if fresh:
                    planter.finish(chosen)
                    recorded = _record(out, planter.left, name, plain=plain, more=False)
                    _publish(room, out, recorded)
                else:
                    _merge(base, target, (path for path in moves if path not in planter.absent), out)
                    planter.finish({path: node for path, node in chosen.items() if path}, target)
                    recorded = _record(out, planter.left, name, plain=plain, more=True)
                names = len(chosen) - len(planter.absent)
                return Unpacked(
                    folder=out, names=names, size=planter.size, plain=plain, left=tuple(planter.left), owners=recorded
                )
        except BaseException:
            if room.exists():
                _open_up(base, chosen)
            raise
        finally:
            os.close(base)
            os.close(target)


def read(tree: Tree, path: str, name: str) -> Iterator[bytes]:
    """The content of one regular file in pieces, symbolic links followed.

    Raises:
        NotFoundError: `image.no-path`.
        UsageError: `unpack.not-a-file`.
    """
    node = tree.find(os.fsencode(path))
    if node is None:
        found = [found for trail, found in selection.select(tree, [path], name).items() if trail]
        matches = [each for each in found if each.kind is Kind.FILE]
        node = matches[0] if len(matches) == 1 else None
    if node is None or node.kind is not Kind.FILE:
        raise UsageError(
            "unpack.not-a-file", f"/{path.strip('/')} is not one regular file", where=name,
            hint="name a folder to unpack into instead of -",
        )  # fmt: skip
    return _pieces(tree, node)


def _pieces(tree: Tree, node: Node) -> Iterator[bytes]:
    piece = 1 << 20
    at = 0
    for chunk in (*node.chunks, None):
        end = node.size if chunk is None else chunk.offset
        while at < end:
            yield bytes(min(piece, end - at))
            at += min(piece, end - at)
        if chunk is not None:
            with tree.bodies[chunk.body].open("rb", buffering=0) as body:
                body.seek(chunk.position)
                while at < chunk.offset + chunk.length:
                    data = body.read(min(piece, chunk.offset + chunk.length - at))
                    if not data:
                        raise owners.short(tree.bodies[chunk.body])
                    yield data
                    at += len(data)


def _refuse_depth(chosen: Mapping[selection.Path, Node], name: str) -> None:
    """What no path can name, and no ordinary program can remove again, is not made."""
    for path in chosen:
        if len(path) > _DEEPEST or sum(map(len, path)) + len(path) >= _LONGEST:
            raise RefusedError(
                "unpack.too-deep", f"it has folders that lie deeper than {_DEEPEST} levels or {_LONGEST} bytes",
                where=f"{name}: /{b'/'.join(path[:4]).decode(errors='backslashreplace')}/...",
                hint="name the paths that you need of it",
            )  # fmt: skip


def _is_new(out: Path, *, force: bool) -> bool:
    try:
        there = list(os.scandir(out))
    except FileNotFoundError:
        if out.is_symlink():
            raise UsageError(
                "unpack.not-a-folder", "this is a symbolic link to nothing", where=str(out), hint="name another folder"
            ) from None
        return True
    except NotADirectoryError:
        raise UsageError(
            "unpack.not-a-folder", "this is no folder, and an image is unpacked into one", where=str(out),
            hint="name a folder; one that is not there is made",
        ) from None  # fmt: skip
    if there and not force:
        raise UsageError("unpack.exists", "this folder is not empty", where=str(out), hint=_FORCE)
    return False


def _publish(room: Path, out: Path, recorded: Path | None) -> None:
    """Give a whole new folder its name; a folder that somebody made there meanwhile is not replaced unless empty."""
    try:
        room.rename(out)
    except BaseException as error:
        if recorded is not None:
            recorded.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}:
            raise UsageError("unpack.exists", "somebody made it meanwhile", where=str(out), hint=_FORCE) from error
        raise


def _ours(room: Path) -> int:
    """Our own folder, opened, and looked at whether it is the one that we made."""
    descriptor = os.open(room, _FOLDER | os.O_NOFOLLOW)
    status = os.fstat(descriptor)
    if status.st_uid != os.geteuid() or status.st_mode & 0o077 or os.listdir(descriptor):
        os.close(descriptor)
        raise HostError(
            "unpack.in-the-way", "somebody else changes this folder", where=str(room.parent),
            hint="unpack where only you can write",
        )  # fmt: skip
    os.fchmod(descriptor, 0o700)
    return descriptor


def _merge(base: int, target: int, moves: Iterable[selection.Path], out: Path) -> None:
    """Move things from our folder into one that was there."""
    for path in moves:
        with open_below(base, path[:-1]) as source, open_below(target, path[:-1]) as place:
            try:
                os.rename(path[-1], path[-1], src_dir_fd=source, dst_dir_fd=place)
            except OSError as error:
                if error.errno == errno.EXDEV:
                    raise HostError(
                        "unpack.other-disk", "another disk is mounted here", where=_shown(out, path),
                        hint="unpack into a new folder",
                    ) from error  # fmt: skip
                raise


def _moves(target: int, chosen: Mapping[selection.Path, Node], out: Path, *, force: bool) -> Iterator[selection.Path]:
    """What to move: whole subtrees where there is nothing yet. All of it is looked at before anything is made."""
    moved: selection.Path | None = None
    for path, node in chosen.items():
        if not path or (moved is not None and path[: len(moved)] == moved):
            continue
        there = _kind_at(target, path)
        if there is None:
            moved = path
            yield path
        elif there is Kind.DIRECTORY and node.kind is Kind.DIRECTORY:
            continue
        elif there is Kind.DIRECTORY or node.kind is Kind.DIRECTORY:
            what = {Kind.DIRECTORY: "a directory", Kind.SYMLINK: "a symbolic link"}.get(there, "a file")
            raise HostError(
                "unpack.in-the-way", f"there is {what} in the place of what the image has", where=_shown(out, path),
                hint="remove it, or unpack elsewhere",
            )  # fmt: skip
        elif not force:
            raise UsageError("unpack.exists", "this is there already", where=_shown(out, path), hint=_FORCE)
        else:
            yield path


def _kind_at(target: int, path: selection.Path) -> Kind | None:
    try:
        with open_below(target, path[:-1]) as folder:
            mode = os.stat(path[-1], dir_fd=folder, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return None
    return Kind(mode & 0o170000)


def _record(out: Path, left: Sequence[Left], name: str, *, plain: bool, more: bool) -> Path | None:
    path = owners.beside(out)
    if not left and not plain:
        return None
    owners.write(path, left, image=name, owned=not plain, more=more)
    return path


def _open_up(base: int, chosen: Mapping[selection.Path, Node]) -> None:
    """Make our own directories writable again, so that they can be removed."""
    if os.geteuid() == 0:
        return
    for path, node in chosen.items():
        if node.kind is Kind.DIRECTORY:
            with contextlib.suppress(OSError):
                if not path:
                    os.fchmod(base, 0o700)
                    continue
                with open_below(base, path[:-1]) as folder:
                    os.chmod(path[-1], 0o700, dir_fd=folder)  # ours, and nobody else can come here


def _shown(out: Path, path: selection.Path) -> str:
    return str(out / b"/".join(path).decode(errors="backslashreplace"))
