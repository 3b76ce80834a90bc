"""The accounts of a root: who has a password, who may log in, and where their keys lie.

Sources: passwd(5), shadow(5), crypt(5), nologin(8).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from bootworthy.checks.part import Part

_LIMIT = 1 << 20
_MANY = 10_000
"""Accounts of one image that are looked at."""
_NO_SHELLS = (b"nologin", b"false", b"sync", b"shutdown", b"halt", b"true")
# `$`, the method, `$`; or the thirteen characters of DES, or its BSDi kind. `!` and `*` lock an account.
_HASH = re.compile(rb"\$[^$]+\$|[./0-9A-Za-z]{13}$|_[./0-9A-Za-z]{19}$")
_ELSEWHERE = {b"x", b"*NP*"}
"""Passwords of passwd that stand in shadow, or nowhere here."""


@dataclass(frozen=True, slots=True)
class Account:
    """One line of passwd, with its line of shadow."""

    name: bytes
    password: bytes
    """As it is kept: empty for none, a hash, or something no password can be."""
    place: bytes
    """The file that has the password."""
    uid: int
    home: bytes
    shell: bytes

    @property
    def open(self) -> bool:
        """Whether it needs no password."""
        return not self.password

    @property
    def usable(self) -> bool:
        """Whether some password opens it."""
        return _HASH.match(self.password) is not None

    @property
    def logs_in(self) -> bool:
        """Whether its shell is one."""
        return self.shell.rpartition(b"/")[2] not in _NO_SHELLS


def accounts(root: Part) -> Iterator[Account]:
    """Every account of an image, in the order of passwd; lines that are none are passed over."""
    hashes = {fields[0]: fields[1] for fields in _lines(root, b"etc/shadow") if len(fields) > 1}
    for fields in itertools.islice(_lines(root, b"etc/passwd"), _MANY):
        if len(fields) < 7 or not fields[0] or not fields[2].isdigit():
            continue
        name, password = fields[0], fields[1]
        place = b"etc/passwd"
        if password in _ELSEWHERE:
            # One that is in no shadow has no password that anybody could give.
            password, place = hashes.get(name, b"*"), b"etc/shadow"
        yield Account(name, password, place, int(fields[2][:10]), fields[5], fields[6].strip())


def _lines(root: Part, path: bytes) -> Iterator[list[bytes]]:
    for line in (root.head(path, _LIMIT) or b"").splitlines():
        yield line.split(b":")
