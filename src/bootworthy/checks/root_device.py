"""What `root=` names is there, is the root, and is written as `rootfstype=` says."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bootworthy.checks.disk import Disk
from bootworthy.checks.reading import shown
from bootworthy.checks.rule import Check, Rule
from bootworthy.checks.subject import ARGUMENTS, Subject
from bootworthy.vocabulary import Finding, Role, Severity

_MOUNT = "Documentation/admin-guide/kernel-parameters.txt of Linux, `root=`, and what its init/do_mounts.c looks for"

MISSING = Rule(
    id="cmdline.root-missing", severity=Severity.ERROR, title="The root that the kernel is told to mount is not there",
    why="Nothing is mounted, and the guest panics: `Unable to mount root fs`, or no init is found in what is mounted.",
    remedy="name the disk that is the root: root=LABEL=root with an initial RAM disk of ours, root=/dev/vda without",
    source=_MOUNT,
)  # fmt: skip
TYPE = Rule(
    id="cmdline.root-type", severity=Severity.ERROR, title="The root is told to be mounted as what it is not",
    why="The kernel tries no other filesystem, and panics: `Unable to mount root fs`.",
    remedy="leave rootfstype= out, or name what the root is written as", source=_MOUNT,
)  # fmt: skip

_NUMBERS = re.compile(r"\d+:\d+|[0-9A-Fa-f]{3,8}")
_ELSEWHERE = re.compile(r"/dev/(?:nfs|cifs|ram\d+|root|mapper/.+|dm-\d+|md\S*|loop\d+|nbd\d+)")
"""What is no disk that is attached; other parameters make it."""
_PARTED = ("PARTUUID=", "PARTLABEL=", "/dev/disk/by-partuuid/", "/dev/disk/by-partlabel/")
_LABELS = ("LABEL=", "/dev/disk/by-label/")
_UUIDS = ("UUID=", "/dev/disk/by-uuid/")


def find(subject: Subject) -> Iterator[Finding]:
    """Look for the root among the disks, as whoever mounts it will."""
    if not subject.command_line or not subject.disks:
        return
    known = subject.initrd is None or subject.initrd_is_ours
    word = subject.arguments.last("root")
    if word is not None and word.value:
        fault = _fault(subject, word.value.strip('"'))
        if fault:
            yield MISSING.broken(ARGUMENTS, f"{shown(word.text)}: {fault}")
    elif known and not subject.facts.adds_root:
        late = any(each.startswith("root=") for each in subject.arguments.init)
        yield MISSING.broken(ARGUMENTS, "it says no root=" + " (what is behind `--` is for init)" * late)
    if known:
        yield from _type(subject)


def _fault(subject: Subject, wanted: str) -> str:
    """Why a root is not found by what `root=` says; empty when it is, or nobody can tell."""
    if wanted.startswith(_PARTED):
        return f"no disk has partitions; there are {_listed(subject.disks)}"
    if subject.initrd is None and not wanted.startswith("/dev/"):
        # A number is that of a driver, which differs from kernel to kernel.
        return "" if _NUMBERS.fullmatch(wanted) else "a kernel without an initial RAM disk looks for devices alone"
    if _ELSEWHERE.fullmatch(wanted):
        return ""
    if wanted.startswith("/dev/disk/") and (subject.initrd is None or subject.initrd_is_ours):
        return "udev makes this name, and there is none before the root is mounted"
    return _among(subject, wanted)


def _among(subject: Subject, wanted: str) -> str:
    for prefix in (*_LABELS, *_UUIDS, "/dev/"):
        if wanted.startswith(prefix):
            name = wanted.removeprefix(prefix)
            break
    else:
        # A live system's, ZFS, the network: initial RAM disks of others know more than ours.
        return "the initial RAM disk knows LABEL=, UUID= and /dev/ alone" if subject.initrd_is_ours else ""
    if wanted.startswith("/dev/disk/") and prefix == "/dev/":
        return ""
    found = next((disk for disk in subject.disks if _is(disk, prefix, name)), None)
    if found is None and prefix in _UUIDS and any(disk.uuid is None for disk in subject.disks):
        return ""  # it may be that one
    if found is None:
        return f"there is no such disk; there are {_listed(subject.disks)}"
    return "" if found.role is Role.ROOT else f"this is the {found.role} volume"


def _is(disk: Disk, prefix: str, name: str) -> bool:
    if prefix in _LABELS:
        return disk.label == name
    if prefix in _UUIDS:
        return str(disk.uuid) == name.lower()
    return disk.name == name


def _type(subject: Subject) -> Iterator[Finding]:
    word = subject.arguments.last("rootfstype")
    named = (word.value or "").split(",") if word is not None else []
    able = {subject.filesystem, "auto"} if subject.initrd is not None else {subject.filesystem}
    if word is not None and any(named) and able.isdisjoint(named):
        yield TYPE.broken(ARGUMENTS, f"{shown(word.text)}, and the root is written as {subject.filesystem}")


def _listed(disks: tuple[Disk, ...]) -> str:
    return " and ".join(f"/dev/{disk.name} (the {disk.role} volume, LABEL={disk.label})" for disk in disks)


CHECK = Check(title="Root device", rules=(MISSING, TYPE), find=find)
