"""What registries were last seen to have of a catalog, as a file of the state: `catalogs/NAME.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bootworthy.errors import DocumentError, HostError, Problem
from bootworthy.host import files
from bootworthy.oci.fields import Fields

SCHEMA = "bootworthy.seen/1"
_LARGEST = 32 * 2**20


@dataclass(frozen=True, slots=True)
class Seen:
    """What was there."""

    digests: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Reference to digest."""
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    """Pattern to the tags that fitted it."""

    def with_(self, other: Seen) -> Seen:
        """Both; the other one decides where both say something."""
        return Seen({**self.digests, **other.digests}, {**self.tags, **other.tags})


def path_for(state: Path, catalog: str) -> Path:
    """The file of the catalog of that name."""
    return state / "catalogs" / f"{catalog}.json"


def load(path: Path) -> Seen:
    """What was seen; nothing where there is no file.

    Raises:
        DocumentError: `seen.invalid`.
        HostError: `seen.unreadable`.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST + 1)
    except FileNotFoundError:
        return Seen()
    except OSError as error:
        raise HostError("seen.unreadable", f"could not read: {error.strerror}", where=str(path)) from error
    try:
        return _parse(raw, str(path))
    except DocumentError as error:
        hint = "remove it: what is there now is taken as seen then"
        problem = Problem("seen.invalid", error.problems[0].message, str(path), error.problems[0].path, hint)
        message = "what was last seen of this catalog cannot be read"
        raise DocumentError("seen.invalid", message, [problem], where=str(path)) from error


def save(path: Path, catalog: str, seen: Seen) -> None:
    """Write it down; equal ones have equal bytes.

    Raises:
        SpaceError, HostError: as `host.files.writing`.
    """
    document = {
        "schema": SCHEMA, "catalog": catalog, "digests": dict(seen.digests),
        "patterns": {pattern: {"tags": sorted(tags)} for pattern, tags in seen.tags.items()},
    }  # fmt: skip
    with files.writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write(path, (json.dumps(document, indent=1, sort_keys=True) + "\n").encode())


def _parse(raw: bytes, where: str) -> Seen:
    fields = Fields.parse(raw, kind="record of what was seen", where=where, limit=_LARGEST)
    if fields.text("schema") != SCHEMA:
        raise fields.error("schema", f"must be {SCHEMA!r}")
    digests = fields.inside("digests")
    return Seen(
        {name: digests.digest(name) for name in fields.mapping("digests")},
        {name: each.texts("tags") for name, each in fields.named("patterns").items()},
    )
