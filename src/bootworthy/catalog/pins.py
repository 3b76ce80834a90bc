"""What a lock file says: the images that the cells of a catalog are held to, and the packages they were built from.

The file lies beside the catalog and has its name: `bootworthy.lock` for `bootworthy.yaml`; that of a built-in catalog
lies in the folder where the program runs. It is JSON with one image or package a line, so that a change can be read.
Whoever takes the digests of a cell from a catalog takes them from here (docs/lock.md).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bootworthy.errors import DocumentError, HostError, Problem
from bootworthy.oci.fields import Fields

SCHEMA = "bootworthy.lock/1"
SUFFIX = ".lock"
LARGEST = 32 * 2**20


@dataclass(frozen=True, slots=True)
class Pin:
    """One image."""

    reference: str
    """As the catalog names it, or as we name what we build."""
    digest: str

    def as_json(self) -> dict[str, object]:
        """As the file has it."""
        return {"digest": self.digest, "reference": self.reference}


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedCell:
    """What one cell is held to."""

    entry: str
    """Digest of what of the catalog reached its images (`catalog.identity.images_entry_digest`)."""
    kernel_release: str | None
    resolved: str
    """When, as RFC 3339 has it, in UTC."""
    images: Mapping[str, Pin] = field(hash=False)
    """Role, or roles joined with `+`, to image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedBuild:
    """What one build drew on."""

    key: str
    """Of its recipe."""
    packages: tuple[Mapping[str, str], ...] = field(hash=False)
    """`name`, `version`, `architecture` and `sha256` of each, as build records have them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    """A lock file."""

    catalog: str = ""
    """Name of the catalog."""
    cells: Mapping[str, PinnedCell] = field(default_factory=dict, hash=False)
    builds: Mapping[str, PinnedBuild] = field(default_factory=dict, hash=False)
    """Subject and architecture, `kernel debian-6.1 x86_64`, to build."""
    where: str = ""
    """The file."""

    def render(self) -> bytes:
        """The file as it is kept; equal pins have equal bytes."""
        return (_rendered(self._document(), "") + "\n").encode()

    def _document(self) -> dict[str, object]:
        cells = {
            name: {
                "entry": cell.entry, "resolved": cell.resolved, "kernel-release": cell.kernel_release,
                "images": {role: pin.as_json() for role, pin in cell.images.items()},
            }
            for name, cell in self.cells.items()
        }  # fmt: skip
        builds = {
            name: {"key": build.key, "packages": [dict(package) for package in build.packages]}
            for name, build in self.builds.items()
        }
        return {"schema": SCHEMA, "catalog": self.catalog, "cells": cells, "builds": builds}


NO_PINS = Pins()
"""Nothing is held."""


def path_for(source: str, folder: Path | None, cwd: Path) -> Path:
    """Where the lock file of a catalog is: `source` and `folder` are the catalog's."""
    if folder is None:
        name = source.rpartition(":")[2]
        taken = (cwd / f"{name}.yaml").exists()  # then NAME.lock belongs to that file
        return cwd / (f"builtin-{name}{SUFFIX}" if taken else name + SUFFIX)
    return folder / (Path(source).stem + SUFFIX)


def load(path: Path, catalog: str) -> Pins:
    """The lock file of the catalog of that name; no pins where there is no file.

    Raises:
        DocumentError: `lock.invalid`.
        HostError: `lock.unreadable`.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except FileNotFoundError:
        return Pins(catalog=catalog, where=str(path))
    except OSError as error:
        raise HostError("lock.unreadable", f"could not read: {error.strerror}", where=str(path)) from error
    pins = parse(raw, where=str(path))
    if pins.catalog != catalog:
        message = f"this is the lock of a catalog called {pins.catalog!r}, and this one is {catalog!r}"
        raise _invalid(str(path), message)
    return pins


def parse(raw: bytes, *, where: str) -> Pins:
    """Read a lock file.

    Raises:
        DocumentError: `lock.invalid`.
    """
    try:
        return _parse(raw, where)
    except DocumentError as error:
        raise _invalid(where, error.problems[0].message, error.problems[0].path) from error


def _parse(raw: bytes, where: str) -> Pins:
    fields = Fields.parse(raw, kind="lock", where=where, limit=LARGEST)
    if fields.text("schema") != SCHEMA:
        raise fields.error("schema", f"must be {SCHEMA!r}")
    cells = {name: _cell(each) for name, each in fields.named("cells").items()}
    builds = {name: _build(each) for name, each in fields.named("builds").items()}
    return Pins(catalog=fields.text("catalog"), cells=cells, builds=builds, where=where)


def _cell(fields: Fields) -> PinnedCell:
    images = {role: Pin(each.text("reference"), each.digest("digest")) for role, each in fields.named("images").items()}
    return PinnedCell(
        entry=fields.digest("entry"), kernel_release=fields.maybe_text("kernel-release"),
        resolved=fields.text("resolved"), images=images,
    )  # fmt: skip


def _build(fields: Fields) -> PinnedBuild:
    names = ("name", "version", "architecture", "sha256")
    packages = tuple({name: each.text(name) for name in names} for each in fields.each("packages"))
    return PinnedBuild(key=fields.text("key"), packages=packages)


def _invalid(where: str, message: str, path: str = "") -> DocumentError:
    hint = "take the file from your version control again, or remove it and run bootworthy lock"
    return DocumentError("lock.invalid", "the lock file cannot be used", [
        Problem("lock.invalid", message, where, path, hint)
    ], where=where)  # fmt: skip


def _rendered(value: object, indent: str) -> str:
    """JSON with one leaf a line: an object of plain values is a leaf; keys are sorted."""
    if isinstance(value, dict) and any(isinstance(each, dict | list) for each in value.values()):
        lines = [f"{indent} {_plain(key)}: {_rendered(value[key], indent + ' ')}" for key in sorted(value)]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(f"{indent} {_rendered(each, indent + ' ')}" for each in value) + f"\n{indent}]"
    return _plain(value)


def _plain(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
