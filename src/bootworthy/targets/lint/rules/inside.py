"""What only the images can tell. The checks look into them; here it is said where the document names them."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from bootworthy.checks import kernel_file, run
from bootworthy.checks import subject as checked
from bootworthy.checks.reading import shown
from bootworthy.errors import NotFoundError, UsageError
from bootworthy.kernels import profile
from bootworthy.layers.node import Kind, Tree
from bootworthy.machines.facts import facts
from bootworthy.targets.lint.images import Images, Opened
from bootworthy.targets.lint.machine import Machine, said
from bootworthy.targets.lint.rule import Family, Fault, Rule, Subject
from bootworthy.targets.lint.rules.kernel import MOUNT, TAGS
from bootworthy.targets.lint.rules.references import REFERENCE
from bootworthy.targets.lint.tree import Node, Span
from bootworthy.vocabulary import Architecture, Finding, Role, Severity

_CHECKS = "what bootworthy check says of the images (docs/checks.md)"
FILE = Rule(
    id="LM-002", severity=Severity.ERROR, title="The kernel is not where the document says", images=True,
    why="Flintlock joins folder and path without a look: the VMM cannot open the file, and is started ten times.",
    remedy="write the path in the image", source="flintlock v0.11.0, infrastructure/microvm",
)  # fmt: skip
FORMAT = Rule(
    id="LM-003", severity=Severity.ERROR, title="The VMM does not load kernels of this format", images=True,
    why="It refuses the file, and nothing starts.",
    remedy="use a kernel in a format that the VMM loads", source=_CHECKS,
)  # fmt: skip
LIST = Rule(
    id="LM-004", severity=Severity.ERROR, title="The modules have no modules.dep for the kernel", images=True,
    why="modprobe finds nothing without it.", remedy="run depmod when the image is made", source=_CHECKS,
)  # fmt: skip
NESTED = Rule(
    id="LM-005", severity=Severity.ERROR, title="The modules lie too deep in their volume", images=True,
    why="A volume keeps the whole tree of its image: mounted at /lib/modules/RELEASE, modules that are in "
    "lib/modules of the image appear a second level below it, where modprobe never looks.",
    remedy="make an image with modules.dep at its top",
    source="image-builder #50, kernel/modules/Dockerfile",
)  # fmt: skip
ARCHITECTURE = Rule(
    id="LM-008", severity=Severity.ERROR, title="An image is for another architecture", images=True,
    why="The VMM or the kernel cannot execute it.", remedy="use images for the architecture of the hosts (`--arch`)",
    source=_CHECKS,
)  # fmt: skip
ROOT = Rule(
    id="LM-025", severity=Severity.ERROR, title="The root is no system that boots under Flintlock", images=True,
    why="An image for containers has no init; metadata need cloud-init, and people sshd.",
    remedy="use a root with systemd, cloud-init and sshd", source=f"flintlock #811; {_CHECKS}",
)  # fmt: skip
SIZE = Rule(
    id="LM-027", severity=Severity.WARNING, title="The image hardly fits a volume", images=True,
    why="Every volume is as large as the thin pool's base size, 10 GB: a larger image is not unpacked, and one that "
    "fills it leaves no room to write.", remedy="make the image smaller, or base_image_size of containerd larger",
    source="flintlock, hack/scripts/provision.sh; containerd, snapshots/devmapper",
)  # fmt: skip
DRIVERS = Rule(
    id="LM-028", severity=Severity.ERROR, title="The kernel lacks what the machine needs", images=True,
    why="Without the drivers of disk, bus and filesystem it reaches no root.",
    remedy="use a kernel with them built in (`bootworthy kernel report`)", source=_CHECKS,
)  # fmt: skip
SYSCTL = Rule(
    id="LM-030", severity=Severity.WARNING, title="A kernel setting of the root needs a module", images=True,
    why="Without the module the setting is refused, and only the journal says so.",
    remedy="load the module in /etc/modules-load.d from modules that are in the root, or leave the setting away",
    source=_CHECKS,
)  # fmt: skip

_OF_CHECKS: Mapping[str, Rule] = {
    "kernel.format": FORMAT, "kernel.unreadable": FORMAT, "modules.no-dep": LIST, "modules.incomplete": LIST,
    "modules.nested": NESTED, "kernel.release-mismatch": TAGS, "modules.mixed": TAGS, "modules.unsigned": TAGS,
    "image.architecture": ARCHITECTURE, "kernel.architecture": ARCHITECTURE, "modules.architecture": ARCHITECTURE,
    "init.architecture": ARCHITECTURE, "init.missing": ROOT, "init.not-executable": ROOT,
    "init.interpreter-missing": ROOT, "init.library-missing": ROOT, "init.not-systemd": ROOT,
    "access.no-cloud-init": ROOT, "weight.kernel": ROOT, "drivers.missing": DRIVERS, "drivers.console": DRIVERS,
    "sysctl.module-missing": SYSCTL, "sysctl.module-not-loaded": SYSCTL,
}  # fmt: skip
"""The rule about documents for each rule about images."""
_SSHD = (b"usr/sbin/sshd", b"usr/bin/sshd", b"usr/sbin/dropbear")
_NEEDS: Mapping[str, tuple[Role, ...]] = {
    FORMAT.id: (Role.KERNEL,), TAGS.id: (Role.KERNEL,), MOUNT.id: (Role.KERNEL,), ARCHITECTURE.id: (Role.KERNEL,),
    DRIVERS.id: (Role.KERNEL, Role.INITRD), SYSCTL.id: (Role.KERNEL, Role.MODULES),
}  # fmt: skip
"""The images that a rule compares with: it is silent where the document names one and nobody could open it."""
_FULL = 9 * 10**9
"""Bytes of the 10 GB that a volume has."""
_VMMS = {"cloudhypervisor": "cloud-hypervisor"}


def find(subject: Subject) -> Iterator[Fault]:
    """Look into the images of every microVM, where they may be opened."""
    if subject.images is None:
        return
    for machine in subject.machines:
        if machine.kind.liquid_metal:
            yield from _machine(machine, subject.images, subject.asked.architecture)


def _machine(machine: Machine, images: Images, architecture: Architecture) -> Iterator[Fault]:
    modules = machine.modules
    named = {
        Role.ROOT: machine.root.image if machine.root else None, Role.KERNEL: machine.kernel_image,
        Role.MODULES: modules.image if modules else None,
        Role.INITRD: machine.names.get(machine.initrd, "image") if machine.vmm == "firecracker" else None,
    }  # fmt: skip
    opened: dict[Role, tuple[Node, Opened]] = {}
    absent = {role for role, node in named.items() if node is not None}
    for role, node in named.items():
        text = said(node)
        if node is None or text is None:
            continue
        try:
            opened[role] = node, images(text)
            absent.discard(role)
        except NotFoundError as error:
            message = f"the {role} image is not looked into: {error}"
            yield REFERENCE.broken(node.span, message, severity=Severity.NOTE, remedy="pull it, or give --pull")
        except UsageError:
            continue  # no name of an image, as LM-026 says
    yield from _kernel(machine, opened.get(Role.KERNEL))
    yield from _sizes(opened)
    yield from _sshd(opened.get(Role.ROOT))
    for fault in _checks(machine, opened, architecture):
        if absent.isdisjoint(_NEEDS.get(fault.rule.id, ())):
            yield fault


def _kernel(machine: Machine, kernel: tuple[Node, Opened] | None) -> Iterator[Fault]:
    path = said(machine.kernel_file)
    if kernel is None or path is None or machine.kernel_file is None:
        return
    part = kernel[1].part
    if part.file(path.strip("/").encode(errors="replace")) is not None:
        return
    there = [shown(name) for name, node in Tree(part.tree.root).walk() if node.kind is Kind.FILE]
    found = kernel_file.locate(part)
    near = [shown(found)] if found is not None else difflib.get_close_matches(path, there[:1000], 3)
    has = f"; it has {', '.join(near)}" if near else ""
    yield FILE.broken(machine.kernel_file.span, f"there is no {path!r} in the image of the kernel{has}")


def _sshd(root: tuple[Node, Opened] | None) -> Iterator[Fault]:
    if root is not None and all(root[1].part.file(path) is None for path in _SSHD):
        message = "there is no sshd in the root, so nobody gets in over the network"
        yield ROOT.broken(root[0].span, message, severity=Severity.WARNING)


def _sizes(opened: Mapping[Role, tuple[Node, Opened]]) -> Iterator[Fault]:
    for role in (Role.ROOT, Role.MODULES):
        if role in opened:
            node, image = opened[role]
            size = sum(each.size for _, each in image.part.tree.walk() if each.kind is Kind.FILE)
            if size > _FULL:
                yield SIZE.broken(node.span, f"the files of the {role} image have {size} bytes")


def _checks(
    machine: Machine, opened: Mapping[Role, tuple[Node, Opened]], architecture: Architecture
) -> Iterator[Fault]:
    if not opened or machine.vmm not in {"firecracker", "cloudhypervisor"}:
        return
    parts = {role: image.part for role, (_, image) in opened.items()}
    platforms = {role: image.platform for role, (_, image) in opened.items() if image.platform is not None}
    subject = checked.Subject(
        facts=facts(_VMMS.get(machine.vmm, machine.vmm)), architecture=architecture, root=parts.get(Role.ROOT),
        kernel=parts.get(Role.KERNEL), modules=parts.get(Role.MODULES), initrd=parts.get(Role.INITRD),
        platforms=platforms, metadata_only=True,
    )  # fmt: skip
    for finding in run.run(subject):
        rule = _OF_CHECKS.get(finding.id)
        span = _place(finding, opened)
        if rule is not None and span is not None and not (rule is NESTED and not _mounted(machine)):
            yield rule.broken(span, f"{finding.message} ({finding.where})", severity=_milder(rule, finding))
    if Role.KERNEL in parts:
        yield from _mount(machine, subject.release)
        yield from _configuration(machine, subject, opened[Role.KERNEL][0].span)


def _configuration(machine: Machine, subject: checked.Subject, span: Span) -> Iterator[Fault]:
    """What the profiles of the VMM, and of a Kubernetes node where it becomes one, want of the kernel."""
    config = subject.kernel_file.config if subject.kernel_file else None
    if config is None:
        return
    if any(volume.share for volume in machine.volumes) and not config.enabled("VIRTIO_FS"):
        yield DRIVERS.broken(span, "a folder is shared, and the kernel lacks VIRTIO_FS")
    for name in (subject.facts.vmm, *(["kubernetes"] if machine.kind.capmvm else [])):
        found = profile.judge(profile.load(name), config, subject.architecture, subject.release)
        if not found.met:
            first = ", ".join(str(lack.want) for lack in found.lacking[:5])
            more = ", ..." if len(found.lacking) > 5 else ""
            message = f"the kernel lacks {len(found.lacking)} of what the profile {name} wants: {first}{more}"
            yield DRIVERS.broken(span, message, severity=Severity.WARNING)


def _place(finding: Finding, opened: Mapping[Role, tuple[Node, Opened]]) -> Span | None:
    return next((node.span for node, image in opened.values() if finding.where.startswith(image.part.name)), None)


def _milder(rule: Rule, finding: Finding) -> Severity:
    order = list(Severity)
    return max(rule.severity, finding.severity, key=order.index)


def _mounted(machine: Machine) -> bool:
    place = said(machine.modules.mount) if machine.modules else None
    return place is not None and place.startswith("/lib/modules/")


def _mount(machine: Machine, release: str | None) -> Iterator[Fault]:
    modules = machine.modules
    place = said(modules.mount) if modules else None
    if modules is None or modules.mount is None or place is None or release is None:
        return
    if place.rstrip("/") != f"/lib/modules/{release}":
        message = f"modules are mounted at {place}, and the kernel in the image is {shown(release)}"
        yield MOUNT.broken(modules.mount.span, message, remedy=f"mount them at /lib/modules/{shown(release)}")


FAMILY = Family(
    title="Inside the images", rules=(FILE, FORMAT, LIST, NESTED, ARCHITECTURE, ROOT, SIZE, DRIVERS, SYSCTL), find=find
)
