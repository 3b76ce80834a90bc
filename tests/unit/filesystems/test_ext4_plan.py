from __future__ import annotations

import io
import itertools
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bootworthy.errors import IntegrityError, RefusedError, SpaceError
from bootworthy.filesystems.ext4 import checksum
from bootworthy.filesystems.ext4.options import Options, Profile
from bootworthy.filesystems.ext4.plan import Copy, plan
from bootworthy.filesystems.ext4.write import write
from bootworthy.host.progress import Quiet
from bootworthy.layers.node import BLOCK, Chunk, Kind, Node, Tree
from tests import trees

VOLUME = uuid.UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
MIB = 2**20


def tree_of(**children: Node) -> Tree:
    return Tree(trees.directory({name.encode(): node for name, node in children.items()}))


def sized(blocks: int, position: int = 0, body: int = 0) -> Node:
    """A file whose body nobody opens."""
    size = blocks * BLOCK
    return Node(Kind.FILE, 0o644, size=size, chunks=(Chunk(0, size, body, position * BLOCK),) if blocks else ())


def plain_options(**changes: object) -> Options:
    return Options(**{"uuid": VOLUME, **changes})  # type: ignore[arg-type]


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(trees.roots(), st.sampled_from(Profile))
def test_nothing_lies_on_top_of_another(drawn: tuple[trees.Body, Node], profile: Profile) -> None:
    layout = plan(Tree(drawn[1], (Path("body"),)), plain_options(profile=profile))
    for one, other in itertools.pairwise(layout.used):
        assert one[1] < other[0]
    taken = [(block, block + len(data) // BLOCK) for block, data in layout.blobs]
    taken += [(copy.block, copy.block + copy.length) for copy in layout.copies]
    for one, other in itertools.pairwise(sorted([*taken, *layout.geometry.fixed])):
        assert one[1] <= other[0]
    assert layout.data == len(drawn[0].content)
    assert layout.free >= layout.size // 11
    assert layout.size % MIB == 0


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("blocks", [1, 1000, 32768, 100_000, 5_000_000])
def test_too_small_names_the_size_that_does(profile: Profile, blocks: int) -> None:
    tree = tree_of(f=sized(blocks))
    with pytest.raises(SpaceError) as caught:
        plan(tree, plain_options(profile=profile, size=blocks * BLOCK))
    assert caught.value.code == "ext4.too-small"
    least = int(caught.value.message.split()[-1])
    layout = plan(tree, plain_options(profile=profile, size=least))
    assert layout.size == least
    assert layout.data == blocks * BLOCK
    if least > 2 * MIB:
        with pytest.raises(SpaceError):
            plan(tree, plain_options(profile=profile, size=least - 2 * MIB))


@pytest.mark.parametrize("free", [0, 0.0, 0.5, 100 * MIB, 0.9])
def test_free_room_is_what_was_asked_for(free: float) -> None:
    layout = plan(tree_of(f=sized(50_000)), plain_options(free=free))
    wanted = free if isinstance(free, int) else free * layout.size
    assert wanted <= layout.free <= wanted + 40 * MIB


def test_inodes() -> None:
    tree = Tree(trees.directory({b"%d" % number: Node(Kind.FIFO, 0o600) for number in range(1000)}))
    assert plan(tree, plain_options()).geometry.inodes >= 1012 + 100
    assert 50_000 <= plan(tree, plain_options(inodes=50_000)).geometry.inodes < 50_200
    with pytest.raises(SpaceError):
        plan(tree, plain_options(inodes=50_000, size=10 * MIB))


def test_data_follows_the_bodies_in_few_runs() -> None:
    """Files in any order of names, two bodies, one block between them that nobody wants."""
    tree = tree_of(z=sized(2, 0), b=sized(1, 2), a=sized(3, 4), c=sized(2, 0, body=1))
    layout = plan(tree, plain_options())
    start = layout.copies[0].block
    assert layout.copies == (
        Copy(0, 0, start, 3), Copy(0, 4 * BLOCK, start + 3, 3), Copy(1, 0, start + 6, 2),
    )  # fmt: skip


def test_earlier_bodies_keep_their_places_when_later_ones_change() -> None:
    one = plan(tree_of(a=sized(100), b=sized(10, body=1)), plain_options(size=64 * MIB))
    other = plan(tree_of(a=sized(100), b=sized(700, body=1), c=sized(0)), plain_options(size=64 * MIB))
    assert one.copies[0] == other.copies[0]


def test_a_shared_body_range_is_copied_for_each_file() -> None:
    layout = plan(tree_of(a=sized(3), b=sized(3)), plain_options())
    assert layout.data == 6 * BLOCK


def wide_links() -> Tree:
    node = Node(Kind.FIFO, 0o600)
    return Tree(trees.directory({b"%d" % number: node for number in range(65_001)}))


def linked_directory() -> Tree:
    node = trees.directory()
    return tree_of(a=node, b=node)


@pytest.mark.parametrize(
    ("tree", "code", "where"),
    [
        (wide_links, "ext4.links", None),
        (linked_directory, "ext4.linked-directory", "/b"),
        (lambda: Tree(sized(0)), "ext4.root", "/"),
        (lambda: Tree(trees.directory({b"lost+found": sized(0)})), "ext4.lost+found", "/lost+found"),
        (lambda: Tree(trees.directory({b"n" * 256: sized(0)})), "ext4.name", "/" + "n" * 256),
        (lambda: tree_of(d=trees.directory({b"..": sized(0)})), "ext4.name", "/d/.."),
        (lambda: tree_of(f=Node(Kind.FIFO, 0, uid=2**32 - 1)), "ext4.owner", "/f"),
        (lambda: tree_of(f=Node(Kind.FILE, 0, size=2**44)), "ext4.file-too-large", "/f"),
        (lambda: tree_of(f=Node(Kind.SYMLINK, 0, target=b"t" * 4096)), "ext4.target", "/f"),
        (lambda: tree_of(f=Node(Kind.SYMLINK, 0)), "ext4.target", "/f"),
        (lambda: tree_of(f=Node(Kind.BLOCK, 0, device=(4096, 0))), "ext4.device", "/f"),
        (lambda: tree_of(f=Node(Kind.FILE, 0, size=1, chunks=(Chunk(0, 2, 0, 0),))), "ext4.chunks", "/f"),
        (lambda: tree_of(f=Node(Kind.FILE, 0, size=1, chunks=(Chunk(0, 1, 0, 5),))), "ext4.chunks", "/f"),
        (lambda: tree_of(f=Node(Kind.FIFO, 0, xattrs=((b"user.a", bytes(9999)),))), "ext4.xattr-too-large", "/f"),
    ],
)
def test_what_ext4_cannot_hold_is_refused_by_path(tree: Callable[[], Tree], code: str, where: str | None) -> None:
    with pytest.raises(RefusedError) as caught:
        plan(tree(), plain_options())
    assert caught.value.code == code
    assert where is None or caught.value.where == where
    assert caught.value.hint


def test_a_lost_and_found_of_the_tree_is_kept() -> None:
    tree = Tree(trees.directory({b"lost+found": trees.directory({b"f": sized(0)}, 0o711)}))
    layout = plan(tree, plain_options())
    found = {inode.number: inode for inode in layout.inodes}
    assert sorted(found) == [2, 8, 11, 12]
    assert (found[11].mode & 0o7777, found[11].size) == (0o711, 4 * BLOCK)
    assert tree.root.children.keys() == {b"lost+found"}


def test_attributes_linux_cannot_keep_are_left_out_and_said(tmp_path: Path) -> None:
    class Notes(Quiet):
        def __init__(self) -> None:
            self.notes: list[str] = []

        def note(self, message: str) -> None:
            self.notes.append(message)

    tree = tree_of(f=Node(Kind.FIFO, 0o600, xattrs=((b"com.apple.provenance", b"x"), (b"user.kept", b"y"))))
    layout = plan(tree, plain_options())
    assert layout.left_out == ("/f: com.apple.provenance",)
    notes = Notes()
    with (tmp_path / "image").open("wb") as file:
        write(tree, layout, file, notes)
    assert len(notes.notes) == 1
    assert "com.apple.provenance" in notes.notes[0]


def test_written_bytes(tmp_path: Path) -> None:
    body = trees.Body()
    tree = body.tree(trees.directory({b"f": body.file(b"content")}), tmp_path / "body")
    layout = plan(tree, plain_options(label="root", time=1_700_000_000, size=9 * MIB + 17))
    image = tmp_path / "image"
    image.write_bytes(b"\xff" * 20 * MIB)
    with image.open("r+b") as file:
        write(tree, layout, file)
    content = image.read_bytes()
    assert len(content) == 9 * MIB + 17
    superblock = content[1024:2048]
    assert superblock[0x38:0x3A] == b"\x53\xef"
    assert superblock[0x68:0x78] == VOLUME.bytes
    assert superblock[0x78:0x88] == b"root".ljust(16, b"\0")
    assert int.from_bytes(superblock[0x3FC:], "little") == checksum.plain(superblock[:0x3FC])
    assert content[layout.copies[0].block * BLOCK :].startswith(b"content".ljust(BLOCK, b"\0"))
    assert image.stat().st_blocks * 512 < MIB
    assert str(layout).startswith("ext4 (full) of 9437201 bytes: 2304 blocks in 1 groups, 4 of ")


def test_a_body_may_lack_its_last_zeros_but_no_more(tmp_path: Path) -> None:
    tree = Tree(trees.directory({b"f": sized(3)}), (tmp_path / "body",))
    layout = plan(tree, plain_options())
    (tmp_path / "body").write_bytes(b"x" * (2 * BLOCK + 1))
    with (tmp_path / "image").open("wb") as file:
        write(tree, layout, file)
    (tmp_path / "body").write_bytes(b"x" * 2 * BLOCK)
    with (tmp_path / "image").open("wb") as file, pytest.raises(IntegrityError) as caught:
        write(tree, layout, file)
    assert caught.value.code == "volume.body"


def test_it_needs_a_real_file() -> None:
    tree = tree_of()
    with pytest.raises(io.UnsupportedOperation):
        write(tree, plan(tree, plain_options()), io.BytesIO())
