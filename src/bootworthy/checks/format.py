"""There is a kernel, and in a form that the VMM loads."""

from __future__ import annotations

from collections.abc import Iterator

from bootworthy.checks.kernel_file import KernelFile
from bootworthy.checks.reading import told
from bootworthy.checks.rule import Check, Rule
from bootworthy.checks.subject import Subject
from bootworthy.kernels.formats import Format
from bootworthy.machines.facts import KernelFormat
from bootworthy.vocabulary import Finding, Severity

MISSING = Rule(
    id="kernel.missing", severity=Severity.ERROR, title="There is no kernel in the image",
    why="The VMM has nothing to start.",
    remedy="name an image that has /boot/vmlinux as kernel",
    source="the layout of Bootworthy's kernel images: /boot/vmlinux",
)  # fmt: skip
UNREADABLE = Rule(
    id="kernel.unreadable", severity=Severity.ERROR, title="The kernel cannot be read",
    why="A VMM that gets a damaged kernel refuses it, or starts and shows nothing.",
    remedy="build or pull the kernel image again",
)  # fmt: skip
FORMAT = Rule(
    id="kernel.format", severity=Severity.ERROR, title="The VMM does not load kernels of this format",
    why="The VMM refuses it, or jumps into it and shows nothing.",
    remedy="use a kernel in a format that the VMM loads",
    source="the facts of the VMM in machines/; the PVH boot ABI of Xen; Documentation/arch/x86/boot.rst of Linux",
)  # fmt: skip

_WORDS = {
    Format.ELF: "an ELF vmlinux without the PVH note", Format.PVH: "an ELF vmlinux with the PVH note",
    Format.BZIMAGE: "a bzImage", Format.IMAGE: "an Image", Format.IMAGE_COMPRESSED: "a compressed Image",
    Format.ZBOOT: "an EFI zboot kernel",
}  # fmt: skip
_LOADS = {
    KernelFormat.ELF: "an ELF vmlinux", KernelFormat.PVH: "an ELF vmlinux with the PVH note",
    KernelFormat.BZIMAGE: "a bzImage", KernelFormat.IMAGE: "an uncompressed Image",
}  # fmt: skip


def find(subject: Subject) -> Iterator[Finding]:
    """Compare the format of the kernel with those that the VMM loads."""
    part = subject.kernel or subject.root
    if part is None:
        return
    kernel = subject.kernel_file
    if kernel is None:
        whose = "this kernel image" if subject.kernel is not None else "the root image, and no kernel image is named"
        yield MISSING.broken(part.at("boot/vmlinux"), f"there is no kernel in {whose}")
    elif kernel.fault is not None:
        if kernel.fault.code != "kernel.architecture":  # that family says it
            yield UNREADABLE.broken(kernel.where, f"the kernel cannot be read: {told(kernel.fault)}")
    else:
        yield from _format(subject, kernel)


def _format(subject: Subject, kernel: KernelFile) -> Iterator[Finding]:
    assert kernel.info is not None
    if kernel.info.architecture != subject.architecture or subject.architecture not in subject.facts.architectures:
        return
    loads = subject.kernel_formats
    if kernel.info.format.boots_as in loads:
        return
    # An ELF kernel is one with and without the note; naming both says less.
    named = [form for form in loads if not (form is KernelFormat.PVH and KernelFormat.ELF in loads)]
    wanted = " or ".join(_LOADS[form] for form in named)
    message = f"the kernel is {_WORDS[kernel.info.format]}, and {subject.vmm} loads {wanted}"
    yield FORMAT.broken(kernel.where, message, remedy=_remedy(kernel.info.format))


def _remedy(format_: Format) -> str:
    match format_:
        case Format.ELF:
            return "build the kernel with CONFIG_PVH=y, and keep its notes when you strip it"
        case Format.BZIMAGE:
            return "publish the vmlinux inside it (scripts/extract-vmlinux of Linux takes it out) as /boot/vmlinux"
        case Format.IMAGE_COMPRESSED | Format.ZBOOT:
            return "publish the Image inside it, unpacked, as /boot/vmlinux"
        case _:
            return ""


CHECK = Check(title="Kernel format", rules=(MISSING, UNREADABLE, FORMAT), find=find)
