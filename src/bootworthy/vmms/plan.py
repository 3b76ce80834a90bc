"""The launch plan: what a VM is, as data. Each VMM file turns it into argv or JSON.

Its digest is taken over placeholders for what is local to one run, so that the same machine has the same digest
wherever and whenever it is launched (DESIGN, section 5, Evidence).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from bootworthy.errors import UsageError
from bootworthy.oci.canonical import canonical_json
from bootworthy.vocabulary import Accelerator, Architecture, Role

TOKEN = "bootworthy.token="  # noqa: S105  (the name of an argument)
"""Argument that carries the random token of a proof; the probe reads it."""
WAIT = "bootworthy.wait="
"""Argument that says how many seconds the probe waits for the init system."""
MAC = "52:54:00:b0:07:01"
"""Address of a guest's first NIC: locally administered, the same in every run."""
_LOCAL = (TOKEN, WAIT)


class DriveFormat(StrEnum):
    """How the bytes of a drive's file are laid out."""

    RAW = "raw"
    QCOW2 = "qcow2"


class NicKind(StrEnum):
    """What stands behind a NIC."""

    USER = "user"
    """A network that ends in the VMM's own process: a link and DHCP, no way out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drive:
    """A disk of the guest."""

    role: Role
    path: Path
    digest: str
    """`sha256:...` of what the guest finds on it when it starts."""
    read_only: bool
    name: str
    """Its name in the guest, where drives are named in order: `vda`."""
    format: DriveFormat = DriveFormat.RAW
    volatile: bool = False
    """Whether what the guest writes is thrown away when the VM ends; the file itself is never written then."""

    def as_json(self) -> dict[str, object]:
        """The drive as programs read it."""
        return {
            "role": self.role.value, "path": str(self.path), "digest": self.digest, "read_only": self.read_only,
            "name": self.name, "format": self.format.value, "volatile": self.volatile,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Nic:
    """A network device of the guest."""

    mac: str = MAC
    kind: NicKind = NicKind.USER

    def as_json(self) -> dict[str, object]:
        """The NIC as programs read it."""
        return {"mac": self.mac, "kind": self.kind.value}


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchPlan:
    """A VM, before it runs."""

    vmm: str
    architecture: Architecture
    kernel: Path
    kernel_digest: str
    initrd: Path | None = None
    initrd_digest: str | None = None
    command_line: tuple[str, ...]
    """Kernel command line, a word each."""
    clock: tuple[str, ...] = ()
    """More words of the command line, which tell the guest about this host's clock under this accelerator."""
    drives: tuple[Drive, ...]
    nics: tuple[Nic, ...] = ()
    console: str
    """Serial console, by its name in the guest: `ttyS0`."""
    vcpus: int
    memory_mib: int
    accelerator: Accelerator

    def __post_init__(self) -> None:
        bad = next(
            (word for word in self.arguments if not word or any(character.isspace() for character in word)), None
        )
        if bad is not None:
            raise UsageError(
                "plan.argument", f"{bad!r} is not one word of a kernel command line", hint="split it into words"
            )

    @property
    def arguments(self) -> tuple[str, ...]:
        """The whole kernel command line, a word each."""
        return (*self.command_line, *self.clock)

    def under(self, accelerator: Accelerator, clock: Sequence[str] = ()) -> LaunchPlan:
        """The same VM under another accelerator."""
        return replace(self, accelerator=accelerator, clock=tuple(clock))

    def as_json(self) -> dict[str, object]:
        """The plan as programs read it, with what is local to this run."""
        return {
            "vmm": self.vmm,
            "architecture": self.architecture.value,
            "kernel": {"path": str(self.kernel), "digest": self.kernel_digest},
            "initrd": None if self.initrd is None else {"path": str(self.initrd), "digest": self.initrd_digest},
            "command_line": list(self.command_line),
            "clock": list(self.clock),
            "drives": [drive.as_json() for drive in self.drives],
            "nics": [nic.as_json() for nic in self.nics],
            "console": self.console,
            "vcpus": self.vcpus,
            "memory_mib": self.memory_mib,
            "accelerator": self.accelerator.value,
        }

    def portable(self) -> dict[str, object]:
        """The plan with placeholders where a value belongs to this run or this host.

        Those are folders, the token, the probe's patience, the accelerator (shown beside a proof, never a reason for
        it to be stale), the words about the host's clock, and how this host stores what a drive holds.
        """
        document = self.as_json()
        document["kernel"] = {"path": "@kernel@", "digest": self.kernel_digest}
        if self.initrd is not None:
            document["initrd"] = {"path": "@initrd@", "digest": self.initrd_digest}
        document["command_line"] = [_portable_word(word) for word in self.command_line]
        document["clock"] = "@clock@"
        document["drives"] = [
            {**drive.as_json(), "path": f"@{drive.role}@", "format": "@format@", "volatile": "@volatile@"}
            for drive in self.drives
        ]
        document["accelerator"] = "@accelerator@"
        return document

    def digest(self) -> str:
        """`sha256:...` of the portable plan in canonical JSON."""
        return f"sha256:{hashlib.sha256(canonical_json(self.portable())).hexdigest()}"


def _portable_word(word: str) -> str:
    for prefix in _LOCAL:
        if word.startswith(prefix):
            return f"{prefix}@{prefix.removeprefix('bootworthy.').removesuffix('=')}@"
    return word
