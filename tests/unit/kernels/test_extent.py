from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.kernels.extent import extent
from bootworthy.kernels.formats import Format
from tests import check_trees as make


def test_an_elf_kernel_ends_where_its_last_segment_does() -> None:
    assert extent(make.loaded_at(16 << 20, 5 << 20), Format.PVH) == 21 << 20
    # A note is not loaded.
    assert extent(make.elf(segments=[(4, b"note")]), Format.ELF) is None


def test_a_bzimage_says_where_it_unpacks_itself() -> None:
    data = bytearray(make.bzimage())
    struct.pack_into("<QI", data, 0x258, 16 << 20, 30 << 20)
    assert extent(bytes(data), Format.BZIMAGE) == 46 << 20


def test_an_image_says_how_long_it_is() -> None:
    data = bytearray(make.image())
    struct.pack_into("<QQ", data, 8, 0x80000, 20 << 20)
    assert extent(bytes(data), Format.IMAGE) == 0x80000 + (20 << 20)


@pytest.mark.parametrize("format_", [Format.IMAGE_COMPRESSED, Format.ZBOOT])
def test_what_is_packed_does_not_say(format_: Format) -> None:
    assert extent(make.image(), format_) is None


@given(st.binary(max_size=1024), st.sampled_from(Format))
def test_any_bytes_are_read(data: bytes, format_: Format) -> None:
    found = extent(data, format_)
    assert found is None or 0 < found < 1 << 40
