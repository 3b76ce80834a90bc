"""Small ext4 volumes with a bit of everything in them, and what must hold for a tree that was read from any."""

from __future__ import annotations

import functools
import tempfile
import uuid
from pathlib import Path

from bootworthy.filesystems.ext4.options import Options, Profile
from bootworthy.filesystems.ext4.plan import plan
from bootworthy.filesystems.ext4.write import write
from bootworthy.layers.node import BLOCK, Kind, Node, Tree
from tests import trees

VOLUME = uuid.UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")


def make(tree: Tree, image: Path, profile: Profile = Profile.FULL, **options: object) -> Path:
    """Write one to a file."""
    with image.open("wb") as file:
        write(tree, plan(tree, Options(uuid=VOLUME, profile=profile, **options)), file)  # type: ignore[arg-type]
    return image


def small(folder: Path) -> Tree:
    """A bit of everything."""
    body = trees.Body()
    lists = ((b"system.posix_acl_access", trees.ACL), (b"user.large", b"v" * 2000))
    again = body.file(b"twice" * 999, 0o4755, xattrs=((b"security.capability", trees.CAPABILITY),))
    root = trees.directory(
        {
            b"again": again,
            b"device": Node(Kind.BLOCK, 0o600, device=(4095, 0xFFFFF)),
            b"folder": trees.directory({b"again": again, b"empty": body.file(b""), b"lists": body.file(b"x")}, 0o1777),
            b"long": Node(Kind.SYMLINK, 0o777, target=b"/t" * 400),
            b"many": trees.directory({b"%050d" % number: Node(Kind.FIFO, 0o600) for number in range(90)}),
            b"short": Node(Kind.SYMLINK, 0o777, target=b"long"),
            b"sparse": body.sparse([(number * 2 * BLOCK, b"%d" % number) for number in range(20)], 9 * 2**30),
        },
        mtime=123456789,
    )
    root.children[b"folder"].children[b"lists"].xattrs = lists
    return body.tree(root, folder / "body")


@functools.cache
def whole(profile: Profile) -> bytes:
    """The bytes of a small one."""
    with tempfile.TemporaryDirectory() as name:
        return make(small(Path(name)), Path(name) / "image", profile, free=0).read_bytes()


def lean() -> bytes:
    """The smallest."""
    return whole(Profile.LEAN)


def sound(tree: Tree, size: int) -> None:
    """Nothing in a tree lies outside its volume, and no directory has two names."""
    folders: set[int] = set()
    for path, node in tree.walk():
        assert node.size <= 2**44
        assert all(chunk.position >= 0 and chunk.position + chunk.length <= size for chunk in node.chunks)
        assert sum(chunk.length for chunk in node.chunks) <= node.size
        assert b"\0" not in path + node.target
        if node.kind is Kind.DIRECTORY:
            assert id(node) not in folders
            folders.add(id(node))
