"""Layers of images that we build: trees and files into blobs of the store, owned by root, in the format of `layers`."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import isal

from bootworthy.builders.base import File
from bootworthy.builders.workshop import Workshop
from bootworthy.layers import body, writer
from bootworthy.layers.merge import merge
from bootworthy.layers.node import Kind, Node, Tree
from bootworthy.layers.writer import Content, Member
from bootworthy.oci.documents import LAYER_GZIP
from bootworthy.oci.image import Image, Layer
from bootworthy.oci.store import Store
from bootworthy.volumes import plain

_SECOND = 10**9


def take_in(stream: BinaryIO, media_type: str, folder: Path) -> Tree:
    """The tree of a tar stream; its bodies are kept in `folder`.

    Raises:
        IntegrityError: the stream is damaged.
    """
    files = body.ingest(stream, media_type, folder)
    return merge([files.load()], [files.body])


def tree_of(workshop: Workshop, image: Image) -> Tree:
    """The merged tree of an image; its bodies are there for as long as somebody has the workshop."""
    workshop.lease.hold(*(each.diff_id for each in image.layers))
    return plain.tree_of(image, workshop.cache / "layers", workshop.progress)


def write_tree(store: Store, tree: Tree, replaced: Mapping[bytes, bytes]) -> Layer:
    """A whole tree as one layer; `replaced` has other content for some of its files."""
    return _write(store, (_exchanged(member, replaced) for member in writer.members_of(tree)))


def write_files(store: Store, files: Iterable[File], epoch: int) -> Layer:
    """Some files as one layer, without their folders, so that those of a lower layer keep mode and owner."""
    return _write(store, (_member(file, epoch * _SECOND) for file in files))


def write_folder(store: Store, folder: Path, epoch: int) -> Layer:
    """A folder of this machine as one layer; nothing in it is younger than `epoch`."""
    return _write(store, _below(folder, folder, epoch * _SECOND))


def made_with() -> dict[str, str]:
    """What compressed our layers, for the build record: other versions may make other compressed bytes."""
    return {"compressor": "isal", "version": isal.__version__, "level": str(writer.LEVEL)}


def _write(store: Store, members: Iterable[Member]) -> Layer:
    with store.new_blob(LAYER_GZIP) as blob:
        written = writer.write(members, blob)
    return Layer(blob.descriptor, written.diff_id)


def _member(file: File, mtime: int) -> Member:
    path = file.path.encode()
    if file.target:
        return Member(path, Node(Kind.SYMLINK, 0o777, mtime=mtime, target=file.target.encode()))
    return Member(path, Node(Kind.FILE, file.mode, mtime=mtime, size=len(file.data)), _bytes(file.data))


def _exchanged(member: Member, replaced: Mapping[bytes, bytes]) -> Member:
    data = replaced.get(member.path)
    if data is None:
        return member
    node = member.node
    node.size = len(data)
    return Member(member.path, node, _bytes(data))


def _bytes(data: bytes) -> Content:
    return lambda: [data]


def _below(folder: Path, top: Path, newest: int) -> Iterator[Member]:
    with os.scandir(folder) as entries:
        for entry in entries:
            status = entry.stat(follow_symlinks=False)
            path = Path(entry.path)
            name = os.fsencode(path.relative_to(top))
            mtime = min(status.st_mtime_ns, newest)
            mode = stat.S_IMODE(status.st_mode)
            if entry.is_symlink():
                yield Member(name, Node(Kind.SYMLINK, 0o777, mtime=mtime, target=os.fsencode(os.readlink(path))))
            elif entry.is_dir():
                yield Member(name, Node(Kind.DIRECTORY, mode, mtime=mtime))
                yield from _below(path, top, newest)
            else:
                node = Node(Kind.FILE, mode, mtime=mtime, size=status.st_size)
                yield Member(name, node, writer.content_from(path))
