"""Archives that were mangled at random."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from bootworthy.layers.tar import BLOCK
from tests.hostile import mended

_PLACES = (100, 108, 116, 124, 135, 136, 156, 157, 257, 329, 345, 386, 482, 483)
_VALUES = (b"\0", b"7777777", b"\x80", b"\xff" * 8, b" ", b"-1", b"0", b"1", b"2", b"x", b"L", b"S")
_WORDS = (b"../", b"/", b".wh.", b".wh..wh..opq", b"9999999999", b"=", b"\n", b"\0")


@st.composite
def mangled(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """One of some archives, bytes of it changed, blocks taken out, doubled or put in from others, or cut off."""
    found = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, max(0, len(found) - 1)))
        at_block = at - at % BLOCK
        change = draw(st.sampled_from(["byte", "field", "drop", "double", "splice", "cut", "word"]))
        if change == "byte":
            found[at : at + 1] = bytes([draw(st.integers(0, 255))])
        elif change == "field":  # where headers have numbers and types
            place = at_block + draw(
                st.sampled_from([100, 108, 116, 124, 135, 136, 156, 157, 257, 329, 345, 386, 482, 483])
            )
            value = draw(
                st.sampled_from([b"\0", b"7777777", b"\x80", b"\xff" * 8, b" ", b"-1", b"0", b"1", b"2", b"x", b"L"])
            )
            found[place : place + len(value)] = value
        elif change == "drop":
            del found[at_block : at_block + BLOCK]
        elif change == "double":
            found[at_block:at_block] = found[at_block : at_block + BLOCK]
        elif change == "splice":
            other = draw(st.sampled_from(seeds))
            start = draw(st.integers(0, len(other) // BLOCK)) * BLOCK
            found[at_block:at_block] = other[start : start + draw(st.integers(1, 6)) * BLOCK]
        elif change == "cut":
            del found[draw(st.sampled_from([at, at_block])) :]
        else:
            word = draw(st.sampled_from(_WORDS))
            found[at : at + len(word)] = word
    return mended(found) if draw(st.integers(0, 4)) else bytes(found)
