"""Volumes that were torn at random, with checksums made right again, so that what is behind them is looked at."""

from __future__ import annotations

import functools
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from bootworthy.filesystems.ext4 import checksum

_BLOCK = 4096
_METADATA_CSUM = 0x400
_READ_ONLY = 1024 + 0x64
_SUM = 1024 + 0x3FC
_VALUES = (0, 1, 2, 11, 12, 13, 0xFF, 0xF30A, 0x8000, 0x8001, 0xFFFF, 2**31, 2**32 - 1, 4096, 340, 5)


def unsummed(data: bytearray) -> bytes:
    """A volume whose superblock says that there are no checksums, so that none stops a reader."""
    (features,) = struct.unpack_from("<I", data, _READ_ONLY)
    struct.pack_into("<I", data, _READ_ONLY, features & ~_METADATA_CSUM)
    return sealed(data)


def sealed(data: bytearray) -> bytes:
    """A volume whose superblock has its checksum right."""
    struct.pack_into("<I", data, _SUM, checksum.plain(bytes(data[1024:_SUM])))
    return bytes(data)


@dataclass(frozen=True)
class Change:
    """One number written where metadata is, or one block in the place of another."""

    kind: str
    at: int
    other: int
    value: int
    form: str

    def apply(self, data: bytearray, used: Sequence[int]) -> None:
        """Do it; `used` are the blocks that are not all zeros."""
        block = used[self.at // _BLOCK % len(used)] * _BLOCK
        if self.kind == "copy":
            other = used[self.other % len(used)] * _BLOCK
            data[block : block + _BLOCK] = data[other : other + _BLOCK]
        elif self.kind == "link":  # let one block speak of another
            at = block + (self.at % _BLOCK & ~3)
            struct.pack_into("<I", data, min(at, len(data) - 4), used[self.other % len(used)])
        else:
            at = block + (self.at % _BLOCK & ~1)
            struct.pack_into(
                "<" + self.form,
                data,
                min(at, len(data) - 4),
                self.value & (2 ** (8 * (2 if self.form == "H" else 4)) - 1),
            )


@functools.cache
def used(data: bytes) -> list[int]:
    """Blocks that are not all zeros."""
    zeros = bytes(_BLOCK)
    return [
        number for number in range(len(data) // _BLOCK) if data[number * _BLOCK : number * _BLOCK + _BLOCK] != zeros
    ]


@dataclass(frozen=True)
class Tear:
    """What is done to a volume."""

    changes: Sequence[Change]
    quiet: bool
    """Whether checksums are taken out of its way."""

    def apply(self, data: bytes) -> bytes:
        """The torn volume."""
        torn = bytearray(data)
        blocks = used(data)
        for change in self.changes:
            change.apply(torn, blocks)
        return unsummed(torn) if self.quiet else bytes(torn)


_NUMBERS = st.integers(0, 1 << 24)
_CHANGES = st.builds(
    Change, kind=st.sampled_from(["put", "put", "copy", "link"]), at=_NUMBERS, other=_NUMBERS,
    value=st.sampled_from(_VALUES) | st.integers(0, 2**32 - 1), form=st.sampled_from("HI"),
)  # fmt: skip
TEARS = st.builds(Tear, changes=st.lists(_CHANGES, min_size=1, max_size=8), quiet=st.sampled_from([True, True, False]))
