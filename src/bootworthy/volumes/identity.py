"""What a volume is made from: ids and keys derive from what layers hold, never from how they were compressed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from bootworthy.oci.canonical import canonical_json
from bootworthy.oci.image import Image


def owner_of(folder: Path, path: Path) -> str | None:
    """Whose volume a file is that lies in a folder of volumes, by the digest that its owner has; None for others."""
    place = path.resolve()
    if not place.is_relative_to(folder.resolve()):
        return None
    return f"sha256:{place.relative_to(folder.resolve()).parts[0]}"


@dataclass(frozen=True, slots=True)
class Source:
    """Ordered diffIDs and the image configuration's digest."""

    diff_ids: tuple[str, ...]
    config: str | None = None

    @classmethod
    def of(cls, image: Image, extra: Sequence[str] = ()) -> Source:
        """An image, with more layers on top of its own."""
        return cls((*(layer.diff_id for layer in image.layers), *extra), image.manifest.config.digest)

    @property
    def document(self) -> dict[str, object]:
        """As keys have it."""
        return {"diff-ids": list(self.diff_ids), "config": self.config}

    @property
    def owner(self) -> str:
        """`sha256:...` of the image configuration: whose volumes these are, whatever is added to its layers."""
        return self.config or f"sha256:{hashlib.sha256(canonical_json(self.document)).hexdigest()}"

    def home(self, folder: Path) -> Path:
        """Where what is made of this is kept in a folder of the cache."""
        return folder / self.owner.partition(":")[2]

    @property
    def uuid(self) -> UUID:
        """A UUID for a volume of this: version 8 (RFC 9562, section 5.8), from the digest of what it is made from."""
        raw = bytearray(hashlib.sha256(b"bootworthy volume " + canonical_json(self.document)).digest()[:16])
        raw[6] = raw[6] & 0x0F | 0x80
        raw[8] = raw[8] & 0x3F | 0x80
        return UUID(bytes=bytes(raw))

    def key(self, filesystem: str, revision: int, options: dict[str, object]) -> str:
        """64 hex digits under which a volume is found again."""
        inputs = {"source": self.document, "filesystem": filesystem, "revision": revision, "options": options}
        return hashlib.sha256(canonical_json(inputs)).hexdigest()
