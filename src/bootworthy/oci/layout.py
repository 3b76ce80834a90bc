"""OCI image layouts: blobs, and an `index.json` that names some of them (image-spec v1.1, image-layout.md)."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bootworthy.errors import NotFoundError, UsageError
from bootworthy.oci import digest as digests
from bootworthy.oci.blobs import Span, reading
from bootworthy.oci.documents import REF_NAME, Descriptor, Index, parse_index
from bootworthy.oci.fields import LIMIT, Fields, too_large
from bootworthy.oci.reference import Reference

VERSION_FILE = "oci-layout"
INDEX_FILE = "index.json"
VERSION = "1.0.0"
CONTAINERD_NAME = "io.containerd.image.name"
"""Where containerd and Docker write the full name; their `ref.name` has the tag alone."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Somebody's layout, to be read."""

    root: Path

    def index(self) -> Index:
        """What `index.json` says.

        Raises:
            NotFoundError: `layout.missing`, `layout.no-index`.
            DocumentError: `layout.version`, `oci.bad-document`, `oci.too-large`.
        """
        version, index = self.root / VERSION_FILE, self.root / INDEX_FILE
        if not version.is_file():
            raise not_a_layout(self.root)
        check_version(read_small(version), where=str(version))
        if not index.is_file():
            raise no_index(index)
        return parse_index(read_small(index), where=str(index))

    def locate(self, digest: str) -> Span:
        """Where a blob lies.

        Raises:
            NotFoundError: `store.no-blob`.
            IntegrityError: `digest.bad`.
        """
        path = self.root / digests.blob_name(digest)
        try:
            return Span(path, 0, path.stat().st_size)
        except (FileNotFoundError, NotADirectoryError):
            raise no_blob(digest, path, "copy the layout again from where it came") from None

    def remedy(self, _span: Span, /) -> str:
        """What a person does when a blob is corrupt."""
        return f"copy the layout {shlex.quote(str(self.root))} again from where it came"


def names_of(descriptor: Descriptor) -> tuple[str, ...]:
    """What an entry of `index.json` is called, as it was written."""
    found = (descriptor.annotations.get(key) for key in (REF_NAME, CONTAINERD_NAME))
    return tuple(dict.fromkeys(name for name in found if name))


def canonical_name(name: str) -> str:
    """One spelling for all that mean the same image; a name that is no reference stays as it is."""
    try:
        return str(Reference.parse(name))
    except UsageError:
        return name


def select(entries: Sequence[Descriptor], tag: str | None, *, where: str) -> Descriptor:
    """The entry that a tag names; without a tag, the only image there is.

    Raises:
        NotFoundError: `layout.no-tag`, `layout.empty`.
        UsageError: `layout.ambiguous`.
    """
    known = sorted({name for entry in entries for name in names_of(entry)})
    if tag is None:
        if not entries:
            raise NotFoundError("layout.empty", "there is no image in it", where=where)
        if len({entry.digest for entry in entries}) > 1:
            shown = ", ".join(known) or "none of them has a name"
            raise UsageError(
                "layout.ambiguous", "there is more than one image in it", where=where, hint=f"say which: {shown}"
            )
        return entries[0]
    for matches in (lambda name: name == tag, lambda name: canonical_name(name) == canonical_name(tag)):
        for entry in entries:
            if any(matches(name) for name in names_of(entry)):
                return entry
    raise NotFoundError(
        "layout.no-tag", f"there is no image called {tag!r} in it", where=where, hint=nearest(tag, known)
    )


def nearest(name: str, known: Iterable[str]) -> str | None:
    """A hint with the names that somebody may have meant."""
    names = sorted(set(known))
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5) or names[:5]
    return f"there is: {', '.join(close)}" if close else None


def check_version(raw: bytes, *, where: str) -> None:
    """Refuse a layout that is newer than what we know.

    Raises:
        DocumentError: `layout.version`, `oci.bad-document`.
    """
    fields = Fields.parse(raw, kind="image layout", where=where)
    version = fields.text("imageLayoutVersion")
    if version.split(".")[0] != VERSION.split(".", maxsplit=1)[0]:
        raise fields.error(
            "imageLayoutVersion", f"version {version[:40]!r} is not one we can read", code="layout.version",
            hint=f"copy it with a tool that writes version {VERSION}: skopeo copy oci:... oci:...",
        )  # fmt: skip


def read_small(path: Path) -> bytes:
    """A document of a layout that no digest covers.

    Raises:
        NotFoundError, HostError: it cannot be read.
        DocumentError: `oci.too-large`.
    """
    with reading(path), path.open("rb") as file:
        data = file.read(LIMIT + 1)
    if len(data) > LIMIT:
        raise too_large(path.name, str(path), path.stat().st_size)
    return data


def not_a_layout(root: Path) -> NotFoundError:
    """The error for a folder that is no layout."""
    return NotFoundError(
        "layout.missing", f"this is no OCI image layout: it has no file `{VERSION_FILE}`", where=str(root)
    )


def no_index(path: Path) -> NotFoundError:
    """The error for a layout whose names are gone."""
    return NotFoundError(
        "layout.no-index", "the layout has lost its index, which names its images", where=str(path),
        hint=f"put {INDEX_FILE} back from a copy, or remove {shlex.quote(str(path.parent))} and make the images again",
    )  # fmt: skip


def no_blob(digest: str, where: Path, hint: str) -> NotFoundError:
    """The error for a blob that is not there."""
    return NotFoundError("store.no-blob", f"blob {digest} is not there", where=str(where), hint=hint)
