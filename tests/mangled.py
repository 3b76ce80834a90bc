"""Archives that were mangled at random: what is drawn does not depend on them, so that a failure can be told again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from bootworthy.layers.tar import BLOCK
from tests.hostile import mended

_PLACES = (100, 108, 116, 124, 135, 136, 156, 157, 257, 329, 345, 386, 482, 483)
_VALUES = (b"\0", b"7777777", b"\x80", b"\xff" * 8, b" ", b"-1", b"0", b"1", b"2", b"x", b"L", b"S")
_WORDS = (b"../", b"/", b".wh.", b".wh..wh..opq", b"9999999999", b"=", b"\n", b"\0")
_CHANGES = ("byte", "field", "drop", "double", "splice", "cut", "cut block", "word")
_ANY = 1 << 16


@dataclass(frozen=True)
class Change:
    """One thing done to an archive, whatever its length."""

    kind: str
    at: int
    other: int
    start: int
    blocks: int
    byte: int
    place: int
    value: bytes
    word: bytes

    def apply(self, found: bytearray, seeds: Sequence[bytes]) -> None:
        """Do it."""
        at = self.at % max(1, len(found))
        block = at - at % BLOCK
        if self.kind == "byte":
            found[at : at + 1] = bytes([self.byte])
        elif self.kind == "field":  # where headers have numbers and types
            found[block + self.place : block + self.place + len(self.value)] = self.value
        elif self.kind == "drop":
            del found[block : block + BLOCK]
        elif self.kind == "double":
            found[block:block] = found[block : block + BLOCK]
        elif self.kind == "splice":
            other = seeds[self.other % len(seeds)]
            start = self.start % (len(other) // BLOCK + 1) * BLOCK
            found[block:block] = other[start : start + self.blocks * BLOCK]
        elif self.kind == "word":
            found[at : at + len(self.word)] = self.word
        else:
            del found[at if self.kind == "cut" else block :]


@dataclass(frozen=True)
class Mangling:
    """What is done to one of some archives."""

    lower: int
    seed: int
    changes: Sequence[Change]
    mend: bool

    def layers(self, seeds: Sequence[bytes]) -> tuple[bytes, bytes]:
        """One of the archives as it is, and one bytes of which were changed, blocks taken out, doubled, put in from
        others, or cut off.
        """
        found = bytearray(seeds[self.seed % len(seeds)])
        for change in self.changes:
            change.apply(found, seeds)
        return seeds[self.lower % len(seeds)], mended(found) if self.mend else bytes(found)


_NUMBERS = st.integers(0, _ANY)
_CHANGE = st.builds(
    Change, kind=st.sampled_from(_CHANGES), at=_NUMBERS, other=st.integers(0, 63), start=_NUMBERS,
    blocks=st.integers(1, 6), byte=st.integers(0, 255), place=st.sampled_from(_PLACES),
    value=st.sampled_from(_VALUES), word=st.sampled_from(_WORDS),
)  # fmt: skip
MANGLINGS = st.builds(
    Mangling, lower=st.integers(0, 63), seed=st.integers(0, 63), changes=st.lists(_CHANGE, min_size=1, max_size=5),
    mend=st.sampled_from([True, True, True, True, False]),
)  # fmt: skip
