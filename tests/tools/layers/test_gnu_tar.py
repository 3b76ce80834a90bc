"""What GNU tar writes we read, and what we write GNU tar reads."""

import os
import stat
from pathlib import Path

import pytest

from bootworthy.host.processes import run
from bootworthy.layers.node import Kind, Node, Tree
from bootworthy.layers.writer import Member, members_of, write
from tests.made_layers import tree
from tests.needs import need

HOLE = 1 << 20


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with some of everything that a person may make."""
    root = tmp_path / "source"
    deep = root / "/".join(["directory-with-a-long-name"] * 6).strip("/")
    deep.mkdir(parents=True)
    (deep / ("f" * 120)).write_bytes(b"deep")
    (root / "file").write_bytes(b"x" * 5000)
    (root / "empty").touch()
    (root / "setuid").write_bytes(b"s")
    (root / "setuid").chmod(0o4755)
    (root / "again").hardlink_to(root / "file")
    (root / "link").symlink_to("file")
    (root / "far").symlink_to("t" * 150)
    os.mkfifo(root / "fifo")
    os.mkdir(os.fsencode(root) + b"/\xff\xfe")
    with (root / "sparse").open("wb") as file:
        for number in range(1, 40):
            file.seek(number * HOLE + 100 * number)
            file.write(b"data%d" % number)
        file.truncate(41 * HOLE + 17)
    for folder, directories, files in os.walk(root, topdown=False):
        for name in directories + files:
            os.utime(Path(folder) / name, ns=(10**9, 1_600_000_000_123_456_789), follow_symlinks=False)
    return root


def tarred(source: Path, *options: str) -> bytes:
    out = source.parent / "out.tar"
    run(["tar", "-C", source, "--sort=name", "-cf", out, *options, "."])
    return out.read_bytes()


def compare(tree: Tree, source: Path, *, fine: bool) -> None:
    inodes: dict[int, set[int]] = {}
    found = 0
    for path, node in tree.walk():
        place = os.fsencode(source) + b"/" + path
        info = os.lstat(place)
        found += 1
        assert node.kind.value == stat.S_IFMT(info.st_mode), path
        assert (node.mode, node.uid, node.gid) == (stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid), path
        wanted = info.st_mtime_ns
        if path:
            assert node.mtime == (wanted if fine else wanted // 10**9 * 10**9), path
        if node.kind is Kind.FILE:
            assert tree.read(node) == Path(os.fsdecode(place)).read_bytes(), path
            inodes.setdefault(info.st_ino, set()).add(id(node))
        if node.kind is Kind.SYMLINK:
            assert node.target == os.readlink(place)
    assert all(len(nodes) == 1 for nodes in inodes.values())
    assert found == sum(len(directories) + len(files) for _, directories, files in os.walk(source)) + 1


@pytest.mark.parametrize(
    "options",
    [
        ["--format=gnu"],
        ["--format=pax"],
        ["--format=gnu", "--sparse"],
        ["--format=pax", "--sparse", "--sparse-version=0.0"],
        ["--format=pax", "--sparse", "--sparse-version=0.1"],
        ["--format=pax", "--sparse", "--sparse-version=1.0"],
        ["--format=oldgnu", "--sparse"],
    ],
    ids=" ".join,
)
def test_formats(source: Path, options: list[str]) -> None:
    need("tar")
    found = tree(source.parent / "layers", tarred(source, *options))
    compare(found, source, fine="--format=pax" in options)
    sparse = found.find(b"sparse")
    assert sparse is not None
    if "--sparse" in options:
        assert len(sparse.chunks) > 1
        assert sum(chunk.length for chunk in sparse.chunks) < sparse.size / 2


@pytest.mark.parametrize("form", ["ustar", "v7"])
def test_old_formats(source: Path, form: str) -> None:
    need("tar")
    (source / "far").unlink()
    (source / "fifo").unlink()
    for path in sorted(source.glob("directory*/**/*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    compare(tree(source.parent / "layers", tarred(source, f"--format={form}")), source, fine=False)


@pytest.mark.parametrize("compressor", ["gzip", "zstd", "xz", "bzip2"])
def test_compressors(source: Path, compressor: str) -> None:
    need("tar", compressor)
    data = tarred(source, "--format=pax", f"--use-compress-program={compressor}")
    compare(tree(source.parent / "layers", data), source, fine=True)


def test_gnu_tar_unpacks_what_we_write(source: Path) -> None:
    need("tar")
    found = tree(source.parent / "layers", tarred(source, "--format=pax", "--sparse"))
    layer = source.parent / "layer.tar.gz"
    with layer.open("wb") as file:
        write(members_of(found), file)
    unpacked = source.parent / "unpacked"
    unpacked.mkdir()
    done = run(["tar", "--same-permissions", "-C", unpacked, "-xzf", layer])
    # the one record that it does not know is for names that are no text, which it takes as they are anyway
    assert set(done.stderr.decode().splitlines()) <= {"tar: Ignoring unknown extended header keyword 'hdrcharset'"}
    compare(found, unpacked, fine=True)


def test_gnu_tar_lists_owners_and_devices(tmp_path: Path) -> None:
    need("tar")
    layer = tmp_path / "layer.tar"
    with layer.open("wb") as file:
        write(
            [
                Member(b"d", Node(Kind.CHARACTER, 0o620, 3, 4_000_000_000, 10**9, device=(5, 1))),
                Member(b"n" * 300, Node(Kind.FIFO, 0o600)),
            ],
            file,
            compress=False,
        )
    lines = run(["tar", "--numeric-owner", "-tvf", layer]).text.splitlines()
    assert lines[0].split()[:4] == ["crw--w----", "3/4000000000", "5,1", "1970-01-01"]
    assert lines[1].endswith("n" * 300)
