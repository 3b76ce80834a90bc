"""A filesystem that shares blocks, made in a file and mounted; what needs root is only this."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import NotMeasuredError

_SIZE = 16 << 30
_MAKERS = (("xfs", ["mkfs.xfs", "-q", "-m", "reflink=1"]), ("btrfs", ["mkfs.btrfs", "-q"]))


@contextlib.contextmanager
def mounted(home: Path) -> Iterator[tuple[Path, str]]:
    """The folder of a new XFS or Btrfs, and which it is, while the block runs.

    Raises:
        NotMeasuredError: this machine cannot.
    """
    if os.getuid() != 0:
        raise NotMeasuredError("only root may mount a filesystem with reflinks")
    known = Path("/proc/filesystems").read_text().split()
    usable = [(name, words) for name, words in _MAKERS if name in known and shutil.which(words[0])]
    if not usable:
        raise NotMeasuredError("no XFS or Btrfs here")
    name, words = usable[0]
    file, folder = home / "reflinks.img", home / "reflinks"
    folder.mkdir(exist_ok=True)
    file.unlink(missing_ok=True)
    with file.open("wb") as made:
        made.truncate(_SIZE)
    try:
        _call([*words, str(file)])
        _call(["mount", "-o", "loop", str(file), str(folder)])
        try:
            yield folder, name
        finally:
            _call(["umount", str(folder)])
    finally:
        file.unlink(missing_ok=True)


def _call(words: list[str]) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotMeasuredError(f"{words[0]}: {done.stderr.strip()[-100:]}")
