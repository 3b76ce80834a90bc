"""How the same things are called: snake_case and camelCase by Flintlock, camelCase by the resources of Cluster API."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bootworthy.targets.lint.tree import Entry, Node


def camel(name: str) -> str:
    """`is_read_only` as `isReadOnly`, as protojson writes it."""
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)


@dataclass(frozen=True, slots=True, eq=False)
class Names:
    """What keys are called here, by our name of them."""

    keys: Mapping[str, str]
    either: bool = False
    """Whether a key in snake_case may also be written in camelCase."""

    def of(self, name: str) -> str:
        """The key."""
        return self.keys.get(name, name)

    def entry(self, node: Node, name: str) -> Entry | None:
        """The key in a mapping, and its value."""
        key = self.of(name)
        return node.entries.get(key) or (node.entries.get(camel(key)) if self.either else None)

    def get(self, node: Node | None, *path: str) -> Node | None:
        """The value under keys; None where there is none, or null."""
        for name in path:
            entry = self.entry(node, name) if node else None
            if entry is None or entry.node.value is None:
                return None
            node = entry.node
        return node


FLINTLOCK = Names(
    {
        "root": "root_volume", "volumes": "additional_volumes", "mount-point": "mount_point",
        "read-only": "is_read_only",
        "image-of-volume": "container_source", "share": "virtiofs_source", "device": "device_id", "mac": "guest_mac",
        "memory": "memory_in_mb", "size": "size_in_mb", "partition": "partition_id", "bridge": "bridge_name",
        "network-config": "add_network_config",
    },
    either=True,
)  # fmt: skip
CAPMVM = Names(
    {
        "root": "rootVolume", "mount-point": "mountPoint", "read-only": "readOnly", "image-of-volume": "image",
        "share": "virtiofsPath", "interfaces": "networkInterfaces", "device": "guestDeviceName", "mac": "guestMac",
        "memory": "memoryMb", "cmdline": "kernelCmdline",
    },
)  # fmt: skip
IGNITE = Names({"image": "oci", "cmdline": "cmdLine", "vcpu": "cpus"})
FIRECRACKER = Names({"machine": "machine-config", "boot": "boot-source"})

SNAKE = (
    "memory_in_mb", "root_volume", "additional_volumes", "allow_guest_agent", "add_network_config", "is_read_only",
    "mount_point", "partition_id", "size_in_mb", "container_source", "virtiofs_source", "device_id", "guest_mac",
    "bridge_name",
)  # fmt: skip
"""Every key of Flintlock's messages that camelCase spells otherwise (flintlock v0.11.0, api/types/microvm.proto)."""
