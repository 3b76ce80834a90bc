"""Layers with every oddity that a changeset can have; their owners and devices ask for root when they are unpacked."""

from __future__ import annotations

import struct
import tarfile
from pathlib import Path

from bootworthy.host import processes
from tests.made_layers import tarred
from tests.trees import ACL, CAPABILITY

_TIME = 1_500_000_000
Member = tuple[tarfile.TarInfo, bytes]

WIDE_CAPABILITY = struct.pack("<IIIIII", 0x03000001, 0x3000, 0, 0xFF, 0, 100_000)
"""A capability of a user namespace: revision 3, with the user id that is its root."""


def member(
    path: bytes, content: bytes = b"", kind: bytes = tarfile.REGTYPE, *, mode: int = 0o644, uid: int = 0, gid: int = 0,
    target: bytes = b"", device: tuple[int, int] = (0, 0), xattrs: dict[bytes, bytes] | None = None,
) -> Member:  # fmt: skip
    """One member of a layer."""
    info = tarfile.TarInfo(_text(path))
    info.type, info.mode, info.uid, info.gid, info.mtime = kind, mode, uid, gid, _TIME + len(path)
    info.linkname = _text(target)
    info.devmajor, info.devminor = device
    info.pax_headers = {f"SCHILY.xattr.{_text(name)}": _text(value) for name, value in (xattrs or {}).items()}
    return info, content


def directory(path: bytes, mode: int = 0o755, xattrs: dict[bytes, bytes] | None = None) -> Member:
    """A directory."""
    return member(path, kind=tarfile.DIRTYPE, mode=mode, xattrs=xattrs)


def hard(path: bytes, target: bytes) -> Member:
    """A second name."""
    return member(path, kind=tarfile.LNKTYPE, target=target)


def added() -> bytes:
    """A layer that adds: kinds, modes, names, attributes, links."""
    lists = {b"system.posix_acl_access": ACL, b"system.posix_acl_default": ACL}
    path, levels = b"odd/deep", []
    for level in range(25):
        levels.append(directory(path))
        path += b"/" + (b"%02d-" % level).ljust(80, b"d")
    return tarred(
        [
            directory(b"odd"), directory(b"odd/sticky", 0o1777), directory(b"odd/setgid", 0o2775),
            directory(b"odd/closed", 0), *levels, member(path, b"at the bottom"),
            member(b"odd/setuid", b"#!", mode=0o4755, uid=1000, gid=2000), member(b"odd/none", b"x", mode=0),
            member(b"odd/all", b"x", mode=0o7777, uid=4_000_000_000, gid=65536),
            member(b"odd/fifo", kind=tarfile.FIFOTYPE, mode=0o640),
            member(b"odd/char", kind=tarfile.CHRTYPE, device=(1, 3), mode=0o666),
            member(b"odd/block", kind=tarfile.BLKTYPE, device=(259, 1_048_575), mode=0o660, gid=6),
            member(b"odd/char-large", kind=tarfile.CHRTYPE, device=(4095, 256)),
            member(b"odd/empty"), member(b"odd/block-sized", b"b" * 4096), member(b"odd/block-and-one", b"c" * 4097),
            member(b"odd/large", bytes(range(256)) * 20_000),
            member(b"odd/" + b"n" * 255, b"a name of 255"), member(b"odd/" + b"\xff" * 255, b"not UTF-8"),
            member(b"odd/ \n\t\\\"'*?", b"a name for shells"), member(b"odd/\xc3\xa4", b"UTF-8"),
            member(b"odd/a\xcc\x88"),
            member(b"odd/fast", kind=tarfile.SYMTYPE, target=b"t" * 59, mode=0o777),
            member(b"odd/slow", kind=tarfile.SYMTYPE, target=b"t" * 60, mode=0o777),
            member(b"odd/slowest", kind=tarfile.SYMTYPE, target=b"t/" * 2040, mode=0o777, uid=7),
            member(b"odd/link-\xfe", kind=tarfile.SYMTYPE, target=b"\xfe/../\xff", mode=0o777),
            directory(b"odd/here"), directory(b"odd/there"), member(b"odd/here/one", b"many names", uid=3),
            hard(b"odd/there/two", b"odd/here/one"), hard(b"odd/there/three", b"odd/there/two"),
            hard(b"odd/there/fifo", b"odd/fifo"), hard(b"odd/there/char", b"odd/char"),
            hard(b"odd/there/slow", b"odd/slow"),
            member(b"odd/capable", b"#!", mode=0o755, xattrs={b"security.capability": CAPABILITY}),
            member(b"odd/capable-below", b"#!", mode=0o755, xattrs={b"security.capability": WIDE_CAPABILITY}),
            member(b"odd/attributes", b"x", xattrs={
                b"user.empty": b"", b"user.text": b"hello", b"user.binary": bytes(range(256)),
                b"user.dotted.name": b"1", b"trusted.secret": b"\xff\x00\n=", b"security.custom": b"s" * 300,
                b"user." + b"n" * 240: b"long name",
            }),
            member(b"odd/same-attributes", b"y", xattrs={b"user.text": b"hello", b"user.much": b"m" * 3000}),
            member(b"odd/same-attributes-again", b"z", xattrs={b"user.text": b"hello", b"user.much": b"m" * 3000}),
            directory(b"odd/marked", xattrs={b"user.mark": b"on a directory", b"trusted.mark": b"t"}),
            member(b"odd/listed", b"x", mode=0o750, xattrs={b"system.posix_acl_access": ACL}),
            directory(b"odd/listed-folder", 0o750, lists),
            directory(b"odd/many"), *(member(b"odd/many/%d" % number, b"%d" % number) for number in range(3000)),
            directory(b"odd/covered"), member(b"odd/covered/low"), directory(b"odd/gone"), member(b"odd/gone/x"),
            directory(b"odd/was-folder"), member(b"odd/was-folder/x"), member(b"odd/was-file", b"x"),
            member(b"odd/again", b"first"), hard(b"odd/again-too", b"odd/again"), directory(b"odd/real"),
            member(b"odd/through", kind=tarfile.SYMTYPE, target=b"real", mode=0o777),
        ]
    )  # fmt: skip


def changed() -> bytes:
    """A layer that takes away and replaces."""
    return tarred(
        [
            member(b"odd/.wh.gone"), directory(b"odd/covered", 0o711), member(b"odd/covered/.wh..wh..opq"),
            member(b"odd/covered/high", b"high"), member(b"odd/was-folder", b"a file now"),
            directory(b"odd/was-file", 0o700), member(b"odd/was-file/x", b"in it"), member(b"odd/again", b"second"),
            member(b"odd/through/below", b"through a link"), member(b"odd/many/.wh.7"),
            directory(b"odd/marked", xattrs={b"user.mark": b"another"}), member(b"usr/share/doc/.wh.base-files"),
        ]
    )  # fmt: skip


def sparse(folder: Path) -> bytes:
    """A layer of sparse files, as GNU tar packs them; `folder` is scratch."""
    (folder / "odd").mkdir(parents=True)
    for name, marks, size in (
        ("hole-first", (300_000,), 300_010),
        ("hole-last", (0,), 9_000_000),
        ("hole", (), 70_000),
    ):
        with (folder / "odd" / name).open("wb") as file:
            for mark in marks:
                file.seek(mark)
                file.write(b"mark")
            file.truncate(size)
    names = sorted(f"odd/{path.name}" for path in (folder / "odd").iterdir())
    options = ["--sparse", "--format=posix", "--owner=0", "--group=0", f"--mtime=@{_TIME}"]
    return processes.run(["tar", *options, "-cf", "-", *names], cwd=folder).stdout


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
