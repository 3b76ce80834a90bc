import contextlib
import io
import tarfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.builders import kernel_tree
from bootworthy.errors import BuildError

MAKEFILE = "# SPDX\nVERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 192\nEXTRAVERSION =\nNAME = Some Name\n"
GOOD = (("linux/Makefile", MAKEFILE), ("linux/Kconfig", "mainmenu x\n"))


def member(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0, target: str = "", **fields: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, size, target
    info.mode, info.mtime = fields.get("mode", 0o644), fields.get("mtime", 1000)
    return info


def archive(path: Path, *extra: tarfile.TarInfo, files: Iterable[tuple[str, str]] = GOOD, mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for name, text in files:
            tar.addfile(member(name, size=len(text)), io.BytesIO(text.encode()))
        for each in extra:
            tar.addfile(each, io.BytesIO(b"x" * each.size))
    return path


def unpack(path: Path, folder: Path) -> kernel_tree.KernelTree:
    folder.mkdir(exist_ok=True)
    return kernel_tree.unpack(path, folder, "the source")


@pytest.mark.parametrize("mode", ["w:xz", "w:gz", "w:bz2", "w"])
def test_a_source(tmp_path: Path, mode: str) -> None:
    made = archive(
        tmp_path / "a", member("linux/scripts/x.sh", mode=0o4755, mtime=2000, size=3),
        member("linux/link", tarfile.SYMTYPE, target="scripts/x.sh"), mode=mode,
    )  # fmt: skip
    tree = unpack(made, tmp_path / "out")
    assert (tree.version, tree.epoch, tree.root.name) == ("6.1.192", 2000, "linux")
    script = tree.root / "scripts" / "x.sh"
    assert (script.read_bytes(), script.stat().st_mode & 0o7777, script.stat().st_mtime) == (b"xxx", 0o755, 2000)
    assert (tree.root / "link").readlink() == Path("scripts/x.sh")
    assert (tree.root / "Makefile").stat().st_mode & 0o7777 == 0o644


def test_a_version_without_a_sublevel(tmp_path: Path) -> None:
    files = [("l/Makefile", "VERSION = 7\nPATCHLEVEL = 0\n"), ("l/Kconfig", "")]
    assert unpack(archive(tmp_path / "a", files=files), tmp_path / "out").version == "7.0"


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (member("/etc/passwd", size=1), "'/etc/passwd' leads out of it"),
        (member("linux/../../up", size=1), r"'linux/\.\./\.\./up' leads out of it"),
        (member("linux/a", tarfile.SYMTYPE, target="../../up"), r"'\.\./up' leads out of it"),
        (member("linux/a", tarfile.SYMTYPE, target="/etc"), "'/etc' leads out of it"),
        (member("linux/a", tarfile.LNKTYPE, target="linux/Makefile"), "neither file, folder nor symbolic link"),
        (member("linux/a", tarfile.CHRTYPE), "neither file, folder nor symbolic link"),
        (member("linux/a", tarfile.FIFOTYPE), "neither file, folder nor symbolic link"),
        (member("linux/" + 300 * "a", size=1), "too long"),
        (member("linux/Makefile/below", size=1), "that of a file and of something else"),
        (member("linux/Makefile", tarfile.SYMTYPE, target="Kconfig"), "that of a file and of something else"),
    ],
)
def test_what_is_not_unpacked(tmp_path: Path, extra: tarfile.TarInfo, message: str) -> None:
    with pytest.raises(BuildError, match=message) as caught:
        unpack(archive(tmp_path / "a", extra), tmp_path / "out")
    assert (caught.value.code, caught.value.where) == ("source.unsafe", "the source")
    assert not (tmp_path / "up").exists()


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    """A folder that was a link in the archive first is a folder; the link comes too late."""
    made = archive(
        tmp_path / "a", member("linux/d", tarfile.SYMTYPE, target="scripts"), member("linux/d/file", size=1)
    )  # fmt: skip
    with pytest.raises(BuildError, match="that of a file and of something else"):
        unpack(made, tmp_path / "out")
    assert not (tmp_path / "out" / "linux" / "scripts").exists()


def test_more_than_any_source_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_tree, "_LARGEST", 1000)
    with pytest.raises(BuildError, match="more files or bytes"):
        unpack(archive(tmp_path / "a", member("linux/large", size=1001)), tmp_path / "out")


@pytest.mark.parametrize(
    "files",
    [
        [("linux/README", "")], [*GOOD, ("second/file", "")], [("Makefile", MAKEFILE), ("Kconfig", "")],
        [("linux/Makefile", "all:\n"), ("linux/Kconfig", "")], [],
    ],
)  # fmt: skip
def test_what_is_no_source(tmp_path: Path, files: list[tuple[str, str]]) -> None:
    with pytest.raises(BuildError, match="no source of a kernel") as caught:
        unpack(archive(tmp_path / "a", files=files), tmp_path / "out")
    assert caught.value.code == "source.no-kernel"
    assert caught.value.hint


@pytest.mark.parametrize("mode", ["w:xz", "w:gz"])
def test_damage(tmp_path: Path, mode: str) -> None:
    whole = archive(tmp_path / "a", member("linux/large", size=300_000), mode=mode).read_bytes()
    for number, data in enumerate((whole[: len(whole) // 2], whole[:100] + b"\0" * 50 + whole[150:], b"random", b"")):
        path = tmp_path / f"bad{number}"
        path.write_bytes(data)
        with pytest.raises(BuildError) as caught:
            unpack(path, tmp_path / f"out{number}")
        assert caught.value.code in {"source.damaged", "source.no-kernel"}


@given(st.binary(max_size=4096), st.integers(0, 2000))
def test_garbage_is_refused_in_words(tmp_path_factory: pytest.TempPathFactory, data: bytes, at: int) -> None:
    folder = tmp_path_factory.mktemp("garbage")
    whole = bytearray(archive(folder / "a", mode="w").read_bytes())
    whole[at : at + len(data)] = data
    (folder / "a").write_bytes(whole)
    with contextlib.suppress(BuildError):
        assert unpack(folder / "a", folder / "out").version.startswith("6")
