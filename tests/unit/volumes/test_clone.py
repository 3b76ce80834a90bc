from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from bootworthy.errors import NotFoundError, UsageError
from bootworthy.host import copies
from bootworthy.volumes import qcow2
from bootworthy.volumes.clone import EITHER, RAW, Clone, Format, Way, backings, clone


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    path = tmp_path / "volume.ext4"
    with path.open("wb") as file:
        file.write(b"begin")
        file.seek(3 << 20)
        file.write(b"end")
        file.truncate(8 << 20)
    return path


@pytest.fixture
def shares(monkeypatch: pytest.MonkeyPatch) -> None:
    """This disk cannot share blocks, whatever it is."""
    monkeypatch.setattr(copies, "share", lambda source, target: False)


@pytest.mark.usefixtures("shares")
class TestWithoutReflinks:
    def test_a_copy_keeps_holes_and_bytes(self, volume: Path, tmp_path: Path) -> None:
        made = clone(volume, tmp_path / "vm.ext4", formats=RAW)
        assert made == Clone(path=tmp_path / "vm.ext4", way=Way.COPY, format=Format.RAW, size=8 << 20, backing=None)
        assert made.path.read_bytes() == volume.read_bytes()
        assert made.path.stat().st_blocks * 512 < 1 << 20
        assert stat.S_IMODE(made.path.stat().st_mode) == 0o600

    def test_an_overlay_where_it_can_be_read(self, volume: Path, tmp_path: Path) -> None:
        made = clone(volume, tmp_path / "vm", formats=EITHER, size=1 << 30)
        assert (made.way, made.format, made.backing) == (Way.OVERLAY, Format.QCOW2, volume)
        assert qcow2.read(made.path) == qcow2.Overlay(1 << 30, volume)
        assert clone(volume, tmp_path / "vm.qcow2").way is Way.OVERLAY

    def test_a_copy_can_be_larger(self, volume: Path, tmp_path: Path) -> None:
        made = clone(volume, tmp_path / "vm", formats=RAW, size=32 << 20)
        assert made.path.stat().st_size == made.size == 32 << 20
        assert made.path.read_bytes()[: 8 << 20] == volume.read_bytes()

    def test_backing_files_are_named_whole(self, volume: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        Path("link").symlink_to(volume.name)
        assert clone(Path("link"), Path("vm.qcow2")).backing == volume


def test_the_volume_stays_as_it_was(volume: Path, tmp_path: Path) -> None:
    before, status = volume.read_bytes(), volume.stat()
    for name in ("a.raw", "b.qcow2"):
        with clone(volume, tmp_path / name, size=16 << 20).path.open("r+b") as file:
            file.write(b"changed")
    assert volume.read_bytes() == before
    assert volume.stat().st_mtime_ns == status.st_mtime_ns


@pytest.mark.parametrize(
    ("out", "more", "code"),
    [
        ("there", {}, "clone.exists"),
        ("dangling", {}, "clone.exists"),
        ("volume.ext4", {"force": True}, "clone.same"),
        ("again", {"force": True}, "clone.same"),
        ("new", {"size": 4096}, "clone.too-small"),
        ("new.qcow2", {"formats": RAW}, "clone.format"),
    ],
)
def test_refusals_leave_everything(volume: Path, tmp_path: Path, out: str, more: dict[str, object], code: str) -> None:
    (tmp_path / "there").write_text("mine")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "again").hardlink_to(volume)
    before = sorted(tmp_path.iterdir())
    content = volume.read_bytes()
    with pytest.raises(UsageError) as caught:
        clone(volume, tmp_path / out, **more)  # type: ignore[arg-type]
    assert caught.value.code == code
    assert sorted(tmp_path.iterdir()) == before
    assert volume.read_bytes() == content
    assert (tmp_path / "there").read_text() == "mine"


def test_what_is_there_is_replaced_when_asked(volume: Path, tmp_path: Path) -> None:
    (tmp_path / "vm").write_text("mine")
    clone(volume, tmp_path / "vm", formats=RAW, force=True)
    assert (tmp_path / "vm").read_bytes() == volume.read_bytes()


def test_an_overlay_is_not_cloned(volume: Path, tmp_path: Path) -> None:
    clone(volume, tmp_path / "vm.qcow2")
    with pytest.raises(UsageError) as caught:
        clone(tmp_path / "vm.qcow2", tmp_path / "more.qcow2")
    assert caught.value.code == "clone.not-raw"
    with pytest.raises(NotFoundError):
        clone(tmp_path / "none", tmp_path / "more")


def test_records_say_which_overlays_are_left(volume: Path, tmp_path: Path) -> None:
    records = tmp_path / "clones"
    for name in ("a.qcow2", "b.qcow2", "c.qcow2", "d.qcow2", "raw"):
        clone(volume, tmp_path / name, formats=RAW if name == "raw" else EITHER, records=records)
    assert sorted(backing or Path() for _, backing in backings(records)) == [volume] * 4
    (tmp_path / "a.qcow2").unlink()
    (tmp_path / "b.qcow2").write_bytes(qcow2.overlay(tmp_path / "other", 4096))
    (tmp_path / "c.qcow2").write_bytes(qcow2.MAGIC)
    found = list(backings(records))
    assert len(found) == 4
    assert [backing for _, backing in found if backing is not None] == [volume]
    os.rename(tmp_path / "d.qcow2", tmp_path / "e.qcow2")
    assert not [backing for _, backing in backings(records) if backing is not None]
