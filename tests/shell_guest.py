"""A guest that runs a shell script on drives it is given: a built kernel, and busybox and GNU tools in memory.

What its kernel makes of a volume is packed by GNU tar onto a drive, and read here by Python's tarfile: nothing of that
is ours.
"""

from __future__ import annotations

import contextlib
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bootworthy.builders import busybox, initrd, layer
from bootworthy.builders.workshop import Workshop
from bootworthy.filesystems import cpio
from bootworthy.host import processes, tools
from bootworthy.kernels import initramfs
from bootworthy.kernels.modules import module_name
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from bootworthy.vmms import accelerator
from bootworthy.vmms.compose import Bootable, compose
from bootworthy.vmms.launch import Running, launch
from bootworthy.vmms.plan import LaunchPlan
from bootworthy.vmms.qemu_microvm import VMM
from bootworthy.vocabulary import Accelerator, Architecture
from tests.command import Command

PACK = """\
find /v \\( -type s -o -type p -o -type b -o -type c \\) -exec stat -c '%d %i %f %u %g %Y %n' {} + >/special
/tools/tar --format=posix --numeric-owner --xattrs --xattrs-include='*' --sort=name --warning=no-file-ignored \\
	-C / -cf OUT v special
"""
"""All that a kernel says of what is below /v, onto the drive OUT."""
_TOOLS = ("tar", "resize2fs")
OVER = b"guest: over"
_INIT = """\
#!/bin/sh
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
while read -r file; do
	insmod "/modules/$file" || exec reboot -f
done </modules/order
exec </dev/console >/dev/console 2>&1
stty -onlcr
busybox --install -s /bin
sh -e /script && sync && echo guest: over
reboot -f
"""


@dataclass(frozen=True)
class Drive:
    """A raw drive; the guest's first is `/dev/vda`."""

    path: Path
    read_only: bool = False
    log: Path | None = None
    """Gets every write and flush in the order of their coming; `power` reads it."""

    def argv(self, name: str) -> list[str]:
        """QEMU's words for a drive with a write cache: what it acknowledges is safe when the guest has flushed."""
        if self.log is None:
            words = f"id={name},file={self.path},format=raw,if=none,cache=writeback" + ",readonly=on" * self.read_only
            return ["-drive", words, "-device", f"virtio-blk-device,drive={name}"]
        words = f"driver=blklogwrites,node-name={name}"
        # The page cache of this host outlives QEMU, so waiting for its disk would add nothing.
        for role, path in (("file", self.path), ("log", self.log)):
            words += f",{role}.driver=file,{role}.filename={path},{role}.cache.no-flush=on"
        return ["-blockdev", words, "-device", f"virtio-blk-device,drive={name},write-cache=on"]


@dataclass(frozen=True)
class ShellGuest:
    """What every guest of a test run has."""

    plan: LaunchPlan
    binary: Path
    entries: tuple[cpio.CpioEntry, ...]

    @classmethod
    def of(cls, home: Command, images: Mapping[str, str], folder: Path) -> ShellGuest:
        """A guest with the kernel and modules of a cell that was built in a home; `folder` keeps the kernel."""
        workshop = Workshop(Store(home.store), home.cache)
        program = busybox.program(workshop, Architecture.X86_64)
        kernel, modules_ = (
            layer.tree_of(workshop, workshop.store.image(Reference.parse(images[role]), Architecture.X86_64))
            for role in ("kernel", "modules")
        )
        modules = initrd.module_tree(modules_)
        found = kernel.find(b"boot/vmlinux")
        assert found is not None
        (folder / "vmlinux").write_bytes(kernel.read(found))
        wanted = initramfs.plan(
            (*VMM.facts.bus.drivers, "loop"),
            ("ext4", "erofs", "squashfs"),
            modules=modules,
            config=initrd.configuration(kernel),
        )
        entries = [*_programs(program), cpio.file(b"init", _INIT.encode(), 0o755)]
        names = [f"{module_name(path)}.ko" for path in wanted.modules]
        entries += [
            cpio.file(f"modules/{name}".encode(), modules.content(path))
            for name, path in zip(names, wanted.modules, strict=True)
        ]
        entries.append(cpio.file(b"modules/order", "".join(f"{name}\n" for name in names).encode()))
        digest = tools.digest(folder / "vmlinux")
        plan = LaunchPlan(
            vmm=VMM.facts.vmm, architecture=Architecture.X86_64, kernel=folder / "vmlinux", kernel_digest=digest,
            command_line=("console=ttyS0", "panic=-1", "quiet", *VMM.facts.command_line), drives=(), console="ttyS0",
            vcpus=2, memory_mib=1024, accelerator=Accelerator.TCG,
        )  # fmt: skip
        binary = VMM.tool.require()
        choice = accelerator.choose(VMM, binary, plan, program, home.cache)
        return cls(plan.under(choice.accelerator, VMM.clock(choice.accelerator)), binary, tuple(entries))

    @contextlib.contextmanager
    def start(self, script: str, drives: Sequence[Drive]) -> Iterator[Session]:
        """Run a script for as long as the block lasts; any command of it that fails ends it."""
        with tempfile.TemporaryDirectory(prefix="bootworthy-guest-") as name:
            initrd = Path(name, "initrd")
            initrd.write_bytes(cpio.write(self.with_script(script)))
            with self.start_from(initrd, drives, Path(name)) as session:
                yield session

    def with_script(self, script: str) -> list[cpio.CpioEntry]:
        """All that is in a guest's memory."""
        return [*self.entries, cpio.file(b"script", script.encode())]

    @contextlib.contextmanager
    def start_from(self, initrd: Path, drives: Sequence[Drive], folder: Path) -> Iterator[Session]:
        """Start from an initial RAM disk that somebody else wrote; `folder` gets the console's log."""
        argv = [*VMM.argv(self.plan, self.binary), "-initrd", str(initrd)]
        for number, drive in enumerate(drives):
            argv += drive.argv(f"d{number}")
        with launch(argv, folder) as running:
            yield Session(running)

    @contextlib.contextmanager
    def boot(self, bootable: Bootable, folder: Path) -> Iterator[Session]:
        """Boot something else the same way, its volumes written to; `folder` gets the console's log."""
        plan = compose(VMM.facts, bootable, accelerator=self.plan.accelerator, clock=self.plan.clock)
        with launch(VMM.argv(plan, self.binary), folder) as running:
            yield Session(running)

    def run(self, script: str, *drives: Drive, seconds: float = 200) -> str:
        """Run a script to its end, and return what it said."""
        with self.start(script, drives) as session:
            said = session.until(OVER, seconds)
            session.end()
            return said


@dataclass
class Session:
    """A guest that runs."""

    running: Running
    said: bytes = b""

    def until(self, word: bytes, seconds: float = 200) -> str:
        """Wait until the guest has said a word; what it said until then."""
        limit = time.monotonic() + seconds
        while word not in self.said:
            data = self.running.read(1.0)
            assert data is not None, f"the guest ended: {self._all()}"
            assert time.monotonic() < limit, f"the guest did not say {word!r} within {seconds:g} s: {self._all()}"
            self.said += data
        return self._all()

    def end(self) -> None:
        """Wait until it has switched itself off."""
        while self.running.read(10.0):
            pass
        assert self.running.wait() == 0

    def kill(self) -> str:
        """End it as a power cut does; all that it said."""
        self.running.child.signal_group(signal.SIGKILL)
        self.running.wait()
        while data := self.running.read(10.0):
            self.said += data
        return self._all()

    def _all(self) -> str:
        return self.said.decode(errors="replace")


def _programs(program: bytes) -> Iterator[cpio.CpioEntry]:
    """busybox, and GNU programs of this host with the libraries they are linked to."""
    for name in (b"bin", b"dev", b"proc", b"sys", b"tools", b"v", b"modules"):
        yield cpio.directory(name)
    yield cpio.character(b"dev/console", 5, 1)
    yield cpio.file(b"bin/busybox", program, 0o755)
    for applet in (b"sh", b"mount", b"insmod", b"reboot", b"stty"):
        yield cpio.symlink(b"bin/" + applet, b"busybox")
    libraries: set[str] = set()
    for tool in _TOOLS:
        path = tools.Tool(tool, tool, "test").require()
        yield cpio.file(f"tools/{tool}".encode(), path.read_bytes(), 0o755)
        words = processes.run(["ldd", path]).text.split()
        libraries |= {word for word in words if word.startswith("/")}
    folders = {parent for library in libraries for parent in Path(library).parents if parent != Path("/")}
    for folder in sorted(folders):
        yield cpio.directory(str(folder)[1:].encode())
    for library in sorted(libraries):
        yield cpio.file(library[1:].encode(), Path(library).read_bytes(), 0o755)


def blank(path: Path, size: int) -> Drive:
    """An empty drive."""
    with path.open("wb") as file:
        file.truncate(size)
    return Drive(path)


def copied(source: Path, target: Path) -> Path:
    """A copy of a volume, its holes kept."""
    processes.run(["cp", "--sparse=always", "--reflink=auto", source, target])
    return target


def tools_needed() -> tuple[str, ...]:
    """Programs of this host that a guest is given, and what finds them."""
    return (*_TOOLS, "ldd")
