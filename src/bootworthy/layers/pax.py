"""Records of extended headers (POSIX.1-2024, pax, "pax Extended Header") and what they say of a member."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

_SECOND = 10**9
_TIME = re.compile(rb"(-?)(\d{1,19})(?:\.(\d*))?\Z")
_NUMBER = re.compile(rb"\d{1,19}\Z")
_SCHILY = b"SCHILY.xattr."
_LIBARCHIVE = b"LIBARCHIVE.xattr."
_MOST = 4 << 20
"""Bytes of all records that hold for one member: they are kept in memory."""


@dataclass(slots=True)
class Records:
    """The records that hold for one member."""

    fields: dict[bytes, bytes] = field(default_factory=dict)
    """Last value of each key; a key with an empty value has been taken back, and is not here."""
    extents: list[bytes] = field(default_factory=list)
    """GNU.sparse.offset and .numbytes of format 0.0, alternating: the only keys that repeat."""

    def updated(self, content: bytes) -> Records:
        """These records with those of an extended header on top.

        Raises:
            ValueError: what is wrong with them.
        """
        fields = dict(self.fields)
        extents: list[bytes] = []
        for key, value in parse(content):
            if key in {b"GNU.sparse.offset", b"GNU.sparse.numbytes"}:
                if (key == b"GNU.sparse.offset") != (len(extents) % 2 == 0):
                    raise ValueError("its sparse map has an offset without a length")
                extents.append(value)
            elif value or key.startswith((_SCHILY, _LIBARCHIVE)):
                fields[key] = value
            else:
                fields.pop(key, None)
        # one header is short enough, but any number of them may add to each other
        if self.fields and sum(len(key) + len(value) for key, value in fields.items()) > _MOST:
            raise ValueError("extended headers say too much of it")
        return Records(fields, extents)

    def number(self, key: bytes) -> int | None:
        """The value of a key that is a decimal number.

        Raises:
            ValueError: it is none.
        """
        value = self.fields.get(key)
        return None if value is None else decimal(value, key.decode())

    def text(self, key: bytes) -> bytes | None:
        """The value of a key that is a path.

        Raises:
            ValueError: it has a NUL in it.
        """
        value = self.fields.get(key)
        if value is not None and b"\0" in value:
            raise ValueError(f"its {key.decode()} has a NUL in it")
        return value

    def time(self, key: bytes) -> int | None:
        """The value of a key that is a time, in nanoseconds; finer fractions are cut off.

        Raises:
            ValueError: it is none.
        """
        value = self.fields.get(key)
        if value is None:
            return None
        match = _TIME.match(value)
        if match is None:
            raise ValueError(f"its {key.decode()} {value[:40]!r} is no time")
        sign, seconds, fraction = match.groups()
        nanoseconds = int(seconds) * _SECOND + int((fraction or b"")[:9].ljust(9, b"0"))
        return -nanoseconds if sign else nanoseconds

    def xattrs(self) -> tuple[tuple[bytes, bytes], ...]:
        """Extended attributes, sorted by name: star's and Go's raw values, else libarchive's encoded ones.

        Raises:
            ValueError: a name is not one that Linux can have, or a value is no base64.
        """
        found: dict[bytes, bytes] = {}
        for key, value in self.fields.items():
            if key.startswith(_SCHILY):
                found[key[len(_SCHILY) :]] = value
            elif key.startswith(_LIBARCHIVE):
                found.setdefault(unquote_to_bytes(key[len(_LIBARCHIVE) :]), _unbase64(value))
        for name in found:
            if not name or len(name) > 255 or b"\0" in name:
                raise ValueError(f"{name[:40]!r} is no name of an extended attribute")
        return tuple(sorted(found.items()))


def decimal(value: bytes, what: str) -> int:
    """A decimal number without sign.

    Raises:
        ValueError: it is none; `what` names it.
    """
    if not _NUMBER.match(value):
        raise ValueError(f"its {what} {value[:40]!r} is no number")
    return int(value)


def parse(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Records of the form `LENGTH KEY=VALUE\\n`, in which LENGTH counts all of it.

    Raises:
        ValueError: they are not of that form.
    """
    at = 0
    while at < len(content):
        space = content.find(b" ", at, at + 20)
        digits = content[at:space]
        if space < 0 or not digits.isdigit():
            raise ValueError("an extended header record has no length")
        end = at + int(digits)
        key, equals, value = content[space + 1 : end - 1].partition(b"=")
        if end > len(content) or content[end - 1 : end] != b"\n" or end <= space + 1 or not equals or not key:
            raise ValueError("an extended header record is malformed")
        yield key, value
        at = end


def record(key: bytes, value: bytes) -> bytes:
    """One record; its length counts its own digits."""
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    if len(str(length)) > len(str(rest)):
        length += 1
    return b"%d %s=%s\n" % (length, key, value)


def _unbase64(value: bytes) -> bytes:
    try:
        return base64.b64decode(value + b"=" * (-len(value) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError("the value of an extended attribute is no base64") from error
