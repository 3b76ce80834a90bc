"""The hash that orders large directories: MD4 cut to 24 steps (ext4: Hash Tree Directories; RFC 1320 for MD4)."""

from __future__ import annotations

import struct

_MASK = 0xFFFFFFFF
_START = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476)
_ROUNDS = (
    (0, (0, 1, 2, 3, 4, 5, 6, 7), (3, 7, 11, 19)),
    (0x5A827999, (1, 3, 5, 7, 0, 2, 4, 6), (3, 5, 9, 13)),
    (0x6ED9EBA1, (3, 7, 2, 6, 1, 5, 0, 4), (3, 9, 11, 15)),
)
"""Constant added, order of words, rotations: for each round of eight steps."""
_END = 0xFFFFFFFE
"""Means the end of a directory to readers, so no name may hash to it."""

State = tuple[int, int, int, int]


def state(seed: bytes) -> State:
    """Where hashes start: the 16 bytes of the superblock, or MD4's own values when those are zero."""
    words = struct.unpack("<4I", seed)
    return words if any(words) else _START


def half_md4(name: bytes, start: State) -> tuple[int, int]:
    """Major and minor hash of a name; the major one is even. Bytes count as unsigned."""
    values = start
    for position in range(0, len(name), 32):
        values = _transform(values, _words(name[position : position + 32], len(name) - position))
    major = values[1] & ~1
    return (_END - 2 if major == _END else major), values[2]


def _words(part: bytes, remaining: int) -> tuple[int, ...]:
    """Eight big-endian words; what the name does not fill is filled with the number of bytes that remained."""
    if len(part) < 32:
        filler = bytes((remaining,))
        whole = len(part) & ~3
        part = (part[:whole] + part[whole:].rjust(4, filler)).ljust(32, filler)
    return struct.unpack(">8I", part)


def _transform(values: State, words: tuple[int, ...]) -> State:
    a, b, c, d = values
    for number, (constant, order, shifts) in enumerate(_ROUNDS):
        for step, index in enumerate(order):
            if number == 0:
                mixed = d ^ (b & (c ^ d))
            elif number == 1:
                mixed = (b & c) + ((b ^ c) & d)
            else:
                mixed = b ^ c ^ d
            total = (a + mixed + words[index] + constant) & _MASK
            shift = shifts[step & 3]
            a, b, c, d = d, (total << shift | total >> (32 - shift)) & _MASK, b, c
    return (
        (values[0] + a) & _MASK,
        (values[1] + b) & _MASK,
        (values[2] + c) & _MASK,
        (values[3] + d) & _MASK,
    )
