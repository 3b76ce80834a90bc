"""An ext4 of ours loses power ten times in the middle of writes; each time it keeps what a journal promises.

A cut is a SIGKILL of QEMU: what the guest held in memory is gone, and so is what it had not yet been told is written.
What QEMU has acknowledged is in this host's page cache, which outlives it: that is a drive whose own cache has a
battery. Other cuts are a drive without one: all that the guest flushed is there, and of the rest some or nothing.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from pathlib import Path

from bootworthy.filesystems.ext4.options import Options, Profile
from bootworthy.filesystems.ext4.plan import plan
from bootworthy.filesystems.ext4.write import write
from bootworthy.host import processes
from bootworthy.layers.node import Kind, Node
from tests import debugfs, power, trees
from tests.boot.test_kernel_reads_ext4 import VOLUME, header
from tests.needs import need
from tests.shell_guest import Drive, ShellGuest, copied

MIB = 2**20
BLOCK = 4096
OURS = {(b"ours-%d-" % number).ljust(255, b"n") for number in range(7400)}
"""Names of a directory whose index has one level, and needs a second for a few hundred more."""
MOVED = b"it is here or there\n" * 1000


@dataclass(frozen=True)
class Cut:
    """One end of the power."""

    word: str
    """What the guest has just said."""
    share: float = 1.0
    """Of what was not flushed and is there nevertheless; all of it with a battery."""
    widest: bool = False
    """The power went before, when most was not flushed: nobody knows what the guest had said by then."""


CUTS = (
    Cut("kept 20."), Cut("grown 2."), Cut("replaced 12.", 0.0), Cut("left 10.", 0.5, widest=True),
    Cut("appended 40.", 0.0, widest=True), Cut("kept 2."), Cut("grown 4.", 0.9, widest=True),
    Cut("replaced 4.", 0.5), Cut("kept 35.", 0.5, widest=True), Cut("left 4."),
)  # fmt: skip
"""After the first, third... e2fsck mends the volume, after the others the kernel that mounts it next."""

WRITE = """
mount -t ext4 /dev/vda /v
cd /v/work
mkdir kept-ROUND grown-ROUND
keep() {
	n=0
	while :; do
		n=$((n + 1))
		[ $((n % 4)) != 0 ] || [ "$n" -le 8 ] || rm "kept-ROUND/$((n - 8))"
		yes "ROUND-$n" | head -n $((1 + n * n * 37 % 4001)) | dd of="kept-ROUND/$n" bs=64k conv=fsync status=none
		echo "kept $n."
	done
}
append() {
	n=0
	while :; do
		n=$((n + 1))
		echo "ROUND-$n" | dd of=log-ROUND oflag=append conv=notrunc,fsync status=none
		echo "appended $n."
	done
}
replace() {
	n=0
	while :; do
		n=$((n + 1))
		yes "ROUND-$n" | head -n 3000 | dd of=next conv=fsync status=none
		mv next current
		if [ -e here/moved ]; then mv here/moved there; else mv there/moved here; fi
		echo "replaced $n."
	done
}
grow() {
	n=0
	rm -rf grown-PREVIOUS
	while :; do
		n=$((n + 1))
		for each in $(seq 100); do
			echo "$each" >"grown-ROUND/$n-$each-LONG"
			: >"/v/many/ROUND-$n-$each-LONG"
		done
		# a third of them goes again
		set --
		for each in $(seq 1 3 100); do
			set -- "$@" "grown-ROUND/$n-$each-LONG" "/v/many/ROUND-$n-$each-LONG"
		done
		rm "$@"
		echo "grown $n."
	done
}
leave() {
	n=0
	while :; do
		n=$((n + 1))
		exec 3>open
		rm open
		dd if=/dev/zero bs=16k count=8 status=none >&3
		dd if=/dev/zero of=shrinks bs=64k count=10 status=none
		: >shrinks
		echo "left $n."
	done
}
for each in keep append replace grow leave; do
	$each &
done
wait
""".replace("LONG", "n" * 230)
MEND = """
mount -t ext4 /dev/vda /v
umount /v
dmesg | grep EXT4-fs
"""
ROUTINE = (
    r"recovering journal", r"Clearing orphaned inode \d+ .*", r"Truncating orphaned inode \d+ .*",
    r"Setting free (inodes|blocks) count to \d+ \(was \d+\)", r"\d+/\d+ files \(.*% non-contiguous\), \d+/\d+ blocks",
)  # fmt: skip
"""All that `e2fsck -p` says of a volume that only has to finish what its journal began."""
ROUTINE_OF_KERNELS = (
    r"recovery complete", r"\d+ (orphan inodes? deleted|truncates? cleaned up)", r"(un)?mount(ed|ing) filesystem.*",
)  # fmt: skip


@dataclass
class Promised:
    """What has to be on the volume whatever happens next."""

    settled: dict[str, bytes] = field(default_factory=dict)
    """Content of files of rounds that are over, by path."""

    def after(self, number: int, said: str, found: dict[str, bytes]) -> None:
        """Hold what is there after a cut against what the guest said before it."""
        for path, content in self.settled.items():
            assert found.get(path) == content, path
        kept_files(number, said, found)
        synced_lines(number, said, found.get(f"log-{number}", b""))
        # A rename is done or not done.
        assert [found[path] for path in ("here/moved", "there/moved") if path in found] == [MOVED]
        current = found.get("current", b"")
        line = current[: current.find(b"\n") + 1]
        assert current == line * 3000
        self.settled |= {path: found[path] for path in found if path.startswith((f"kept-{number}/", f"log-{number}"))}


def kept_files(number: int, said: str, found: dict[str, bytes]) -> None:
    """What was synced is there, what was removed before that is not; the last may be there in part."""
    there = {
        int(name): content
        for folder, _, name in (path.partition("/") for path in found)
        if folder == f"kept-{number}"
        for content in [found[f"{folder}/{name}"]]
    }
    # Each was synced before the next one was begun.
    synced = max(last("kept", said), *(n - 1 for n in there), 0)
    # The last one that is there may have been synced too, and what goes before the one after it may be gone.
    begun = max(last("kept", said), *there, 0) + 1
    for n in range(1, synced + 1):
        removed = n + 8 if n % 4 == 0 else None
        if removed is None or removed > begun:
            assert there.get(n) == kept_content(number, n), n
        elif removed <= synced:
            assert n not in there
    for n, content in there.items():
        assert nothing_foreign(content, kept_content(number, n)), n


def synced_lines(number: int, said: str, log: bytes) -> None:
    """A file has all lines but the last that was begun."""
    lines = [f"{number}-{n}\n".encode() for n in range(1, 2000)]
    ends = list(itertools.accumulate(map(len, lines)))
    synced = max(last("appended", said), sum(end < len(log) for end in ends))
    assert log.startswith(b"".join(lines[:synced]))
    assert nothing_foreign(log, b"".join(lines))


def last(word: str, said: str) -> int:
    """The last number that a worker said."""
    return max([0, *(int(number) for number in re.findall(rf"^{word} (\d+)\.$", said, re.MULTILINE))])


def kept_content(number: int, n: int) -> bytes:
    return f"{number}-{n}\n".encode() * (1 + n * n * 37 % 4001)


def nothing_foreign(found: bytes, wanted: bytes) -> bool:
    """Whether a file that was not synced has what was written to it, or zeros, and nothing that was there before."""
    pieces = ((found[at : at + BLOCK], wanted[at : at + BLOCK]) for at in range(0, len(found), BLOCK))
    return len(found) <= len(wanted) and all(
        wanted.startswith(found) or one.rstrip(b"\0") == b"" or two.startswith(one) for one, two in pieces
    )


def volume_of(folder: Path, profile: Profile) -> Path:
    """A small volume, so that the journal is small too, and begins again from its start many times."""
    body = trees.Body()
    work = trees.directory({
        b"here": trees.directory({b"moved": body.file(MOVED)}), b"there": trees.directory(),
    })  # fmt: skip
    many = trees.directory(dict.fromkeys(OURS, Node(Kind.FIFO, 0o600)))
    tree = body.tree(trees.directory({b"work": work, b"many": many}), folder / "body")
    options = Options(uuid=VOLUME, profile=profile, size=127 * MIB, inodes=30_000)
    with (folder / "volume").open("wb") as file:
        write(tree, plan(tree, options), file)
    return folder / "volume"


def lose_power(guest: ShellGuest, volume: Path, number: int, cut: Cut) -> tuple[str, int]:
    """Write until the guest says a word; what is left is in the volume.

    Returns:
        what the guest said before it, and how many bytes were lost that it had handed to the drive.
    """
    before, log = copied(volume, volume.with_name("before")), volume.with_name("log")
    log.write_bytes(b"")
    script = WRITE.replace("ROUND", str(number)).replace("PREVIOUS", str(number - 1))
    with guest.start(script, [Drive(volume, log=log)]) as session:
        session.until(f"{cut.word}\n".encode())
        said = session.kill()
    if cut.share == 1:
        return said, 0
    lost = power.cut(before, log, cut.share, number, widest=cut.widest)
    before.replace(volume)
    return "" if cut.widest else said, lost


def mend(guest: ShellGuest, volume: Path, number: int) -> list[str]:
    """Let e2fsck or a kernel finish what the journal began; all that they said beyond routine."""
    if number % 2:
        said = guest.run(MEND, Drive(volume))
        assert "recovery complete" in said
        lines = [line for line in said.splitlines() if "EXT4-fs" in line]
        return beyond(lines, r"EXT4-fs \(vda\)", ROUTINE_OF_KERNELS)
    done = processes.run(["e2fsck", "-fp", volume], check=False)
    assert done.status in {0, 1}, done.text
    assert "recovering journal" in done.text
    return beyond(done.text.splitlines(), re.escape(str(volume)), ROUTINE)


def beyond(lines: list[str], prefix: str, routine: tuple[str, ...]) -> list[str]:
    """Lines that are no routine."""
    known = re.compile(rf"{prefix}: (?:{'|'.join(routine)})")
    return [line for line in lines if line.strip() and not known.search(line)]


def work_of(volume: Path, folder: Path) -> dict[str, bytes]:
    """Files that were written to, by path, out of a volume that nobody has mounted."""
    folder.mkdir()
    debugfs.run(volume, [f"rdump /work {folder}"], folder)
    top = folder / "work"
    return {
        str(path.relative_to(top)): path.read_bytes()
        for path in top.rglob("*")
        if path.is_file() and not path.relative_to(top).parts[0].startswith("grown-")
    }


def levels(volume: Path, folder: Path) -> int:
    """Levels of a directory's index above the one that points to leaves."""
    said = debugfs.run(volume, ["htree_dump /many"], folder)[0]
    match = re.search(rb"Indirect levels: (\d+)", said)
    assert match is not None
    return int(match[1])


def test_ten_power_cuts_cost_nothing_that_was_synced(guest: ShellGuest, tmp_path: Path) -> None:
    need("e2fsck", "debugfs", "dumpe2fs")
    volume, promised, lost = volume_of(tmp_path, Profile.FULL), Promised(), 0
    assert levels(volume, tmp_path) == 0
    for number, cut in enumerate(CUTS):
        said, bytes_lost = lose_power(guest, volume, number, cut)
        lost += bytes_lost
        assert "needs_recovery" in header(volume)["Filesystem features"]
        assert mend(guest, volume, number) == []
        debugfs.check(volume)
        found = work_of(volume, tmp_path / f"work-{number}")
        promised.after(number, said, found)
        assert debugfs.names(debugfs.run(volume, ["ls -p /many"], tmp_path)[0]).keys() >= OURS
    assert levels(volume, tmp_path) == 1
    assert lost > 0
