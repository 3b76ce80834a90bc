"""Metadata for cloud-init: how it is coded, and what of it arrives."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator

from bootworthy.targets.lint import blocks
from bootworthy.targets.lint.consumers import Asked
from bootworthy.targets.lint.machine import Machine
from bootworthy.targets.lint.rule import Family, Fault, Rule, each
from bootworthy.targets.lint.tree import Entry, Node, TextError
from bootworthy.vocabulary import Severity

CODING = Rule(
    id="LM-021", severity=Severity.ERROR, title="Metadata does not arrive as it was meant",
    why="Values are base64: Cloud Hypervisor's disk of them is not made from anything else, and takes four keys alone; "
    "Firecracker decodes what can be decoded, even plain text, and serves 51200 bytes at most.",
    remedy="write every value as base64, under meta-data, user-data, vendor-data or network-config",
    source="flintlock v0.11.0, infrastructure/microvm; firecracker, HTTP_MAX_PAYLOAD_SIZE",
)  # fmt: skip
CLOUD_INIT = Rule(
    id="LM-023", severity=Severity.ERROR, title="cloud-init does not get what the metadata says",
    why="It reads `instance-id`, with a dash. Vendor-data is read and written again by Flintlock where a volume has a "
    "mount point: keys it does not know are lost, and what is no cloud-config ends the start.",
    remedy="give `instance-id`; put other keys of cloud-config into user-data",
    source="cloud-init, DataSourceNoCloud.py; flintlock v0.11.0, client/cloudinit/userdata/userdata.go",
)  # fmt: skip

_MOST = 51200
_KEYS = {"meta-data", "user-data", "vendor-data", "network-config"}
_KEPT = frozenset(
    [
        "hostname",
        "fqdn",
        "users",
        "ssh_pwauth",
        "disable_root",
        "package_update",
        "final_message",
        "write_files",
        "runcmd",
        "bootcmd",
        "mounts",
        "mount_default_fields",
    ]
)


def find(machine: Machine, _asked: Asked) -> Iterator[Fault]:
    """Look at the metadata of a request; those of resources are made by their controller."""
    metadata = machine.get("metadata")
    if not machine.kind.flintlock or metadata is None:
        return
    decoded = {key: decode(entry.node.text or "") for key, entry in metadata.entries.items()}
    if machine.vmm == "cloudhypervisor":
        yield from _on_disk(metadata, decoded)
    else:
        yield from _served(metadata, decoded)
    if (entry := metadata.entries.get("meta-data")) is not None:
        yield from _instance(entry, decoded["meta-data"])
    if (entry := metadata.entries.get("vendor-data")) is not None and any(volume.mount for volume in machine.volumes):
        yield from _vendor(entry, decoded["vendor-data"])


def decode(text: str) -> bytes | None:
    """What a value is after base64 (RFC 4648, section 4); None where it is none."""
    try:
        return base64.b64decode(text.replace("\r", "").replace("\n", ""), validate=True)
    except (binascii.Error, ValueError):
        return None


def _on_disk(metadata: Node, decoded: dict[str, bytes | None]) -> Iterator[Fault]:
    for key, entry in metadata.entries.items():
        if key not in _KEYS:
            message = f"Cloud Hypervisor gets no {key!r}"
            yield CODING.broken(entry.key, message, severity=Severity.WARNING)
        elif decoded[key] is None:
            yield CODING.broken(entry.node.span, f"{key} is no base64, so Cloud Hypervisor does not start")


def _served(metadata: Node, decoded: dict[str, bytes | None]) -> Iterator[Fault]:
    served = {}
    for key, entry in metadata.entries.items():
        plain, made = entry.node.text or "", decoded[key]
        served[key] = plain if made is None else made.decode("utf-8", "replace")
        if plain and made is not None and not _is_text(made):
            message = f"{key} reads as base64, and what comes out of it is no text: was it meant as it stands?"
            yield CODING.broken(entry.node.span, message, severity=Severity.WARNING)
    size = len(json.dumps({"latest": served}, ensure_ascii=False, separators=(",", ":")).encode())
    if size > _MOST:
        yield CODING.broken(metadata.span, f"the metadata have {size} bytes; Firecracker serves {_MOST}")


def _is_text(data: bytes) -> bool:
    try:
        return all(character.isprintable() or character in "\t\r\n" for character in data.decode())
    except UnicodeDecodeError:
        return data.startswith(b"\x1f\x8b")  # cloud-init takes gzip, too


def _instance(entry: Entry, data: bytes | None) -> Iterator[Fault]:
    tree = _mapping(data if data is not None else (entry.node.text or "").encode())
    if tree is not None and "instance-id" not in tree.entries:
        also = "; `instance_id` is not what cloud-init reads" if "instance_id" in tree.entries else ""
        message = f"the meta-data have no `instance-id`{also}"
        yield CLOUD_INIT.broken(entry.node.span, message, severity=Severity.WARNING)


def _vendor(entry: Entry, data: bytes | None) -> Iterator[Fault]:
    tree = _mapping(data or b"")
    if tree is None:
        message = "a volume has a mount point, and the vendor-data are no cloud-config"
        yield CLOUD_INIT.broken(entry.node.span, message)
        return
    lost = sorted(set(tree.entries) - _KEPT)
    if lost:
        message = f"Flintlock drops {', '.join(lost)} from the vendor-data"
        yield CLOUD_INIT.broken(entry.node.span, message, severity=Severity.WARNING)


def _mapping(data: bytes) -> Node | None:
    """The YAML mapping that this is; an empty text is one with nothing in it."""
    try:
        documents, _ = blocks.scan(data.decode())
    except (UnicodeDecodeError, TextError):
        return None
    return documents[0] if len(documents) == 1 and isinstance(documents[0].value, dict) else None


FAMILY = Family(title="Metadata", rules=(CODING, CLOUD_INIT), find=each(find))
