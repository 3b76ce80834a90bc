"""What each document of a file is, and the microVMs that it describes."""

from __future__ import annotations

from collections.abc import Iterator

from bootworthy.targets.lint.documents import Source
from bootworthy.targets.lint.machine import Kind, Machine, Volume, of_liquid_metal
from bootworthy.targets.lint.names import FIRECRACKER, IGNITE, camel
from bootworthy.targets.lint.tree import Node

_SPEC = ("root_volume", "additional_volumes", "memory_in_mb", "kernel", "interfaces")
_WITH_TEMPLATE = {
    "MicrovmMachineTemplate": Kind.TEMPLATE, "MicrovmReplicaSet": Kind.MICROVM, "MicrovmDeployment": Kind.MICROVM,
}  # fmt: skip
_PLAIN = {"MicrovmMachine": Kind.MACHINE, "Microvm": Kind.MICROVM}


def machines(source: Source) -> tuple[Machine, ...]:
    """Every microVM of a file, in the order they stand there; other resources of Kubernetes are passed over."""
    return tuple(machine for document in source.documents for machine in _of(source, document))


def _of(source: Source, document: Node) -> Iterator[Machine]:
    called = document.get("kind")
    kind = called.text if called is not None else None
    if kind == "List":
        items = document.get("items")
        for item in items.items if items else ():
            yield from _of(source, item)
    elif kind is not None:
        yield from _resource(source, document, kind)
    elif (inside := document.get("microvm")) is not None and inside.entries:
        yield of_liquid_metal(source, Kind.ENVELOPE, inside, _named(inside, "microVM"))
    elif document.get("boot-source") is not None:
        yield Machine(source, Kind.FIRECRACKER, document, FIRECRACKER, "Firecracker configuration", None, None, (), ())
    elif any(key in document.entries for name in _SPEC for key in (name, camel(name))):
        yield of_liquid_metal(source, Kind.SPEC, document, _named(document, "microVM"))


def _resource(source: Source, document: Node, kind: str) -> Iterator[Machine]:
    path = ("spec", "template", "spec") if kind in _WITH_TEMPLATE else ("spec",)
    spec = document.get(*path)
    metadata = document.get("metadata")
    name = metadata.get("name") if metadata else None
    title = f"{kind} {name.text}" if name is not None and name.text else kind
    if spec is None or not spec.entries:
        return
    if kind in _WITH_TEMPLATE or kind in _PLAIN:
        yield of_liquid_metal(source, {**_WITH_TEMPLATE, **_PLAIN}[kind], spec, title)
    elif kind == "VM" and spec.get("kernel", "oci") is not None:
        image = spec.get("image")
        root = Volume(image, None, image.get("oci"), None, None, None) if image else None
        yield Machine(source, Kind.IGNITE, spec, IGNITE, title, spec.get("kernel"), root, (), ())


def _named(node: Node, what: str) -> str:
    name = node.get("id")
    return f"{what} {name.text}" if name is not None and name.text else what
