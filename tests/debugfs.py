"""Reads an ext4 image back with `debugfs`: a few runs for an image, however many files are in it."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

_PROMPT = re.compile(rb"^debugfs: +", re.MULTILINE)
_TIME = re.compile(rb"mtime: 0x([0-9a-f]{8}):([0-9a-f]{8})")
_TYPES = {
    b"regular": 0o100000, b"directory": 0o040000, b"symlink": 0o120000, b"character": 0o020000, b"block": 0o060000,
    b"FIFO": 0o010000, b"socket": 0o140000,
}  # fmt: skip


@dataclass
class Found:
    """What debugfs says of an inode."""

    mode: int
    uid: int
    gid: int
    size: int
    links: int
    mtime: int
    device: tuple[int, int] = (0, 0)
    names: dict[bytes, int] = field(default_factory=dict)
    content: bytes = b""
    xattrs: dict[bytes, bytes] = field(default_factory=dict)


def check(image: Path) -> None:
    """Fail unless `e2fsck` finds nothing to say about an image."""
    done = subprocess.run(["/usr/sbin/e2fsck", "-fn", image], capture_output=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr).decode(errors="replace")


def read(image: Path, last_inode: int, folder: Path) -> dict[int, Found]:
    """Every inode in use, by number. `folder` is scratch."""
    numbers = [2, *range(11, last_inode + 1)]
    stats = run(image, [f"stat <{number}>" for number in numbers], folder)
    found = {number: _stat(text) for number, text in zip(numbers, stats, strict=True)}
    commands = []
    for number in numbers:
        kind = found[number].mode & 0o170000
        if kind == 0o040000:
            commands.append(("names", number, b"", f"ls -p <{number}>"))
        elif kind in {0o100000, 0o120000} and found[number].size:
            commands.append(("content", number, b"", f"dump <{number}> {folder / str(number)}"))
        for place, name in enumerate(found[number].xattrs):
            target = folder / f"{number}.{place}"
            commands.append(("xattr", number, name, f"ea_get -f {target} <{number}> {name.decode()}"))
    outputs = run(image, [command for _, _, _, command in commands], folder)
    for (kind_of, number, name, command), output in zip(commands, outputs, strict=True):
        if kind_of == "names":
            found[number].names = names(output)
        elif kind_of == "content":
            if found[number].mode & 0o170000 == 0o100000 or found[number].size > 59:
                found[number].content = (folder / str(number)).read_bytes()
        else:
            found[number].xattrs[name] = Path(command.split()[2]).read_bytes()
    return found


def run(image: Path, commands: list[str], folder: Path) -> list[bytes]:
    """What each command of one debugfs run printed."""
    script = folder / "commands"
    script.write_text("".join(f"{command}\n" for command in commands))
    done = subprocess.run(["/usr/sbin/debugfs", "-f", script, image], capture_output=True, check=True)
    outputs = _PROMPT.split(done.stdout)[1:]
    assert len(outputs) == len(commands), done.stdout[-2000:]
    return [output.partition(b"\n")[2] for output in outputs]


def _stat(text: bytes) -> Found:
    def number(name: bytes, form: bytes = rb"-?\d+") -> int:
        match = re.search(rb"\b" + name + rb": +(" + form + rb")", text)
        assert match is not None, (name, text)
        return int(match[1], 8 if name == b"Mode" else 10)

    kind = re.search(rb"Type: (\w+)", text)
    time = _TIME.search(text)
    assert kind is not None
    assert time is not None, text
    seconds, extra = int(time[1], 16), int(time[2], 16)
    signed = seconds - 2**32 if seconds >= 2**31 else seconds
    found = Found(
        _TYPES[kind[1]] | number(b"Mode"), number(b"User") % 2**32, number(b"Group") % 2**32,
        number(b"Size"), number(b"Links"),
        mtime=(signed + ((extra & 3) << 32)) * 10**9 + (extra >> 2),
    )  # fmt: skip
    device = re.search(rb"Device major/minor number: (\d+):(\d+)", text)
    if device:
        found.device = int(device[1]), int(device[2])
    fast = re.search(rb'Fast link dest: "(.*)"\n', text, re.DOTALL)
    if fast:
        found.content = fast[1]
    _, _, attributes = text.partition(b"Extended attributes:\n")
    found.xattrs = {match[1]: b"" for match in re.finditer(rb"^  ([a-z_0-9.-]+) \(\d+\)", attributes, re.MULTILINE)}
    return found


def names(text: bytes) -> dict[bytes, int]:
    """Names and inode numbers out of what `ls -p` printed."""
    found = {}
    for line in text.split(b"\n"):
        if line:
            _, number, _, _, _, rest = line.split(b"/", 5)
            if int(number):
                found[rest.rsplit(b"/", 2)[0]] = int(number)
    return found
