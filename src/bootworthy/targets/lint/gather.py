"""The files that a person names: one by one, from standard input, or all manifests of a folder."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from bootworthy.catalog.document import LARGEST
from bootworthy.errors import DocumentError, NotFoundError
from bootworthy.targets.lint.documents import Source, read

_SUFFIXES = {".json", ".yaml", ".yml"}
STANDARD_INPUT = "-"


def files(names: Iterable[str]) -> Iterator[str]:
    """Every file once, those of folders sorted; hidden folders are passed over.

    Raises:
        NotFoundError: `lint.no-file`.
    """
    seen = set()
    for name in names:
        for found in _below(name):
            if found not in seen:
                seen.add(found)
                yield found


def _below(name: str) -> Iterator[str]:
    path = Path(name)
    if name == STANDARD_INPUT or path.is_file():
        yield name
    elif path.is_dir():
        for found in sorted(path.rglob("*")):
            hidden = any(part.startswith(".") for part in found.relative_to(path).parts)
            if found.suffix in _SUFFIXES and not hidden and found.is_file():
                yield str(found)
    else:
        raise NotFoundError("lint.no-file", "there is no such file or folder", where=name, hint="name a manifest")


def opened(name: str) -> Source:
    """Read one of them; of a file that is too large no more than shows that it is.

    Raises:
        DocumentError: as `documents.read`.
        NotFoundError: `lint.no-file`, when it may not be read.
    """
    if name == STANDARD_INPUT:
        return read("<stdin>", sys.stdin.buffer.read(LARGEST + 1))
    try:
        with Path(name).open("rb") as file:
            return read(name, file.read(LARGEST + 1))
    except OSError as error:
        raise NotFoundError(
            "lint.no-file", f"cannot be read: {error.strerror}", where=name, hint="look at its permissions"
        ) from error


def every(names: Iterable[str]) -> tuple[list[Source], list[DocumentError]]:
    """All that can be read, and why the others cannot.

    Raises:
        NotFoundError: `lint.no-file`.
    """
    sources, unread = [], []
    for name in files(names):
        try:
            sources.append(opened(name))
        except DocumentError as error:
            unread.append(error)
    return sources, unread
