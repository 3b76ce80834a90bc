import os
from pathlib import Path

import pytest

from bootworthy.host.direct import DirectWriter, pays, room

MIB = 1 << 20


def _written(path: Path, parts: list[tuple[int, int]]) -> bytes:
    """A file that gets parts as (place, length), each filled with its own number."""
    window = room(4 * MIB)
    with path.open("wb") as file:
        writer = DirectWriter(file.fileno())
        for number, (place, length) in enumerate(parts, 1):
            window[:length] = bytes([number]) * length
            writer.write(window[:length], place)
        writer.close()
    return path.read_bytes()


def test_large_small_and_crooked_writes_arrive(tmp_path: Path) -> None:
    parts = [(2 * MIB, 4 * MIB), (0, 4096), (8 * MIB, MIB + 17), (6 * MIB + 1, MIB)]
    expected = bytearray(9 * MIB + 17)
    for number, (place, length) in enumerate(parts, 1):
        expected[place : place + length] = bytes([number]) * length
    assert _written(tmp_path / "out", parts) == expected


def test_a_slow_disk_is_left_to_the_page_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr("bootworthy.host.direct.time.perf_counter", lambda: float(next(clock)))
    with (tmp_path / "out").open("wb") as file:
        without = len(os.listdir("/proc/self/fd"))
        writer = DirectWriter(file.fileno())
        assert len(os.listdir("/proc/self/fd")) == without + _is_direct(tmp_path)
        for number in range(20):
            writer.write(room(4 * MIB), number * 4 * MIB)
        assert len(os.listdir("/proc/self/fd")) == without
    assert (tmp_path / "out").stat().st_size == 80 * MIB


def _is_direct(folder: Path) -> bool:
    """Whether the filesystem has direct writes at all."""
    try:
        os.close(os.open(folder / "probe", os.O_WRONLY | os.O_CREAT | os.O_DIRECT))
    except OSError:
        return False
    return True


def test_a_file_that_cannot_be_written_past_the_cache_is_written_through_it() -> None:
    descriptor = os.memfd_create("volume")
    try:
        writer = DirectWriter(descriptor)
        writer.write(room(MIB), 4096)
        writer.close()
        assert os.fstat(descriptor).st_size == MIB + 4096
    finally:
        os.close(descriptor)


def test_a_full_disk_is_an_error() -> None:
    with Path("/dev/full").open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        DirectWriter(file.fileno()).write(room(4096), 0)


def test_what_memory_has_much_room_for_is_kept_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"SC_PHYS_PAGES": 1 << 18, "SC_PAGE_SIZE": 4096}
    monkeypatch.setattr(os, "sysconf", sizes.__getitem__)
    assert not pays(32 * MIB)
    assert pays(32 * MIB + 1)
