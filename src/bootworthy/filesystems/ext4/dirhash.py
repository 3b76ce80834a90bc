"""The hash that orders large directories: MD4 cut to 24 steps (ext4: Hash Tree Directories; RFC 1320 for MD4)."""

from __future__ import annotations

import struct

_MASK = 0xFFFFFFFF
_START = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476)
_SECOND, _THIRD = 0x5A827999, 0x6ED9EBA1
"""What the second and the third round add."""
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
    """24 steps, written out: every name of a large directory goes through them."""
    a, b, c, d = values
    # round 1
    total = a + (d ^ (b & (c ^ d))) + words[0] & _MASK
    a = (total << 3 | total >> 29) & _MASK
    total = d + (c ^ (a & (b ^ c))) + words[1] & _MASK
    d = (total << 7 | total >> 25) & _MASK
    total = c + (b ^ (d & (a ^ b))) + words[2] & _MASK
    c = (total << 11 | total >> 21) & _MASK
    total = b + (a ^ (c & (d ^ a))) + words[3] & _MASK
    b = (total << 19 | total >> 13) & _MASK
    total = a + (d ^ (b & (c ^ d))) + words[4] & _MASK
    a = (total << 3 | total >> 29) & _MASK
    total = d + (c ^ (a & (b ^ c))) + words[5] & _MASK
    d = (total << 7 | total >> 25) & _MASK
    total = c + (b ^ (d & (a ^ b))) + words[6] & _MASK
    c = (total << 11 | total >> 21) & _MASK
    total = b + (a ^ (c & (d ^ a))) + words[7] & _MASK
    b = (total << 19 | total >> 13) & _MASK
    # round 2
    total = a + (b & c) + ((b ^ c) & d) + words[1] + _SECOND & _MASK
    a = (total << 3 | total >> 29) & _MASK
    total = d + (a & b) + ((a ^ b) & c) + words[3] + _SECOND & _MASK
    d = (total << 5 | total >> 27) & _MASK
    total = c + (d & a) + ((d ^ a) & b) + words[5] + _SECOND & _MASK
    c = (total << 9 | total >> 23) & _MASK
    total = b + (c & d) + ((c ^ d) & a) + words[7] + _SECOND & _MASK
    b = (total << 13 | total >> 19) & _MASK
    total = a + (b & c) + ((b ^ c) & d) + words[0] + _SECOND & _MASK
    a = (total << 3 | total >> 29) & _MASK
    total = d + (a & b) + ((a ^ b) & c) + words[2] + _SECOND & _MASK
    d = (total << 5 | total >> 27) & _MASK
    total = c + (d & a) + ((d ^ a) & b) + words[4] + _SECOND & _MASK
    c = (total << 9 | total >> 23) & _MASK
    total = b + (c & d) + ((c ^ d) & a) + words[6] + _SECOND & _MASK
    b = (total << 13 | total >> 19) & _MASK
    # round 3
    total = a + (b ^ c ^ d) + words[3] + _THIRD & _MASK
    a = (total << 3 | total >> 29) & _MASK
    total = d + (a ^ b ^ c) + words[7] + _THIRD & _MASK
    d = (total << 9 | total >> 23) & _MASK
    total = c + (d ^ a ^ b) + words[2] + _THIRD & _MASK
    c = (total << 11 | total >> 21) & _MASK
    total = b + (c ^ d ^ a) + words[6] + _THIRD & _MASK
    b = (total << 15 | total >> 17) & _MASK
    total = a + (b ^ c ^ d) + words[1] + _THIRD & _MASK
    a = (total << 3 | total >> 29) & _MASK
    total = d + (a ^ b ^ c) + words[5] + _THIRD & _MASK
    d = (total << 9 | total >> 23) & _MASK
    total = c + (d ^ a ^ b) + words[0] + _THIRD & _MASK
    c = (total << 11 | total >> 21) & _MASK
    total = b + (c ^ d ^ a) + words[4] + _THIRD & _MASK
    b = (total << 15 | total >> 17) & _MASK
    return (
        (values[0] + a) & _MASK,
        (values[1] + b) & _MASK,
        (values[2] + c) & _MASK,
        (values[3] + d) & _MASK,
    )
