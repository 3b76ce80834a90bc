"""What a guest's kernel makes of our erofs, flat and layered, and of squashfs."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from bootworthy.filesystems import writer
from bootworthy.filesystems.writer import Planned, VolumeOptions
from bootworthy.host.progress import QUIET
from bootworthy.layers.node import BLOCK, Kind, Node, Tree
from tests import archive, trees
from tests.needs import need
from tests.shell_guest import PACK, Drive, ShellGuest, blank

VOLUME = uuid.UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")


def tree(folder: Path) -> Tree:
    """Two layers with what both formats keep."""
    bodies = [trees.Body(), trees.Body()]
    names = [(b"%d-" % number).ljust(200, b"\xff") for number in range(500)]
    lower = trees.directory({
        b"large": bodies[0].file(bytes(range(256)) * 9000, mtime=10**18),
        b"link": Node(Kind.SYMLINK, 0o777, target=b"t" * 4095),
        b"many": trees.directory({name: Node(Kind.FIFO, 0o600) for name in names}),
        b"tty": Node(Kind.CHARACTER, 0o620, uid=2**32 - 2, gid=5, device=(4, 300)),
    })  # fmt: skip
    upper = trees.directory({
        b"setuid": bodies[1].file(b"3" * 5000, 0o4755, xattrs=((b"security.capability", trees.CAPABILITY),)),
        b"sparse": bodies[1].sparse([(0, b"a"), (BLOCK * 100, b"b" * 9000)], BLOCK * 3000 + 1),
    })  # fmt: skip
    upper.children[b"again"] = upper.children[b"setuid"]
    for number, root in enumerate((lower, upper)):
        bodies[number].tree(root, folder / f"{number:064x}.body")
        for _, node in Tree(root).walk():
            node.chunks = tuple(chunk._replace(body=number) for chunk in node.chunks)
    paths = tuple(folder / f"{number:064x}.body" for number in range(2))
    return Tree(trees.directory({b"lower": lower, b"upper": upper}, mtime=10**18), paths)


def make(found: Tree, path: Path, filesystem: str, profile: str) -> Planned:
    options = VolumeOptions(profile=profile)
    prepared = writer.filesystem(filesystem).prepare(found, options, uuid=VOLUME, time=10**9)
    with path.open("w+b") as file:
        prepared.write(file, QUIET)
    return prepared.planned


@pytest.mark.parametrize(
    ("filesystem", "profile"), [("erofs", "flat"), ("erofs", "layered"), ("squashfs", "zstd"), ("squashfs", "none")]
)
def test_a_guest_reads_what_went_in(filesystem: str, profile: str, guest: ShellGuest, tmp_path: Path) -> None:
    if filesystem == "squashfs":
        need("mksquashfs")
    found = tree(tmp_path)
    planned = make(found, tmp_path / "volume", filesystem, profile)
    devices = [tmp_path / "volume", *planned.devices]
    named = ",".join(["ro", *(f"device=/dev/vd{chr(ord('b') + number)}" for number in range(len(planned.devices)))])
    out = blank(tmp_path / "out", 2**26)
    script = f"mount -t {filesystem} -o {named} /dev/vda /v\n"
    script += PACK.replace("OUT", f"/dev/vd{chr(ord('a') + len(devices))}")
    guest.run(script, *(Drive(path, read_only=True) for path in devices), out)
    told = archive.below(archive.read(out.path), b"v")
    assert archive.differences(told, archive.of_tree(found)) == []
