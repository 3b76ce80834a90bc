"""The request of Flintlock's gRPC interface, as `grpcurl -d @` sends it: CreateMicroVMRequest."""

from __future__ import annotations

from bootworthy.targets import microvm
from bootworthy.targets.consumer import FLINTLOCK, Versions
from bootworthy.targets.guest import Guest
from bootworthy.targets.target import Document, ImageTarget
from bootworthy.targets.written import as_json


def render(guest: Guest, versions: Versions) -> Document:
    """The request.

    Raises:
        RefusedError: as `limits.flintlock`.
    """
    return Document(as_json({"microvm": microvm.spec(guest, versions)}), microvm.notes(guest))


TARGET = ImageTarget(title="Flintlock, gRPC", consumers=(FLINTLOCK,), render=render)
