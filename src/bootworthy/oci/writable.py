"""A layout that is written to: begun, and its `index.json` changed under a lock."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bootworthy.errors import DocumentError, NotFoundError, UsageError
from bootworthy.host import files
from bootworthy.host.locks import locked
from bootworthy.oci import documents, layout
from bootworthy.oci.canonical import canonical_json
from bootworthy.oci.documents import REF_NAME, Descriptor
from bootworthy.oci.fields import load_object
from bootworthy.oci.written import index_bytes

LEASES = ".leases"
"""The folder in a store where leases on its blobs are."""
LOCK = ".lock"
_OURS = frozenset({layout.VERSION_FILE, layout.INDEX_FILE, "blobs", LOCK, LEASES})
Entry = dict[str, object]


@dataclass(frozen=True, slots=True)
class WritableLayout:
    """The layout at `root`. Nothing is created before something is written."""

    root: Path
    kind: str = "image store"
    """What people call it."""
    elsewhere: str = "choose another folder with the BOOTWORTHY_STORE variable"
    """What to do when it cannot be there."""

    def begin(self) -> None:
        """Make it, where it is not there yet.

        Raises:
            UsageError: `store.not-a-folder`, `store.not-empty`.
            SpaceError, HostError: as `host.files.writing`.
        """
        version = self.root / layout.VERSION_FILE
        if version.exists():
            return
        if self.root.exists() and not self.root.is_dir():
            raise UsageError(
                "store.not-a-folder", f"the {self.kind} is not a folder", where=str(self.root), hint=self.elsewhere
            )
        with files.writing(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            strangers = sorted(path.name for path in self.root.iterdir() if not _ours(path.name))
        if strangers:
            raise UsageError(
                "store.not-empty", f"this folder is no {self.kind}, and not empty ({strangers[0]})",
                where=str(self.root), hint=self.elsewhere,
            )  # fmt: skip
        with locked(self.root / LOCK):
            if not (self.root / layout.INDEX_FILE).exists():
                files.write(self.root / layout.INDEX_FILE, index_bytes(()))
            files.write(version, canonical_json({"imageLayoutVersion": layout.VERSION}))

    def entries(self) -> tuple[Descriptor, ...]:
        """What its index names; nothing where it was not begun.

        Raises:
            DocumentError, NotFoundError: its index cannot be read.
        """
        version, path = self.root / layout.VERSION_FILE, self.root / layout.INDEX_FILE
        again = f"rm -f {shlex.quote(str(version))} {shlex.quote(str(path))}"
        hint = f"put it back from a copy, or begin a new one ({again}): what was built is found again"
        try:
            if version.exists():
                return layout.Layout(self.root).index().manifests
            # another process is making it, or stopped in the middle of it
            return documents.parse_index(layout.read_small(path), where=str(path)).manifests if path.exists() else ()
        except NotFoundError as error:
            raise NotFoundError(error.code, error.message, where=error.where, hint=hint) from error
        except DocumentError as error:
            if error.where != str(path):
                raise
            problems = [replace(each, hint=each.hint or hint) for each in error.problems]
            raise DocumentError(error.code, error.message, problems, where=error.where) from error

    @contextlib.contextmanager
    def changing(self) -> Iterator[list[Entry]]:
        """The entries of its index, to be changed in place; nobody else changes them meanwhile.

        Raises:
            DeadlineError, SpaceError, HostError: the index cannot be written.
        """
        self.begin()
        with locked(self.root / LOCK):
            self.entries()  # what we do not understand we do not write
            path = self.root / layout.INDEX_FILE
            index = load_object(layout.read_small(path), kind="index", where=str(path))
            found = index.get("manifests")
            changed: list[Entry] = list(found) if isinstance(found, list) else []
            yield changed
            files.write(path, canonical_json({**index, "manifests": changed}))


def entry_name(entry: Mapping[str, object]) -> str:
    """The canonical name of an entry, whose form was checked before."""
    annotations = entry.get("annotations")
    name = annotations.get(REF_NAME) if isinstance(annotations, dict) else None
    return layout.canonical_name(name) if isinstance(name, str) else ""


def entry_names(entry: Mapping[str, object]) -> set[str]:
    """Every name of an entry, in canonical form."""
    annotations = entry.get("annotations")
    found = annotations if isinstance(annotations, dict) else {}
    names = (found.get(key) for key in (REF_NAME, layout.CONTAINERD_NAME))
    return {layout.canonical_name(name) for name in names if isinstance(name, str)}


def name_entry(entries: list[Entry], name: str, entry: Entry) -> None:
    """Give an entry a name; it takes the place of who had it."""
    places = [number for number, each in enumerate(entries) if entry_name(each) == name]
    if not places:
        entries.append(entry)
        return
    entries[places[0]] = entry
    for number in reversed(places[1:]):
        del entries[number]


def _ours(name: str) -> bool:
    """Whether a file may lie in a layout that is not finished yet."""
    return name in _OURS or name.endswith(".partial")
