"""The kernel command line, cut into words and read as the kernel reads it.

Source: Documentation/admin-guide/kernel-parameters.rst of Linux (quotes, `--`, dashes and underscores); what it leaves
open is as `next_arg` in its lib/cmdline.c has it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

LIMIT = 2047
"""Bytes of a command line that an x86_64 or aarch64 kernel has room for.

An aarch64 kernel loses what is behind them. An x86_64 kernel copies as many bytes and one more, which then do not end
in a zero, and dies of it before it can say so. Source: COMMAND_LINE_SIZE in the setup.h of both, which is 2048 with
the byte that ends the line; `copy_bootdata` in arch/x86/kernel/head64.c.
"""
_SPACES = b" \t\n\v\f\r\xa0"
"""Bytes, since the kernel knows no encoding; it takes the last for a no-break space of Latin-1."""
_QUOTE = ord('"')
_YES = ("1", "y", "Y", "t", "T", "on", "On", "oN", "ON")


@dataclass(frozen=True, slots=True)
class Word:
    """One parameter."""

    text: str
    """As it is written."""
    name: str
    value: str | None
    """Without its quotes; None when there is no `=`."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read one word."""
        plain = text
        quoted = plain.startswith('"')
        if quoted:
            plain = plain[1:]
        # One that begins with an equals sign has it in its name.
        name, equals, value = plain[:1], "", plain[1:]
        if value:
            head, equals, value = value.partition("=")
            name += head
        if not equals:
            return cls(text, plain.removesuffix('"') if quoted else plain, None)
        if value.startswith('"'):
            value = value[1:].removesuffix('"')
        elif quoted:
            value = value.removesuffix('"')
        return cls(text, name, value)

    def called(self, name: str) -> bool:
        """Whether it is the parameter `name`; dashes are underscores."""
        return self.name.replace("-", "_") == name.replace("-", "_")

    @property
    def on(self) -> bool:
        """Whether a parameter that is a yes or a no says yes; without a value it does."""
        return self.value is None or self.value.startswith(_YES)


@dataclass(frozen=True, slots=True)
class CommandLine:
    """What the kernel makes of its command line."""

    words: tuple[Word, ...]
    init: tuple[str, ...] = ()
    """What is behind `--`, which is init's and nobody else's."""
    lost: str = ""
    """What is behind the bytes that a kernel has room for."""
    open_quote: bool = False
    """Whether the last quote has no second, so that all behind it is one word."""

    @classmethod
    def read(cls, text: str) -> Self:
        """Read a line; there is none that cannot be read."""
        raw = text.encode(errors="surrogateescape")
        kept = raw[:LIMIT]
        words = _split(kept)
        ends = words.index("--") if "--" in words else len(words)
        return cls(
            tuple(Word.parse(word) for word in words[:ends]), tuple(words[ends + 1 :]),
            raw[LIMIT:].decode(errors="surrogateescape"), kept.count(_QUOTE) % 2 == 1,
        )  # fmt: skip

    @classmethod
    def of(cls, words: Iterable[str]) -> Self:
        """Read words as they would be given to a kernel, with a space between them."""
        return cls.read(" ".join(words))

    def all(self, name: str) -> tuple[Word, ...]:
        """Every word of a name, in order."""
        return tuple(word for word in self.words if word.called(name))

    def last(self, name: str) -> Word | None:
        """The word of a name that counts where one alone does."""
        return next((word for word in reversed(self.words) if word.called(name)), None)


def split(text: str) -> tuple[str, ...]:
    """The words of a command line, as written; spaces inside quotes part nothing."""
    return _split(text.encode(errors="surrogateescape"))


def _split(raw: bytes) -> tuple[str, ...]:
    words: list[bytes] = []
    word, quoted = bytearray(), False
    for byte in raw:
        if byte == _QUOTE:
            quoted = not quoted
        if byte in _SPACES and not quoted:
            words += [bytes(word)] if word else []
            word.clear()
        else:
            word.append(byte)
    words += [bytes(word)] if word else []
    return tuple(word.decode(errors="surrogateescape") for word in words)
