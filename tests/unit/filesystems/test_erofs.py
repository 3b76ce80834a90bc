from __future__ import annotations

import struct
import uuid
from pathlib import Path

import google_crc32c
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.errors import HostError, IntegrityError, RefusedError, UsageError
from bootworthy.filesystems import erofs
from bootworthy.filesystems.erofs import chunks, compressed, directory
from bootworthy.filesystems.erofs.directory import Entry
from bootworthy.filesystems.erofs.inode import SIZE, Inode
from bootworthy.filesystems.erofs.plan import Options, Plan, plan
from bootworthy.filesystems.erofs.superblock import Device, Superblock, head
from bootworthy.filesystems.writer import VolumeOptions, filesystem
from bootworthy.host.progress import QUIET
from bootworthy.host.tools import Tool
from bootworthy.layers.node import BLOCK, Chunk, Kind, Node, Tree
from tests import trees

VOLUME = uuid.UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")


def planned(root: Node, *, layered: bool = False, sizes: tuple[int, ...] = (1 << 40,)) -> Plan:
    tree = Tree(root, tuple(Path(f"{number:064x}.body") for number in range(len(sizes))))
    return plan(tree, Options(uuid=VOLUME, layered=layered), sizes)


def one(node: Node, name: bytes = b"f", **options: object) -> Inode:
    return planned(trees.directory({name: node}), **options).inodes[1]  # type: ignore[arg-type]


def test_superblock() -> None:
    block = Superblock(
        uuid=VOLUME, label="root", time=7, root=3, inodes=5, blocks=9, metadata=2, chunked=True,
        devices=(Device("ab" * 32, 11, 9),),
    ).pack()  # fmt: skip
    assert len(block) == BLOCK
    magic, checksum, compatible, bits, slots, root, inodes, time = struct.unpack_from("<IIIBBHQQ", block, 1024)
    assert (magic, compatible, bits, slots, root, inodes, time) == (0xE0F5E1E2, 3, 12, 0, 3, 5, 7)
    zeroed = block[1024:1028] + bytes(4) + block[1032:]
    assert checksum == google_crc32c.value(zeroed) ^ 0xFFFFFFFF
    assert struct.unpack_from("<III", block, 1024 + 0x24) == (9, 2, 0)
    assert block[1024 + 0x30 : 1024 + 0x50] == VOLUME.bytes + b"root".ljust(16, b"\0")
    assert struct.unpack_from("<IHHH", block, 1024 + 0x50) == (12, 0, 1, 9)
    assert block[9 * 128 : 9 * 128 + 72] == b"ab" * 32 + struct.pack("<II", 11, 9)
    assert [head(count) for count in (0, 23, 24, 56)] == [1, 1, 2, 3]


names = st.sets(st.binary(min_size=1, max_size=255).filter(lambda name: b"\0" not in name), max_size=200)


@given(names)
def test_directories_are_read_as_the_kernel_reads_them(found: set[bytes]) -> None:
    entries = [Entry(name, number, Kind.FILE) for number, name in enumerate(sorted(found))]
    packed = directory.pack(entries)
    assert len(packed) == directory.measure(sorted(found))
    read = []
    for start in range(0, len(packed), BLOCK):
        block = packed[start : start + BLOCK]
        count = struct.unpack_from("<H", block, 8)[0] // 12
        fields = [struct.unpack_from("<QHBx", block, 12 * number) for number in range(count)]
        ends = [field[1] for field in fields[1:]] + [len(block)]
        for (nid, offset, kind), end in zip(fields, ends, strict=True):
            assert kind == 1
            read.append((block[offset:end].rstrip(b"\0"), nid))
    assert read == [(entry.name, entry.nid) for entry in entries]


pieces = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 40 * BLOCK)), min_size=1, max_size=6)


def sparse(found: list[tuple[int, int]], more: int) -> Node:
    runs, end, position = [], 0, 0
    for gap, length in found:
        offset = end + gap * BLOCK
        runs.append(Chunk(offset, length, 0, position))
        end, position = offset + length + -length % BLOCK, position + length + -length % BLOCK
    last = runs[-1]
    return Node(Kind.FILE, 0o644, size=last.offset + last.length + more, chunks=tuple(runs))


@given(pieces, st.integers(0, 300 * BLOCK), st.booleans())
def test_every_block_of_a_file_is_where_its_chunks_say(found: list[tuple[int, int]], more: int, layered: bool) -> None:
    node = sparse(found, more)
    made = planned(trees.directory({b"f": node}), layered=layered)
    inode = made.inodes[1]
    origin = {
        (run.target + step) // BLOCK: run.position + step for run in made.copies for step in range(0, run.length, BLOCK)
    }
    wanted = {
        (chunk.offset + step) // BLOCK: chunk.position + step
        for chunk in node.chunks
        for step in range(0, chunk.length, BLOCK)
    }
    places = {place.chunk: place for place in inode.places}
    for block in range(-(-node.size // BLOCK)):
        number, inside = divmod(block, 1 << inode.bits)
        place = places.get(number)
        if inode.layout == 0:
            read = origin.get(inode.start + block)
        elif place is None:
            read = None
        else:
            read = (place.block + inside) * BLOCK if place.device else origin.get(place.block + inside)
        assert read == wanted.get(block)


@given(pieces, st.integers(0, 300 * BLOCK))
def test_no_chunk_costs_less_than_the_cheapest(found: list[tuple[int, int]], more: int) -> None:
    node = sparse(found, more)
    every = -(-node.size // BLOCK)

    def cost(bits: int) -> int:
        data = sum(min(1 << bits, every - (number << bits)) for number in chunks.touched(node, bits))
        return 4 * -(-every >> bits) + BLOCK * data

    assert cost(chunks.cheapest(node)) == min(cost(bits) for bits in range(chunks.widest(node.size) + 1))


def test_files_are_flat_or_in_chunks() -> None:
    whole = one(Node(Kind.FILE, 0o644, size=5 * BLOCK, chunks=(Chunk(0, 5 * BLOCK, 0, 0),)))
    assert (whole.layout, whole.start, whole.places) == (0, 1, [])
    pointed = one(Node(Kind.FILE, 0o644, size=5 * BLOCK, chunks=(Chunk(0, 5 * BLOCK, 0, 8 * BLOCK),)), layered=True)
    assert (pointed.layout, pointed.bits, pointed.places) == (4, 3, [(0, 1, 8)])
    hole = one(Node(Kind.FILE, 0o644, size=2**40))
    assert (hole.layout, hole.chunks, hole.places) == (4, 1024, [])
    empty = one(Node(Kind.FILE, 0o644))
    assert (empty.layout, empty.blocks, empty.head) == (0, 0, SIZE)


def test_a_long_list_of_chunks_is_not_pointed_to_but_copied() -> None:
    node = Node(Kind.FILE, 0o644, size=2**40, chunks=(Chunk(BLOCK, 1, 0, 0), Chunk(2**40 - BLOCK, 1, 0, BLOCK)))
    made = planned(trees.directory({b"f": node}), layered=True)
    assert {place.device for place in made.inodes[1].places} == {0}
    assert made.size < 2**30
    assert len(made.copies) == 2


def test_earlier_bodies_keep_their_place_when_later_ones_change() -> None:
    def made(second: int) -> tuple[int, int]:
        low = Node(Kind.FILE, 0o644, size=3 * BLOCK, chunks=(Chunk(0, 3 * BLOCK, 0, 0),))
        high = Node(Kind.FILE, 0o644, size=second, chunks=(Chunk(0, second, 1, 0),))
        made = planned(trees.directory({b"z": low, b"a": high, b"more": trees.directory()}), sizes=(1 << 30, 1 << 30))
        found = {inode.node: inode.start for inode in made.inodes}
        return found[low], found[high]

    assert made(5) == made(50 * BLOCK) == (1, 4)


def test_devices_follow_one_another_and_unused_bodies_are_none() -> None:
    first = Node(Kind.FILE, 0o644, size=5, chunks=(Chunk(0, 5, 0, 0),))
    third = Node(Kind.FILE, 0o644, size=5, chunks=(Chunk(0, 5, 2, BLOCK),))
    made = planned(trees.directory({b"a": first, b"b": third}), layered=True, sizes=(BLOCK, BLOCK, 2 * BLOCK))
    assert made.bodies == (0, 2)
    assert made.devices == (Device(f"{0:064x}", 1, made.blocks), Device(f"{2:064x}", 2, made.blocks + 1))
    assert made.copies == ()


def test_a_body_that_is_cut_off_is_no_device() -> None:
    node = Node(Kind.FILE, 0o644, size=5, chunks=(Chunk(0, 5, 0, BLOCK),))
    with pytest.raises(IntegrityError) as caught:
        planned(trees.directory({b"a": node}), layered=True, sizes=(BLOCK,))
    assert caught.value.code == "volume.body"


@given(st.lists(st.integers(1, 4095), max_size=60), st.lists(st.integers(0, 3000), max_size=60))
def test_no_tail_crosses_into_another_block(targets: list[int], values: list[int]) -> None:
    children = {
        b"%d" % number: Node(
            Kind.SYMLINK, 0o777, target=b"t" * size,
            xattrs=((b"trusted.t", b"v" * values[number % len(values)]),) if values else (),
        )
        for number, size in enumerate(targets)
    }  # fmt: skip
    end = 0
    for inode in planned(trees.directory(children)).inodes:
        assert inode.nid * 32 >= end
        end = inode.nid * 32 + inode.head
        assert not inode.tail or end // BLOCK == (end + inode.tail - 1) // BLOCK
        end += inode.tail


@pytest.mark.parametrize(
    ("code", "node"),
    [
        ("erofs.owner", Node(Kind.FILE, 0, uid=2**32 - 1)),
        ("erofs.target", Node(Kind.SYMLINK, 0o777)),
        ("erofs.target", Node(Kind.SYMLINK, 0o777, target=b"t" * 4096)),
        ("erofs.target", Node(Kind.SYMLINK, 0o777, target=b"a\0b")),
        ("erofs.device", Node(Kind.BLOCK, 0, device=(4096, 0))),
        ("erofs.file-too-large", Node(Kind.FILE, 0, size=2**44 + 1)),
        ("erofs.chunks", Node(Kind.FILE, 0, size=1, chunks=(Chunk(0, 2, 0, 0),))),
        ("erofs.chunks", Node(Kind.FILE, 0, size=9, chunks=(Chunk(0, 2, 0, 5),))),
        ("erofs.xattr-too-large", Node(Kind.FILE, 0, xattrs=((b"user.a", bytes(65536)),))),
        ("erofs.xattr-too-large", Node(Kind.FILE, 0, xattrs=tuple((b"user.%d" % n, bytes(60000)) for n in range(5)))),
        ("erofs.xattr-name", Node(Kind.FILE, 0, xattrs=((b"user." + b"n" * 256, b""),))),
        ("erofs.acl", Node(Kind.FILE, 0, xattrs=((b"system.posix_acl_access", b"\1\0\0\0"),))),
    ],
)
def test_what_erofs_cannot_hold_is_refused_with_its_path(code: str, node: Node) -> None:
    with pytest.raises(RefusedError) as caught:
        planned(trees.directory({b"d": trees.directory({b"bad": node})}))
    assert (caught.value.code, caught.value.where) == (code, "/d/bad")


@pytest.mark.parametrize("name", [b"", b".", b"..", b"n" * 256, b"a\0b", b"a/b"])
def test_names_that_are_none(name: bytes) -> None:
    with pytest.raises(RefusedError) as caught:
        one(Node(Kind.FILE, 0o644), name)
    assert caught.value.code == "erofs.name"


def test_attributes_that_linux_has_no_place_for_are_named() -> None:
    made = planned(trees.directory({b"f": Node(Kind.FILE, 0, xattrs=((b"com.apple.quarantine", b"1"),))}))
    assert made.left_out == ("/f: com.apple.quarantine",)
    assert made.inodes[1].xattrs == b""


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"size": 1}, "erofs.option"), ({"free": 0.1}, "erofs.option"), ({"inodes": 9}, "erofs.option"),
        ({"label": "sixteen bytes!!!"}, "erofs.label"), ({"profile": "layerd"}, "erofs.profile"),
    ],
)  # fmt: skip
def test_options_that_mean_nothing(options: dict[str, object], code: str) -> None:
    with pytest.raises(UsageError) as caught:
        filesystem("erofs").prepare(Tree(trees.directory()), VolumeOptions(**options), uuid=VOLUME, time=0)  # type: ignore[arg-type]
    assert caught.value.code == code
    assert caught.value.hint


@pytest.mark.parametrize("profile", [erofs.FLAT, erofs.LAYERED])
def test_same_bytes(profile: str, tmp_path: Path) -> None:
    body = trees.Body()
    root = trees.directory({b"f": body.file(b"1" * 5000), b"s": body.sparse([(BLOCK * 9, b"x")], BLOCK * 20)})
    tree = body.tree(root, tmp_path / "body")
    written = []
    for number in range(2):
        prepared = erofs.FILESYSTEM.prepare(tree, VolumeOptions(profile=profile), uuid=VOLUME, time=1)
        with (tmp_path / str(number)).open("w+b") as file:
            file.write(b"what was here before" * 5000 * number)
            prepared.write(file, QUIET)
        written.append((tmp_path / str(number)).read_bytes())
    assert written[0] == written[1]
    assert b"1" * 5000 in written[0] or profile == erofs.LAYERED


def fake(folder: Path, monkeypatch: pytest.MonkeyPatch, version: str, compressors: str) -> None:
    """A mkfs.erofs that says what it is, and writes down how it is called."""
    program = folder / "mkfs.erofs"
    program.write_text(
        f"#!/bin/sh\nfor each; do last=$each; done\ncase $1 in\n-V) echo 'mkfs.erofs (erofs-utils) {version}' ;;\n"
        f"--help) echo 'Available compressors are: {compressors}' ;;\n"
        f'*) echo "$@" >{folder}/argv; cat >"$last" ;;\nesac\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    monkeypatch.setattr(compressed, "MKFS", Tool("mkfs.erofs", "erofs-utils", "test"))


def test_compressed_erofs_says_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = Tree(trees.directory())
    for version, code in (("1.5", "erofs.tool-too-old"), ("1.8.6", "erofs.no-compressor")):
        fake(tmp_path, monkeypatch, version, "lz4, lz4hc")
        with pytest.raises(HostError) as caught:
            erofs.FILESYSTEM.prepare(tree, VolumeOptions(profile="zstd"), uuid=VOLUME, time=0)
        assert caught.value.code == code
    for code, node in (
        ("erofs.device", Node(Kind.CHARACTER, 0o600, device=(1, 2**19))),
        ("erofs.xattr-too-large", Node(Kind.FILE, 0o600, xattrs=((b"user.a", bytes(30_000)),))),
        ("erofs.xattr-name", Node(Kind.FILE, 0o600, xattrs=((b"user.a=b", b""),))),
        ("erofs.time", Node(Kind.FILE, 0o600, mtime=-1)),
    ):
        with pytest.raises(RefusedError) as refused:
            erofs.FILESYSTEM.prepare(
                Tree(trees.directory({b"bad": node})), VolumeOptions(profile="lz4"), uuid=VOLUME, time=0
            )
        assert (refused.value.code, refused.value.where) == (code, "/bad")


def test_compressed_erofs_gets_a_tar_and_every_fixed_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(tmp_path, monkeypatch, "1.8.6", "lz4, lz4hc, zstd")
    root = trees.directory({b"s": Node(Kind.SOCKET, 0o755), b"f": Node(Kind.FIFO, 0o600, xattrs=((b"com.x", b"1"),))})
    options = VolumeOptions(profile="zstd", label="root")
    prepared = erofs.FILESYSTEM.prepare(Tree(root), options, uuid=VOLUME, time=77)
    with (tmp_path / "out").open("w+b") as file:
        prepared.write(file, QUIET)
    argv = (tmp_path / "argv").read_text().split()
    assert argv[:-1] == ["--tar=f", "-zzstd,9", "-C65536", "-T77", "--mkfs-time", f"-U{VOLUME}", "-Lroot", "--quiet"]
    assert (tmp_path / "out").read_bytes()[:2] == b"./"
    assert prepared.planned.size == (tmp_path / "out").stat().st_size
    assert prepared.planned.facts["left-out-sockets"] == ["/s"]
    assert prepared.planned.facts["left-out-xattrs"] == ["/f: com.x"]
    assert b"com.x" not in (tmp_path / "out").read_bytes()
