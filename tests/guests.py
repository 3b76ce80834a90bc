"""Guests without an operating system: a few bytes of machine code that say something on the serial port.

They run in a real VMM, in a fraction of a second, and show that what we launch, watch and record is what happens.
"""

from __future__ import annotations

import struct

TOKEN = b"\x01"
"""Where this stands in a guest's text, it says the 32 characters of `bootworthy.token=` of its command line."""

_BASE = 0x100000
_CODE = 0x1000
_STACK = 0x80000
_PHYS32_ENTRY = 18


def elf(text: bytes, *, reset: bool = False, note: bool = True) -> bytes:
    """A kernel that says `text`, then halts for ever, or resets its machine.

    An ELF with the note of the PVH boot ABI (Xen, docs/misc/pvh.pandoc): entered in 32-bit mode, without paging, with
    the address of `hvm_start_info` in ebx.
    """
    entry = _BASE + _CODE
    body = _code(entry, reset=reset) + text + b"\0"
    words = struct.pack("<III4sQ", 4, 8, _PHYS32_ENTRY, b"Xen\0", entry) if note else b""
    header = struct.pack(
        "<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01" + bytes(9), 2, 62, 1, entry, 64, 0, 0, 64, 56, 2, 0, 0, 0
    )
    size = _CODE + len(body)
    load = struct.pack("<IIQQQQQQ", 1, 7, 0, _BASE, _BASE, size, size, 0x1000)
    notes = struct.pack("<IIQQQQQQ", 4, 4, 0x200, _BASE + 0x200, _BASE + 0x200, len(words), len(words), 4)
    return (header + load + notes).ljust(0x200, b"\0") + words.ljust(_CODE - 0x200, b"\0") + body


def _code(entry: int, *, reset: bool) -> bytes:
    """The program; jumps are relative and short, all lengths are counted here."""
    put = bytes.fromhex("88c4 bafd030000 ec a820 74fb baf8030000 88e0 ee c3")  # wait for LSR.THRE, then write
    halt = bytes.fromhex("fa f4 ebfd")
    # An empty interrupt table and an interrupt: a triple fault. The limit and base are the zeros at 0x900.
    end = bytes.fromhex("0f011d") + struct.pack("<I", _BASE + 0x900) + b"\xcc" if reset else halt
    token = bytes.fromhex("57 813f6b656e3d 7403 47 ebf5 83c704 b920000000 8a07 47 e8")
    start = bytes.fromhex("bc") + struct.pack("<I", _STACK) + bytes.fromhex("8b7b18 be")
    # next: lodsb; test al, al; jz end; cmp al, 1; jz token; call put; jmp next
    loop_at = len(start) + 4
    token_at = loop_at + 1 + 2 + 2 + 2 + 2 + 5 + 2
    token_size = len(token) + 4 + 2 + 1 + 2
    end_at = token_at + token_size
    put_at = end_at + len(end)
    text_at = entry + put_at + len(put)

    def relative(target: int, after: int) -> bytes:
        return struct.pack("<b", target - after)

    def call(after: int) -> bytes:
        return struct.pack("<i", put_at - after)

    loop = b"\xac\x84\xc0" + b"\x74" + relative(end_at, loop_at + 5) + b"\x3c\x01"
    loop += b"\x74" + relative(token_at, loop_at + 9) + b"\xe8" + call(loop_at + 14)
    loop += b"\xeb" + relative(loop_at, loop_at + 16)
    called = token_at + len(token) + 4
    say_token = token + call(called) + b"\xe2\xf6\x5f" + b"\xeb" + relative(loop_at, token_at + token_size)
    program = start + struct.pack("<I", text_at) + loop + say_token + end + put
    assert len(program) == put_at + len(put)
    return program
