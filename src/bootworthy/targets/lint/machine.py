"""One microVM as any of the documents describes it, so that a rule is written once for all of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from bootworthy.errors import UsageError
from bootworthy.oci.reference import Reference
from bootworthy.targets.lint.documents import Source
from bootworthy.targets.lint.names import CAPMVM, FLINTLOCK, Names
from bootworthy.targets.lint.tree import Node, Span

_VARIABLE = re.compile(r"\$\{\w+(?::?[=-]([^}]*))?\}")


class Kind(StrEnum):
    """What a document is."""

    ENVELOPE = "flintlock gRPC request"
    SPEC = "flintlock microVM spec"
    TEMPLATE = "MicrovmMachineTemplate"
    MACHINE = "MicrovmMachine"
    MICROVM = "microvm-operator resource"
    IGNITE = "Ignite VM"
    FIRECRACKER = "Firecracker configuration"

    @property
    def flintlock(self) -> bool:
        """Whether it goes to Flintlock as it is."""
        return self in {Kind.ENVELOPE, Kind.SPEC}

    @property
    def capmvm(self) -> bool:
        """Whether it is a resource of Cluster API."""
        return self in {Kind.TEMPLATE, Kind.MACHINE}

    @property
    def operator(self) -> bool:
        """Whether a controller of Kubernetes makes the request to Flintlock."""
        return self.capmvm or self is Kind.MICROVM

    @property
    def liquid_metal(self) -> bool:
        """Whether Flintlock starts it in the end."""
        return self.flintlock or self.operator


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """A disk or a shared folder."""

    node: Node
    id: Node | None
    image: Node | None
    share: Node | None
    """The folder of the host that virtiofs shows."""
    mount: Node | None
    read_only: Node | None


@dataclass(frozen=True, slots=True, eq=False)
class Interface:
    """A network interface."""

    node: Node
    device: Node | None
    type: Node | None
    mac: Node | None
    address: Node | None

    @property
    def macvtap(self) -> bool:
        """Whether it is macvtap: said, or by leaving it away, since that is the zero of the enumeration."""
        return self.type is None or self.type.value in {0, "0"} or (self.type.text or "").lower() == "macvtap"


@dataclass(frozen=True, slots=True, eq=False)
class Machine:
    """One microVM, and where everything of it stands."""

    source: Source
    kind: Kind
    node: Node
    names: Names
    title: str
    kernel: Node | None
    root: Volume | None
    volumes: tuple[Volume, ...]
    interfaces: tuple[Interface, ...]

    def get(self, *path: str) -> Node | None:
        """The value under our names of keys."""
        return self.names.get(self.node, *path)

    @property
    def kernel_image(self) -> Node | None:
        """The reference of the kernel's image."""
        return self.names.get(self.kernel, "image") if self.kernel else None

    @property
    def kernel_file(self) -> Node | None:
        """The path of the kernel in its image."""
        return self.names.get(self.kernel, "filename") if self.kernel else None

    @property
    def initrd(self) -> Node | None:
        """The initial RAM disk."""
        return self.get("initrd")

    @property
    def arguments(self) -> Node | None:
        """The kernel command line: a mapping, or the whole of it as text."""
        return self.get("kernel", "cmdline") if self.kind.flintlock else self.get("cmdline")

    @property
    def vmm(self) -> str:
        """The VMM; Flintlock's own default where the document names none."""
        named = said(self.get("provider"))
        return named or "firecracker"

    @property
    def images(self) -> Iterator[tuple[str, Node]]:
        """Every reference, with what it is for."""
        if self.kernel_image is not None:
            yield "kernel", self.kernel_image
        if self.initrd is not None and (image := self.names.get(self.initrd, "image")):
            yield "initial RAM disk", image
        if self.root is not None and self.root.image is not None:
            yield "root", self.root.image
        for volume in self.volumes:
            if volume.image is not None:
                yield f"volume {said(volume.id) or ''}".strip(), volume.image

    @property
    def modules(self) -> Volume | None:
        """The volume of kernel modules, as its mount point or its image says."""
        for volume in self.volumes:
            image = reference(volume.image)
            if (said(volume.mount) or "").startswith("/lib/modules"):
                return volume
            if image is not None and "modules" in image.repository.rpartition("/")[2]:
                return volume
        return None

    @property
    def span(self) -> Span:
        """A place for what is missing altogether: where the description begins."""
        entries = self.node.entries
        return next((entry.key for entry in entries.values()), Span(self.node.span.start, self.node.span.start))


def said(node: Node | None) -> str | None:
    """A text, with the defaults of `${NAME:=default}` put in; None where there is none, or a variable without one."""
    text = None if node is None else node.text
    if not text or "${" not in text:
        return text or None
    if any(match[1] is None for match in _VARIABLE.finditer(text)):
        return None
    done = _VARIABLE.sub(lambda match: match[1], text)
    return done or None


def reference(node: Node | None) -> Reference | None:
    """The image that a value names; None where it names none."""
    text = said(node)
    if text is None:
        return None
    try:
        return Reference.parse(text)
    except UsageError:
        return None


def of_liquid_metal(source: Source, kind: Kind, node: Node, title: str) -> Machine:
    """The microVM of a request, a spec, a template or a resource."""
    names = FLINTLOCK if kind.flintlock else CAPMVM
    root = names.get(node, "root")
    volumes = names.get(node, "volumes")
    nics = names.get(node, "interfaces")
    return Machine(
        source, kind, node, names, title, names.get(node, "kernel"),
        _volume(names, root.items[0] if root.items else root) if root else None,
        tuple(_volume(names, item) for item in (volumes.items if volumes else ())),
        tuple(_interface(names, item) for item in (nics.items if nics else ())),
    )  # fmt: skip


def _volume(names: Names, node: Node) -> Volume:
    where = names.get(node, "source") if names is FLINTLOCK else node
    image, share = (names.get(where, key) if where else None for key in ("image-of-volume", "share"))
    return Volume(
        node, names.get(node, "id"), image, share, names.get(node, "mount-point"), names.get(node, "read-only")
    )


def _interface(names: Names, node: Node) -> Interface:
    keys = ("device", "type", "mac", "address")
    return Interface(node, *(names.get(node, key) for key in keys))
