"""What an SSH server is told: the settings of sshd_config that count, those of the files it includes with them.

Source: sshd_config(5): the first value of a keyword counts, `Include` takes patterns, and what stands behind `Match` is
for some only.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping

from bootworthy.checks.part import Part

_CONFIG = b"etc/ssh/sshd_config"
# Vendors that keep /etc for the machine, as openSUSE does, have theirs here.
_VENDOR = b"usr/etc/ssh/sshd_config"
_SERVERS = (b"usr/sbin/sshd", b"usr/bin/sshd", b"usr/sbin/dropbear")
_LIMIT = 256 << 10
_FILES = 64
Settings = Mapping[bytes, tuple[bytes, ...]]
"""Keywords in lower case, and what they are set to for everybody."""
_WORD = re.compile(rb'"([^"]*)"|([^\s"#]+)')


def there(root: Part) -> bool:
    """Whether a root has an SSH server."""
    return any(root.file(path) is not None for path in _SERVERS)


def settings(root: Part) -> Settings:
    """What sshd is told in a root; empty where it is told nothing."""
    path = _CONFIG if root.file(_CONFIG) is not None else _VENDOR
    found: dict[bytes, tuple[bytes, ...]] = {}
    for keyword, *values in _lines(root, path, set()):
        found.setdefault(keyword, tuple(values))
    return found


def _lines(root: Part, path: bytes, read: set[bytes]) -> Iterator[list[bytes]]:
    if path in read or len(read) == _FILES:
        return
    read.add(path)
    for line in (root.head(path, _LIMIT) or b"").splitlines():
        if line.lstrip().startswith(b"#"):
            continue
        words = [quoted or plain for quoted, plain in _WORD.findall(line.replace(b"=", b" ", 1))]
        if not words:
            continue
        keyword = words[0].lower()
        if keyword == b"match":
            return
        if keyword == b"include":
            for pattern in words[1:]:
                for other in _matching(root, pattern if pattern.startswith(b"/") else b"/etc/ssh/" + pattern):
                    yield from _lines(root, other, read)
        else:
            yield [keyword, *words[1:]]


def _matching(root: Part, pattern: bytes) -> Iterator[bytes]:
    folder, _, last = pattern.rpartition(b"/")
    held = root.folder(folder)
    for name in sorted(held.children) if held is not None else ():
        if fnmatch.fnmatchcase(name, last):
            yield folder + b"/" + name
