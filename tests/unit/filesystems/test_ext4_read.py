"""What we write as ext4 is read back, and what is mangled is refused or read, never anything else."""

from __future__ import annotations

import contextlib
import re
import struct
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bootworthy.errors import IntegrityError, NotFoundError
from bootworthy.filesystems.ext4 import checksum
from bootworthy.filesystems.ext4.options import Profile
from bootworthy.filesystems.ext4.read import is_one, read
from bootworthy.layers.node import BLOCK, Kind, Node, Tree
from tests import trees
from tests.same_trees import same
from tests.small_volumes import make, small, sound, whole
from tests.torn_volumes import TEARS, Tear

often = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@often
@given(drawn=trees.roots(), profile=st.sampled_from(Profile))
def test_what_went_in_comes_out(drawn: tuple[trees.Body, Node], profile: Profile) -> None:
    body, root = drawn
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tree = body.tree(root, folder / "body")
        same(tree, read(make(tree, folder / "image", profile, label="test", time=10**9)))


@pytest.mark.parametrize("profile", Profile)
def test_a_bit_of_everything_comes_out(tmp_path: Path, profile: Profile) -> None:
    tree = small(tmp_path)
    found = read(make(tree, tmp_path / "image", profile))
    same(tree, found)
    assert found.bodies == (tmp_path / "image",)


@pytest.mark.parametrize("count", [300, 20_000])
def test_large_directories_are_read_as_lists(tmp_path: Path, count: int) -> None:
    tree = Tree(trees.directory({b"%d" % number: Node(Kind.FIFO, 0o600) for number in range(count)}))
    same(tree, read(make(tree, tmp_path / "image")))


def test_what_we_read_we_write_again_to_the_same_bytes(tmp_path: Path) -> None:
    first = make(small(tmp_path), tmp_path / "first")
    assert make(read(first), tmp_path / "second").read_bytes() == first.read_bytes()


def test_a_name_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    image = make(Tree(trees.directory({b"lost+fount": trees.directory()})), tmp_path / "image", Profile.LEAN)
    image.write_bytes(image.read_bytes().replace(b"lost+fount", b"lost+found"))
    assert refused(image) == "a name is there twice: lost+found"


def refused(image: Path) -> str:
    with pytest.raises(IntegrityError) as error:
        read(image)
    assert (error.value.code, error.value.where) == ("ext4.unreadable", str(image))
    assert error.value.hint
    return error.value.message


@pytest.mark.parametrize("content", [b"", b"no volume", bytes(4096), b"\x53\xef" * 4096, b"\xff" * 8192])
def test_what_is_no_volume_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "image").write_bytes(content)
    assert refused(tmp_path / "image")


def test_no_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as error:
        read(tmp_path / "image")
    assert error.value.code == "ext4.no-file"


def test_a_volume_is_told_by_its_magic(tmp_path: Path) -> None:
    with make(Tree(trees.directory()), tmp_path / "image").open("rb") as file:
        assert is_one(file.read(2048))
    assert not is_one(b"\x7fELF".ljust(2048))


@pytest.mark.parametrize("length", [2048, 40960])
def test_a_volume_that_is_cut_off_is_refused(tmp_path: Path, length: int) -> None:
    image = make(small(tmp_path), tmp_path / "image")
    image.write_bytes(image.read_bytes()[:length])
    assert "cut off" in refused(image)


def put(image: Path, at: int, form: str, value: int) -> None:
    """Change the superblock, and seal it again."""
    raw = bytearray(image.read_bytes()[1024:2048])
    struct.pack_into("<" + form, raw, at, value)
    struct.pack_into("<I", raw, 0x3FC, checksum.plain(bytes(raw[:0x3FC])))
    with image.open("r+b") as file:
        file.seek(1024)
        file.write(raw)


@pytest.mark.parametrize(
    ("at", "form", "value", "said"),
    [
        (0x60, "I", 0x2C6, "not unmounted"),
        (0x60, "I", 0x10002C2, "features that we do not read: 0x1000000"),
        (0x60, "I", 0x2C3, "features that we do not read: 0x1 "),
        (0x18, "I", 9, "blocks of 524288 bytes"),
        (0x18, "I", 2**32 - 1, "blocks of"),
        (0x150, "I", 1, "cut off"),
        (0x20, "I", 0, "cannot be"),
        (0x28, "I", 0, "cannot be"),
        (0x28, "I", 2**32 - 1, "cannot be"),
        (0x58, "H", 0, "cannot be"),
        (0x58, "H", 384, "cannot be"),
        (0xFE, "H", 0, "cannot be"),
        (0x14, "I", 1, "cannot be"),
    ],
)
def test_superblocks_that_cannot_be(tmp_path: Path, at: int, form: str, value: int, said: str) -> None:
    image = make(Tree(trees.directory()), tmp_path / "image")
    put(image, at, form, value)
    assert said in refused(image)


def test_every_checksum_is_looked_at(tmp_path: Path) -> None:
    """Each kind of metadata says of itself that it is damaged, in the words for its kind."""
    body = trees.Body()
    pieces = [(number * 2 * BLOCK, b"x") for number in range(5)]
    root = trees.directory({b"f": body.sparse(pieces, 10 * BLOCK, xattrs=((b"user.large", b"v" * 2000),))})
    image = make(body.tree(root, tmp_path / "body"), tmp_path / "image")
    data, said = image.read_bytes(), set()
    for block in range(len(data) // BLOCK):
        if any(data[block * BLOCK : block * BLOCK + BLOCK]):
            for at in (12, 264, 1030, 2056):  # the root is the second inode of its block, and the file the twelfth
                torn = bytearray(data)
                torn[block * BLOCK + at] ^= 0x80
                image.write_bytes(torn)
                with contextlib.suppress(IntegrityError):
                    read(image)
                    continue
                said.add(re.sub(r" \d+", "", refused(image)))
    assert said == {
        f"the checksum of {what} is wrong"
        for what in (
            "its superblock", "block group", "inode", "a block of directory", "an extent block of inode",
            "the attributes of inode",
        )
    }  # fmt: skip


@given(tear=TEARS, profile=st.sampled_from(Profile))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_torn_is_refused_or_sound(tear: Tear, profile: Profile) -> None:
    with tempfile.TemporaryDirectory() as name:
        image = Path(name) / "image"
        image.write_bytes(tear.apply(whole(profile)))
        try:
            tree = read(image)
        except IntegrityError as error:
            assert error.code == "ext4.unreadable"  # noqa: PT017  (it need not be raised)
        else:
            sound(tree, image.stat().st_size)
