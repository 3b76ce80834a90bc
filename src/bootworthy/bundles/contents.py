"""What is in an image, as somebody asks who has to run it. Nothing here starts anything or needs a privilege."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bootworthy.builders.kernel_images import KERNEL_PATH, RELEASE_LABEL
from bootworthy.bundles.accounts import Account, accounts
from bootworthy.bundles.packages import Package, installed
from bootworthy.bundles.services import Listener, enabled, listeners
from bootworthy.errors import BuildError
from bootworthy.kernels import formats
from bootworthy.layers.node import Kind, Tree

_VERSIONED = re.compile(rb"(?:vmlinu[xz]|Image)-(\d[^/]*)")
_MODULES = (b"usr/lib/modules", b"lib/modules")
_PLACES = (b"usr/sbin", b"usr/bin", b"sbin", b"bin", b"usr/local/sbin", b"usr/local/bin")
_EXPECTED: Mapping[str, tuple[bytes, ...]] = {
    "DHCP client": (
        b"usr/lib/systemd/systemd-networkd", b"lib/systemd/systemd-networkd", b"dhclient", b"dhcpcd", b"udhcpc",
        b"NetworkManager", b"connmand", b"wickedd", b"dhcpcd5",
    ),
    "iptables": (b"iptables", b"iptables-nft", b"iptables-legacy", b"xtables-nft-multi", b"xtables-legacy-multi"),
    "sshd": (b"sshd", b"dropbear", b"tinysshd"),
}  # fmt: skip
"""What people who run machines look for, and the programs that are it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What is in an image."""

    names: int
    """Paths, the root's own included."""
    size: int
    """Bytes of regular files, each once, holes included."""
    kernels: tuple[str, ...]
    """Releases of kernels, and of modules where there is no kernel."""
    packages: tuple[Package, ...]
    accounts: tuple[Account, ...]
    enabled: tuple[str, ...]
    """Units and services that start by themselves."""
    listeners: tuple[Listener, ...]
    lacks: tuple[str, ...] = field(default=())
    """Of a root: what is often wanted, and is not there."""

    def as_json(self) -> dict[str, object]:
        """For programs."""
        return {
            "names": self.names, "size": self.size, "kernels": list(self.kernels),
            "packages": [each.as_json() for each in self.packages],
            "users": [each.as_json() for each in self.accounts], "enabled": list(self.enabled),
            "listens": [each.as_json() for each in self.listeners], "lacks": list(self.lacks),
        }  # fmt: skip


def contents(tree: Tree, labels: Mapping[str, str]) -> Contents:
    """Look at an image; `labels` are its configuration's.

    Raises:
        IntegrityError: `image.file-too-large`, a file that lists things is larger than any is.
    """
    nodes = {id(node): node for _, node in tree.walk()}
    return Contents(
        names=sum(1 for _ in tree.walk()),
        size=sum(node.size for node in nodes.values() if node.kind is Kind.FILE),
        kernels=_kernels(tree, labels),
        packages=installed(tree),
        accounts=accounts(tree),
        enabled=enabled(tree),
        listeners=listeners(tree),
        lacks=_lacks(tree) if is_root(tree) else (),
    )


def is_root(tree: Tree) -> bool:
    """Whether this is the root of a system, rather than a kernel, modules or an initial RAM disk."""
    return any(tree.find(path) is not None for path in (b"etc/passwd", b"etc/os-release", b"sbin/init"))


def kernel_release(tree: Tree, labels: Mapping[str, str]) -> str | None:
    """The release of the kernel in an image; None when there is none, or several."""
    found = _kernels(tree, labels)
    return found[0] if len(found) == 1 else None


def _kernels(tree: Tree, labels: Mapping[str, str]) -> tuple[str, ...]:
    if labels.get(RELEASE_LABEL):
        return (labels[RELEASE_LABEL],)
    boot = tree.find(b"boot")
    matches = [_VERSIONED.fullmatch(name) for name in boot.children] if boot is not None else []
    found = {match[1].decode(errors="replace") for match in matches if match}
    for path in _MODULES:
        folder = tree.find(path)
        if not found and folder is not None and folder.kind is Kind.DIRECTORY:
            found = {name.decode(errors="replace") for name in folder.children if name[:1].isdigit()}
    own = None if found else _told(tree)
    return tuple(sorted(found)) if own is None else (own,)


def _told(tree: Tree) -> str | None:
    """What the kernel in our own place says of itself."""
    node = tree.find(KERNEL_PATH.encode())
    if node is None or node.kind is not Kind.FILE:
        return None
    try:
        return formats.identify(tree.read(node)).release
    except BuildError:
        return None


def _lacks(tree: Tree) -> tuple[str, ...]:
    return tuple(what for what, names in _EXPECTED.items() if not any(_has(tree, name) for name in names))


def _has(tree: Tree, name: bytes) -> bool:
    paths = [name] if b"/" in name else [place + b"/" + name for place in _PLACES]
    return any(tree.find(path, follow=False) is not None for path in paths)
