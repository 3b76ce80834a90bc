"""Small archives in which every part of the reader has something to do: what is mangled and fuzzed begins as these."""

from __future__ import annotations

import tarfile

from tests import odd_layers
from tests.made_layers import tarred
from tests.tars import END, block, extended, padded, record

_PAX = b"".join(
    record(key, value) for key, value in [
        (b"path", b"d/\xff"), (b"size", b"3"), (b"mtime", b"1.5"), (b"uid", b"70000"),
        (b"SCHILY.xattr.user.a", b"\0\n"), (b"LIBARCHIVE.xattr.user.b", b"dg=="),
    ]
)  # fmt: skip
_OLD_MAP = record(b"GNU.sparse.map", b"0,3,9000,2") + record(b"GNU.sparse.size", b"20000")
_NEW_MAP = (
    record(b"GNU.sparse.major", b"1") + record(b"GNU.sparse.minor", b"0") + record(b"GNU.sparse.realsize", b"900")
)
_INFOS = [
    odd_layers.directory(b"d"), odd_layers.member(b"d/" + b"long" * 30, b"content" * 200),
    odd_layers.member(b"link", kind=tarfile.SYMTYPE, target=b"t" * 150),
    odd_layers.hard(b"again", b"d/" + b"long" * 30),
    odd_layers.member(b"null", kind=tarfile.CHRTYPE, device=(1, 3)), odd_layers.member(b"big", uid=2**31, gid=2**21),
]  # fmt: skip
SEEDS = {
    "changes": odd_layers.changed(),
    "ustar": tarred(_INFOS[:1] + _INFOS[4:5], tarfile.USTAR_FORMAT),
    "gnu": tarred(_INFOS, tarfile.GNU_FORMAT),
    "pax": tarred(_INFOS, tarfile.PAX_FORMAT),
    "records": extended(record(b"uid", b"7"), b"g") + extended(_PAX) + block(size=b"7") + padded(b"abc") + END,
    "sparse": extended(_OLD_MAP) + block(b"s", size=b"5") + padded(b"abcde") + END,
    "newer sparse": extended(_NEW_MAP) + block(b"s", size=b"1003") + padded(b"1\n512\n3\n") + padded(b"abc") + END,
    "links": block(b"l", flag=b"2", target=b"../d/../e") + block(b"l/x") + block(b"h", flag=b"1", target=b"e/x") + END,
    "v7": block(b"d/", flag=b"\0", magic=b"") + block(b"d/f", size=b"3", magic=b"") + padded(b"abc") + END,
}
