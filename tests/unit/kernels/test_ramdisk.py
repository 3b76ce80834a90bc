from __future__ import annotations

import gzip
import stat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootworthy.errors import BuildError
from bootworthy.filesystems.cpio import CpioEntry, character, directory, file, symlink, write
from bootworthy.filesystems.cpio.newc import Header, trailer
from bootworthy.kernels.compression import Compression
from bootworthy.kernels.ramdisk import Unpacked, unpack
from bootworthy.layers.node import Kind
from tests.made_kernels import COMPRESSORS

MICROCODE = [directory(b"kernel"), directory(b"kernel/x86"), file(b"kernel/x86/GenuineIntel.bin", b"microcode")]
SYSTEM = [directory(b"bin"), file(b"bin/sh", b"shell", 0o755), symlink(b"sh", b"bin/sh"), file(b"init", b"#!", 0o755)]


def text(unpacked: Unpacked, path: bytes) -> bytes | None:
    node = unpacked.tree.find(path)
    return None if node is None else unpacked.span(node, 0, node.size)


def names(unpacked: Unpacked) -> list[bytes]:
    return [path for path, _ in unpacked.tree.walk() if path]


def members(*given: tuple[bytes, int, int, bytes]) -> bytes:
    """An archive of files: name, inode, how many names, content."""
    data = b""
    for name, number, links, content in given:
        data += Header(number, stat.S_IFREG | 0o644, 0, 0, links, 0, len(content)).pack(name) + content
        data += bytes(-len(data) % 4)
    return data + trailer(len(data))


def test_a_kernel_has_two_folders_and_a_console_of_its_own() -> None:
    unpacked = unpack(b"")
    assert names(unpacked) == [b"dev", b"dev/console", b"root"]
    console = unpacked.tree.find(b"dev/console")
    assert console is not None
    assert (console.kind, console.device) == (Kind.CHARACTER, (5, 1))


@pytest.mark.parametrize("compression", COMPRESSORS)
def test_every_compressor_is_undone(compression: Compression) -> None:
    unpacked = unpack(COMPRESSORS[compression](write(SYSTEM)))
    assert text(unpacked, b"sh") == b"shell"
    assert unpacked.compressions == (compression,)


def test_archives_follow_each_other() -> None:
    early = write(MICROCODE)
    packed = gzip.compress(write(SYSTEM) + bytes(12) + write([file(b"last", b"of the first")]))
    padding = bytes(-len(early + packed) % 4 + 8)
    unpacked = unpack(early + packed + padding + write([file(b"init", b"another"), character(b"dev/null", 1, 3)]))
    assert text(unpacked, b"kernel/x86/GenuineIntel.bin") == b"microcode"
    assert text(unpacked, b"last") == b"of the first"
    assert text(unpacked, b"init") == b"another"
    assert unpacked.compressions == (Compression.GZIP,)


def test_what_comes_later_replaces_what_is_there() -> None:
    made = [
        file(b"a", b"file"), symlink(b"a", b"b"), file(b"b", b"content"), directory(b"d"), file(b"d/x", b""),
        file(b"d", b"not over a folder with something in it"), symlink(b"d", b"a"), directory(b"d", 0o700),
        directory(b"e"), file(b"e", b"over an empty one"), file(b"no/folder", b""), CpioEntry(b"odd", 0o644),
        file(b"./dots//f", b""), directory(b"."), file(b"b", b"new"),
    ]  # fmt: skip
    unpacked = unpack(write(made))
    assert names(unpacked) == [b"a", b"b", b"d", b"d/x", b"dev", b"dev/console", b"e", b"root"]
    assert (text(unpacked, b"a"), text(unpacked, b"e")) == (b"new", b"over an empty one")
    folder = unpacked.tree.find(b"d")
    assert folder is not None
    assert folder.mode == 0o700


@pytest.mark.parametrize("content", [0, 1, 2])
def test_a_file_of_several_names_has_its_content_at_any_of_them(content: int) -> None:
    """GNU cpio writes it at the last, others at the first, or at each."""
    given = [(name, 7, 3, b"content" if number == content else b"") for number, name in enumerate([b"x", b"y", b"z"])]
    unpacked = unpack(members(*given))
    assert {text(unpacked, name) for name in (b"x", b"y", b"z")} == {b"content"}
    assert unpacked.tree.find(b"x") is unpacked.tree.find(b"z")


def test_inodes_are_those_of_one_archive() -> None:
    one = members((b"x", 7, 2, b"x"))
    unpacked = unpack(one + members((b"y", 7, 2, b"y")))
    assert (text(unpacked, b"x"), text(unpacked, b"y")) == (b"x", b"y")


BOMB = gzip.compress(write([file(b"zeros", bytes(100_000))]))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"no disk", "is no initial RAM disk"),
        (b"070707" + bytes(100), "it must be made with `cpio -H newc`"),
        (write(SYSTEM) + b"rest", "holds something else from byte"),
        (b"\0" + write(SYSTEM), "does not begin on a multiple of 4"),
        (gzip.compress(b"no archive", mtime=0), "no member begins"),
        (gzip.compress(bytes(2) + write(SYSTEM), mtime=0), "no multiple of 4"),
        (gzip.compress(write(SYSTEM), mtime=0)[:-9], "cut off"),
        (gzip.compress(write(SYSTEM).rstrip(b"\0")[:-50], mtime=0), "cut off in a header"),
        (write(SYSTEM).rstrip(b"\0")[:-50], "cut off in a header"),
        (write([file(b"a/../b", b"")]), "`..`"),
        (BOMB, "more than the 50000 bytes"),
        (gzip.compress(write([]), mtime=0) * 100, "more than 64 compressed parts"),
        (b"\x89LZO\0\r\n\x1a\n", "LZO"),
    ],
)
def test_what_is_no_disk_is_said(data: bytes, message: str) -> None:
    with pytest.raises(BuildError) as caught:
        unpack(data, limit=50_000)
    assert message in caught.value.message


def test_parts_share_the_limit() -> None:
    one = gzip.compress(write([file(b"zeros", bytes(30_000))]))
    unpack(one, limit=50_000)
    with pytest.raises(BuildError, match="more than the"):
        unpack(one * 2, limit=50_000)


@settings(max_examples=300)
@given(st.data())
def test_mangled_disks_end_in_an_error_or_are_read(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from([write(MICROCODE) + gzip.compress(write(SYSTEM), mtime=0), write(SYSTEM), BOMB]))
    mangled = bytearray(whole)
    for _ in range(data.draw(st.integers(0, 6))):
        mangled[data.draw(st.integers(0, len(mangled) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(mangled[data.draw(st.integers(0, 8)) : data.draw(st.integers(0, len(mangled)))])
    try:
        unpacked = unpack(cut, limit=200_000)
    except BuildError as error:
        code = error.code
    else:
        code = ""
        for _, node in unpacked.tree.walk():
            assert len(unpacked.span(node, 0, node.size)) == node.size
    assert code in {"", "cpio.unreadable", "kernel.unreadable", "kernel.lzo"}
