"""A bootstrapped root made the same for everybody: no logs, no identity, no clock, no trace of who built it.

Files keep the times that their packages gave them. What the installation wrote takes the date of the newest package
(the newest changelog under `/usr/share/doc`), so the same packages give the same bytes whenever they are installed.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping

from bootworthy.layers.node import Kind, Node, Tree

_SECOND = 10**9
_DAY = 86400

_EMPTIED = (
    b"dev", b"run", b"tmp", b"var/tmp", b"var/cache/apt", b"var/cache/ldconfig", b"var/lib/apt/lists", b"proc", b"sys",
)  # fmt: skip
"""Folders that stay, without what is in them."""

_DROPPED = (
    b"etc/hostname", b"etc/machine-id", b"etc/resolv.conf", b"etc/passwd-", b"etc/group-", b"etc/shadow-",
    b"etc/gshadow-", b"etc/subuid-", b"etc/subgid-", b"etc/ssh/ssh_host_*", b"var/lib/dbus/machine-id",
    b"var/lib/systemd/random-seed", b"var/lib/systemd/credential.secret", b"var/lib/dpkg/*-old",
    b"var/lib/dpkg/lock*", b"var/lib/dpkg/triggers/Lock", b"var/cache/debconf/*-old", b"root/.bash_history",
    b"root/.wget-hsts",
)  # fmt: skip

_DATED = (b"etc/shadow",)
"""Files with a day number (shadow(5), field 3: the last change of a password) that is the day of the build."""


def normalise(tree: Tree) -> Mapping[bytes, bytes]:
    """Change a tree in place; returns the content that replaces that of some files, by path."""
    for path in _EMPTIED:
        node = tree.find(path, follow=False)
        if node is not None and node.kind is Kind.DIRECTORY:
            node.children.clear()
    for path, node in list(tree.walk()):
        if node.kind is Kind.DIRECTORY:
            for name in [name for name in node.children if _unwanted(path + b"/" + name if path else name, node, name)]:
                del node.children[name]
    newest = newest_package(tree)
    for _, node in tree.walk():
        node.mtime = min(node.mtime, newest * _SECOND)
    return {path: _dated(tree.read(node), newest // _DAY) for path, node in _files(tree, _DATED)}


def newest_package(tree: Tree) -> int:
    """The date of the newest changelog in the tree, in seconds since 1970; 0 when it has none."""
    documents = tree.find(b"usr/share/doc")
    packages = documents.children.values() if documents else ()
    dates = [
        changelog.mtime // _SECOND
        for package in packages
        for name, changelog in package.children.items()
        if name.startswith(b"changelog")
    ]
    return max(dates, default=0)


def _unwanted(path: bytes, parent: Node, name: bytes) -> bool:
    if any(fnmatch.fnmatchcase(path, pattern) for pattern in _DROPPED):
        return True
    return path.startswith(b"var/log/") and parent.children[name].kind is Kind.FILE


def _files(tree: Tree, paths: tuple[bytes, ...]) -> list[tuple[bytes, Node]]:
    found = [(path, tree.find(path)) for path in paths]
    return [(path, node) for path, node in found if node is not None and node.kind is Kind.FILE]


def _dated(shadow: bytes, day: int) -> bytes:
    lines = []
    for line in shadow.splitlines():
        fields = line.split(b":")
        if len(fields) > 2 and fields[2]:
            fields[2] = str(day).encode()
        lines.append(b":".join(fields) + b"\n")
    return b"".join(lines)
