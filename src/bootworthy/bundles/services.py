"""What a tree starts by itself, and where that listens, as far as its unit files say.

systemd.unit(5) and systemd.socket(5); OpenRC's runlevels.

A service that opens a port without a socket unit tells no file of it: such ports are not seen here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bootworthy.bundles.packages import text
from bootworthy.layers.node import Kind, Node, Tree

_ADMIN = b"etc/systemd/system"
_FOLDERS = (_ADMIN, b"usr/local/lib/systemd/system", b"usr/lib/systemd/system", b"lib/systemd/system")
_LINKED = (b".wants", b".requires", b".upholds")
_RUNLEVELS = b"etc/runlevels"
_LISTEN = {"ListenStream": "tcp", "ListenDatagram": "udp"}
_PORT = re.compile(r"(?:(?P<host>\[[0-9A-Fa-f:.]+\]|[0-9.]+):)?(?P<port>\d{1,5})", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Listener:
    """A port that is open once the system is up."""

    port: int
    protocol: str
    """`tcp` or `udp`."""
    address: str
    """`*` for every one."""
    unit: str

    def as_json(self) -> dict[str, object]:
        """For programs."""
        return {"port": self.port, "protocol": self.protocol, "address": self.address, "unit": self.unit}


def enabled(tree: Tree) -> tuple[str, ...]:
    """Units that an administrator or a package enabled, sorted; under OpenRC, what the runlevels start."""
    found = {name.decode(errors="replace") for name in _wanted(tree, (_ADMIN,))}
    for level in _children(tree, _RUNLEVELS):
        found |= {name.decode(errors="replace") for name in _children(tree, _RUNLEVELS + b"/" + level)}
    return tuple(sorted(found))


def listeners(tree: Tree) -> tuple[Listener, ...]:
    """The ports of the socket units that are started, sorted."""
    found: set[Listener] = set()
    for unit in _wanted(tree, _FOLDERS):
        if unit.endswith(b".socket"):
            found.update(_listening(tree, unit))
    return tuple(sorted(found))


def _wanted(tree: Tree, folders: tuple[bytes, ...]) -> set[bytes]:
    """Names of units that others pull in; those that are masked are not started."""
    found: set[bytes] = set()
    for folder in folders:
        for name in _children(tree, folder):
            if name.endswith(_LINKED):
                found |= _children(tree, folder + b"/" + name).keys()
    return {unit for unit in found if not _masked(tree, unit)}


def _masked(tree: Tree, unit: bytes) -> bool:
    node = tree.find(_ADMIN + b"/" + unit, follow=False)
    return node is not None and node.kind is Kind.SYMLINK and node.target == b"/dev/null"


def _listening(tree: Tree, unit: bytes) -> Iterator[Listener]:
    for protocol, values in _listens(tree, unit).items():
        for value in values:
            match = _PORT.fullmatch(value)
            if match and 0 < int(match["port"]) < 2**16:
                host = (match["host"] or "*").strip("[]")
                address = "*" if host in {"0.0.0.0", "::"} else host  # noqa: S104  (told, not listened on)
                yield Listener(int(match["port"]), protocol, address, unit.decode(errors="replace"))


def _listens(tree: Tree, unit: bytes) -> dict[str, list[str]]:
    """What `Listen...=` lines come to: an empty one takes back those before it, of every kind."""
    found: dict[str, list[str]] = {}
    section = ""
    for line in _lines(tree, unit):
        if line.startswith("["):
            section = line.strip("[]")
            continue
        key, equals, value = (part.strip() for part in line.partition("="))
        if section != "Socket" or not equals or not key.startswith("Listen"):
            continue
        if not value:
            found.clear()
        elif key in _LISTEN:
            found.setdefault(_LISTEN[key], []).append(value)
    return found


def _lines(tree: Tree, unit: bytes) -> Iterator[str]:
    """A unit's file and its drop-ins, without comments; an instance reads its template."""
    stem, at, rest = unit.partition(b"@")
    template = stem + b"@." + rest.rpartition(b".")[2] if at else unit
    main = next((path for name in (unit, template) for path in _paths(tree, name)), None)
    drop_ins: dict[bytes, bytes] = {}
    for folder in reversed(_FOLDERS):  # the first folder that has a name wins
        for name in (template, unit):
            place = folder + b"/" + name + b".d"
            drop_ins |= {each: place + b"/" + each for each in _children(tree, place) if each.endswith(b".conf")}
    for path in ([main] if main else []) + [drop_ins[name] for name in sorted(drop_ins)]:
        for line in text(tree, path).splitlines():
            if line.strip() and line.lstrip()[0] not in "#;":
                yield line.strip()


def _paths(tree: Tree, unit: bytes) -> Iterator[bytes]:
    for folder in _FOLDERS:
        node = tree.find(folder + b"/" + unit)
        if node is not None and node.kind is Kind.FILE:
            yield folder + b"/" + unit


def _children(tree: Tree, path: bytes) -> dict[bytes, Node]:
    node = tree.find(path)
    return node.children if node is not None and node.kind is Kind.DIRECTORY else {}
