"""What a guest's kernel makes of our erofs and squashfs, and of our cpio as its initramfs."""

from __future__ import annotations

import stat
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from bootworthy.filesystems import cpio, squeeze, writer
from bootworthy.filesystems.writer import Planned, VolumeOptions
from bootworthy.host.progress import QUIET
from bootworthy.layers.node import BLOCK, Kind, Node, Tree
from tests import archive, trees
from tests.needs import need, need_newer
from tests.shell_guest import OVER, PACK, Drive, ShellGuest, blank

VOLUME = uuid.UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")


def tree(folder: Path) -> Tree:
    """Two layers with what erofs and squashfs keep."""
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


def compared_by(guest: ShellGuest, found: Tree, folder: Path, filesystem: str, profile: str) -> list[str]:
    """Where what a guest's kernel sees in a volume differs from the tree, in words."""
    planned = make(found, folder / "volume", filesystem, profile)
    devices = [folder / "volume", *planned.devices]
    named = ",".join(["ro", *(f"device=/dev/vd{chr(ord('b') + number)}" for number in range(len(planned.devices)))])
    out = blank(folder / "out", 2**26)
    script = f"mount -t {filesystem} -o {named} /dev/vda /v\n"
    script += PACK.replace("OUT", f"/dev/vd{chr(ord('a') + len(devices))}")
    guest.run(script, *(Drive(path, read_only=True) for path in devices), out)
    return archive.differences(archive.below(archive.read(out.path), b"v"), archive.of_tree(found))


@pytest.mark.parametrize(
    ("filesystem", "profile"),
    [("erofs", "flat"), ("erofs", "layered"), *(("squashfs", each) for each in ("none", "gzip", "lz4", "xz", "zstd"))],
)
def test_a_guest_reads_what_went_in(filesystem: str, profile: str, guest: ShellGuest, tmp_path: Path) -> None:
    if filesystem == "squashfs":
        need("mksquashfs")
    assert compared_by(guest, tree(tmp_path), tmp_path, filesystem, profile) == []


@pytest.mark.parametrize(
    ("profile", "reader"),
    [("lz4", "guest"), ("lz4hc", "guest"), *((each, "newer_guest") for each in ("zstd", "lzma", "deflate"))],
)
def test_a_guest_reads_compressed_erofs(
    profile: str, reader: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    need_newer("mkfs.erofs", "--tar")
    guest = request.getfixturevalue(reader)
    assert compared_by(guest, tree(tmp_path), tmp_path, "erofs", profile) == []


@pytest.mark.parametrize("profile", squeeze.PROFILES)
def test_a_kernel_unpacks_a_cpio_as_its_initramfs(profile: str, guest: ShellGuest, tmp_path: Path) -> None:
    seen = tree(tmp_path)
    seen.root.mtime = 10**18
    seen.root.children[b"link too"] = seen.root.children[b"lower"].children[b"link"]
    seen.root.children[b"socket"] = Node(Kind.SOCKET, 0o755, uid=1, gid=2, mtime=10**18)
    found = with_programs(
        seen, guest, "stat -c 'the root: %a %u %g %Y.' /\n" + PACK.replace("OUT", "/dev/vda"), tmp_path
    )
    make(found, tmp_path / "initrd", "cpio", profile)
    out = blank(tmp_path / "out", 2**26)
    with guest.start_from(tmp_path / "initrd", [out], tmp_path) as session:
        said = session.until(OVER)
        session.end()
    assert "the root: 751 7 8 1234567890." in said
    told = archive.below(archive.read(out.path), b"v")
    assert archive.differences(told, {name: as_cpio(fact) for name, fact in archive.of_tree(seen).items()}) == []


def with_programs(seen: Tree, guest: ShellGuest, script: str, folder: Path) -> Tree:
    """What a guest boots from, with a tree below /v, and a root that does not belong to root."""
    body = trees.Body()
    root = trees.directory({}, 0o751, uid=7, gid=8, mtime=1234567890 * 10**9)
    for entry in guest.with_script(script):
        *parents, name = entry.path.split(b"/")
        place = root
        for parent in parents:
            place = place.children[parent]
        place.children[name] = node_of(entry, body, len(seen.bodies))
    root.children[b"v"] = seen.root
    return Tree(root, (*seen.bodies, *body.tree(root, folder / f"{'f' * 64}.body").bodies))


def node_of(entry: cpio.CpioEntry, body: trees.Body, number: int) -> Node:
    """An entry of an archive as a node whose content is in the body of that number."""
    kind, mode = Kind(stat.S_IFMT(entry.mode)), stat.S_IMODE(entry.mode)
    if kind is Kind.FILE:
        node = body.file(entry.data, mode)
        node.chunks = tuple(chunk._replace(body=number) for chunk in node.chunks)
        return node
    return Node(kind, mode, target=entry.data, device=entry.device)


def as_cpio(fact: archive.Fact) -> archive.Fact:
    """It has whole seconds, and no attributes; a kernel makes of a symbolic link with two names two links."""
    names = () if fact.kind == "symlink" else fact.names
    return replace(fact, mtime=fact.mtime // 10**9 * 10**9, xattrs=(), names=names)
