"""Kernels that tests compile: a distribution's real source, and the smallest configurations that are kernels."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import re
import tarfile
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from bootworthy.builders import apt, debs
from bootworthy.builders.kernel_tree import KernelTree, unpack
from bootworthy.builders.toolchain import Toolchain
from bootworthy.builders.workshop import Workshop
from bootworthy.catalog.entries import SourceArchive
from bootworthy.host import processes
from bootworthy.vocabulary import Architecture
from tests.command import Command
from tests.needs import need

PACKAGE = "linux-source-6.1"
RELEASE = "bookworm"
TINY = {
    Architecture.X86_64: ("64BIT=y", "PVH=y", "HYPERVISOR_GUEST=y", "PARAVIRT=y", "UNWINDER_GUESS=y"),
    Architecture.AARCH64: (),
}
ALWAYS = (
    "MODULES=y", "NET=y", "NETDEVICES=y", "NET_CORE=y", "DUMMY=m", "IKCONFIG=y", "PRINTK=y", 'LOCALVERSION="-tiny"',
)  # fmt: skip

_UNUSED = (
    r"[^/]+/(Documentation|sound|tools/(testing|perf)|arch/(?!x86|arm64)[^/]+|"
    r"drivers/(gpu/drm|net/ethernet|net/wireless|media|staging|infiniband|scsi|usb))/"
)
_RULES = r"/(Kconfig|Makefile|Kbuild)[^/]*$"


def kept() -> Command:
    """The program in a home that outlives test runs: a kernel is compiled again only when what it is made of changed.

    `BOOTWORTHY_TEST_CACHE` names the folder; without it, it is in the user's cache.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bootworthy-tests"
    return Command.at(Path(os.environ.get("BOOTWORTHY_TEST_CACHE") or cache) / "kernels")


def need_compilers(*architectures: Architecture) -> None:
    """What compiles kernels."""
    need("mmdebstrap", "dpkg-deb", "gcc", "make", "bc", "bison", "flex", "perl", "depmod")
    for architecture in architectures:
        prefix = Toolchain(architecture, Architecture.native()).prefix
        need(*(f"{prefix}{name}" for name in ("gcc", "ld", "objcopy", "strip")))


def fetched(workshop: Workshop, folder: Path) -> Path:
    """The archive in Debian's package."""
    apt.fetch(workshop.archive("debian", RELEASE, Architecture.native()), [PACKAGE], PACKAGE, folder)
    (archive,) = (debs.unpack(folder / "out", folder / "package") / "usr" / "src").glob("*.tar.xz")
    return archive


def unpacked(archive: Path, folder: Path) -> KernelTree:
    """The same, unpacked."""
    folder.mkdir(parents=True)
    return unpack(archive, folder, PACKAGE)


def clean(tree: KernelTree) -> None:
    """Take away what builds made of it."""
    processes.run(["make", "mrproper"], cwd=tree.root, timeout=600, starts_others=True)


def tiny(tree: KernelTree, architecture: Architecture) -> str:
    """The whole `.config` of a kernel that has nearly nothing, as the kernel's own build writes it."""
    asked = tree.root.parent / "tiny.config"
    asked.write_text("".join(f"CONFIG_{line}\n" for line in (*ALWAYS, *TINY[architecture])))
    words = Toolchain(architecture, Architecture.native()).words
    clean(tree)
    argv = ["make", *words, "allnoconfig"]
    processes.run(argv, env={"KCONFIG_ALLCONFIG": str(asked)}, cwd=tree.root, timeout=600, starts_others=True)
    return (tree.root / ".config").read_text()


def lean(tree: KernelTree, archive: Path) -> Path:
    """An archive of the same source without what no small kernel compiles: it is unpacked many times."""

    def kept(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        dropped = re.match(_UNUSED, member.name) and not re.search(_RULES, member.name)
        return None if member.isfile() and dropped else member

    with tarfile.open(archive, "w") as tar:
        tar.add(tree.root, tree.root.name, filter=kept)
    return archive


@contextlib.contextmanager
def served(archive: Path) -> Iterator[SourceArchive]:
    """An archive at an address of this machine."""
    handler = functools.partial(_Quiet, directory=str(archive.parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        with archive.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        try:
            yield SourceArchive(f"http://127.0.0.1:{server.server_address[1]}/{archive.name}", digest)
        finally:
            server.shutdown()
            thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Nobody reads it."""
