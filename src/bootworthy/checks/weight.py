"""Dead weight: what every machine carries and none uses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from bootworthy.checks.part import Part
from bootworthy.checks.rule import Check, Rule
from bootworthy.checks.subject import Subject
from bootworthy.layers.node import Kind, Node, Tree
from bootworthy.vocabulary import Finding, Severity

KERNEL = Rule(
    id="weight.kernel", severity=Severity.NOTE, title="The root has a kernel that it never boots",
    why="The kernel comes from another image; this one and its modules are copied to every machine, and patched for "
    "nothing.",
    remedy="remove the kernel package from the image (Debian and Ubuntu: apt-get purge 'linux-image-*')",
    source="the roles of images: root, kernel, modules",
)  # fmt: skip
PACKAGES = Rule(
    id="weight.package-cache", severity=Severity.NOTE, title="The root has packages and lists that were downloaded",
    why="They are on every machine, and old by the time anybody could use them.",
    remedy="delete them in the step that installs (apt-get clean, dnf clean all; rm -r /var/lib/apt/lists/*)",
    source="Filesystem Hierarchy Standard, /var/cache",
)  # fmt: skip
FIRMWARE = Rule(
    id="weight.firmware", severity=Severity.NOTE, title="The root has firmware of devices that no such machine has",
    why="Virtio devices load none.",
    remedy="remove the firmware packages from the image, unless a device is passed through to the guest",
    source="Documentation/driver-api/firmware of Linux; the bus of the VMM in machines/",
)  # fmt: skip

_BOOT = re.compile(rb"(?:vmlinu[xz]|Image|initrd\.img|initramfs|System\.map|config|dtbs?|symvers)(?:[-.].*)?")
_MODULES = (b"usr/lib/modules", b"lib/modules")
_FIRMWARE = (b"usr/lib/firmware", b"lib/firmware")
_CACHES = (
    b"var/cache/apt", b"var/lib/apt/lists", b"var/cache/dnf", b"var/cache/libdnf5", b"var/cache/yum",
    b"var/cache/zypp", b"var/cache/pacman/pkg", b"var/cache/apk", b"etc/apk/cache",
)  # fmt: skip
_MB = 1_000_000
_WORTH = 8 * _MB
"""Bytes; what is less is not worth a word."""


def find(subject: Subject) -> Iterator[Finding]:
    """Add up what the root has and does not need on this machine."""
    root = subject.root
    if root is None:
        return
    yield from _kernel(subject, root)
    yield from _heavy(root, PACKAGES, _CACHES, "of packages and lists are left from installing")
    if not subject.devices:
        yield from _heavy(root, FIRMWARE, _FIRMWARE, "of firmware")


def _kernel(subject: Subject, root: Part) -> Iterator[Finding]:
    if subject.kernel is None or subject.kernel.name == root.name:
        return
    folder = root.folder(b"boot")
    found = [] if folder is None else [node for name, node in folder.children.items() if _BOOT.fullmatch(name)]
    paths = ["/boot"] if _size(found) else []
    # Modules of the root are used where none come as a volume.
    if subject.modules_are_a_volume:
        modules = next((there for path in _MODULES if (there := root.folder(path)) is not None), None)
        found += [] if modules is None else list(modules.children.values())
        paths += ["/usr/lib/modules"] if modules is not None and modules.children else []
    size = _size(found)
    if size >= _WORTH:
        message = f"{_mb(size)} of a kernel in {' and '.join(paths)}, and the kernel comes from another image"
        yield KERNEL.broken(root.at(paths[0]), message)


def _heavy(root: Part, rule: Rule, paths: tuple[bytes, ...], what: str) -> Iterator[Finding]:
    seen: set[Node] = set()
    for path in paths:
        folder = root.folder(path)
        if folder is None or folder in seen:
            continue
        seen.add(folder)
        size = _size([folder])
        if size >= _WORTH:
            yield rule.broken(root.at(path), f"{_mb(size)} {what}")


def _size(nodes: Iterable[Node]) -> int:
    """Bytes that files have on a disk; a hole takes none, and a file of several names is one."""
    files = {node for each in nodes for _, node in Tree(each).walk() if node.kind is Kind.FILE}
    return sum(chunk.length for node in files for chunk in node.chunks)


def _mb(size: int) -> str:
    return f"{size / _MB:.0f} MB"


CHECK = Check(title="Dead weight", rules=(KERNEL, PACKAGES, FIRMWARE), find=find)
