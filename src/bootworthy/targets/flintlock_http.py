"""The body of Flintlock's HTTP gateway: POST /v1alpha1/microvm takes the specification itself."""

from __future__ import annotations

from bootworthy.targets import microvm
from bootworthy.targets.consumer import FLINTLOCK, Versions
from bootworthy.targets.guest import Guest
from bootworthy.targets.target import Document, ImageTarget, refused
from bootworthy.targets.written import as_json


def render(guest: Guest, versions: Versions) -> Document:
    """The body.

    Raises:
        RefusedError: `emit.no-body`; as `limits.flintlock`.
    """
    if not versions.since("flintlock", "0.5.0"):
        raise refused(
            "no-body", f"the HTTP gateway of Flintlock {versions['flintlock'].text} takes no body",
            "use gRPC (bootworthy emit flintlock), or Flintlock 0.5.0 or later",
        )  # fmt: skip
    return Document(as_json(microvm.spec(guest, versions)), microvm.notes(guest))


TARGET = ImageTarget(title="Flintlock, HTTP", consumers=(FLINTLOCK,), render=render)
