"""Images wherever they are, by the names that skopeo gives to places (containers-transports(5))."""

from __future__ import annotations

from pathlib import Path

from bootworthy.errors import UsageError
from bootworthy.oci.archives import Archive, DockerImage, OciArchive
from bootworthy.oci.image import Image, assemble, load_image
from bootworthy.oci.layout import Layout, select
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from bootworthy.vocabulary import Architecture

_HERE = ("oci", "oci-archive", "docker-archive")
_ELSEWHERE = ("docker-daemon", "containers-storage", "dir", "sif", "ostree", "tarball")


def open_source(text: str, store: Store, *, architecture: Architecture | None = None) -> Image:
    """The image that a person named: `oci:DIR[:TAG]`, `oci-archive:FILE[:TAG]`, `docker-archive:FILE[:TAG]`, or a
    reference in the store. A folder or file whose own name has colons is found too when it is there.

    Raises:
        UsageError: `source.registry`, `source.unsupported`, `source.empty`, `reference.bad`, `layout.ambiguous`.
        NotFoundError: the place, the name, the platform or a blob is not there.
        DocumentError: a document in it is malformed.
        IntegrityError: `store.corrupt-blob`.
    """
    kind, colon, rest = text.partition(":")
    if text.startswith("docker://"):
        raise UsageError(
            "source.registry", "images are not read from registries yet", where=text,
            hint=f"copy it first: skopeo copy {text} oci-archive:image.tar, then name oci-archive:image.tar",
        )  # fmt: skip
    if colon and kind in _ELSEWHERE:
        raise UsageError(
            "source.unsupported", f"images are not read from {kind}: places", where=text,
            hint=f"copy it first: skopeo copy {text} oci-archive:image.tar",
        )  # fmt: skip
    if not colon or kind not in _HERE:
        return store.image(Reference.parse(text), architecture)
    if not rest:
        raise UsageError("source.empty", f"{text} names no place", hint=f"{kind}:PATH[:TAG]")
    path, tag = _place(rest)
    if kind == "docker-archive":
        docker = DockerImage.choose(Archive.open(path), tag)
        image = assemble(docker, docker.descriptor, docker.manifest, name=text)
        return image.require(architecture)
    layout = Layout(path) if kind == "oci" else OciArchive(Archive.open(path))
    entry = select(layout.index().manifests, tag, where=str(path))
    return load_image(layout, entry.plain(), name=text, architecture=architecture)


def _place(rest: str) -> tuple[Path, str | None]:
    """Path and tag: the path ends at the first colon where there is a file or folder, else at the first colon."""
    parts = rest.split(":")
    for count in range(1, len(parts) + 1):
        path = Path(":".join(parts[:count]))
        if path.exists():
            return path, ":".join(parts[count:]) or None
    return Path(parts[0]), ":".join(parts[1:]) or None
