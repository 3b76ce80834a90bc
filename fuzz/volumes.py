"""ext4 volumes that nobody would make: numbers written into one that we made. `make fuzz`.

What is found goes, shortened (`-minimize_crash=1`), into `tests/unit/filesystems/test_ext4_read.py` as a test of its
own.
"""

from __future__ import annotations

import struct
import sys
import tempfile
from pathlib import Path

import atheris

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

with atheris.instrument_imports(include=["bootworthy.filesystems.ext4"]):
    from bootworthy.errors import IntegrityError
    from bootworthy.filesystems.ext4.read import read
    from tests import small_volumes
    from tests.torn_volumes import unsummed, used

SEED = small_volumes.lean()
BLOCKS = used(SEED)
_CHANGE = struct.Struct("<BHI")
_BLOCK = 4096
IMAGE = Path(tempfile.mkdtemp(prefix="volumes-")) / "image"


def one(data: bytes) -> None:
    """One input: changes of seven bytes each: which block that is used, where in it, and what to write there."""
    torn = bytearray(SEED)
    for block, place, value in _CHANGE.iter_unpack(data[: len(data) // _CHANGE.size * _CHANGE.size]):
        struct.pack_into("<I", torn, BLOCKS[block % len(BLOCKS)] * _BLOCK + place % (_BLOCK - 3), value)
    IMAGE.write_bytes(unsummed(torn))
    try:
        tree = read(IMAGE)
    except IntegrityError as error:
        if error.code != "ext4.unreadable":
            raise
        return
    small_volumes.sound(tree, len(SEED))


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
