"""What GNU tar packed, told in a form that can be compared; read by the standard library."""

from __future__ import annotations

import hashlib
import stat
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from bootworthy.layers.node import Kind, Tree

_XATTR = "SCHILY.xattr."
_KINDS = {
    tarfile.REGTYPE: "file", tarfile.DIRTYPE: "directory", tarfile.SYMTYPE: "symlink", tarfile.CHRTYPE: "character",
    tarfile.BLKTYPE: "block", tarfile.FIFOTYPE: "fifo",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Fact:
    """All that is said of one name."""

    kind: str
    mode: int
    uid: int
    gid: int
    mtime: int
    """Nanoseconds since 1970."""
    size: int = 0
    device: tuple[int, int] = (0, 0)
    target: bytes = b""
    xattrs: tuple[tuple[bytes, bytes], ...] = ()
    content: str = ""
    """Digest of a regular file's bytes."""
    names: tuple[bytes, ...] = ()
    """Every name of this file, where it has more than one."""


def read(path: Path) -> dict[bytes, Fact]:
    """Every name in an archive; a member `special` is what `PACK` of `shell_guest` lists."""
    found: dict[bytes, Fact] = {}
    links: dict[bytes, list[bytes]] = {}
    special = b""
    with tarfile.open(path, mode="r:", encoding="utf-8", errors="surrogateescape") as archive:
        for info in archive:
            name = _bytes(info.name)
            if name == b"special":
                file = archive.extractfile(info)
                assert file is not None
                special = file.read()
            elif info.islnk():
                links.setdefault(_bytes(info.linkname), []).append(name)
            else:
                found[name] = _fact(info, archive)
    for first, others in links.items():
        names = tuple(sorted((first, *others)))
        for each in names:
            found[each] = replace(found[first], names=names)
    return _with_special(found, special)


def _with_special(found: dict[bytes, Fact], listed: bytes) -> dict[bytes, Fact]:
    """Sockets, which tar leaves out, and the link groups of devices and fifos, which it does not tell."""
    groups: dict[tuple[bytes, bytes], list[bytes]] = {}
    for line in listed.removesuffix(b"\n").split(b"\n") if listed else []:
        device, inode, mode, uid, gid, seconds, name = line.split(b" ", 6)
        name = name.removeprefix(b"/")
        groups.setdefault((device, inode), []).append(name)
        if stat.S_ISSOCK(int(mode, 16)):
            found[name] = Fact(
                kind="socket", mode=stat.S_IMODE(int(mode, 16)), uid=int(uid), gid=int(gid), mtime=int(seconds) * 10**9
            )
    for names in groups.values():
        for each in names if len(names) > 1 else ():
            found[each] = replace(found[each], names=tuple(sorted(names)))
    return found


def of_tree(tree: Tree) -> dict[bytes, Fact]:
    """A tree as an archive tells it; of a socket it tells whole seconds and no attributes."""
    names: dict[int, list[bytes]] = {}
    for path, node in tree.walk():
        names.setdefault(id(node), []).append(path)
    found: dict[bytes, Fact] = {}
    for path, node in tree.walk():
        same = names[id(node)]
        fact = Fact(
            kind=node.kind.name.lower(), mode=node.mode, uid=node.uid, gid=node.gid, mtime=node.mtime, size=node.size,
            device=node.device, target=node.target, xattrs=node.xattrs,
            content=digest(tree.read(node)) if node.kind is Kind.FILE else "",
            names=tuple(sorted(same)) if len(same) > 1 else (),
        )  # fmt: skip
        if node.kind is Kind.SOCKET:
            fact = replace(fact, mtime=node.mtime // 10**9 * 10**9, xattrs=())
        found[path] = fact
    return found


def below(found: Mapping[bytes, Fact], folder: bytes) -> dict[bytes, Fact]:
    """What is in one folder of an archive, named from there; the folder itself has no name."""
    prefix = folder + b"/"
    cut = len(prefix)
    return {
        name[cut:]: replace(fact, names=tuple(each[cut:] for each in fact.names))
        for name, fact in found.items()
        if (name + b"/").startswith(prefix)
    }


def differences(ours: Mapping[bytes, Fact], theirs: Mapping[bytes, Fact]) -> list[str]:
    """Where two folders differ, in words; the first few."""
    only = [f"only ours: {name!r}" for name in sorted(ours.keys() - theirs.keys())]
    only += [f"only theirs: {name!r}" for name in sorted(theirs.keys() - ours.keys())]
    both = [
        f"{name!r}: {ours[name]} and {theirs[name]}"
        for name in sorted(ours.keys() & theirs.keys())
        if ours[name] != theirs[name]
    ]
    return [*only[:10], *both[:10]]


def digest(data: bytes) -> str:
    """What `Fact.content` has for these bytes."""
    return hashlib.sha256(data).hexdigest()


def _fact(info: tarfile.TarInfo, archive: tarfile.TarFile) -> Fact:
    headers = info.pax_headers
    # tarfile makes a float of it, which is too coarse.
    mtime = int(Decimal(headers["mtime"]) * 10**9) if "mtime" in headers else int(info.mtime) * 10**9
    content = ""
    if info.isreg():
        file = archive.extractfile(info)
        assert file is not None
        content = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    return Fact(
        kind=_KINDS[info.type], mode=info.mode, uid=info.uid, gid=info.gid, mtime=mtime, content=content,
        size=info.size if info.isreg() else 0, target=_bytes(info.linkname) if info.issym() else b"",
        device=(info.devmajor, info.devminor) if info.ischr() or info.isblk() else (0, 0), xattrs=_xattrs(headers),
    )  # fmt: skip


def _xattrs(headers: Mapping[str, str]) -> tuple[tuple[bytes, bytes], ...]:
    return tuple(
        sorted(
            (_bytes(name.removeprefix(_XATTR)), _bytes(value))
            for name, value in headers.items()
            if name.startswith(_XATTR)
        )
    )


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
