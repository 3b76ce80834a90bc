"""Network interfaces: what the VMM can do, their names, addresses."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from bootworthy.catalog.versions import VersionRange
from bootworthy.targets.lint import editing
from bootworthy.targets.lint.consumers import Asked
from bootworthy.targets.lint.machine import Interface, Machine, said
from bootworthy.targets.lint.rule import Family, Fault, Rule, each
from bootworthy.targets.lint.tree import Edit, Node, Span
from bootworthy.vocabulary import Severity

MACVTAP = Rule(
    id="LM-010", severity=Severity.ERROR, title="Firecracker has no macvtap interfaces",
    why="Flintlock refuses the microVM. macvtap is also what it takes where no type is given, and Firecracker where no "
    "provider is.", remedy="use a tap interface; the host needs a bridge for it",
    source="flintlock #856, #953, #811; infrastructure/microvm/firecracker/provider.go",
    holds={"flintlock": VersionRange.parse(">=0.7.0")}, fixed=True,
)  # fmt: skip
NAMES = Rule(
    id="LM-015", severity=Severity.ERROR, title="The name of an interface is that of another one in the guest",
    why="Flintlock puts an eth0 of its own first, for metadata, and names follow the order: with an eth0 of the "
    "document no metadata is served and Firecracker does not start; with another order the guest sees other names.",
    remedy="name them eth1, eth2, ... in their order",
    source="flintlock v0.11.0, infrastructure/microvm/firecracker/config.go",
)  # fmt: skip
FIELDS = Rule(
    id="LM-016", severity=Severity.ERROR, title="An interface has a value that Flintlock refuses",
    why="The request fails; `overrides` without a bridge even ends the server.",
    remedy="give each interface a name of a-z, 0-9 and _, and addresses with their prefix length",
    source="flintlock v0.11.0, core/models and its validators; api/types/microvm.proto",
)  # fmt: skip

_DEVICE = re.compile(r"[a-z][a-z0-9_]*")
_MAC = re.compile(r"(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}")


def find(machine: Machine, _asked: Asked) -> Iterator[Fault]:
    """Look at every interface of a microVM."""
    if not machine.kind.liquid_metal:
        return
    if not machine.interfaces:
        yield FIELDS.broken(machine.span, "there is no network interface")
    for number, nic in enumerate(machine.interfaces, 1):
        if machine.vmm == "firecracker":
            yield from _macvtap(machine, nic)
            yield from _name(nic, number)
        yield from _fields(machine, nic)


def _macvtap(machine: Machine, nic: Interface) -> Iterator[Fault]:
    if not nic.macvtap or (nic.type is None and machine.kind.operator):
        return
    where = nic.type.span if nic.type is not None else nic.node.span
    assumed = "" if said(machine.get("provider")) else ", which Flintlock takes where no provider is named"
    how = "the type macvtap" if nic.type is not None else "no type, which is macvtap,"
    message = f"an interface has {how} on Firecracker{assumed}"
    yield MACVTAP.broken(where, message, edits=_tap(machine, nic))


def _tap(machine: Machine, nic: Interface) -> tuple[Edit, ...]:
    if nic.type is None:
        entry = machine.names.entry(nic.node, "device")
        if entry is None:
            return ()
        return (editing.after(machine.source, nic.node, entry, '"type": 1', "type: 1"),)
    if nic.type.text is None:
        return (Edit(nic.type.span, "1"),)
    written = machine.source.written(nic.type.span)
    tap = re.sub(r"macvtap", lambda match: "TAP" if match[0].isupper() else "tap", written, flags=re.IGNORECASE)
    return (Edit(nic.type.span, tap),) if tap != written else ()


def _name(nic: Interface, number: int) -> Iterator[Fault]:
    name = said(nic.device)
    if nic.device is None or name is None:
        return
    if name == "eth0":
        yield NAMES.broken(nic.device.span, "an interface is called eth0, which Flintlock keeps for metadata")
    elif re.fullmatch(r"eth\d+", name) and name != f"eth{number}":
        message = f"the guest calls this interface eth{number}, and the document {name}"
        yield NAMES.broken(nic.device.span, message, severity=Severity.WARNING)


def _fields(machine: Machine, nic: Interface) -> Iterator[Fault]:
    name = said(nic.device)
    if nic.device is None or nic.device.empty or (name is not None and not _DEVICE.fullmatch(name)):
        yield _bad(
            nic.device or nic.node, f"{name!r} is no name of an interface" if name else "an interface has no name"
        )
    mac = said(nic.mac)
    if nic.mac is not None and mac is not None and not _MAC.fullmatch(mac):
        yield _bad(nic.mac, f"{mac!r} is no MAC address")
    if nic.address is not None and machine.kind.flintlock:
        yield from _addresses(nic.address)
    elif nic.address is not None and (text := said(nic.address)) and not _is_cidr(text):
        yield _bad(nic.address, f"{text!r} is no address with its prefix length (192.168.1.30/24)")
    overrides = machine.names.entry(nic.node, "overrides") if machine.kind.flintlock else None
    if overrides is not None and said(machine.names.get(overrides.node, "bridge")) is None:
        yield FIELDS.broken(overrides.key, "`overrides` names no bridge")


def _addresses(address: Node) -> Iterator[Fault]:
    for key in ("address", "gateway"):
        node = address.get(key)
        text = said(node)
        if node is not None and text is not None and not _is_cidr(text):
            yield _bad(node, f"the {key} {text!r} has no prefix length (192.168.1.1/24)")
    servers = address.get("nameservers")
    for node in servers.items if servers else ():
        text = said(node)
        if text is not None and not _is_address(text):
            yield _bad(node, f"the nameserver {text!r} is no IP address")


def _bad(node: Node, message: str) -> Fault:
    return FIELDS.broken(Span(node.span.start, node.span.end), message)


def _is_cidr(text: str) -> bool:
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        return False
    return "/" in text


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


FAMILY = Family(title="Network", rules=(MACVTAP, NAMES, FIELDS), find=each(find))
