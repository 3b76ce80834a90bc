"""The signature behind a module: how the kernel finds it, and which it takes.

Sources, all of Linux: include/linux/module_signature.h (the record at the end), kernel/module_signature.c (what is held
to it), Documentation/admin-guide/module-signing.rst.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import Enum
from typing import Self

from bootworthy.kernels.compression import unreadable

MARK = b"~Module signature appended~\n"
_RECORD = struct.Struct(">BBBBB3sI")


class Kind(Enum):
    """How the signer is named; the kernel takes PKCS#7 messages only."""

    PGP = 0
    X509 = 1
    PKCS7 = 2


@dataclass(frozen=True, slots=True)
class Signature:
    """What the record at the end of a module says. Whose signature it is, and whether it holds, is not looked at."""

    kind: Kind
    algorithm: int
    """Of the key; 0 in a PKCS#7 message, which says it inside, and so for the next three."""
    hash: int
    signer: int
    """Bytes of the signer's name."""
    key: int
    """Bytes of the key's identifier."""
    size: int
    """Bytes of the signature itself."""

    @classmethod
    def of(cls, module: bytes, *, where: str | None = None) -> Self | None:
        """The signature of a module that is not compressed; None when it has none.

        Raises:
            BuildError: `kernel.unreadable`, when there is a mark and no signature that a kernel would take; it then
                refuses the module whether signatures are asked for or not.
        """
        if not module.endswith(MARK):
            return None
        end = len(module) - len(MARK) - _RECORD.size
        if end < 0:
            raise unreadable("its signature is cut off", where)
        algorithm, hash_, kind, signer, key, padding, size = _RECORD.unpack_from(module, end)
        if size >= end:
            raise unreadable(f"its signature claims {size} bytes, and there are {end} before it", where)
        known = {each.value: each for each in Kind}
        if kind not in known or (known[kind] is Kind.PKCS7 and any((algorithm, hash_, signer, key, *padding))):
            raise unreadable("its signature is none that a kernel knows", where)
        return cls(known[kind], algorithm, hash_, signer, key, size)
