"""How a person gets into a machine that `boot` starts: files for that machine's own volume, never for the image."""

from __future__ import annotations

from bootworthy.layers.node import Kind
from bootworthy.proofs.probe import ProbeFile

_DROP_IN = """\
[Service]
ExecStart=
ExecStart=-/sbin/agetty --autologin root --noclear --keep-baud 115200,57600,38400,9600 - $TERM
"""


READY = b"\x1b]777;bootworthy-ready\x07"
"""What a login says before its shell reads input: a control sequence that terminals show nothing for."""
_PROFILE = "printf '\\033]777;bootworthy-ready\\007'\n"


def autologin() -> tuple[ProbeFile, ...]:
    """Root is logged in on the serial console, without a password."""
    folder, profiles = b"etc/systemd/system/serial-getty@.service.d", b"etc/profile.d"
    return (
        ProbeFile(folder, Kind.DIRECTORY, 0o755),
        ProbeFile(folder + b"/autologin.conf", Kind.FILE, 0o644, _DROP_IN.encode()),
        ProbeFile(profiles, Kind.DIRECTORY, 0o755),
        ProbeFile(profiles + b"/zz-bootworthy-ready.sh", Kind.FILE, 0o644, _PROFILE.encode()),
    )
