"""What people call places of images, as skopeo writes it (containers-transports(5))."""

from __future__ import annotations

from pathlib import Path

from bootworthy.errors import UsageError

DOCKER = "docker://"
HERE = ("oci", "oci-archive", "docker-archive")
ELSEWHERE = ("docker-daemon", "containers-storage", "dir", "sif", "ostree", "tarball")


def kind_of(text: str) -> tuple[str | None, str]:
    """The kind of a place, and what is behind it; no kind is a reference of the store.

    Raises:
        UsageError: `source.unsupported`, `source.empty`.
    """
    kind, colon, rest = text.partition(":")
    if colon and kind in ELSEWHERE:
        raise UsageError(
            "source.unsupported", f"images are not read from or written to {kind}: places", where=text,
            hint=f"copy it with skopeo: skopeo copy {text} oci-archive:image.tar",
        )  # fmt: skip
    if not colon or kind not in HERE:
        return None, text
    if not rest:
        raise UsageError("source.empty", f"{text} names no place", hint=f"{kind}:PATH[:TAG]")
    return kind, rest


def place(rest: str) -> tuple[Path, str | None]:
    """Path and tag: the path ends at the first colon where there is a file or folder, else at the first colon."""
    parts = rest.split(":")
    for count in range(1, len(parts) + 1):
        path = Path(":".join(parts[:count]))
        if path.exists():
            return path, ":".join(parts[count:]) or None
    return Path(parts[0]), ":".join(parts[1:]) or None
