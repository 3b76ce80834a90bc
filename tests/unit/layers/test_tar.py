import contextlib
import io
import tarfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bootworthy.errors import BootworthyError, IntegrityError, InternalError
from bootworthy.layers import pax, tar
from bootworthy.layers.node import Kind
from bootworthy.layers.stream import Stream
from tests.made_layers import members, tarred
from tests.tars import END, block, extended, padded

FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}


def bad(data: bytes) -> str:
    with pytest.raises(IntegrityError) as caught:
        members(data)
    assert caught.value.code == "layer.bad-tar"
    assert "at byte " in caught.value.message
    return caught.value.message


NAME = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=30).filter(
    lambda name: name not in {".", ".."} and len(name.encode()) <= 90
)
PATH = st.lists(NAME, min_size=1, max_size=6).map("/".join)


@st.composite
def infos(draw: st.DrawFn) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(draw(PATH))
    info.type = draw(
        st.sampled_from(
            [tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE]
        )
    )
    info.mode = draw(st.integers(0, 0o7777))
    info.uid, info.gid = draw(st.integers(0, 2**21 - 1)), draw(st.integers(0, 2**21 - 1))
    info.mtime = draw(st.integers(0, 2**33 - 1))
    if info.type in {tarfile.SYMTYPE, tarfile.LNKTYPE}:
        info.linkname = draw(PATH)
    if info.type == tarfile.CHRTYPE:
        info.devmajor, info.devminor = draw(st.integers(0, 4095)), draw(st.integers(0, 2**20))
    content = draw(st.binary(max_size=2000)) if info.type == tarfile.REGTYPE else b""
    return info, content


@pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
@given(made=st.lists(infos(), max_size=6), piece=st.sampled_from([1, 100, 512, 1000, 1 << 20]))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_the_standard_library_writes_is_read_as_it_reads_it(
    form: int, made: list[tuple[tarfile.TarInfo, bytes]], piece: int
) -> None:
    try:
        data = tarred(made, form)
    except ValueError:  # a name that this format cannot hold
        return
    stream = Stream(data[at : at + piece] for at in range(0, len(data), piece))
    found = []
    for entry in tar.read(stream):
        content = b"".join(map(bytes, stream.views(entry.stored, "test")))
        found.append((entry, content))
    assert len(found) == len(made)
    for (entry, content), (info, wanted) in zip(found, made, strict=True):
        assert entry.path == info.name.encode()
        assert (entry.mode, entry.uid, entry.gid) == (info.mode, info.uid, info.gid)
        assert entry.mtime == info.mtime * 10**9
        assert content == wanted
        assert entry.target == info.linkname.encode()
        assert entry.hardlink == info.islnk()
        assert entry.device == ((info.devmajor, info.devminor) if info.ischr() else (0, 0))


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_flipped_bytes_give_our_errors_only(data: st.DataObject) -> None:
    whole = bytearray(INTRICATE)
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)))
    with contextlib.suppress(BootworthyError):
        members(bytes(whole[:cut]), 1000)


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_nonsense_with_a_right_checksum_gives_our_errors_only(data: st.DataObject) -> None:
    header = bytearray(block(flag=data.draw(st.sampled_from([b"0", b"S", b"x", b"L", b"5", b"g", b"D", b"3"]))))
    for _ in range(data.draw(st.integers(1, 8))):
        header[data.draw(st.integers(0, 511))] = data.draw(st.integers(0, 255))
    header[148:156] = b"%06o\0 " % (sum(header) - sum(header[148:156]) + 256)
    content = data.draw(st.binary(max_size=600))
    with contextlib.suppress(BootworthyError):
        members(bytes(header) + padded(content) + block() + END)


def test_v7() -> None:
    data = block(b"dir/", flag=b"\0", magic=b"") + block(b"f", size=b"3", flag=b"\0", magic=b"") + padded(b"abc")
    directory, file = members(data + END)
    assert (directory.path, directory.kind) == (b"dir", Kind.DIRECTORY)
    assert (file.path, file.kind, file.size, file.data) == (b"f", Kind.FILE, 3, 1024)
    (link,) = members(block(b"l", flag=b"1", target=b"f", magic=b"", prefix=b"not a prefix") + END)
    assert (link.path, link.hardlink, link.target) == (b"l", True, b"f")


def test_the_ustar_prefix_comes_before_the_name_and_gnu_has_none() -> None:
    assert members(block(b"name", prefix=b"a/b") + END)[0].path == b"a/b/name"
    assert members(block(b"name", prefix=b"a/b", magic=b"ustar  \0") + END)[0].path == b"name"
    star = bytearray(block(b"name", prefix=b"a/b".ljust(131, b"\0") + b"00000000000 00000000000 ".ljust(32) + b"tar\0"))
    assert members(bytes(star) + END)[0].path == b"a/b/name"


def test_fields_may_be_full_or_hold_spaces() -> None:
    (entry,) = members(block(b"n" * 100, mode=b"00004755", uid=b"  12 \0", mtime=b" 17 ", size=b"") + END)
    assert (entry.path, entry.mode, entry.uid, entry.mtime) == (b"n" * 100, 0o4755, 0o12, 0o17 * 10**9)


def test_base_256() -> None:
    uid = b"\x80" + (2**31).to_bytes(7, "big")
    (entry,) = members(block(uid=uid, mtime=(-2).to_bytes(12, "big", signed=True)) + END)
    assert (entry.uid, entry.mtime) == (2**31, -2 * 10**9)


def test_a_huge_file_is_read_as_a_stream() -> None:
    size = 9 << 30  # more than eleven octal digits can say
    first = block(b"huge", size=b"\x80" + size.to_bytes(11, "big"), magic=b"ustar  \0")
    piece = bytes(64 << 20)
    pieces = [first, *[piece] * (size // len(piece)), block(b"next"), END]
    assert [entry.path for entry in tar.entries_of(Stream(pieces))] == [b"huge", b"next"]


def test_gnu_long_names() -> None:
    name, target = b"n" * 3000, b"t" * 2000
    data = extended(target + b"\0", b"K") + extended(name + b"\0", b"L") + block(b"short", flag=b"2", target=b"s")
    (entry, other) = members(data + block(b"other") + END)
    assert (entry.path, entry.target) == (name, target)
    assert other.path == b"other"


def test_pax_overrides_what_the_header_says() -> None:
    content = b"".join(
        pax.record(key, value) for key, value in [
            (b"path", b"long \xff name"), (b"size", b"3"), (b"uid", b"4000000000"), (b"gid", b"70000"),
            (b"mtime", b"12.25"), (b"SCHILY.xattr.security.capability", b"\1\0\n=\0"), (b"comment", b"none"),
        ]
    )  # fmt: skip
    (entry, other) = members(extended(content) + block(size=b"7") + padded(b"abc") + block() + END)
    assert (entry.path, entry.size, entry.uid, entry.gid) == (b"long \xff name", 3, 4_000_000_000, 70_000)
    assert entry.mtime == 12_250_000_000
    assert entry.xattrs == ((b"security.capability", b"\1\0\n=\0"),)
    assert (other.path, other.size, other.xattrs) == (b"file", 0, ())


def test_a_size_record_does_not_reach_the_headers_in_between() -> None:
    data = extended(pax.record(b"size", b"3")) + extended(b"long\0", b"L") + block() + padded(b"abc")
    (entry,) = members(data + END)
    assert (entry.path, entry.size) == (b"long", 3)


def test_global_records_hold_until_they_are_changed() -> None:
    data = (
        extended(pax.record(b"uid", b"7") + pax.record(b"comment", b"x"), b"g") + block(b"a")
        + extended(pax.record(b"uid", b"8")) + block(b"b") + block(b"c")
        + extended(pax.record(b"uid", b""), b"g") + block(b"d", uid=b"11")
    )  # fmt: skip
    assert [entry.uid for entry in members(data + END)] == [7, 8, 7, 9]


def test_links_directories_and_devices_have_no_data_whatever_their_size() -> None:
    data = b"".join(block(name, flag=name, size=b"1000") for name in [b"1", b"2", b"3", b"4", b"5", b"6"])
    assert [entry.size for entry in members(data + END)] == [0] * 6


def test_dump_directories_list_their_names() -> None:
    first, second = members(
        block(b"d/", flag=b"D", size=b"3", magic=b"ustar  \0") + padded(b"Ya\0") + block(b"e") + END
    )
    assert (first.kind, first.size, second.path) == (Kind.DIRECTORY, 0, b"e")


def test_devices() -> None:
    entry = members(block(b"d", flag=b"4", major=b"0000010", minor=b"0000377") + END)[0]
    assert (entry.kind, entry.device) == (Kind.BLOCK, (8, 255))
    content = pax.record(b"SCHILY.devmajor", b"300000000") + pax.record(b"SCHILY.devminor", b"1")
    assert members(extended(content) + block(b"d", flag=b"3") + END)[0].device == (300_000_000, 1)


def test_signed_checksums() -> None:
    assert members(block(b"caf\xe9", signed=True) + END)[0].path == b"caf\xe9"


def test_volume_labels_are_passed_over() -> None:
    assert [each.path for each in members(block(b"label", flag=b"V", magic=b"ustar  \0") + block() + END)] == [b"file"]


@pytest.mark.parametrize("end", [b"", bytes(512), END, END + bytes(9216), END + block(b"ignored"), END + b"junk"])
def test_ends(end: bytes) -> None:
    assert [entry.path for entry in members(block(size=b"3") + padded(b"abc") + end)] == [b"file"]


def test_missing_padding_at_the_very_end_is_forgiven() -> None:
    assert members(block(size=b"3") + b"abc")[0].size == 3
    assert members(b"") == []


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (block(checksum=b"0000001") + END, "checksum is wrong"),
        (block(checksum=b"zzz") + END, "checksum"),
        (block()[:300], "middle of a header"),
        (block(size=b"1000") + b"abc", "the data of a member"),
        (block(size=b"abc") + END, "is no number"),
        (block(size=b"-7") + END, "is no number"),
        (block(size=b"1_0") + END, "is no number"),
        (block(size=(-5).to_bytes(12, "big", signed=True)) + END, "size is impossible"),
        (block(size=b"\x80" + b"\x3f" * 11) + END, "size is impossible"),
        (block(uid=b"\x80\0\0\1\0\0\0\0") + END, "owner"),
        (block(uid=(-1).to_bytes(8, "big", signed=True)) + END, "owner"),
        (block(mtime=b"\x80\x3f" + b"\xff" * 10) + END, "mtime is impossible"),
        (block(flag=b"Z") + END, "unknown type"),
        (block(flag=b"M") + END, "unknown type"),
        (bytes(512) + block() + END, "zeros"),
        (extended(pax.record(b"uid", b"7")) + END, "one more member"),
        (extended(b"name\0", b"L") + END, "one more member"),
        (extended(b"nonsense") + block() + END, "extended header"),
        (extended(pax.record(b"path", b"a\0b")) + block() + END, "NUL"),
        (extended(pax.record(b"size", b"x")) + block() + END, "no number"),
        (block(flag=b"x", size=b"77777777777") + END, "too long"),
        (block(flag=b"L", size=b"1000") + b"abc", "an extended header"),
        (extended(b"n" * 70000, b"L") + block() + END, "65535"),
    ],
)
def test_malformed(data: bytes, says: str) -> None:
    assert says in bad(data)


def test_errors_name_the_position_of_the_header() -> None:
    assert "(at byte 1024 " in bad(block(size=b"3") + padded(b"abc") + block(size=b"x"))


def test_reading_more_than_a_member_has_is_our_mistake() -> None:
    stream = Stream([block(size=b"3") + padded(b"abc") + END])
    found = tar.read(stream)
    next(found)
    stream.skip(512, "test")
    stream.skip(512, "test")
    with pytest.raises(InternalError):
        next(found)


# sparse files


def old_sparse(pairs: list[tuple[int, int]], size: int, more: int = 0) -> bytes:
    header = bytearray(block(b"s", flag=b"S", magic=b"ustar  \0", size=b"%011o" % sum(each[1] for each in pairs)))
    table = b"".join(b"%011o\0%011o\0" % pair for pair in pairs[:4])
    header[386 : 386 + len(table)] = table
    header[482] = more or len(pairs) > 4
    header[483:495] = b"%011o\0" % size
    header[148:156] = b"%06o\0 " % (sum(header) - sum(header[148:156]) + 256)
    blocks = bytes(header)
    for at in range(4, len(pairs), 21):
        table = b"".join(b"%011o\0%011o\0" % pair for pair in pairs[at : at + 21])
        blocks += table.ljust(504, b"\0") + bytes([len(pairs) > at + 21]) + bytes(7)
    return blocks


def pax_sparse(records: list[tuple[bytes, bytes]], data: bytes) -> bytes:
    content = b"".join(pax.record(key, value) for key, value in records)
    return extended(content) + block(b"GNUSparseFile/s", size=b"%011o" % len(data)) + padded(data)


ONE = [(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0")]
EXTENTS = [(4096 * 2 * n, 512) for n in range(1, 50)]
SIZE = 4096 * 200
STORED = b"x" * (512 * len(EXTENTS))
SIZED = (b"GNU.sparse.size", b"%d" % SIZE)
MAP = b"%d\n" % len(EXTENTS) + b"".join(b"%d\n%d\n" % pair for pair in EXTENTS)
SPARSE = {
    "old": old_sparse(EXTENTS, SIZE) + STORED,
    "0.0": pax_sparse(
        [SIZED, (b"GNU.sparse.numblocks", b"49"), (b"path", b"s")]
        + [
            record
            for pair in EXTENTS
            for record in zip((b"GNU.sparse.offset", b"GNU.sparse.numbytes"), (b"%d" % n for n in pair), strict=True)
        ],
        STORED,
    ),
    "0.1": pax_sparse(
        [SIZED, (b"GNU.sparse.name", b"s"), (b"GNU.sparse.map", b",".join(b"%d,%d" % pair for pair in EXTENTS))], STORED
    ),
    "1.0": pax_sparse(
        [
            (b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.name", b"s"),
            (b"GNU.sparse.realsize", b"%d" % SIZE),
        ],
        padded(MAP) + STORED,
    ),
}  # fmt: skip
INTRICATE = b"".join(SPARSE.values()) + extended(b"long\0", b"L") + block() + END


@pytest.mark.parametrize("data", SPARSE.values(), ids=SPARSE)
def test_sparse(data: bytes) -> None:
    stream = Stream([data + block(b"next") + END])
    reader = tar.read(stream)
    entry = next(reader)
    assert (entry.path, entry.size, entry.stored) == (b"s", SIZE, len(STORED))
    assert entry.extents == tuple(EXTENTS)
    assert b"".join(map(bytes, stream.views(entry.stored, "test"))) == STORED
    assert [each.path for each in reader] == [b"next"]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (old_sparse([(512, 512), (0, 512)], 4096) + bytes(1024), "out of order"),
        (old_sparse([(0, 512)], 100) + bytes(512), "beyond the end"),
        (pax_sparse([SIZED, (b"GNU.sparse.map", b"0,5,7")], b"abcde"), "without a length"),
        (pax_sparse([SIZED, (b"GNU.sparse.map", b"0,x")], b"abcde"), "no number"),
        (pax_sparse([SIZED, (b"GNU.sparse.map", b"0,5")], b"abc"), "3 are there"),
        (pax_sparse([(b"GNU.sparse.map", b"0,5")], b"abcde"), "how large"),
        (pax_sparse([SIZED, (b"GNU.sparse.numbytes", b"5")], b"abcde"), "without a length"),
        (pax_sparse([(b"GNU.sparse.major", b"2"), (b"GNU.sparse.minor", b"0"), SIZED], b""), "not known"),
        (pax_sparse([*ONE, SIZED], b"9\n"), "longer than its data"),
        (pax_sparse([*ONE, SIZED], b"x" * 512), "begin with a number"),
        (
            pax_sparse([*ONE, SIZED], padded(b"99999999\n") + bytes(512)),
            "longer than its data",
        ),
    ],
)  # fmt: skip
def test_malformed_sparse_maps(data: bytes, says: str) -> None:
    assert says in bad(data + END)


def test_the_standard_library_reads_our_idea_of_old_sparse() -> None:
    with tarfile.open(fileobj=io.BytesIO(SPARSE["old"] + END)) as archive:
        info = archive.next()
        assert info is not None
        assert info.size == SIZE


def test_a_sparse_map_that_ends_with_the_archive() -> None:
    assert "a sparse map" in bad(SPARSE["old"][:700])
    assert "a sparse map" in bad(SPARSE["1.0"][:2048])
