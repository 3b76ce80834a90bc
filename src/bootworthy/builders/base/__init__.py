"""The base layer: what every root we build gets so that it can live as a machine.

Machine-id and SSH host keys at first boot, DHCP on any Ethernet device, a resolver, the root grown to its volume, the
modules volume mounted. `root/` holds the files as they stand in the image; `plan` adds the links that switch them on,
by what the root has. A login on the serial console needs nothing of ours: systemd starts one on every `console=`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

from bootworthy.layers.node import Kind, Tree

_WANTS = "etc/systemd/system/{target}.wants/{unit}"
_UNITS = {
    "bootworthy-ssh-keys.service": "multi-user.target",
    "bootworthy-grow-root.service": "local-fs.target",
    "bootworthy-modules.service": "sysinit.target",
}
_NETWORKD = {
    "systemd-networkd.service": "multi-user.target",
    "systemd-networkd.socket": "sockets.target",
    "systemd-network-generator.service": "sysinit.target",
    "systemd-networkd-wait-online.service": "network-online.target",
}
_RESOLVED = {"systemd-resolved.service": "multi-user.target"}
_RESOLVER = "/run/systemd/resolve/stub-resolv.conf"


@dataclass(frozen=True, slots=True)
class File:
    """A regular file or a symbolic link of the layer; `path` has no leading slash."""

    path: str
    mode: int
    data: bytes = b""
    target: str = ""


def plan(root: Tree) -> tuple[File, ...]:
    """The files of the base layer for a root, sorted by path. A root without systemd gets none of them."""
    if not _has(root, "systemd"):
        return ()
    files = dict(_assets())
    files["etc/machine-id"] = File("etc/machine-id", 0o444)
    files["etc/resolv.conf"] = File("etc/resolv.conf", 0o644)
    links = {_WANTS.format(target=target, unit=unit): f"../{unit}" for unit, target in _UNITS.items()}
    if _has(root, "systemd-networkd"):
        links |= _enabled(root, _NETWORKD)
        links["etc/systemd/system/dbus-org.freedesktop.network1.service"] = _unit(root, "systemd-networkd.service")
    if _has(root, "systemd-resolved"):
        links |= _enabled(root, _RESOLVED)
        links["etc/systemd/system/dbus-org.freedesktop.resolve1.service"] = _unit(root, "systemd-resolved.service")
        links["etc/resolv.conf"] = _RESOLVER
    files |= {path: File(path, 0o777, target=target) for path, target in links.items()}
    return tuple(files[path] for path in sorted(files))


def digest() -> str:
    """`sha256:...` over everything that decides the layer except the root it is for."""
    hasher = hashlib.sha256(repr((_UNITS, _NETWORKD, _RESOLVED, _RESOLVER)).encode())
    for path, file in sorted(_assets()):
        hasher.update(repr((path, file.mode, file.data)).encode())
    return f"sha256:{hasher.hexdigest()}"


def _has(root: Tree, program: str) -> bool:
    return any(root.find(f"{folder}/systemd/{program}".encode()) for folder in ("usr/lib", "lib"))


def _unit(root: Tree, unit: str) -> str:
    """Where a distribution keeps a unit: links into `/lib` are what Debian 12 has, `/usr/lib` everyone after it."""
    node = root.root.children.get(b"lib")
    merged = node is None or node.kind is Kind.SYMLINK
    return f"/usr/lib/systemd/system/{unit}" if merged else f"/lib/systemd/system/{unit}"


def _enabled(root: Tree, units: dict[str, str]) -> dict[str, str]:
    there = {unit: _unit(root, unit) for unit in units}
    return {
        _WANTS.format(target=units[unit], unit=unit): path for unit, path in there.items() if root.find(path.encode())
    }


def _assets() -> Iterator[tuple[str, File]]:
    yield from _below(resources.files(__name__).joinpath("root"), "")


def _below(folder: Traversable, prefix: str) -> Iterator[tuple[str, File]]:
    for item in folder.iterdir():
        path = f"{prefix}{item.name}"
        if item.is_dir():
            yield from _below(item, f"{path}/")
        else:
            mode = 0o755 if path.startswith("usr/lib/bootworthy/") else 0o644
            yield path, File(path, mode, item.read_bytes())
