from __future__ import annotations

import os
import subprocess
from pathlib import Path

from bootworthy.filesystems.cpio import directory, file, symlink, write
from tests.needs import need

LONG = b"d/" + b"n" * 255


def test_cpio_lists_and_extracts(tmp_path: Path) -> None:
    need("cpio")
    archive = write([
        directory(b"d", 0o750), file(b"d/run", b"#!/bin/sh\n", 0o755), symlink(b"l", b"d/run"), file(LONG, b"12345"),
        file(b"d/\xff", b""),
    ], mtime=86400)  # fmt: skip
    listed = subprocess.run(["cpio", "-t", "--quiet"], input=archive, capture_output=True, check=True)
    assert listed.stdout.splitlines() == [b"d", b"d/run", b"l", LONG, b"d/\xff"]
    assert listed.stderr == b""
    subprocess.run(["cpio", "-i", "--quiet", "-m"], input=archive, cwd=tmp_path, check=True)
    root = os.fsencode(tmp_path)
    assert (tmp_path / "d/run").read_bytes() == b"#!/bin/sh\n"
    assert (tmp_path / "d/run").stat().st_mode & 0o7777 == 0o755
    assert (tmp_path / "d/run").stat().st_mtime == 86400
    assert os.readlink(root + b"/l") == b"d/run"
    assert Path(os.fsdecode(root + b"/" + LONG)).read_bytes() == b"12345"
