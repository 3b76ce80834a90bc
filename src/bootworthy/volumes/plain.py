"""Plain files as images: the file of an ext4 volume, a kernel, an initial RAM disk.

A file is named by its path. Its digest is that of its bytes, or where it has holes of the others and of how long these
are. Its tree is read straight from it: nothing is copied unless a layer is asked for.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from bootworthy.errors import BuildError, HostError, NotFoundError, UsageError
from bootworthy.filesystems.cpio.read import MAGICS
from bootworthy.filesystems.ext4 import read as ext4
from bootworthy.host.files import scratch, writing
from bootworthy.host.leases import Lease
from bootworthy.host.progress import QUIET, Progress
from bootworthy.kernels import formats
from bootworthy.kernels.compression import Compression, beginning
from bootworthy.layers import body, flatten, merge, writer
from bootworthy.layers.body import LayerFiles
from bootworthy.layers.node import Chunk, Kind, Node, Tree
from bootworthy.oci import documents, sources
from bootworthy.oci.blobs import Span
from bootworthy.oci.documents import Descriptor, ImageConfig, Manifest, Platform
from bootworthy.oci.image import Image
from bootworthy.oci.store import Store
from bootworthy.oci.transfer.remote import Registries
from bootworthy.vocabulary import Architecture
from bootworthy.volumes.convert import sparse_digest

_MEDIA_TYPE = "application/octet-stream"
_HEAD = 256 << 10
_MORE = 9 << 20
_BLOCKS = {Compression.LZ4, Compression.BZIP2}
"""Their blocks are as large as 8 MiB, and tell nothing until they are whole."""
_MAGIC = 64
"""Bytes of what is compressed that say what it is."""
_KERNEL = 512 << 20
"""Bytes: nothing larger is a kernel."""
_OTHERS = {
    (0, b"hsqs"): "a squashfs volume", (1024, b"\xe2\xe1\xf5\xe0"): "an erofs volume", (0, b"XFSB"): "an XFS volume",
    (0x10040, b"_BHRfS_M"): "a btrfs volume", (0, b"QFI\xfb"): "a qcow2 disk", (512, b"EFI PART"): "a disk with a GPT",
    (257, b"ustar"): "a tar archive",
}  # fmt: skip
"""What else people have, by the bytes at an offset."""


@dataclass(frozen=True, slots=True)
class PlainImage(Image):
    """A file as an image without layers; its documents stand for what a registry would have."""

    tree: Tree = field(repr=False, compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class _Nothing:
    """The blobs of an image that has none."""

    path: Path

    def locate(self, digest_: str) -> Span:
        raise NotFoundError("store.no-blob", f"a plain file has no blob {digest_}", where=str(self.path))

    def remedy(self, span: Span, /) -> str:  # noqa: ARG002  (the protocol's)
        return "get the file again"


def is_plain(text: str) -> bool:
    """Whether a person names a file rather than an image: a path that begins as one, or a file that is there."""
    return text.startswith(("/", "./", "../")) or os.path.isfile(text)  # no error for what cannot be a path


def open_source(
    text: str, store: Store, *, architecture: Architecture | None = None, registries: Registries | None = None,
    progress: Progress = QUIET,
) -> Image:  # fmt: skip
    """What a person named: a plain file, or an image as `oci.sources.open_source` has it.

    Raises:
        As `open_file` and `oci.sources.open_source`.
    """
    if is_plain(text):
        return open_file(Path(text), architecture)
    return sources.open_source(text, store, architecture=architecture, registries=registries, progress=progress)


def open_file(path: Path, architecture: Architecture | None = None) -> PlainImage:
    """A plain file as an image for an architecture; it does not say itself for which.

    The file of an ext4 volume is the tree that is in it; an initial RAM disk is `/boot/initrd`, and what else may be a
    kernel is `/boot/vmlinux`, with the configuration that lies beside it.

    Raises:
        NotFoundError: `plain.no-file`.
        UsageError: `plain.unsupported`: a folder, or a format of others.
        HostError: `plain.denied`.
        IntegrityError: `ext4.unreadable`.
    """
    if path.is_dir():
        raise UsageError(
            "plain.unsupported", "is a folder", where=str(path), hint=f"name what is in it, or a layout: oci:{path}"
        )
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
            if Compression.of(head) in _BLOCKS:
                head += file.read(_MORE)
        found = sparse_digest(path, told=True)
    except FileNotFoundError as error:
        raise NotFoundError(
            "plain.no-file", "there is no such file", where=str(path), hint="name a file that is there"
        ) from error
    except OSError as error:
        raise HostError("plain.denied", f"cannot be read: {error.strerror}", where=str(path)) from error
    platform = Platform("unknown", "unknown") if architecture is None else Platform.of(architecture)
    return _image(path, found, platform, ext4.read(path) if ext4.is_one(head) else _alone(path, head))


def tree_of(image: Image, cache: Path, progress: Progress = QUIET) -> Tree:
    """The tree of an image; `cache` is where the bodies of layers are.

    Raises:
        As `layers.flatten.tree_of`.
    """
    return image.tree if isinstance(image, PlainImage) else flatten.tree_of(image, cache, progress)


def take(image: Image, cache: Path, lease: Lease, progress: Progress = QUIET) -> list[LayerFiles]:
    """The layers of an image, as `layers.flatten.take` has them; a plain file is taken in as one.

    Volumes are written from these, on whose blocks everything lies where it has to.

    Raises:
        As `layers.flatten.take`.
    """
    if not isinstance(image, PlainImage):
        lease.hold(*(layer.diff_id for layer in image.layers))
        return flatten.take(image, cache, progress)
    with scratch(cache, prefix=".plain-") as room, (room / "tar").open("w+b") as tar:
        with writing(room):
            written = writer.write(writer.members_of(image.tree), tar, compress=False)
        lease.hold(written.diff_id)
        tar.seek(0)
        return [body.ingest(tar, documents.LAYER, cache, diff_id=written.diff_id, where=image.name)]


def on_blocks(image: Image, tree: Tree, cache: Path, lease: Lease) -> Tree:
    """The tree of an image, as volumes can be written from it: that of a plain file is taken in as a layer first.

    Raises:
        As `layers.flatten.take`.
    """
    if not isinstance(image, PlainImage):
        return tree
    files = take(image, cache, lease)
    return merge.merge([each.load() for each in files], [each.body for each in files])


def _image(path: Path, found: str, platform: Platform, tree: Tree) -> PlainImage:
    blob = Descriptor(_MEDIA_TYPE, found, path.stat().st_size)
    manifest = Manifest(documents.MANIFEST, blob, (), {}, None, None, b"")
    config = ImageConfig(platform, (), {}, (), (), (), "", "", None, b"")
    return PlainImage(str(path), blob, manifest, config, (), _Nothing(path), tree=tree)


def _alone(path: Path, head: bytes) -> Tree:
    """One file in `/boot`, and its configuration."""
    for (offset, magic), what in _OTHERS.items():
        if head[offset : offset + len(magic)] == magic:
            raise UsageError(
                "plain.unsupported", f"is {what}, which is not read here", where=str(path),
                hint="name an ext4 volume, a kernel or an initial RAM disk; or an image (oci:DIR, oci-archive:FILE)",
            )  # fmt: skip
    if _is_ram_disk(head):
        return _in_boot({b"initrd": path})
    return _in_boot({b"vmlinux": path, **_configuration(path)})


def _is_ram_disk(head: bytes) -> bool:
    if Compression.of(head) is None:
        return head.startswith(MAGICS)
    try:
        return beginning(head, _MAGIC).startswith(MAGICS)
    except BuildError:
        return False


def _configuration(path: Path) -> dict[bytes, Path]:
    """The configuration beside a kernel, by the name that it has in an image."""
    try:
        release = formats.identify(path.read_bytes()).release if path.stat().st_size <= _KERNEL else None
    except BuildError:  # whoever asks about the kernel says why
        return {}
    named = [] if release is None or "/" in release else [f"config-{release}"]
    for name in (f"{path.name}.config", *named, ".config"):
        if path.with_name(name).is_file():
            return {
                b"config" if release is None else b"config-" + release.encode(errors="replace"): path.with_name(name)
            }
    return {}


def _in_boot(files: dict[bytes, Path]) -> Tree:
    boot = Node(Kind.DIRECTORY, 0o755)
    for number, (name, path) in enumerate(files.items()):
        size = path.stat().st_size
        chunks = (Chunk(0, size, number, 0),) if size else ()
        boot.children[name] = Node(Kind.FILE, 0o644, size=size, chunks=chunks)
    root = Node(Kind.DIRECTORY, 0o755, children={b"boot": boot})
    return Tree(root, tuple(path.absolute() for path in files.values()))
