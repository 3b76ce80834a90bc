"""What a kernel makes of our ext4: it reads what went in, writes to it, grows it, and mends it after a power cut."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from bootworthy.filesystems.ext4.options import Options, Profile
from bootworthy.filesystems.ext4.plan import plan
from bootworthy.filesystems.ext4.write import write
from bootworthy.host import processes
from bootworthy.layers.node import BLOCK, Kind, Node, Tree
from tests import archive, debugfs, trees
from tests.needs import need
from tests.shell_guest import PACK, Drive, ShellGuest, blank, copied

KIB, MIB, GIB = 2**10, 2**20, 2**30
VOLUME = uuid.UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
DRAWN = 30


@pytest.fixture(autouse=True)
def _tools() -> None:
    need("e2fsck", "dumpe2fs")


def drawn(count: int) -> list[tuple[trees.Body, Node]]:
    """Random roots, drawn without chance."""
    found: list[tuple[trees.Body, Node]] = []

    @settings(
        max_examples=count, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )  # fmt: skip
    @given(trees.roots())
    def keep(one: tuple[trees.Body, Node]) -> None:
        found.append(one)

    keep()
    return found


def large() -> tuple[trees.Body, Node]:
    """A directory with two levels of index, a file with a tree of extents, access control lists."""
    body = trees.Body()
    names = [(b"%d-" % number).ljust(255, b"n") for number in range(9000)]
    pieces = [(number * 2 * BLOCK, b"%d" % number) for number in range(1400)]
    lists = ((b"system.posix_acl_access", trees.ACL), (b"system.posix_acl_default", trees.ACL))
    listed = trees.directory({b"f": body.file(b"x", 0o750, xattrs=lists[:1])}, 0o750, xattrs=lists)
    children = {
        b"many": trees.directory({name: Node(Kind.FIFO, 0o600) for name in names}), b"listed": listed,
        b"fragmented": body.sparse(pieces, 3000 * BLOCK),
    }  # fmt: skip
    return body, trees.directory(children)


def as_kernels_take_it(root: Node) -> None:
    """Attributes that a kernel gives out: a capability that is one, and those of users on what has content only."""
    for _, node in Tree(root).walk():
        plain = node.kind in {Kind.FILE, Kind.DIRECTORY}
        node.xattrs = tuple(
            (name, trees.CAPABILITY if name == b"security.capability" else value)
            for name, value in node.xattrs
            if plain or not name.startswith(b"user.")
        )


@dataclass
class Volume:
    """A volume on a drive that holds many."""

    tree: Tree
    path: Path
    offset: int = 0


def volumes(folder: Path) -> Iterator[Volume]:
    """The random trees, one profile after the other, and a large one in both."""
    every = [*drawn(DRAWN), large(), large()]
    for number, (body, root) in enumerate(every):
        as_kernels_take_it(root)
        tree = body.tree(root, folder / f"body-{number}")
        path = folder / f"volume-{number}"
        make(tree, path, profile=tuple(Profile)[number % 2], free=8 * MIB, inodes=14_000 if number >= DRAWN else 1500)
        yield Volume(tree, path)


def make(tree: Tree, path: Path, **options: object) -> None:
    with path.open("wb") as file:
        write(tree, plan(tree, Options(uuid=VOLUME, **options)), file)  # type: ignore[arg-type]


def joined(every: list[Volume], path: Path) -> Drive:
    """One drive with volumes one after the other."""
    end = 0
    for volume in every:
        volume.offset = end
        end += -(-volume.path.stat().st_size // MIB) * MIB
        part(volume.path, path, "seek", volume.offset)
    with path.open("r+b") as file:
        file.truncate(end)
    return Drive(path)


def part(source: Path, target: Path, where: str, offset: int, count: int | None = None) -> None:
    """Copy from or to a place in a drive, holes kept."""
    argv = ["dd", f"if={source}", f"of={target}", "bs=1M", f"{where}={offset // MIB}", "conv=sparse,notrunc"]
    processes.run([*argv, *([] if count is None else [f"count={-(-count // MIB)}"])])


READ = """
for volume in {offsets}; do
	number=${{volume%:*}}
	device=$(losetup -f)
	[ -b "$device" ] || mknod "$device" b 7 "${{device#/dev/loop}}"
	losetup -o "${{volume#*:}}" "$device" /dev/vda
	echo "$device" >"/device-$number"
	mkdir "/v/$number"
	mount -t ext4 -o ro "$device" "/v/$number"
done
"""
WRITE = """
for number in {numbers}; do
	read -r device <"/device-$number"
	umount "/v/$number"
	mount -t ext4 "$device" "/v/$number"
	cd "/v/$number"
	find . -type f -exec sh -c 'for file; do echo more >>"$file"; done' sh {{}} +
	turn=0
	for name in *; do
		turn=$((1 - turn))
		[ "$turn" = 0 ] || [ "$name" = lost+found ] || rm -rf "./$name"
	done
	mkdir new
	count=0
	while [ "$count" -lt 300 ]; do
		echo "$count" >"new/a-long-name-so-that-the-directory-needs-an-index-$count"
		count=$((count + 1))
	done
	rm new/*5
	ln new/*-7 again
	mv new/*-8 moved
	dd if=/dev/zero of=zeros bs=64k count=20 2>/dev/null
	rm zeros
	cd /
	umount "/v/$number"
	mount -t ext4 -o ro "$device" "/v/$number"
	[ "$(cat "/v/$number/again" "/v/$number/moved")" = "7
8" ]
	[ "$(ls "/v/$number/new" | wc -l)" = 269 ]
	umount "/v/$number"
	losetup -d "$device"
done
"""


def test_a_kernel_reads_what_went_in_and_writes_to_it(guest: ShellGuest, tmp_path: Path) -> None:
    every = list(volumes(tmp_path))
    drive, out = joined(every, tmp_path / "drive"), blank(tmp_path / "out", GIB)
    script = READ.format(offsets=" ".join(f"{n}:{each.offset}" for n, each in enumerate(every)))
    script += PACK.replace("OUT", "/dev/vdb")
    script += WRITE.format(numbers=" ".join(str(number) for number in range(len(every))))
    guest.run(script, drive, out)
    found = archive.read(out.path)
    for number, volume in enumerate(every):
        told = archive.below(found, b"v/%d" % number)
        lost = told.pop(b"lost+found")
        assert (lost.kind, lost.mode, lost.uid, lost.gid) == ("directory", 0o700, 0, 0)
        wanted = archive.of_tree(volume.tree)
        assert archive.differences(told, wanted) == [], number
        size = volume.path.stat().st_size
        volume.path.unlink()
        part(drive.path, volume.path, "skip", volume.offset, size)
        debugfs.check(volume.path)


def header(volume: Path) -> dict[str, str]:
    """The superblock as dumpe2fs tells it."""
    lines = processes.run(["dumpe2fs", "-h", volume]).text.splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def simple(folder: Path, name: str, **options: object) -> Path:
    """A volume with a file of a MiB and a folder."""
    body = trees.Body()
    root = trees.directory({b"old": body.file(b"0123456789abcdef" * 65536), b"work": trees.directory()})
    volume = folder / name
    make(body.tree(root, folder / f"{name}.body"), volume, **options)
    return volume


OLD = 'sha256sum /v/old | grep -q "^' + archive.digest(b"0123456789abcdef" * 65536) + '"\n'


def test_a_power_cut_is_mended_from_the_journal(guest: ShellGuest, tmp_path: Path) -> None:
    volume = simple(tmp_path, "volume", size=200 * MIB)
    script = """
mount -t ext4 /dev/vda /v
count=0
while :; do
	count=$((count + 1))
	mkdir "/v/work/$count"
	dd if=/dev/zero of="/v/work/$count/zeros" bs=16k count=4 2>/dev/null
	echo "$count" >"/v/work/$count/number"
	[ "$count" -lt 10 ] || rm -r "/v/work/$((count - 5))"
	sync
	echo "synced $count."
done
"""
    with guest.start(script, [Drive(volume)]) as session:
        session.until(b"synced 60.")
        session.kill()
    assert "needs_recovery" in header(volume)["Filesystem features"]
    replayed = copied(volume, tmp_path / "replayed")
    assert processes.run(["e2fsck", "-fy", volume], check=False).status in {0, 1}
    debugfs.check(volume)
    look = f"""
mount -t ext4 /dev/vda /v
mount -t ext4 /dev/vdb /v/work/60
{OLD}
[ "$(cat /v/work/59/number)" = 59 ]
[ "$(cat /v/work/60/work/60/number)" = 60 ]
[ ! -e /v/work/54 ]
[ ! -e /v/work/60/work/54 ]
echo new >/v/work/after
umount /v/work/60
umount /v
"""
    guest.run(look, Drive(replayed), Drive(volume))
    for each in (replayed, volume):
        assert "needs_recovery" not in header(each)["Filesystem features"]
        debugfs.check(each)


def test_it_grows_while_it_is_mounted(guest: ShellGuest, tmp_path: Path) -> None:
    every = [simple(tmp_path, profile, profile=profile, size=100 * MIB) for profile in Profile]
    script = ""
    for volume, device in zip(every, ("/dev/vda", "/dev/vdb"), strict=True):
        with volume.open("r+b") as file:
            file.truncate(20 * GIB)
        script += f"""
mount -t ext4 {device} /v
/tools/resize2fs {device}
dd if=/dev/zero of=/v/work/zeros bs=1M count=300 2>/dev/null
umount /v
mount -t ext4 {device} /v
{OLD}
[ "$(stat -c %s /v/work/zeros)" = {300 * MIB} ]
umount /v
"""
    guest.run(script, *(Drive(volume) for volume in every))
    for volume in every:
        assert int(header(volume)["Block count"]) * BLOCK == 20 * GIB
        debugfs.check(volume)


GROW = """
mount -t ext4 /dev/vda /v
(
	count=0
	while [ ! -e /stop ]; do
		count=$((count + 1))
		echo "$count" >"/v/work/$count"
		cp /v/old "/v/work/copy-$((count % 4))"
	done
	sync
	echo "wrote $count."
) &
/tools/resize2fs /dev/vda 9G
/tools/resize2fs /dev/vda
: >/stop
wait
umount /v
"""


@pytest.mark.parametrize("profile", Profile)
def test_it_grows_step_by_step_while_it_is_written_to(profile: Profile, guest: ShellGuest, tmp_path: Path) -> None:
    need("debugfs")
    end = 20 * GIB + 60 * MIB  # its last group is a part of one, as the first size's is
    volume = simple(tmp_path, "volume", profile=profile, size=3 * GIB + 40 * MIB)
    before = header(volume)
    with volume.open("r+b") as file:
        file.truncate(end)
    said = guest.run(GROW, Drive(volume))
    match = re.search(r"wrote (\d+)\.", said)
    assert match is not None
    debugfs.check(volume)
    after = header(volume)
    assert (int(before["Block count"]), int(after["Block count"])) == ((3 * GIB + 40 * MIB) // BLOCK, end // BLOCK)
    assert int(after["Inode count"]) * 25 == int(before["Inode count"]) * 161  # groups
    debugfs.run(volume, [f"rdump /old /work {tmp_path}"], tmp_path)
    old = b"0123456789abcdef" * 65536
    assert (tmp_path / "old").read_bytes() == old
    count = int(match[1])
    found = {path.name: path.read_bytes() for path in (tmp_path / "work").iterdir()}
    copies = {f"copy-{number % 4}": old for number in range(1, count + 1)}
    assert found == copies | {str(number): f"{number}\n".encode() for number in range(1, count + 1)}
