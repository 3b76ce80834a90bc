from __future__ import annotations

import hashlib
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootworthy.errors import BuildError
from bootworthy.kernels import extract
from bootworthy.kernels.compression import Compression, beginning, decompress, whole
from tests import made_kernels as made

WRITABLE = sorted(made.COMPRESSORS)


def code(error: pytest.ExceptionInfo[BuildError]) -> str:
    return error.value.code


@pytest.mark.parametrize("compression", WRITABLE)
@given(body=st.binary(max_size=3000), relocations=st.binary(max_size=64))
@settings(max_examples=15)
def test_what_went_in_comes_out(compression: Compression, body: bytes, relocations: bytes) -> None:
    kernel = made.elf(body) + relocations
    assert extract.vmlinux(made.bzimage(made.packed(compression, kernel))) == kernel


@pytest.mark.parametrize("compression", WRITABLE)
def test_more_than_one_lz4_block(compression: Compression) -> None:
    noise = b"".join(hashlib.sha256(struct.pack("<I", number)).digest() for number in range(4096))
    kernel = made.elf(noise * 65)  # more than 8 MiB
    assert extract.vmlinux(made.bzimage(made.packed(compression, kernel))) == kernel


@pytest.mark.parametrize("compression", WRITABLE)
@given(data=st.data())
@settings(max_examples=15)
def test_a_payload_that_is_cut_off_is_refused(compression: Compression, data: st.DataObject) -> None:
    payload = made.packed(compression, made.elf(b"kernel" * 200))
    cut = data.draw(st.integers(1, len(payload) - 1))
    with pytest.raises(BuildError) as error:
        extract.vmlinux(made.bzimage(payload[:cut]))
    assert code(error) == "kernel.unreadable"


@pytest.mark.parametrize("compression", WRITABLE)
@given(data=st.data())
@settings(max_examples=25)
def test_damage_never_changes_the_length_and_never_escapes(compression: Compression, data: st.DataObject) -> None:
    kernel = made.elf(b"kernel" * 200)
    file = bytearray(made.bzimage(made.packed(compression, kernel)))
    at = data.draw(st.integers(0x202, len(file) - 1))
    file[at] ^= data.draw(st.integers(1, 255))
    try:
        content = extract.vmlinux(bytes(file))
    except BuildError as error:
        assert error.code.startswith("kernel.")  # noqa: PT017
    else:
        assert len(content) == len(kernel)


@pytest.mark.parametrize("compression", [Compression.GZIP, Compression.XZ, Compression.BZIP2])
def test_a_checksum_is_looked_at(compression: Compression) -> None:
    payload = bytearray(made.packed(compression, made.elf(b"kernel" * 200)))
    at = payload.index(b"\0", 30) if compression is Compression.XZ else len(payload) - 8
    payload[at] ^= 0xFF
    with pytest.raises(BuildError, match="damaged"):
        extract.vmlinux(made.bzimage(bytes(payload)))


def test_a_wrong_length_is_refused() -> None:
    kernel = made.elf(b"kernel" * 200)
    payload = made.packed(Compression.ZSTD, kernel)
    for wrong in (len(kernel) - 1, len(kernel) + 1, 0xFFFFFFFF, 0):
        with pytest.raises(BuildError) as error:
            extract.vmlinux(made.bzimage(payload[:-4] + struct.pack("<I", wrong)))
        assert code(error) == "kernel.unreadable"


def test_lzo_is_named() -> None:
    with pytest.raises(BuildError, match="LZO") as error:
        extract.vmlinux(made.bzimage(b"\x89LZO\0\r\n\x1a\n" + bytes(100)), where="boot/vmlinuz")
    assert code(error) == "kernel.lzo"
    assert error.value.where == "boot/vmlinuz"
    assert error.value.hint


def test_what_is_inside_must_be_a_kernel() -> None:
    with pytest.raises(BuildError, match="no ELF kernel"):
        extract.vmlinux(made.bzimage(made.packed(Compression.GZIP, b"text")))


@pytest.mark.parametrize("data", [b"", b"MZ", made.elf(), made.image()])
def test_what_is_no_bzimage_is_refused(data: bytes) -> None:
    with pytest.raises(BuildError, match="no bzImage"):
        extract.vmlinux(data)


def test_unpacked_gives_what_every_vmm_takes() -> None:
    kernel, image = made.elf(), made.image()
    assert extract.unpacked(kernel) == kernel
    assert extract.unpacked(image) == image
    assert extract.unpacked(made.bzimage(made.packed(Compression.LZ4, kernel))) == kernel
    assert extract.unpacked(made.COMPRESSORS[Compression.GZIP](image)) == image
    assert extract.unpacked(made.zboot(made.COMPRESSORS[Compression.GZIP](image), "gzip")) == image


@pytest.mark.parametrize("counted", [True, False])
def test_zboot_may_count_the_length_in(counted: bool) -> None:
    image = made.image()
    payload = made.packed(Compression.ZSTD, image) if counted else made.COMPRESSORS[Compression.ZSTD](image)
    assert extract.unpacked(made.zboot(payload, "zstd22")) == image


def test_something_behind_a_stream_is_told() -> None:
    stream = made.COMPRESSORS[Compression.ZSTD](b"content")
    assert decompress(stream + b"rest") == (b"content", b"rest")
    with pytest.raises(BuildError, match="4 bytes follow"):
        whole(stream + b"rest")
    assert whole(b"plain") == b"plain"


@pytest.mark.parametrize("compression", WRITABLE)
def test_a_limit_is_kept(compression: Compression) -> None:
    stream = made.COMPRESSORS[compression](bytes(100_000))
    assert decompress(stream, limit=100_000)[0] == bytes(100_000)
    with pytest.raises(BuildError, match="99999 bytes"):
        decompress(stream, limit=99_999)


@pytest.mark.parametrize("compression", WRITABLE)
def test_the_beginning_is_told_of_what_is_cut_off(compression: Compression) -> None:
    data = b"".join(hashlib.sha256(struct.pack("<I", number)).digest() for number in range(1 << 15))
    content = made.COMPRESSORS[compression](data)
    cut = content if compression in {Compression.LZ4, Compression.BZIP2} else content[: len(content) // 2]
    assert beginning(cut, 64) == data[:64]


@pytest.mark.parametrize("data", [b"", b"text", b"\x1f\x8b\x08", b"\x02\x21\x4c\x18", b"\x89LZO\0\r\n\x1a\n"])
def test_what_has_no_beginning_is_refused(data: bytes) -> None:
    try:
        assert beginning(data, 64) == b""
    except BuildError as error:
        assert error.code in {"kernel.unreadable", "kernel.lzo"}  # noqa: PT017  (cut off, it may be empty)
