"""The packages of a tree, from the database that its package manager keeps: dpkg, apk, or rpm in SQLite.

deb-control(5) and dpkg's `status`; the `installed` file of apk-tools; rpm's header format (RPM 4, "Header Format") in
the table `Packages` of `rpmdb.sqlite`. A database that is damaged is read as far as it makes sense.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from bootworthy.layers.node import Kind, Tree

_DPKG = b"var/lib/dpkg/status"
_DPKG_PARTS = b"var/lib/dpkg/status.d"
_APK = (b"lib/apk/db/installed", b"usr/lib/apk/db/installed")
_RPM = (b"usr/lib/sysimage/rpm/rpmdb.sqlite", b"var/lib/rpm/rpmdb.sqlite")
_ENTRY = struct.Struct(">iIiI")
_NAME, _VERSION, _RELEASE, _EPOCH, _ARCH = 1000, 1001, 1002, 1003, 1022
_STRINGS, _INT32 = frozenset({6, 9}), 4
_LONGEST = 256


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """One package that is installed."""

    name: str
    architecture: str
    version: str
    manager: str
    """`dpkg`, `apk` or `rpm`."""

    @property
    def key(self) -> str:
        """What tells it from others in one tree: dpkg and rpm can have one for several architectures."""
        return f"{self.name}:{self.architecture}" if self.architecture else self.name

    def as_json(self) -> dict[str, str]:
        """For programs."""
        return {
            "name": self.name, "version": self.version, "architecture": self.architecture, "manager": self.manager,
        }  # fmt: skip


def installed(tree: Tree) -> tuple[Package, ...]:
    """Every package, sorted; empty where no database that we know is."""
    found = {*_dpkg(tree), *_apk(tree), *_rpm(tree)}
    return tuple(sorted(each for each in found if each.name and len(each.name) <= _LONGEST))


def text(tree: Tree, path: bytes) -> str:
    """A text file, links followed; empty when it is not there."""
    return data(tree, path).decode(errors="replace")


def data(tree: Tree, path: bytes) -> bytes:
    """A file, links followed; empty when it is not there."""
    node = tree.find(path)
    return tree.read(node) if node is not None and node.kind is Kind.FILE else b""


def _stanzas(whole: str) -> Iterator[dict[str, str]]:
    """Paragraphs of `Field: value`; lines that continue a field are left out."""
    for stanza in whole.split("\n\n"):
        lines = (line.partition(":") for line in stanza.splitlines() if line[:1] not in {" ", "\t"})
        fields = {name: value.strip() for name, colon, value in lines if colon}
        if fields:
            yield fields


def _dpkg(tree: Tree) -> Iterator[Package]:
    parts = tree.find(_DPKG_PARTS)  # where images without dpkg have a file for each package
    names = sorted(parts.children) if parts is not None and parts.kind is Kind.DIRECTORY else []
    wholes = [_DPKG, *(_DPKG_PARTS + b"/" + name for name in names if not name.endswith(b".md5sums"))]
    for path in wholes:
        for fields in _stanzas(text(tree, path)):
            status = fields.get("Status", "install ok installed").split()
            if "Package" in fields and status[-1:] == ["installed"]:
                version, architecture = fields.get("Version", ""), fields.get("Architecture", "")
                yield Package(fields["Package"], architecture, version, "dpkg")


def _apk(tree: Tree) -> Iterator[Package]:
    for path in _APK:
        for fields in _stanzas(text(tree, path)):
            if "P" in fields:
                yield Package(fields["P"], fields.get("A", ""), fields.get("V", ""), "apk")


def _rpm(tree: Tree) -> Iterator[Package]:
    for path in _RPM:
        raw = bytearray(data(tree, path))
        if not raw.startswith(b"SQLite format 3\0"):
            continue
        raw[18:20] = b"\1\1"  # without its write-ahead log, which an image has folded in
        with closing(sqlite3.connect(":memory:")) as base:
            try:
                base.deserialize(bytes(raw))
                blobs = [blob for (blob,) in base.execute("SELECT blob FROM Packages")]
            except sqlite3.Error:
                continue
        for blob in blobs:
            package = _header(blob) if isinstance(blob, bytes) else None
            if package is not None and package.name != "gpg-pubkey":  # a key, kept as if it were a package
                yield package


def _header(blob: bytes) -> Package | None:
    """The package that an rpm header speaks of: counts, entries of (tag, type, offset, count), and their data."""
    try:
        entries, size = struct.unpack_from(">II", blob)
        start = 8 + entries * _ENTRY.size
        store = blob[start : start + size]
        found: dict[int, str] = {}
        for number in range(min(entries, len(blob) // _ENTRY.size)):
            tag, kind, offset, _ = _ENTRY.unpack_from(blob, 8 + number * _ENTRY.size)
            if tag in {_NAME, _VERSION, _RELEASE, _ARCH} and kind in _STRINGS:
                found[tag] = store[offset : store.index(b"\0", offset)].decode(errors="replace")
            elif tag == _EPOCH and kind == _INT32:
                found[tag] = str(struct.unpack_from(">I", store, offset)[0])
    except (struct.error, ValueError):
        return None
    epoch = f"{found[_EPOCH]}:" if _EPOCH in found else ""
    version = f"{epoch}{found.get(_VERSION, '')}-{found.get(_RELEASE, '')}"
    return Package(found[_NAME], found.get(_ARCH, ""), version, "rpm") if _NAME in found else None
