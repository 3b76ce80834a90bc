"""Reports of guests, and evidence, made by code."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime, timedelta

from bootworthy.proofs.evidence import SCHEMA

DIGEST = f"sha256:{'a' * 64}"
OTHER = f"sha256:{'b' * 64}"
CELL = "debian-12/debian-6.1/qemu-microvm-x86_64"
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

_REPORT: dict[str, object] = {
    "schema": "bootworthy.report/1",
    "init": "systemd",
    "state": "running",
    "failed_units": [],
    "waiting_jobs": [],
    "os_release": {"ID": "debian", "VERSION_ID": "12"},
    "kernel_release": "6.1.0-1-cloud-amd64",
    "architecture": "x86_64",
    "command_line": "console=ttyS0",
    "root": {
        "device": "/dev/vda",
        "filesystem": "ext4",
        "options": "rw,relatime",
        "bytes": 600,
        "free": 300,
        "writable": ["/", "/etc", "/var", "/tmp", "/run"],
    },
    "module": {"outcome": "loaded", "name": "crc7", "error": ""},
    "network": [
        {
            "name": "eth0",
            "mac": "52:54:00:00:00:01",
            "driver": "virtio_net",
            "state": "up",
            "carrier": True,
            "raised": False,
            "addresses": ["10.0.2.15/24"],
        }
    ],
    "seconds": {"userspace": 1.5, "settled": 4.0, "reported": 4.5},
}


def report(**changes: object) -> dict[str, object]:
    """The report of a healthy guest, with some fields changed; `a__b` is field b of a."""
    document = copy.deepcopy(_REPORT)
    for name, value in changes.items():
        place: dict[str, object] = document
        *parents, last = name.split("__")
        for parent in parents:
            place = place[parent]  # type: ignore[assignment]
        place[last] = value
    return document


def report_bytes(**changes: object) -> bytes:
    """The same as the message that carries it."""
    return json.dumps(report(**changes)).encode()


def evidence(hours: float = 0, **changes: object) -> dict[str, object]:
    """The document of a healthy proof that began some hours after START; `a__b` is field b of a."""
    document: dict[str, object] = {
        "schema": SCHEMA,
        "cell": CELL,
        "digests": {
            "catalog_entry": DIGEST,
            "images": {"root": DIGEST, "kernel": DIGEST},
            "published_root": DIGEST,
            "booted_root": OTHER,
            "probe": DIGEST,
            "plan": DIGEST,
            "console": DIGEST,
        },
        "vmm": {"name": "qemu-microvm", "version": "10.0.2", "binary": DIGEST, "said": ""},
        "host": {"accelerator": "tcg", "kernel": "6.1", "cpu": "some", "architecture": "x86_64"},
        "times": {"kernel": 0.5, "userspace": 4.0, "healthy": 9.0},
        "guest": report(),
        "checks": [],
        "verdict": "healthy",
        "reached": "healthy",
        "ending": "ended by us after its report",
        "reasons": [],
        "started": (START + timedelta(hours=hours)).isoformat(),
        "tool": "bootworthy 0",
        "again": "bootworthy prove",
    }
    for name, value in changes.items():
        place = document
        *parents, last = name.split("__")
        for parent in parents:
            place = place[parent]  # type: ignore[assignment]
        place[last] = value
    return document
