"""Ignite's VM document, for `ignite run --config`.

Ignite unpacks the image of the kernel, modules and all, over the root: a modules image by itself it has no place for.
Source: Ignite v0.10.0, API ignite.weave.works/v1alpha4, and its import of kernels and images.
"""

from __future__ import annotations

from bootworthy.oci.reference import Reference
from bootworthy.targets.consumer import IGNITE, Versions
from bootworthy.targets.guest import Guest
from bootworthy.targets.target import Document, ImageTarget, refused
from bootworthy.targets.written import as_yaml

_KERNEL_FILE = "boot/vmlinux"
_COMMAND_LINE = "console=ttyS0 reboot=k panic=1 pci=off ip=dhcp"
_DISK = "4GB"


def render(guest: Guest, versions: Versions) -> Document:
    """The document.

    Raises:
        RefusedError: `emit.vmm`, `emit.kernel-image`, `emit.initrd`, `emit.no-tag`.
    """
    _refuse(guest)
    spec = {
        "image": {"oci": _tagged(guest.root)}, "kernel": {"oci": _tagged(guest.kernel), "cmdLine": _COMMAND_LINE},
        "sandbox": {"oci": f"weaveworks/ignite:v{_whole(versions)}"},
        "cpus": guest.vcpus, "memory": f"{guest.memory_mib}MB", "diskSize": _DISK, "ssh": True,
    }  # fmt: skip
    document = {
        "apiVersion": "ignite.weave.works/v1alpha4",
        "kind": "VM",
        "metadata": {"name": guest.name},
        "spec": spec,
    }
    notes = [
        f"Ignite names images by tag alone; this was {reference}"
        for reference in dict.fromkeys((guest.root, guest.kernel))
    ]
    return Document(as_yaml([document]), tuple(notes))


def _refuse(guest: Guest) -> None:
    if guest.vmm != "firecracker":
        raise refused("vmm", f"Ignite does not run {guest.vmm}", "take a machine with Firecracker")
    if guest.kernel_file != _KERNEL_FILE:
        raise refused(
            "kernel-image", f"Ignite looks for {_KERNEL_FILE}, and this kernel is {guest.kernel_file}",
            "make an image that has it there",
        )  # fmt: skip
    if guest.modules is not None and not guest.kernel_has_modules:
        raise refused(
            "kernel-image", f"Ignite takes modules from the kernel image, and {guest.kernel} has none",
            f"make one image that has /{_KERNEL_FILE} and {guest.modules_folder}",
        )  # fmt: skip
    if guest.initrd is not None:
        raise refused("initrd", "Ignite gives no initial RAM disk, and this kernel needs one", "take another kernel")


def _whole(versions: Versions) -> str:
    text = versions["ignite"].text.removeprefix("v")
    return text if text.count(".") == 2 else f"{text}.0"


def _tagged(text: str) -> str:
    """The tag alone: a name with a digest is refused, since Ignite drops the tag of it and then misses one."""
    reference = Reference.parse(text)
    if reference.tag is None:
        raise refused("no-tag", f"Ignite names images by tag, and {text} has none", "give the image a tag")
    return f"{reference.name}:{reference.tag}"


TARGET = ImageTarget(title="Ignite, VM", consumers=(IGNITE,), render=render)
