"""The floor: one thread that inflates each layer in turn, hashes both sides and writes the bytes.

`python -m benchmarks.floor LAYOUT FILE` writes the layers to a file; with `-` they go to standard output as one
archive, for tools that read a tar and cannot inflate as fast themselves.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

from isal import isal_zlib

from benchmarks.layouts import layer_files

_READ = 256 << 10
_END = 1024


def main(layout: str, target: str) -> None:
    """Write the layers of the image in `layout`, which must hash to what it says."""
    if target == "-":
        _join(Path(layout))
        return
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for path, digest, diff_id in layer_files(Path(layout)):
        outside, inside = hashlib.sha256(), hashlib.sha256()
        inflater = isal_zlib.decompressobj(31)
        with path.open("rb", buffering=0) as file:
            while data := file.read(_READ):
                outside.update(data)
                piece = inflater.decompress(data)
                inside.update(piece)
                _put(descriptor, piece)
        if (f"sha256:{outside.hexdigest()}", f"sha256:{inside.hexdigest()}") != (digest, diff_id):
            sys.exit("a layer is not what its image says it is")
    os.close(descriptor)


def _join(layout: Path) -> None:
    """All layers as one archive, without the end of all but the last, and without hashing."""
    layers = layer_files(layout)
    for number, (path, _, _) in enumerate(layers):
        inflater = isal_zlib.decompressobj(31)
        held = b""
        with path.open("rb", buffering=0) as file:
            while data := file.read(_READ):
                piece = held + inflater.decompress(data)
                held = piece[-_END:]
                _put(1, piece[:-_END])
        if number == len(layers) - 1:
            _put(1, held)


def _put(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


if __name__ == "__main__":
    main(*sys.argv[1:])
