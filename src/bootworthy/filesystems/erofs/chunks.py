"""How a file is cut into chunks of one size (erofs.rst: "Chunk-based files").

Small chunks need a long list, large ones need room for zeros beside the data in them.
"""

from __future__ import annotations

from collections.abc import Iterator

from bootworthy.layers.node import BLOCK, Node

MOST = 18
"""The largest chunk, as a power of two of blocks: 1 GiB, which 32-bit kernels can count."""
_LONGEST = 1 << 15
"""Chunks of a file that are preferred to larger ones at any price."""


def widest(size: int) -> int:
    """The smallest chunk that a whole file fits into, at most `MOST`."""
    return min(MOST, (-(-size // BLOCK) - 1).bit_length())


def holes(node: Node) -> bool:
    """Whether some block of a file is not in its pieces."""
    return _blocks(node.size) != sum(_blocks(chunk.length) for chunk in node.chunks)


def exact(node: Node) -> int:
    """The largest chunk with which each is either data that lies together or a hole."""
    edges = widest(node.size)
    every = _blocks(node.size)
    for offset, length, _, _ in node.chunks:
        for edge in (offset // BLOCK, _blocks(offset + length)):
            if edge and edge != every:
                edges = min(edges, (edge & -edge).bit_length() - 1)
    return edges


def touched(node: Node, bits: int) -> Iterator[int]:
    """The chunks with data in them, in order."""
    before = -1
    for offset, length, _, _ in node.chunks:
        first, last = (offset // BLOCK) >> bits, (_blocks(offset + length) - 1) >> bits
        yield from range(max(first, before + 1), last + 1)
        before = last


def cheapest(node: Node) -> int:
    """The chunk with which list and zeros take the least room."""
    every = _blocks(node.size)
    costs = []
    for bits in range(widest(node.size) + 1):
        count = -(-every >> bits)
        if count <= _LONGEST or bits == widest(node.size):
            costs.append((4 * count + BLOCK * _padded(node, bits, every), -bits))
    return -min(costs)[1]


def _padded(node: Node, bits: int, every: int) -> int:
    """Blocks of the chunks with data in them."""
    total = 0
    before = -1
    for offset, length, _, _ in node.chunks:
        first, last = (offset // BLOCK) >> bits, (_blocks(offset + length) - 1) >> bits
        first = max(first, before + 1)
        if last >= first:
            total += min((last + 1) << bits, every) - (first << bits)
            before = last
    return total


def _blocks(size: int) -> int:
    return -(-size // BLOCK)
