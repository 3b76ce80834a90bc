"""The file of `hammertime create --file`: the specification alone.

hammertime is built on the interface of Flintlock 0.5.0: what came later (`provider`) it would leave out in silence.
"""

from __future__ import annotations

from bootworthy.targets import microvm
from bootworthy.targets.consumer import FLINTLOCK, HAMMERTIME, Versions
from bootworthy.targets.guest import Guest
from bootworthy.targets.target import Document, ImageTarget, refused
from bootworthy.targets.written import as_json


def render(guest: Guest, versions: Versions) -> Document:
    """The file.

    Raises:
        RefusedError: `emit.vmm`; as `limits.flintlock`.
    """
    if guest.vmm != "firecracker":
        raise refused("vmm", f"hammertime cannot ask Flintlock for {guest.vmm}", "use gRPC: bootworthy emit flintlock")
    document = microvm.spec(guest, versions)
    document.pop("provider", None)
    return Document(as_json(document), microvm.notes(guest))


TARGET = ImageTarget(title="hammertime", consumers=(HAMMERTIME, FLINTLOCK), render=render)
