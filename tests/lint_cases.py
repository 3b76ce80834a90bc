"""For every rule about manifests: documents that break it, and documents that are as near and do not.

A document is data, written as JSON or YAML, or a text where the text is what is wrong.
"""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Document = dict[str, Any]
DIGEST = "@sha256:" + "0" * 64
OWNER = "ghcr.io/liquidmetal-dev"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One document, and what it is for."""

    what: str
    text: str
    name: str = "spec.json"
    broken: bool
    wanted: Mapping[str, str] = field(default_factory=dict)
    """Programs and their versions."""


def coded(text: str) -> str:
    """As metadata have it."""
    return base64.b64encode(text.encode()).decode()


def spec() -> Document:
    """A microVM that breaks no rule on a Flintlock of today, asked about in 2026-01."""
    return {
        "id": "mvm1", "namespace": "ns1", "vcpu": 2, "memory_in_mb": 2048, "provider": "firecracker",
        "kernel": {
            "image": f"{OWNER}/kernel-bin:6.1.141{DIGEST}", "filename": "boot/vmlinux", "add_network_config": True,
        },
        "root_volume": {"id": "root", "source": {"container_source": f"{OWNER}/capmvm-k8s-os:1.30.14{DIGEST}"}},
        "additional_volumes": [
            {
                "id": "modules", "mount_point": "/lib/modules/6.1.141",
                "source": {"container_source": f"{OWNER}/kernel-modules:6.1.141{DIGEST}"},
            }
        ],
        "interfaces": [{"device_id": "eth1", "type": 1}],
        "metadata": {"meta-data": coded("instance-id: mvm1\n"), "user-data": coded("#cloud-config\n")},
    }  # fmt: skip


def cloud_hypervisor() -> Document:
    """The same on Cloud Hypervisor."""
    made = spec()
    made["provider"] = "cloudhypervisor"
    del made["additional_volumes"][0]["mount_point"]
    return made


def template() -> Document:
    """A MicrovmMachineTemplate that breaks no rule."""
    return {
        "apiVersion": "infrastructure.cluster.x-k8s.io/v1alpha1", "kind": "MicrovmMachineTemplate",
        "metadata": {"name": "workers"},
        "spec": {"template": {"spec": {
            "provider": "firecracker", "vcpu": 2, "memoryMb": 2048,
            "kernel": {"image": f"{OWNER}/kernel-bin:6.1.141{DIGEST}", "filename": "boot/vmlinux"},
            "rootVolume": {"id": "root", "image": f"{OWNER}/capmvm-k8s-os:1.30.14{DIGEST}"},
            "volumes": [
                {
                    "id": "modules", "image": f"{OWNER}/kernel-modules:6.1.141{DIGEST}",
                    "mountPoint": "/lib/modules/6.1.141",
                }
            ],
            "networkInterfaces": [{"guestDeviceName": "eth1", "type": "tap"}],
        }}},
    }  # fmt: skip


def firecracker() -> Document:
    """A configuration file of Firecracker."""
    return {
        "boot-source": {"kernel_image_path": "vmlinux", "boot_args": "console=ttyS0 reboot=k"},
        "drives": [{"drive_id": "root", "path_on_host": "root.ext4", "is_root_device": True, "is_read_only": False}],
        "machine-config": {"vcpu_count": 2, "mem_size_mib": 512, "smt": True},
    }  # fmt: skip


REMOVED = object()


def changed(made: Document, *changes: tuple[str, Any]) -> Document:
    """A document with other values at dotted paths; `REMOVED` takes the key away."""
    made = copy.deepcopy(made)
    for path, value in changes:
        *steps, last = [int(step) if step.isdigit() else step for step in path.split("/")]
        place: Any = made
        for step in steps:
            place = place[step]
        if value is REMOVED:
            del place[last]
        elif isinstance(place, list) and last == len(place):
            place.append(value)
        else:
            place[last] = value
    return made


def _json(what: str, made: Document, *, broken: bool, **wanted: str) -> Case:
    return Case(what=what, text=json.dumps(made, indent=2), broken=broken, wanted=wanted)


def _yaml(what: str, made: Document, *, broken: bool, **wanted: str) -> Case:
    # JSON is YAML; the documents of people are in tests/unit/targets/lint.
    return Case(what=what, text=json.dumps(made, indent=2), name="template.yaml", broken=broken, wanted=wanted)


def _bad(make: Callable[[], Document], what: str, *changes: tuple[str, Any], **wanted: str) -> Case:
    made = changed(make(), *changes)
    return _yaml(what, made, broken=True, **wanted) if make is template else _json(what, made, broken=True, **wanted)


def _good(make: Callable[[], Document], what: str, *changes: tuple[str, Any], **wanted: str) -> Case:
    made = changed(make(), *changes)
    return _yaml(what, made, broken=False, **wanted) if make is template else _json(what, made, broken=False, **wanted)


def _text(what: str, text: str, *, broken: bool, **wanted: str) -> Case:
    return Case(what=what, text=text, broken=broken, wanted=wanted)


IN = "spec/template/spec"
SECOND = {"id": "two", "source": {"virtiofs_source": "/srv"}}
ARM = f"{OWNER}/firecracker-kernel-bin-arm:6.1.141{DIGEST}"
SHARE = {"id": "share", "source": {"virtiofs_source": "/srv"}}
LEGACY = (
    ("kernel/image", f"{OWNER}/flintlock-kernel:5.10.77"), ("additional_volumes", REMOVED),
    ("root_volume/source/container_source", f"{OWNER}/capmvm-kubernetes:1.23.5"),
)  # fmt: skip

CASES: dict[str, tuple[Case, ...]] = {
    "LM-001": (
        _bad(spec, "no filename", ("kernel/filename", REMOVED)),
        _bad(spec, "an empty one", ("kernel/filename", "")),
        _bad(spec, "no kernel", ("kernel", REMOVED)),
        _bad(template, "no filename in a template", (f"{IN}/kernel/filename", REMOVED)),
        _good(spec, "a filename"),
        _good(template, "a filename in a template"),
    ),
    "LM-006": (
        _bad(spec, "another release", ("additional_volumes/0/mount_point", "/lib/modules/5.10.77")),
        _bad(spec, "a level too high", ("additional_volumes/0/mount_point", "/lib/modules")),
        _bad(template, "another in a template", (f"{IN}/volumes/0/mountPoint", "/lib/modules/5.10.77")),
        _good(spec, "its own release"),
        _good(spec, "a short tag", ("kernel/image", f"{OWNER}/kernel-bin:5.12"),
              ("additional_volumes/0/mount_point", "/lib/modules/5.12.0")),
        _good(spec, "a local version behind it", ("additional_volumes/0/mount_point", "/lib/modules/6.1.141-lm")),
        _good(spec, "a variable", ("additional_volumes/0/mount_point", "/lib/modules/${VERSION}")),
    ),
    "LM-007": (
        _bad(spec, "other tags", ("additional_volumes/0/source/container_source", f"{OWNER}/kernel-modules:5.10.77")),
        _good(spec, "equal tags"),
        _good(spec, "a tag that is no version", ("kernel/image", f"{OWNER}/kernel-bin:main")),
    ),
    "LM-009": (
        _bad(spec, "split images for an old Flintlock", flintlock="0.4.0"),
        _bad(template, "split images for an old CAPMVM", capmvm="0.7.0"),
        _bad(spec, "legacy images for a new one", *LEGACY),
        _bad(spec, "a split root without modules", ("additional_volumes", REMOVED)),
        _good(spec, "split images", flintlock="0.5.0"),
        _good(template, "split images in a template", flintlock="0.5.0", capmvm="0.8.0"),
        _good(spec, "legacy images for an old Flintlock", *LEGACY, flintlock="0.4.0"),
        _good(spec, "CAPMVM says nothing of a request", flintlock="0.9.0", capmvm="0.7.0"),
    ),
    "LM-010": (
        _bad(spec, "macvtap by number", ("interfaces/0/type", 0)),
        _bad(spec, "macvtap by name", ("interfaces/0/type", "MACVTAP")),
        _bad(spec, "no type", ("interfaces/0/type", REMOVED)),
        _bad(spec, "no provider", ("interfaces/0/type", 0), ("provider", REMOVED)),
        _bad(template, "in a template", (f"{IN}/networkInterfaces/0/type", "macvtap")),
        _good(spec, "tap"),
        _good(spec, "an older Flintlock", ("interfaces/0/type", 0), flintlock="0.6.0"),
        _good(cloud_hypervisor, "Cloud Hypervisor", ("interfaces/0/type", 0)),
    ),
    "LM-011": (
        _bad(spec, "a shared folder", ("additional_volumes/1", SHARE)),
        _good(cloud_hypervisor, "on Cloud Hypervisor", ("additional_volumes/1", SHARE)),
        _good(spec, "none"),
    ),
    "LM-012": (
        _bad(cloud_hypervisor, "two", ("additional_volumes/1", SHARE), ("additional_volumes/2", SECOND)),
        _bad(cloud_hypervisor, "with an image", ("additional_volumes/0/source/virtiofs_source", "/srv")),
        _bad(cloud_hypervisor, "the root", ("root_volume/source", SHARE["source"])),
        _bad(cloud_hypervisor, "not last", ("additional_volumes/1", SHARE), ("additional_volumes/2", {"id": "d"})),
        _bad(cloud_hypervisor, "with a mount point", ("additional_volumes/1", {**SHARE, "mount_point": "/srv"})),
        _good(cloud_hypervisor, "one, last", ("additional_volumes/1", SHARE)),
    ),
    "LM-013": (
        _bad(cloud_hypervisor, "a mount point", ("additional_volumes/0/mount_point", "/lib/modules/6.1.141")),
        _good(cloud_hypervisor, "none"),
        _good(spec, "on Firecracker"),
    ),
    "LM-014": (
        _bad(cloud_hypervisor, "an initrd", ("initrd", {"image": f"{OWNER}/kernel:1{DIGEST}", "filename": "i"})),
        _bad(cloud_hypervisor, "read-only", ("root_volume/is_read_only", True)),
        _good(cloud_hypervisor, "writable", ("root_volume/is_read_only", False)),
        _good(spec, "on Firecracker", ("root_volume/is_read_only", True)),
    ),
    "LM-015": (
        _bad(spec, "eth0", ("interfaces/0/device_id", "eth0")),
        _bad(spec, "another order", ("interfaces/0/device_id", "eth2"), ("interfaces/1", {"device_id": "eth1"})),
        _good(spec, "eth1"),
        _good(cloud_hypervisor, "eth0 on Cloud Hypervisor", ("interfaces/0/device_id", "eth0")),
    ),
    "LM-016": (
        _bad(spec, "no interface", ("interfaces", [])),
        _bad(spec, "a bad name", ("interfaces/0/device_id", "Eth1")),
        _bad(spec, "a bad MAC", ("interfaces/0/guest_mac", "6A:3B:1F")),
        _bad(spec, "a bare gateway", ("interfaces/0/address", {"address": "10.0.0.2/24", "gateway": "10.0.0.1"})),
        _bad(spec, "a bad nameserver", ("interfaces/0/address", {"address": "10.0.0.2/24", "nameservers": ["dns"]})),
        _bad(spec, "no bridge", ("interfaces/0/overrides", {})),
        _bad(template, "a bare address", (f"{IN}/networkInterfaces/0/address", "10.0.0.2")),
        _good(spec, "all of them well", ("interfaces/0", {
            "device_id": "eth1", "type": 1, "guest_mac": "6A:3B:1F:00:11:22", "overrides": {"bridge_name": "br0"},
            "address": {"address": "10.0.0.2/24", "gateway": "10.0.0.1/24", "nameservers": ["10.0.0.1"]},
        })),
    ),
    "LM-017": (
        _bad(spec, "too many", ("vcpu", 65)),
        _bad(spec, "too many for Firecracker", ("vcpu", 34)),
        _bad(spec, "odd", ("vcpu", 3)),
        _bad(spec, "little memory", ("memory_in_mb", 512)),
        _bad(template, "much memory", (f"{IN}/memoryMb", 65536)),
        _bad(firecracker, "odd, with pairs", ("machine-config/vcpu_count", 3)),
        _good(spec, "one", ("vcpu", 1)),
        _good(spec, "odd on arm64", ("vcpu", 3), ("kernel/image", ARM)),
        _good(cloud_hypervisor, "odd on Cloud Hypervisor", ("vcpu", 3)),
        _good(firecracker, "odd, alone", ("machine-config/vcpu_count", 3), ("machine-config/smt", False)),
    ),
    "LM-018": (
        _bad(spec, "labels", ("labels", {"a": "b"})),
        _bad(spec, "a size", ("root_volume/size_in_mb", 4096)),
        _bad(spec, "a partition", ("root_volume/partition_id", "x")),
        _good(spec, "none of them"),
        _good(template, "labels of a resource", (f"{IN}/labels", {"a": "b"})),
    ),
    "LM-019": (
        _bad(spec, "no id", ("id", REMOVED)),
        _bad(spec, "no namespace", ("namespace", "")),
        _bad(spec, "a slash", ("id", "a/b")),
        _good(spec, "both"),
        _good(template, "a resource has its own"),
    ),
    "LM-020": (
        _bad(spec, "twice", ("additional_volumes/0/id", "root")),
        _bad(spec, "taken by Flintlock", ("additional_volumes/0/id", "kernel")),
        _good(spec, "different"),
    ),
    "LM-021": (
        _bad(cloud_hypervisor, "plain text", ("metadata/user-data", "#cloud-config")),
        _bad(cloud_hypervisor, "another key", ("metadata/more", coded("x"))),
        _bad(spec, "plain text that reads as base64", ("metadata/user-data", "abcdefgh")),
        _bad(spec, "too much", ("metadata/user-data", coded("#cloud-config\n" + "#" * 51200))),
        _good(spec, "plain text", ("metadata/user-data", "#cloud-config")),
        _good(cloud_hypervisor, "base64"),
    ),
    "LM-022": (
        _bad(spec, "long", ("kernel/cmdline", {"a": "b" * 1800})),
        _bad(spec, "a blank", ("kernel/cmdline", {"a": "b c"})),
        _bad(template, "long in a template", (f"{IN}/kernelCmdline", {"a": "b" * 1800})),
        _bad(firecracker, "long for Firecracker", ("boot-source/boot_args", "a=" + "b" * 2046)),
        _good(spec, "short", ("kernel/cmdline", {"a": "b" * 1000})),
        _good(firecracker, "just short enough", ("boot-source/boot_args", "a=" + "b" * 2045)),
    ),
    "LM-023": (
        _bad(spec, "an underscore", ("metadata/meta-data", coded("instance_id: mvm1\n"))),
        _bad(spec, "a script", ("metadata/vendor-data", coded("#!/bin/sh\necho hi\n"))),
        _bad(spec, "a key that is lost", ("metadata/vendor-data", coded("#cloud-config\npackages: [jq]\n"))),
        _good(spec, "a dash"),
        _good(spec, "keys that are kept", ("metadata/vendor-data", coded("#cloud-config\nruncmd: [ls]\n"))),
        _good(cloud_hypervisor, "a script and no mount point", ("metadata/vendor-data", coded("#!/bin/sh\n"))),
    ),
    "LM-024": (
        _bad(spec, "hvc0", ("kernel/cmdline", {"console": "hvc0"})),
        _bad(cloud_hypervisor, "ttyS0", ("kernel/cmdline", {"console": "ttyS0,115200"})),
        _bad(cloud_hypervisor, "no PCI", ("kernel/cmdline", {"pci": "off"})),
        _bad(firecracker, "hvc0 alone", ("boot-source/boot_args", "console=hvc0")),
        _good(spec, "ttyS0", ("kernel/cmdline", {"console": "ttyS0", "pci": "off"})),
        _good(cloud_hypervisor, "hvc0 there", ("kernel/cmdline", {"console": "hvc0"})),
    ),
    "LM-026": (
        _bad(spec, "a tag alone", ("kernel/image", f"{OWNER}/kernel-bin:6.1.141")),
        _bad(spec, "a control character", ("kernel/image", f"{OWNER}/kernel-bin:6.1.141\n")),
        _bad(spec, "a blank", ("kernel/image", f"{OWNER}/kernel bin:6.1.141")),
        _bad(spec, "nothing", ("kernel/image", "")),
        _bad(spec, "no text", ("kernel/image", 5)),
        _bad(spec, "moved", ("kernel/image", f"ghcr.io/weaveworks-liquidmetal/kernel-bin:6.1.141{DIGEST}")),
        _good(spec, "a digest"),
        _good(template, "a variable", (f"{IN}/kernel/image", "${MVM_KERNEL_IMAGE}")),
        _good(spec, "other images of the old owner", ("root_volume/source/container_source",
                                                      f"ghcr.io/weaveworks/ignite-ubuntu:20.04{DIGEST}")),
    ),
    "LM-029": (
        _bad(spec, "a series of the past", ("kernel/image", f"{OWNER}/kernel-bin:4.19.215")),
        _bad(spec, "a promise of the past", ("kernel/image", f"{OWNER}/kernel-bin:5.10.77")),
        _bad(spec, "a series of the future", firecracker="1.8.0"),
        _good(spec, "a series of today"),
        _good(cloud_hypervisor, "another VMM", ("kernel/image", f"{OWNER}/cloudhypervisor-kernel-bin:5.12")),
    ),
    "LM-040": (
        _bad(template, "a field of another format", (f"{IN}/additionalVolumes", [])),
        _bad(template, "overrides", (f"{IN}/networkInterfaces/0/overrides", {"bridgeName": "br0"})),
        _bad(template, "another type", (f"{IN}/networkInterfaces/0/type", "TAP")),
        _bad(template, "no type", (f"{IN}/networkInterfaces/0/type", REMOVED)),
        _bad(template, "macvtap and no provider", (f"{IN}/networkInterfaces/0/type", "macvtap"),
             (f"{IN}/provider", REMOVED)),
        _bad(template, "a mount point of the root", (f"{IN}/rootVolume/mountPoint", "/")),
        _bad(template, "little memory", (f"{IN}/memoryMb", 512)),
        _bad(template, "no processor", (f"{IN}/vcpu", 0)),
        _bad(template, "a variable and a fixed place", (f"{IN}/kernel/image", f"${{K:={OWNER}/kernel-bin:6.1.141}}")),
        _bad(lambda: {"kind": "List", "items": [template(), changed(template(), (
            f"{IN}/rootVolume/image", f"{OWNER}/capmvm-k8s-os:1.29.1{DIGEST}"))]}, "different templates"),
        _good(template, "all of it"),
        _good(lambda: {"kind": "List", "items": [template(), template()]}, "equal templates"),
        _good(spec, "no resource", ("additionalVolumes", [])),
    ),
    "LM-050": (
        _text("a comment", json.dumps(spec()) + " # so\n", broken=True),
        _text("a bare word", '{"id": mvm1}', broken=True),
        _text("single quotes", "{\"kernel\": {'image': 'a'}}", broken=True),
        _text("a comma too many", '{"id": "a",}', broken=True),
        _text("a comma too few", '{"id": "a"\n"kernel": {}}', broken=True),
        _text("no braces", '"id": "a", "kernel": {}', broken=True),
        _text("a line break in a string", '{"id": "a\nb"}', broken=True),
        _text("a key twice", '{"id": "a", "id": "b"}', broken=True),
        _bad(spec, "camelCase", ("memoryInMb", 2048), ("memory_in_mb", REMOVED)),
        _bad(spec, "a type by name", ("interfaces/0/type", "TAP")),
        _bad(lambda: {"microvm": spec()}, "a wrapper for hammertime", hammertime="0.0.11"),
        _bad(spec, "no wrapper for grpcurl", grpcurl="1.9.3"),
        _bad(spec, "a list of roots", ("root_volume", [spec()["root_volume"]])),
        _good(spec, "snake_case"),
        _good(spec, "the bare spec for hammertime", hammertime="0.0.11"),
        _good(lambda: {"microvm": {**spec(), "allowGuestAgent": True}}, "camelCase by gRPC"),
        _good(template, "camelCase of a resource"),
        _text("JSON with every escape", '{"id": "a\\n\\u00e9\\ud83d\\ude00/"}', broken=False),
    ),
}  # fmt: skip
