"""What the test registry keeps: blobs by digest, and by repository what it may see of them, manifests and tags.

Content is in memory, or as files in a folder.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DIGEST = re.compile(r"(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})")
TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
NAME = re.compile(rf"{_PART}(?:/{_PART})*")

INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")


def digest_of(content: bytes | bytearray | Path, algorithm: str = "sha256") -> str:
    """The digest of something."""
    if isinstance(content, Path):
        with content.open("rb") as file:
            return f"{algorithm}:{hashlib.file_digest(file, algorithm).hexdigest()}"
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest or an index, as it came."""

    media_type: str
    raw: bytes

    @property
    def fields(self) -> dict[str, Any]:
        """Its JSON; empty where it is none."""
        try:
            found = json.loads(self.raw)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def subject(self) -> str | None:
        """The digest that it refers to."""
        subject = self.fields.get("subject")
        return subject.get("digest") if isinstance(subject, dict) else None

    def descriptor(self, digest: str) -> dict[str, Any]:
        """How the referrers API lists it."""
        fields = self.fields
        config = fields.get("config") or {}
        found = {"mediaType": self.media_type, "digest": digest, "size": len(self.raw)}
        if kind := fields.get("artifactType") or config.get("mediaType"):
            found["artifactType"] = kind
        return {**found, **({"annotations": fields["annotations"]} if fields.get("annotations") else {})}


@dataclass(slots=True)
class Repository:
    """What one name may see."""

    blobs: set[str] = field(default_factory=set)
    manifests: dict[str, Manifest] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


class Storage:
    """All repositories. Methods may be called from any thread, and tests fill it directly, unchecked."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self.lock = threading.RLock()
        self.repositories: dict[str, Repository] = {}
        self.aliases: dict[str, str] = {}
        self._blobs: dict[str, bytes | Path] = {}

    def repository(self, name: str) -> Repository:
        """By its name; made where it is not there yet."""
        with self.lock:
            return self.repositories.setdefault(name, Repository())

    def known(self, name: str) -> Repository | None:
        """By its name, or None."""
        with self.lock:
            return self.repositories.get(name)

    def blob(self, name: str, digest: str) -> bytes | Path | None:
        """The content of a blob that a repository may see."""
        with self.lock:
            repository = self.repositories.get(name)
            return self._blobs.get(digest) if repository and digest in repository.blobs else None

    def put_blob(self, name: str, content: bytes | Path, digest: str | None = None) -> str:
        """Keep a blob and return its digest; a file is moved to where it belongs. A wrong digest is kept as it is."""
        digest = digest or digest_of(content)
        if self.folder is not None:
            target = self.folder / "blobs" / digest.replace(":", "/")
            target.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, Path):
                content.replace(target)
            else:
                target.write_bytes(content)
            content = target
        with self.lock:
            self._blobs[digest] = content
            self.repository(name).blobs.add(digest)
        return digest

    def put_blob_by_two(self, name: str, content: bytes | Path, digest: str) -> str:
        """Keep a blob by its sha256, and let another digest lead there; returns the sha256."""
        own = self.put_blob(name, content)
        with self.lock:
            self.aliases[digest] = own
        return own

    def mount(self, name: str, digest: str, source: str | None) -> bool:
        """Let a repository see a blob of another; without a source, of any."""
        with self.lock:
            digest = self.aliases.get(digest, digest)
            sources = [self.repositories.get(source)] if source else list(self.repositories.values())
            if not any(each and digest in each.blobs for each in sources):
                return False
            self.repository(name).blobs.add(digest)
            return True

    def put_manifest(self, name: str, raw: bytes, media_type: str, *tags: str, digest: str | None = None) -> str:
        """Keep a manifest under its digest and under tags, unchecked."""
        digest = digest or digest_of(raw)
        with self.lock:
            repository = self.repository(name)
            repository.manifests[digest] = Manifest(media_type, raw)
            repository.tags.update(dict.fromkeys(tags, digest))
        return digest

    def manifest(self, name: str, reference: str) -> tuple[str, Manifest] | None:
        """A manifest by tag or digest."""
        with self.lock:
            repository = self.repositories.get(name)
            if repository is None:
                return None
            digest = reference if ":" in reference else repository.tags.get(reference, "")
            found = repository.manifests.get(digest)
            return (digest, found) if found else None

    def drop_manifest(self, name: str, digest: str) -> bool:
        """Delete a manifest and the tags that name it."""
        with self.lock:
            repository = self.repositories.get(name)
            if repository is None or repository.manifests.pop(digest, None) is None:
                return False
            for tag in [tag for tag, each in repository.tags.items() if each == digest]:
                del repository.tags[tag]
            return True

    def missing(self, name: str, manifest: Manifest) -> list[str]:
        """The digests that a manifest needs and a repository does not have."""
        fields = manifest.fields
        with self.lock:
            repository = self.repository(name)
            if manifest.media_type in INDEXES:
                wanted = [each.get("digest") for each in fields.get("manifests") or ()]
                return [digest for digest in wanted if digest not in repository.manifests]
            layers = [each for each in fields.get("layers") or () if not each.get("urls")]
            wanted = [each.get("digest") for each in (fields.get("config") or {}, *layers)]
            return [digest for digest in wanted if digest not in repository.blobs]
