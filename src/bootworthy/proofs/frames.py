"""Framed lines on a serial console: how a guest's words get through between kernel messages.

    BWP1 TOKEN KIND ID SEQ/TOTAL LENGTH CRC BODY

TOKEN is the random word the host put on the kernel command line; it ties a message to this boot. KIND is `hello` or
`report`. ID is the CRC-32 of the whole message, SEQ counts from 1, BODY is a piece of the message in base64, LENGTH its
characters and CRC its CRC-32 (both CRCs in 8 hex digits; ISO-HDLC, as zlib has it). A frame is taken only when length
and CRC fit, and a message only when its id does, so a line that a kernel message cut in two is lost and nothing else;
the guest says everything several times.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from dataclasses import dataclass

_FRAME = re.compile(
    rb"BWP1 ([0-9a-f]{8,64}) ([a-z]{1,16}) ([0-9a-f]{8}) (\d{1,4})/(\d{1,4}) (\d{1,4}) ([0-9a-f]{8}) ([A-Za-z0-9+/=]+)"
)
PIECE = 256
"""Characters of base64 in a frame."""
LARGEST = 64 * 1024
"""Bytes of a message; a longer one is not taken."""
_LONGEST_LINE = 8192
_MOST_FRAMES = LARGEST * 4 // 3 // PIECE + 2
_MOST_MESSAGES = 8


@dataclass(frozen=True, slots=True)
class Message:
    """What a guest said."""

    kind: str
    data: bytes


def encode(token: str, kind: str, data: bytes) -> bytes:
    """A message as the lines that carry it; the probe does the same in shell."""
    text = base64.b64encode(data)
    pieces = [text[start : start + PIECE] for start in range(0, len(text), PIECE)]
    identity = zlib.crc32(data)
    lines = [
        f"BWP1 {token} {kind} {identity:08x} {number}/{len(pieces)} {len(piece)} {zlib.crc32(piece):08x} "
        for number, piece in enumerate(pieces, start=1)
    ]
    return b"".join(line.encode() + piece + b"\n" for line, piece in zip(lines, pieces, strict=True))


class Decoder:
    """Takes a console as it comes, in pieces of any size, and gives each message once. Memory is bounded."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()
        self._rest = b""
        self._pieces: dict[tuple[bytes, bytes, int], dict[int, bytes]] = {}
        self._given: set[tuple[bytes, bytes]] = set()

    def feed(self, data: bytes) -> list[Message]:
        """The messages that these bytes complete."""
        *lines, rest = (self._rest + data).split(b"\n")
        # A line that never ends may still hold the beginning of a frame at its end, and no frame is that long.
        self._rest = rest[-_LONGEST_LINE:]
        found = [message for line in lines if b"BWP1 " in line for message in self._line(line)]
        return [message for message in found if message is not None]

    def _line(self, line: bytes) -> list[Message | None]:
        return [self._frame(match) for match in _FRAME.finditer(line)]

    def _frame(self, match: re.Match[bytes]) -> Message | None:
        token, kind, identity, *numbers, crc, body = match.groups()
        number, total, length = (int(text) for text in numbers)
        body = body[:length]
        fits = len(body) == length and zlib.crc32(body) == int(crc, 16)
        if not fits or token != self._token or not 1 <= number <= total <= _MOST_FRAMES:
            return None
        if (kind, identity) in self._given:
            return None
        key = (kind, identity, total)
        if key not in self._pieces and len(self._pieces) >= _MOST_MESSAGES:
            self._pieces.pop(next(iter(self._pieces)))
        pieces = self._pieces.setdefault(key, {})
        pieces[number] = body
        return self._complete(key, pieces) if len(pieces) == total else None

    def _complete(self, key: tuple[bytes, bytes, int], pieces: dict[int, bytes]) -> Message | None:
        kind, identity, total = key
        del self._pieces[key]
        try:
            data = base64.b64decode(b"".join(pieces[number] for number in range(1, total + 1)), validate=True)
        except binascii.Error:
            return None
        if zlib.crc32(data) != int(identity, 16) or len(data) > LARGEST:
            return None
        if len(self._given) < _MOST_MESSAGES * 4:
            self._given.add((kind, identity))
        return Message(kind.decode(), data)
