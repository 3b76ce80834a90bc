"""What a build was made from, and how it is found again.

The identity of a build is the SHA-256 of canonical JSON over its `Recipe`. Packages that a mirror supplied are not part
of it: they are recorded beside the outputs, so that `--refresh` can tell whether the mirror moved.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bootworthy.builders.apt import Package
from bootworthy.errors import IntegrityError
from bootworthy.host import files
from bootworthy.oci.canonical import canonical_json
from bootworthy.vocabulary import Architecture

SCHEMA = "bootworthy.build/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything that decides the bytes of a build, except what a mirror happens to offer today."""

    subject: str
    """What is built, in words: `system debian-12`. Two recipes of one subject can be compared."""
    kind: str
    revision: int
    """Raised whenever the builder's code begins to make other bytes from the same inputs."""
    architecture: Architecture
    inputs: Mapping[str, object]
    tools: Mapping[str, str]
    """Versions of programs that change bytes."""

    @property
    def document(self) -> dict[str, object]:
        """The recipe as canonical JSON has it; the subject is a name, not an input."""
        return {
            "kind": self.kind, "revision": self.revision, "architecture": self.architecture.value,
            "inputs": dict(self.inputs), "tools": dict(self.tools),
        }  # fmt: skip

    @property
    def key(self) -> str:
        """64 hex digits."""
        return hashlib.sha256(canonical_json(self.document)).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A build that was made."""

    subject: str
    recipe: Mapping[str, object]
    packages: tuple[Package, ...]
    images: Mapping[str, str]
    """Role to manifest digest."""
    made_with: Mapping[str, str]
    """Compressor and tool versions, for whoever compares compressed bytes."""

    def as_json(self) -> dict[str, object]:
        """The record as it is kept."""
        return {
            "schema": SCHEMA, "subject": self.subject, "recipe": dict(self.recipe), "images": dict(self.images),
            "packages": [package.as_json() for package in self.packages], "made-with": dict(self.made_with),
        }  # fmt: skip


class Records:
    """The records of this machine's builds: one file per key, and the newest key of each subject."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, key: str) -> Record | None:
        """The build with this key, or None.

        Raises:
            IntegrityError: `build.bad-record`.
        """
        return _read(self._folder / f"{key}.json")

    def newest(self, recipe: Recipe) -> Record | None:
        """The last build of the recipe's subject and architecture, whatever its key was."""
        return _read(self._newest(recipe))

    def newest_keys(self) -> frozenset[str]:
        """The key of the last build of every subject; a record that cannot be read is left out."""
        found = set()
        for path in (self._folder / "newest").glob("*.json"):
            with contextlib.suppress(IntegrityError):
                record = _read(path)
                if record is not None:
                    found.add(hashlib.sha256(canonical_json(dict(record.recipe))).hexdigest())
        return frozenset(found)

    def log(self, recipe: Recipe) -> Path:
        """Where a build that takes long writes what it does, for as long as it is not done."""
        return self._folder / f"{recipe.key}.log"

    def put(self, recipe: Recipe, record: Record) -> None:
        """Keep a record."""
        data = canonical_json(record.as_json())
        files.write(self._folder / f"{recipe.key}.json", data)
        files.write(self._newest(recipe), data)

    def _newest(self, recipe: Recipe) -> Path:
        name = hashlib.sha256(f"{recipe.subject} {recipe.architecture}".encode()).hexdigest()[:32]
        return self._folder / "newest" / f"{name}.json"


def _read(path: Path) -> Record | None:
    try:
        fields = json.loads(path.read_bytes())
        return Record(
            subject=fields["subject"], recipe=fields["recipe"], images=fields["images"], made_with=fields["made-with"],
            packages=tuple(Package.from_json(package) for package in fields["packages"]),
        )  # fmt: skip
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError(
            "build.bad-record",
            f"this build record cannot be read: {error}",
            where=str(path),
            hint=f"remove it: rm {path}",
        ) from error


def why(recipe: Recipe, before: Record | None) -> list[str]:
    """How a recipe differs from the last build of its subject, one line a difference; empty when it does not."""
    if before is None:
        return ["never built here"]
    return _differences("", dict(before.recipe), recipe.document)


def package_differences(before: tuple[Package, ...], after: tuple[Package, ...]) -> list[str]:
    """How two package sets differ, one line a package."""
    old, new = ({package.name: package for package in some} for some in (before, after))
    lines = []
    for name in sorted(old.keys() | new.keys()):
        was, now = old.get(name), new.get(name)
        if was is None and now is not None:
            lines.append(f"package {name} {now.version} is new")
        elif was is not None and now is None:
            lines.append(f"package {name} {was.version} is gone")
        elif was is not None and now is not None and was != now:
            change = (
                f"{was.version} -> {now.version}" if was.version != now.version else f"{was.version}, other content"
            )
            lines.append(f"package {name}: {change}")
    return lines


def _differences(path: str, before: object, after: object) -> list[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        lines: list[str] = []
        for name in sorted(before.keys() | after.keys()):
            lines += _differences(f"{path}.{name}".lstrip("."), before.get(name), after.get(name))
        return lines
    if isinstance(before, tuple | list) and isinstance(after, tuple | list) and list(before) == list(after):
        return []
    return [] if before == after else [f"{path}: {_shown(before)} -> {_shown(after)}"]


def _shown(value: object) -> str:
    return "(nothing)" if value is None else json.dumps(value, ensure_ascii=False)
