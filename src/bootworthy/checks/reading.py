"""Reading an image nobody vouches for: never more bytes than asked for, links that end, names that can be shown."""

from __future__ import annotations

from dataclasses import dataclass

from bootworthy.errors import BuildError
from bootworthy.layers.node import Kind, Node, Tree

_LINKS = 40
"""As many as Linux follows (path_resolution(7))."""
_SHOWN = 200
_EXECUTABLE = 0o111


def span(tree: Tree, node: Node, start: int, size: int) -> bytes:
    """At most `size` bytes of a regular file from offset `start`; what lies behind its end is left out."""
    end = min(start + size, node.size)
    if node.kind is not Kind.FILE or start >= end:
        return b""
    content = bytearray(end - start)
    for chunk in node.chunks:
        first, last = max(start, chunk.offset), min(end, chunk.offset + chunk.length)
        if first >= last:
            continue
        with tree.bodies[chunk.body].open("rb") as body:
            body.seek(chunk.position + first - chunk.offset)
            data = body.read(last - first)
        if len(data) == end - start:  # nearly every file is in one piece, and kernels are large
            return data
        content[first - start : first - start + len(data)] = data
    return bytes(content)


def refuse_large(node: Node, limit: int) -> None:
    """Nothing, when a file has at most `limit` bytes.

    Raises:
        BuildError: `check.too-large`.
    """
    if node.size > limit:
        raise BuildError(
            "check.too-large", f"it has {node.size} bytes, and more than {limit} make no sense here",
            hint="replace the file",
        )  # fmt: skip


def shown(text: bytes | str) -> str:
    """What an image says, fit for a terminal: on one line, nothing that steers it, not without end."""
    if isinstance(text, bytes):
        text = text.decode(errors="surrogateescape")
    plain = "".join(char if char.isprintable() else _escaped(char) for char in text[: _SHOWN + 1])
    return plain if len(text) <= _SHOWN else plain[:_SHOWN] + "..."


def told(fault: BuildError) -> str:
    """What a fault says, as the end of a sentence; faults of kernel files say `is ...`, or name the part."""
    message = shown(fault.message)
    return f"it {message}" if message.startswith(("is ", "holds ")) else message


def _escaped(char: str) -> str:
    code = ord(char)
    # A byte that is no UTF-8 is a lone surrogate here.
    return f"\\x{code & 0xFF:02x}" if code < 0x100 or 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"


@dataclass(frozen=True, slots=True, eq=False)
class Trail:
    """Where a name leads, and how it is written on the way."""

    names: tuple[bytes, ...]
    """The name, then the target of each link, as written."""
    path: bytes
    """Where it ends, absolute; links of folders on the way are still in it."""
    node: Node | None
    """What is there; None when nothing is."""
    loop: bool = False
    """Whether the links lead nowhere because they never end."""

    @property
    def program(self) -> bool:
        """Whether it is a file that may be executed."""
        return self.node is not None and self.node.kind is Kind.FILE and bool(self.node.mode & _EXECUTABLE)

    def says(self) -> str:
        """`/sbin/init is a link to /lib/systemd/systemd, which is not in the image`: why it is no program."""
        first, last = shown(self.names[0]), shown(self.names[-1])
        if self.loop:
            return f"{first} is a loop of links"
        if self.node is None:
            fault = "is not in the image"
        elif self.node.kind is not Kind.FILE:
            fault = f"is {_KINDS[self.node.kind]}, and no program"
        else:
            fault = f"may not be executed: its mode is {self.node.mode:04o}"
        return f"{first} {fault}" if first == last else f"{first} is a link to {last}, which {fault}"


_KINDS = {
    Kind.DIRECTORY: "a directory", Kind.SYMLINK: "a link", Kind.CHARACTER: "a character device",
    Kind.BLOCK: "a block device", Kind.FIFO: "a named pipe", Kind.SOCKET: "a socket",
}  # fmt: skip


def trail(tree: Tree, path: bytes) -> Trail:
    """Follow a name through its links, inside the image; a name that is not absolute starts at its root."""
    names, here = [path], b"/" + path.lstrip(b"/")
    while len(names) <= _LINKS:
        node = tree.find(here, follow=False)
        if node is None or node.kind is not Kind.SYMLINK:
            return Trail(tuple(names), here, node)
        names.append(node.target)
        here = node.target if node.target.startswith(b"/") else here.rpartition(b"/")[0] + b"/" + node.target
    return Trail(tuple(names), here, None, loop=True)
