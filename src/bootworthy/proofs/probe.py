"""The probe: the files that a proof adds to a root so that the guest can speak for itself.

The published image never contains them. What the probe says is accepted only with the token of this boot
(DESIGN, section 5, Probe); that cannot stop an image that wants to lie.
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from importlib import resources

from bootworthy.layers.node import Kind
from bootworthy.oci.canonical import canonical_json

FOLDER = b"usr/lib/bootworthy-probe"
_UNITS = b"usr/lib/systemd/system"
_UNIT = """\
[Unit]
Description=Bootworthy probe
DefaultDependencies=no
Conflicts=shutdown.target
Before=shutdown.target

[Service]
Type=simple
ExecStart=/usr/lib/bootworthy-probe/busybox sh /usr/lib/bootworthy-probe/probe.sh
StandardInput=null
StandardOutput=null
StandardError=null
"""


@dataclass(frozen=True, slots=True)
class ProbeFile:
    """One file of the probe; it belongs to root, and its time is 0."""

    path: bytes
    """Relative to the root, without a leading slash; parents come before what is in them."""
    kind: Kind
    mode: int
    """Permission bits only."""
    data: bytes = b""
    """Content of a regular file."""
    target: bytes = b""
    """Where a symbolic link points."""

    def as_json(self) -> dict[str, object]:
        """The file as its digest sees it."""
        return {
            "path": self.path.decode(), "kind": self.kind.name, "mode": self.mode, "target": self.target.decode(),
            "data": hashlib.sha256(self.data).hexdigest(),
        }  # fmt: skip


@functools.cache
def script() -> bytes:
    """What the guest runs."""
    return resources.files(__package__).joinpath("probe.sh").read_bytes()


def layer(busybox: bytes) -> tuple[ProbeFile, ...]:
    """The files to add to a root: a static busybox of the guest's architecture, the script, and the unit that runs it.

    Folders among them exist in any root with systemd: they are there for one that lacks them, and change nothing else.
    """
    wants = _UNITS + b"/sysinit.target.wants"
    folders = (b"usr", b"usr/lib", FOLDER, b"usr/lib/systemd", _UNITS, wants)
    return (
        *(ProbeFile(path, Kind.DIRECTORY, 0o755) for path in folders),
        ProbeFile(FOLDER + b"/busybox", Kind.FILE, 0o755, busybox),
        ProbeFile(FOLDER + b"/probe.sh", Kind.FILE, 0o644, script()),
        ProbeFile(_UNITS + b"/bootworthy-probe.service", Kind.FILE, 0o644, _UNIT.encode()),
        # Below /usr and not /etc: a first boot resets what is enabled in /etc.
        ProbeFile(wants + b"/bootworthy-probe.service", Kind.SYMLINK, 0o777, target=b"../bootworthy-probe.service"),
    )


def digest(files: tuple[ProbeFile, ...]) -> str:
    """`sha256:...` of a probe: proofs by another one are stale."""
    return f"sha256:{hashlib.sha256(canonical_json([file.as_json() for file in files])).hexdigest()}"
