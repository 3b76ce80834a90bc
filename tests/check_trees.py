"""Images made by code for the tests of checks: trees of small files, ELF programs, kernels and modules."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from bootworthy.checks.disk import Disk
from bootworthy.checks.subject import Part, Subject
from bootworthy.filesystems import cpio
from bootworthy.filesystems.cpio import CpioEntry
from bootworthy.kernels.elf import MACHINE_X86_64
from bootworthy.kernels.initramfs import VMM_LABEL
from bootworthy.layers.node import Chunk, Kind, Node, Tree
from bootworthy.machines.facts import facts
from bootworthy.vocabulary import Architecture, Role

RELEASE = "6.1.0-9-test"
LINKER = b"/lib64/ld-linux-x86-64.so.2"
DISKS = (
    Disk("vda", Role.ROOT, "root", UUID("d34db33f-0000-8000-8000-000000000000")),
    Disk("vdb", Role.MODULES, "modules"),
)
_numbers = itertools.count()


@dataclass(frozen=True)
class Link:
    """A symbolic link in a description."""

    target: bytes


@dataclass(frozen=True)
class File:
    """A file in a description; plain bytes stand for one that may be executed."""

    content: bytes
    mode: int = 0o644


Entry = bytes | Link | File | Node | None
"""None is a directory."""


def tree(folder: Path, entries: Mapping[str, Entry]) -> Tree:
    """A tree of the entries, parents made; the bodies go into `folder`."""
    root = Node(Kind.DIRECTORY, 0o755)
    bodies: list[Path] = []
    for path, entry in entries.items():
        *parents, name = path.encode(errors="surrogateescape").strip(b"/").split(b"/")
        here = root
        for parent in parents:
            here = here.children.setdefault(parent, Node(Kind.DIRECTORY, 0o755))
        here.children[name] = _node(folder, entry, bodies)
    return Tree(root, tuple(bodies))


def _node(folder: Path, entry: Entry, bodies: list[Path]) -> Node:
    match entry:
        case None:
            return Node(Kind.DIRECTORY, 0o755)
        case Node():
            return entry
        case Link(target):
            return Node(Kind.SYMLINK, 0o777, target=target)
        case bytes():
            entry = File(entry, 0o755)
    body = folder / f"body-{next(_numbers)}"
    body.write_bytes(entry.content)
    chunks = (Chunk(0, len(entry.content), len(bodies), 0),) if entry.content else ()
    bodies.append(body)
    return Node(Kind.FILE, entry.mode, size=len(entry.content), chunks=chunks)


def part(folder: Path, name: str, entries: Mapping[str, Entry], labels: Mapping[str, str] | None = None) -> Part:
    """An image `NAME@sha256:0`."""
    return Part(f"{name}@sha256:0", tree(folder, entries), labels or {})


def elf(
    machine: int = MACHINE_X86_64, *, segments: Iterable[tuple[int, bytes]] = (),
    sections: Mapping[bytes, bytes] | None = None, tail: bytes = b"",
) -> bytes:  # fmt: skip
    """A 64-bit little-endian ELF file with these segments (type, content) and sections."""
    rows = list(segments)
    names = [b"", *(sections or {}), b".shstrtab"]
    strings = b"".join(name + b"\0" for name in names)
    parts = [*(content for _, content in rows), *(sections or {}).values(), strings]
    at = 64 + 56 * len(rows)
    places = []
    for content in parts:
        places.append(at)
        at += len(content)
    table = at if sections else 0
    count = len(names) if sections else 0
    header = struct.pack(
        "<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 2, machine, 1, 0, 64, table, 0, 64, 56, len(rows), 64, count,
        max(count - 1, 0),
    )  # fmt: skip
    heads = b"".join(
        struct.pack("<IIQQQQQQ", kind, 4, place, 0, 0, len(content), len(content), 4)
        for (kind, content), place in zip(rows, places, strict=False)
    )
    table_rows = [bytes(64)]
    for name, place, content in zip(names[1:], places[len(rows) :], parts[len(rows) :], strict=True):
        table_rows.append(struct.pack("<IIQQQQIIQQ", _name_at(names, name), 1, 0, 0, place, len(content), 0, 0, 1, 0))
    return header + heads + b"".join(parts) + (b"".join(table_rows) if sections else b"") + tail


def _name_at(names: list[bytes], name: bytes) -> int:
    return sum(len(other) + 1 for other in names[: names.index(name)])


def program(machine: int = MACHINE_X86_64, linker: bytes = LINKER) -> bytes:
    """A program that asks for a dynamic linker."""
    return elf(machine, segments=[(1, b"code"), (3, linker + b"\0")])


def linked(
    *needed: bytes, runpath: bytes = b"", rpath: bytes = b"", linker: bytes | None = LINKER,
    machine: int = MACHINE_X86_64, end: bool = True,
) -> bytes:  # fmt: skip
    """A program, or without a linker a library, that needs libraries; `end` is that of its dynamic section."""
    names = [(1, name) for name in needed] + [(15, rpath)] * bool(rpath) + [(29, runpath)] * bool(runpath)
    strings = b"\0" + b"".join(name + b"\0" for _, name in names)
    base, asks = 0x400000, b"" if linker is None else linker + b"\0"
    segments = 2 + bool(asks)
    strings_at = 64 + 56 * segments
    asks_at = strings_at + len(strings)
    dynamic_at = asks_at + len(asks)
    entries, at = b"", 1
    for tag, name in names:
        entries += struct.pack("<qQ", tag, at)
        at += len(name) + 1
    entries += struct.pack("<qQ", 5, base + strings_at) + bytes(16) * end
    size = dynamic_at + len(entries)
    header = struct.pack(
        "<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 3, machine, 1, base, 64, 0, 0, 64, 56, segments, 64, 0, 0
    )
    rows = [(1, 0, base, size), (2, dynamic_at, base + dynamic_at, len(entries))]
    rows += [(3, asks_at, base + asks_at, len(asks))] * bool(asks)
    table = b"".join(struct.pack("<IIQQQQQQ", kind, 4, at, to, to, long, long, 8) for kind, at, to, long in rows)
    return header + table + strings + asks + entries


FAR = program()[:32] + b"\xff" * 8 + program()[40:]
"""A program whose segments begin where no file reaches."""


def vmlinux(release: str = RELEASE, *, pvh: bool = True, machine: int = MACHINE_X86_64, tail: bytes = b"") -> bytes:
    """An ELF kernel."""
    note = struct.pack("<III", 4, 8, 18) + b"Xen\0" + bytes(8)
    banner = f"Linux version {release} (somebody@somewhere) (a compiler) #1 SMP\n\0".encode()
    return elf(machine, segments=[(1, banner), *([(4, note)] if pvh else [])], tail=tail)


def loaded_at(place: int, size: int) -> bytes:
    """An ELF kernel that takes `size` bytes of memory from the address `place`."""
    data = bytearray(vmlinux())
    struct.pack_into("<Q", data, 64 + 24, place)
    struct.pack_into("<Q", data, 64 + 40, size)
    return bytes(data)


def image(release: str = RELEASE) -> bytes:
    """An aarch64 `Image`."""
    banner = f"Linux version {release} (somebody@somewhere) (a compiler) #1 SMP\n\0".encode()
    return bytes(0x38) + b"ARM\x64" + bytes(4) + banner


def bzimage(release: str = RELEASE) -> bytes:
    """A bzImage; what is compressed in it is not a kernel."""
    data = bytearray(0x1000)
    data[0x1F1] = 1
    data[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", data, 0x206, 0x20F)
    struct.pack_into("<H", data, 0x20E, 0x300)
    struct.pack_into("<H", data, 0x236, 1)
    struct.pack_into("<II", data, 0x248, 0x100, 0x200)
    text = f"{release} (somebody@somewhere) #1 SMP\0".encode()
    data[0x500 : 0x500 + len(text)] = text
    return bytes(data)


def module(
    name: str, release: str = RELEASE, *, options: str = "SMP mod_unload ", machine: int = MACHINE_X86_64,
    depends: Iterable[str] = (),
) -> bytes:  # fmt: skip
    """A kernel module."""
    info = f"name={name}\0vermagic={release} {options}\0depends={','.join(depends)}\0".encode()
    return elf(machine, sections={b".modinfo": info})


SIGNATURE = b"signature" + struct.pack(">BBBBB3xI", 0, 0, 2, 0, 0, 9) + b"~Module signature appended~\n"
"""What is behind a module that is signed."""


def modules(
    names: Iterable[str] = ("virtio_blk", "virtio_mmio", "zram"), *, below: str = "", release: str = RELEASE,
    builtin: Iterable[str] = ("ext4",),
) -> dict[str, Entry]:  # fmt: skip
    """The files of a modules folder, as depmod leaves it."""
    prefix = f"{below}/" if below else ""
    listed = [f"kernel/drivers/{name}.ko" for name in names]
    files: dict[str, Entry] = {
        f"{prefix}{path}": File(module(name, release)) for name, path in zip(names, listed, strict=True)
    }
    files[f"{prefix}modules.dep"] = File("".join(f"{path}:\n" for path in listed).encode())
    files[f"{prefix}modules.builtin"] = File("".join(f"kernel/fs/{name}.ko\n" for name in builtin).encode())
    return files


def ram_disk(
    order: Iterable[str] = ("virtio_mmio", "virtio_blk", "ext4"), *, release: str = RELEASE,
    needs: Mapping[str, Iterable[str]] | None = None, machine: int = MACHINE_X86_64,
) -> dict[str, Entry]:  # fmt: skip
    """What an initial RAM disk of ours holds, that loads these modules."""
    names = list(order)
    files: dict[str, Entry] = {
        f"modules/{name}.ko": File(module(name, release, depends=(needs or {}).get(name, ()), machine=machine))
        for name in names
    }
    files["modules/order"] = File("".join(f"{name}.ko\n" for name in names).encode())
    files["bin/busybox"] = elf(machine, segments=[(1, b"code")])
    return files | {"bin/sh": Link(b"busybox"), "init": b"#!/bin/sh\n"}


def initrd(entries: Mapping[str, Entry] | None = None) -> dict[str, Entry]:
    """An image with an initial RAM disk of these entries; parents are made."""
    members: dict[bytes, CpioEntry] = {}
    for path, entry in (ram_disk() if entries is None else entries).items():
        name = path.encode(errors="surrogateescape")
        for end in [at for at, byte in enumerate(name) if byte == ord("/")]:
            members.setdefault(name[:end], cpio.directory(name[:end]))
        match entry:
            case None:
                members[name] = cpio.directory(name)
            case Link(target):
                members[name] = cpio.symlink(name, target)
            case File(content, mode):
                members[name] = cpio.file(name, content, mode)
            case bytes():
                members[name] = cpio.file(name, entry, 0o755)
            case Node():
                members[name] = CpioEntry(name, entry.kind.value | entry.mode, device=entry.device)
    return {"boot/initrd": File(cpio.write(members.values()))}


def root() -> dict[str, Entry]:
    """A root with systemd and nothing wrong."""
    return {
        "bin": Link(b"usr/bin"),
        "sbin": Link(b"usr/sbin"),
        "lib": Link(b"usr/lib"),
        "lib64": Link(b"usr/lib64"),
        "usr/lib64/ld-linux-x86-64.so.2": elf(segments=[(1, b"code")]),
        "usr/lib/systemd/systemd": program(),
        "usr/sbin/init": Link(b"../lib/systemd/systemd"),
        "usr/bin/sh": program(),
        "etc/machine-id": File(b""),
        "etc/passwd": File(b"root:x:0:0:root:/root:/bin/sh\nbin:x:2:2:bin:/bin:/usr/sbin/nologin\n"),
    }


_INITRD = initrd()
DRIVERS = "CONFIG_VIRTIO_MMIO=y\nCONFIG_VIRTIO_PCI=y\nCONFIG_VIRTIO_BLK=y\nCONFIG_EXT4_FS=y\n"
CONFIG = DRIVERS + "CONFIG_SERIAL_8250_CONSOLE=y\nCONFIG_BLK_DEV_INITRD=y\nCONFIG_RD_GZIP=y\n"


def kernel(config: str | None = CONFIG, *, release: str = RELEASE, data: bytes | None = None) -> dict[str, Entry]:
    """A kernel image with everything built in."""
    files: dict[str, Entry] = {"boot/vmlinux": File(vmlinux(release) if data is None else data)}
    if config is not None:
        files[f"boot/config-{release}"] = File(config.encode())
    return files


def subject(
    folder: Path, *, root_: Mapping[str, Entry] | None = None, kernel_: Mapping[str, Entry] | None = None,
    modules_: Mapping[str, Entry] | None = None, initrd: bool | Mapping[str, Entry] = False, vmm: str = "qemu-microvm",
    architecture: Architecture = Architecture.X86_64, ours: bool = False,
) -> Subject:  # fmt: skip
    """What is to boot; an image that is not given is not there. The initial RAM disk may be `ours` by its label."""
    labels = {VMM_LABEL: vmm} if ours else {}
    return Subject(
        facts=facts(vmm),
        architecture=architecture,
        root=None if root_ is None else part(folder, "root", root_),
        kernel=None if kernel_ is None else part(folder, "kernel", kernel_),
        modules=None if modules_ is None else part(folder, "modules", modules_),
        initrd=part(folder, "initrd", _INITRD if initrd is True else initrd, labels) if initrd else None,
    )
