"""/etc/fstab of the root names no disk that the guest does not have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bootworthy.checks.disk import Disk
from bootworthy.checks.part import Part
from bootworthy.checks.reading import shown, trail
from bootworthy.checks.rule import Check, Rule
from bootworthy.checks.subject import Subject
from bootworthy.vocabulary import Finding, Severity

MISSING = Rule(
    id="fstab.missing-device", severity=Severity.ERROR, title="/etc/fstab names a disk that the guest does not have",
    why="systemd waits a minute and a half for it, and then boots to emergency mode and no further.",
    remedy="take the line out of /etc/fstab, or give it the option nofail; the root needs no line",
    source="fstab(5); systemd.mount(5), fstab; systemd-fstab-generator(8)",
)  # fmt: skip

PATH = b"etc/fstab"
LIMIT = 1 << 20
"""Bytes; nothing larger is one."""
_LINES = 1000
_OCTAL = re.compile(rb"\\([0-3][0-7]{2})")
_TAGS = re.compile(r'(LABEL|UUID|PARTUUID|PARTLABEL)="?([^"]*)"?')
_LINKS = re.compile(r"/dev/disk/by-(label|uuid|partuuid|partlabel)/(.+)")
_DEVICE = re.compile(r"/dev/((?:x?vd|sd|hd|nvme|mmcblk|pmem|sr|cdrom|dvd|fd)\S*)")
"""Disks, which nothing in the guest makes; what is mapped, made of others or in memory may come later."""
_LATER = {"noauto", "x-systemd.automount"}
_SYSTEMD = (b"usr/lib/systemd/systemd", b"lib/systemd/systemd")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of /etc/fstab."""

    number: int
    device: str
    place: str
    kind: str
    options: frozenset[str]


def find(subject: Subject) -> Iterator[Finding]:
    """Look for the device of every line among the disks."""
    root = subject.root
    if root is None or not subject.disks:
        return
    for entry in entries(root.head(PATH, LIMIT) or b""):
        if not entry.options.isdisjoint(_LATER) or _there(subject.disks, entry.device):
            continue
        yield _finding(root, entry, systemd=_is_systemd(root, subject.first_process))


def entries(data: bytes) -> Iterator[Entry]:
    """The lines of a file system table; what is no line of one is left out, as mount(8) does."""
    for number, raw in enumerate(data.splitlines()[:_LINES], start=1):
        fields = raw.split()
        if len(fields) < 2 or fields[0].startswith(b"#"):
            continue
        device, place, kind, options = (_plain(field) for field in (*fields[:4], b"", b"")[:4])
        yield Entry(number, device, place, kind, frozenset(options.split(",")))


def _plain(field: bytes) -> str:
    return _OCTAL.sub(lambda match: bytes([int(match[1], 8)]), field).decode(errors="surrogateescape")


def _there(disks: tuple[Disk, ...], device: str) -> bool:
    """Whether a disk of this name is there, or may be for all that anybody can tell."""
    match = _TAGS.fullmatch(device) or _LINKS.fullmatch(device)
    if match is not None:
        match match[1].upper():
            case "LABEL":
                return any(disk.label == match[2] for disk in disks)
            case "UUID":
                return any(disk.uuid is None or str(disk.uuid) == match[2].lower() for disk in disks)
            case _:
                return False  # no disk has partitions
    named = _DEVICE.fullmatch(device)
    return named is None or any(disk.name == named[1] for disk in disks)


def _finding(root: Part, entry: Entry, *, systemd: bool) -> Finding:
    severity, then = _outcome(entry, systemd=systemd)
    message = f"{shown(entry.device)} for {shown(entry.place)} is no disk of the guest{then}"
    return MISSING.broken(f"{root.at(PATH)}:{entry.number}", message, severity=severity)


def _outcome(entry: Entry, *, systemd: bool) -> tuple[Severity, str]:
    """How much it matters that a disk is not there, and what becomes of the boot; seen with systemd of Debian 12."""
    if "nofail" in entry.options:
        return Severity.NOTE, ", and the boot goes on without it"
    if not systemd:
        return Severity.WARNING, ""
    if entry.place == "/":
        return Severity.WARNING, "; the root is mounted all the same, and systemd-remount-fs.service fails"
    if entry.kind == "swap":
        return Severity.WARNING, "; systemd waits a minute and a half for it, and goes on"
    return Severity.ERROR, ""


def _is_systemd(root: Part, init: str) -> bool:
    node = trail(root.tree, init.encode(errors="surrogateescape")).node
    return node is not None and any(root.file(path) is node for path in _SYSTEMD)


CHECK = Check(title="File system table", rules=(MISSING,), find=find)
