"""What an unpacked folder could not keep, in a file beside it: `FOLDER.owners.json`.

    {"schema": "bootworthy.owners/1", "image": "...", "kept": false, "default": {"uid": 0, "gid": 0}, "entries": [
      {"path": "etc/shadow", "mode": "0640", "uid": 0, "gid": 42},
      {"path": "dev/null", "kind": "character", "mode": "0666", "device": [1, 3]},
      {"path": "bin/ping", "mode": "0755", "xattrs": {"security.capability": "AQAAAgAgAAAAAAAAAAAAAAAAAAA="}}]}

`kept` says whether owners were kept; where not, what is not listed belongs to `default`. A path that is no UTF-8 has
its bytes in `path-base64` too, values of attributes are base64. One more unpacking into the folder adds its entries.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bootworthy.errors import IntegrityError
from bootworthy.host import files
from bootworthy.layers.node import Kind, Node

SCHEMA = "bootworthy.owners/1"
_SPECIAL = 0o6000
"""Setuid and setgid: another user's, they would mean something else."""


@dataclass(frozen=True, slots=True)
class Left:
    """One thing that is not as the image has it."""

    path: bytes
    node: Node
    xattrs: tuple[tuple[bytes, bytes], ...] = ()
    """The attributes that were left out."""
    missing: bool = False
    """Whether it was not made at all: a device."""

    def as_json(self) -> dict[str, object]:
        """The entry as the file has it."""
        node = self.node
        fields: dict[str, object] = {"path": self.path.decode(errors="backslashreplace")}
        if self.path.decode(errors="replace").encode() != self.path:
            fields["path-base64"] = base64.b64encode(self.path).decode()
        if self.missing:
            fields |= {"kind": node.kind.name.lower(), "device": list(node.device)}
        if node.kind is not Kind.SYMLINK:
            fields["mode"] = f"{node.mode:04o}"
        if (node.uid, node.gid) != (0, 0):
            fields |= {"uid": node.uid, "gid": node.gid}
        if self.xattrs:
            fields["xattrs"] = {
                name.decode(errors="backslashreplace"): base64.b64encode(value).decode() for name, value in self.xattrs
            }
        return fields


def is_plain(node: Node) -> bool:
    """Whether owner and mode of a node say nothing that must be recorded."""
    return (node.uid, node.gid) == (0, 0) and (node.kind is Kind.SYMLINK or not node.mode & _SPECIAL)


def without_privilege(mode: int) -> int:
    """The permission bits that mean the same whoever owns a file."""
    return mode & ~_SPECIAL


def beside(folder: Path) -> Path:
    """Where the file of a folder is."""
    whole = folder.resolve() if folder.name in {"", ".", ".."} else folder
    return whole.with_name(f"{whole.name}.owners.json")


def write(path: Path, left: Sequence[Left], *, image: str, owned: bool, more: bool) -> None:
    """Write the file; with the entries that it had before, if `more`.

    Raises:
        SpaceError, HostError: as `host.files.writing`.
    """
    entries: dict[object, object] = {}
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        before = _read(path)
        if more and before["schema"] == SCHEMA:
            entries = {entry["path"]: entry for entry in before["entries"]}
            owned = owned and before["kept"]
    entries |= {entry["path"]: entry for entry in (each.as_json() for each in left)}
    document = {
        "schema": SCHEMA, "image": image, "kept": owned, "default": {"uid": 0, "gid": 0},
        "entries": list(entries.values()),
    }  # fmt: skip
    with files.scratch(path.parent, prefix=f".{path.name[:100]}.") as room, files.writing(path):
        (room / "owners").write_bytes(json.dumps(document, indent=1).encode() + b"\n")
        (room / "owners").replace(path)  # a link there is replaced, not followed


def _read(path: Path) -> Any:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        return json.load(file)


def short(body: Path) -> IntegrityError:
    """The error for a body that does not have what its index says."""
    return IntegrityError(
        "layer.short-body", "it is shorter than its index says", where=str(body), hint="remove it, and try again"
    )
