"""The hash that orders large directories: MD4 cut to 24 steps (ext4: Hash Tree Directories; RFC 1320 for MD4).

Many names are hashed at once: an integer of Python's has a lane of 64 bits for each of them, so one operation of the
interpreter does a step for all. A value takes the lower 32 bits of its lane; what sums and shifts put above them, or
bring there from the next lane, is masked off before it can get further.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

_MASK = 0xFFFFFFFF
_START = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476)
_BLOCK = 32
_TOGETHER = 512
"""Names at once: integers that the processor's nearest cache can hold."""
_EVEN = 0xFFFFFFFE
_END = _EVEN << 32
"""From here on a hash means the end of a directory to readers, so no name may have it; it gets one `_LAST` lower."""
_LAST = 2 << 32

State = tuple[int, int, int, int]


def _choose(x: int, y: int, z: int) -> int:
    return z ^ (x & (y ^ z))


def _majority(x: int, y: int, z: int) -> int:
    return (x & y) | ((x ^ y) & z)


def _parity(x: int, y: int, z: int) -> int:
    return x ^ y ^ z


_ROUNDS: tuple[tuple[Callable[[int, int, int], int], int, tuple[int, ...], tuple[int, ...]], ...] = (
    (_choose, 0, (3, 7, 11, 19), (0, 1, 2, 3, 4, 5, 6, 7)),
    (_majority, 0x5A827999, (3, 5, 9, 13), (1, 3, 5, 7, 0, 2, 4, 6)),
    (_parity, 0x6ED9EBA1, (3, 9, 11, 15), (3, 7, 2, 6, 1, 5, 0, 4)),
)
"""Of each round: how it mixes, what it adds, how far it turns, and the order in which it takes the words."""


def state(seed: bytes) -> State:
    """Where hashes start: the 16 bytes of the superblock, or MD4's own values when those are zero."""
    words = struct.unpack("<4I", seed)
    return words if any(words) else _START


def half_md4(names: Sequence[bytes], start: State) -> list[int]:
    """The hash of each name: the major one, which is even, in the upper 32 bits of 64, the minor one in the lower.

    Bytes of names count as unsigned.
    """
    found = [0] * len(names)
    by_blocks: dict[int, list[int]] = {}
    for place, name in enumerate(names):
        by_blocks.setdefault(-(-len(name) // _BLOCK), []).append(place)
    for blocks, places in by_blocks.items():
        for first in range(0, len(places), _TOGETHER):
            some = places[first : first + _TOGETHER]
            hashes = _hashes([names[place] for place in some], blocks, start)
            for place, value in zip(some, hashes, strict=True):
                found[place] = value if value < _END else value - _LAST
    return found


def _hashes(names: Sequence[bytes], blocks: int, start: State) -> tuple[int, ...]:
    """The hashes of names that all take so many blocks."""
    lanes = struct.Struct(f"<{len(names)}Q")
    ones = int.from_bytes(lanes.pack(*[1] * len(names)), "little")
    values = [ones * value for value in start]
    words = struct.unpack(f">{len(names) * blocks * 8}I", b"".join([_padded(name) for name in names]))
    for first in range(0, blocks * 8, 8):
        columns = [lanes.pack(*words[place :: blocks * 8]) for place in range(first, first + 8)]
        _transform(values, [int.from_bytes(column, "little") for column in columns], ones)
    major, minor = values[1] & ones * _EVEN, values[2]
    return lanes.unpack((major << 32 | minor).to_bytes(lanes.size, "little"))


def _padded(name: bytes) -> bytes:
    """A name in whole blocks; what it does not fill is filled with the number of bytes that remained for the last."""
    remaining = len(name) % _BLOCK
    if not remaining:
        return name
    filler = bytes((remaining,))
    whole = len(name) & ~3
    filled = name[:whole] + name[whole:].rjust(4, filler)
    return filled.ljust(len(name) - remaining + _BLOCK, filler)


def _transform(values: list[int], words: Sequence[int], ones: int) -> None:
    """Work one block of every name into the four values; `ones` has a one in every lane."""
    mask = ones * _MASK
    a, b, c, d = values
    for mix, constant, turns, order in _ROUNDS:
        added = ones * constant
        for step, word in enumerate(order):
            turn = turns[step % 4]
            total = a + mix(b, c, d) + words[word] + added & mask
            a, b, c, d = d, (total << turn | total >> 32 - turn) & mask, b, c
    values[:] = [value + new & mask for value, new in zip(values, (a, b, c, d), strict=True)]
