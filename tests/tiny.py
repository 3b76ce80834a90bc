"""Roots of a few files, made by code: a static busybox and an init that does what a test wants of a guest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from bootworthy.builders import busybox
from bootworthy.builders.workshop import Workshop
from bootworthy.layers.node import Kind, Node
from bootworthy.layers.writer import Member, write
from bootworthy.oci.documents import LAYER_GZIP, ROLE
from bootworthy.oci.image import Layer
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from bootworthy.vocabulary import Architecture
from tests.command import Command

MACHINE = "qemu-microvm-x86_64"
_FOLDERS = ("bin", "dev", "etc", "proc", "run", "sbin", "sys", "tmp", "usr", "usr/lib", "var")
_BEGIN = """\
#!/bin/sh
export PATH=/bin
mount -t proc proc /proc
"""


def kernel(release: str = "debian-12:debian-6.1") -> list[str]:
    """The arguments that name a kernel of the built-in catalog."""
    return ["--kernel", f"localhost/bootworthy/{release}-kernel"]


def modules(release: str = "debian-12:debian-6.1") -> list[str]:
    """The arguments that name its modules."""
    return ["--modules", f"localhost/bootworthy/{release}-modules"]


def program(home: Command) -> bytes:
    """The busybox that a home has built."""
    workshop = Workshop(Store(home.store), home.folder / "cache")
    return busybox.program(workshop, Architecture.X86_64)


def root(
    folder: Path, home: Command, script: str | None, *, architecture: Architecture = Architecture.X86_64,
    files: Mapping[str, bytes] | None = None,
) -> str:  # fmt: skip
    """A root in a layout of its own, by the name that `--root` takes; without a script it has no init."""
    more = dict(files or {})
    if script is not None:
        more["sbin/init"] = (_BEGIN + script).encode()
    store = Store(folder)
    with store.new_blob(LAYER_GZIP) as blob:
        written = write(_members(program(home), more), blob)
    image = store.put_image(
        layers=[Layer(blob.descriptor, written.diff_id)], architecture=architecture, annotations={ROLE: "root"}
    )
    store.tag(Reference.parse("localhost/tiny:root"), image)
    return f"oci:{folder}"


def _members(shell: bytes, files: Mapping[str, bytes]) -> Iterator[Member]:
    yield Member(b"", Node(Kind.DIRECTORY, 0o755))
    for name in _FOLDERS:
        yield Member(name.encode(), Node(Kind.DIRECTORY, 0o755))
    yield _file("bin/busybox", shell)
    for name in ("sh", "mount", "sleep", "poweroff", "cat", "printf", "yes", "reboot", "dd", "seq", "grep"):
        yield Member(f"bin/{name}".encode(), Node(Kind.SYMLINK, 0o777, target=b"busybox"))
    for name, data in files.items():
        yield _file(name, data)


def _file(name: str, data: bytes) -> Member:
    return Member(name.encode(), Node(Kind.FILE, 0o755, size=len(data)), lambda: [data])
