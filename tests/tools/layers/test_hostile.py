"""Archives that other programs wrote, in every format they know, as they are and mangled."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from bootworthy.host.processes import run
from tests import hostile
from tests.mangled import MANGLINGS, Mangling
from tests.needs import need

GNU: list[tuple[str, ...]] = [("tar", f"--format={form}") for form in ("v7", "ustar")]
GNU += [("tar", f"--format={form}", "--sparse") for form in ("oldgnu", "gnu", "posix")]
OLDER = [
    ("tar", "--format=posix", "--sparse", "--sparse-version=0.0"),
    ("tar", "--format=posix", "--sparse", "--sparse-version=0.1"),
]
BSD = [("bsdtar", "--format", form, "--no-read-sparse") for form in ("v7", "ustar", "gnutar", "pax", "bsdtar")]
SPARSE = [("bsdtar", "--format", "pax", "--read-sparse")]
WRITERS = [*GNU, *OLDER, *BSD, *SPARSE]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some of everything, small; what a format cannot hold its program leaves out."""
    root = tmp_path_factory.mktemp("source")
    (root / "folder" / ("deep" * 30)).mkdir(parents=True)
    (root / "folder" / ("deep" * 30) / ("f" * 90)).write_bytes(b"deep")
    (root / "file").write_bytes(b"x" * 700)
    (root / "again").hardlink_to(root / "file")
    (root / "link").symlink_to("../folder/" + "t" * 120)
    (root / "in").symlink_to("folder")
    os.mkfifo(root / "fifo")
    with (root / "sparse").open("wb") as file:
        for number in range(1, 8):
            file.seek(number * 16384)
            file.write(b"data%d" % number)
        file.truncate(200_000)
    return root


def archive(writer: tuple[str, ...], folder: Path) -> bytes:
    names = sorted(path.name for path in folder.iterdir())
    return run([*writer, "-C", folder, "-cf", "-", *names], check=False).stdout


@pytest.fixture(scope="module")
def archives(folder: Path) -> list[bytes]:
    need("tar", "bsdtar")
    return [archive(writer, folder) for writer in WRITERS]


def test_all_of_them_are_read(archives: list[bytes]) -> None:
    for writer, data in zip(WRITERS, archives, strict=True):
        tree = hostile.check(data)
        assert tree is not None, writer
        assert {b"again", b"file", b"folder", b"sparse"} <= set(tree.root.children), writer
        assert tree.root.children[b"file"] is tree.root.children[b"again"], writer
        assert tree.root.children[b"sparse"].size == 200_000, writer
        hostile.compare(data)


@given(mangling=MANGLINGS)
@settings(max_examples=300, suppress_health_check=list(HealthCheck))
def test_mangled_they_are_refused_or_sound(archives: list[bytes], mangling: Mangling) -> None:
    lower, upper = mangling.layers(archives)
    hostile.check(lower, upper)
    hostile.compare(upper)
