from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.errors import DocumentError, UsageError
from bootworthy.volumes.qcow2 import MAGIC, Overlay, overlay, read


@given(st.integers(0, 1 << 46), st.text(min_size=1, max_size=100).filter(lambda text: "\0" not in text))
def test_what_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, size: int, name: str) -> None:
    path = tmp_path_factory.mktemp("overlay") / "file"
    backing = Path("/volumes") / name.encode(errors="replace").decode().replace("/", "_")
    path.write_bytes(overlay(backing, size))
    assert read(path) == Overlay(-(-size // 512) * 512, backing)
    assert path.stat().st_size % 65536 == 0


def test_a_name_that_is_no_utf8(tmp_path: Path) -> None:
    backing = Path("/volumes/\udcff")
    (tmp_path / "file").write_bytes(overlay(backing, 4096))
    assert read(tmp_path / "file") == Overlay(4096, backing)


def test_a_raw_file_is_none(tmp_path: Path) -> None:
    (tmp_path / "raw").write_bytes(bytes(4096))
    (tmp_path / "empty").touch()
    assert read(tmp_path / "raw") is None
    assert read(tmp_path / "empty") is None


def test_relative_names_are_beside_the_overlay(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(overlay(Path("base.raw"), 4096))
    assert read(tmp_path / "file") == Overlay(4096, tmp_path / "base.raw")


@pytest.mark.parametrize(
    "head",
    [
        MAGIC,
        MAGIC + bytes(100),
        MAGIC + struct.pack(">I Q I I Q", 3, 100, 2000, 16, 4096).ljust(100, b"\0"),
        MAGIC + struct.pack(">I Q I I Q", 3, 2**40, 10, 16, 4096).ljust(100, b"\0"),
        MAGIC + struct.pack(">I Q I I Q", 3, 104, 10, 16, 4096).ljust(104, b"\0") + b"short",
        MAGIC + struct.pack(">I Q I I Q", 9, 104, 4, 16, 4096).ljust(104, b"\0") + b"name",
    ],
)
def test_a_header_that_makes_no_sense(tmp_path: Path, head: bytes) -> None:
    (tmp_path / "file").write_bytes(head)
    with pytest.raises(DocumentError) as caught:
        read(tmp_path / "file")
    assert caught.value.problems[0].where == str(tmp_path / "file")


def test_what_cannot_be_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        overlay(Path("/" + "x" * 1023), 4096)
    assert caught.value.code == "qcow2.name-too-long"
    with pytest.raises(UsageError):
        overlay(Path("/x"), 1 << 60)
