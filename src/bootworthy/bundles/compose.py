"""What a bundle is: one OCI index that joins the images of a system and a kernel by digest, on every architecture.

Roots come first with their real platform, so that whoever runs containers sees an ordinary image. Kernels, modules and
initial RAM disks have the platform `unknown/unknown`, which nobody runs, and say in annotations what they are. For
those who can only be told a plain reference, each of these is also in an index of its own, with real platforms.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bootworthy.oci import digest as digests
from bootworthy.oci.documents import INDEX, PLATFORM, ROLE, Descriptor, Index, Platform
from bootworthy.oci.reference import Reference
from bootworthy.oci.written import index_bytes
from bootworthy.vocabulary import Architecture, Role

BUNDLE_TYPE = "application/vnd.bootworthy.bundle.v1+json"
MACHINE = "dev.bootworthy.machine"
"""The machines that an image is for, with spaces between them, where it is not for all."""
UNKNOWN = Platform("unknown", "unknown")
_ROLES = list(Role)
_ARCHITECTURES = list(Architecture)


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """One image of one cell."""

    role: str
    """Or roles joined with `+`."""
    machine: str
    """The machine of the cell."""
    platform: Platform = field(compare=False)
    """What the image's own configuration says."""
    descriptor: Descriptor = field(compare=False)
    """Of its manifest."""

    @property
    def is_root(self) -> bool:
        """Whether it is what a container runs."""
        return Role.ROOT in self.role.split("+")


@dataclass(frozen=True, slots=True)
class Document:
    """An index that was made, and what points to it."""

    raw: bytes = field(repr=False)
    descriptor: Descriptor

    @classmethod
    def of(cls, manifests: Sequence[Descriptor], artifact_type: str | None = None) -> Document:
        """The index of some manifests."""
        raw = index_bytes(manifests, artifact_type=artifact_type)
        return cls(raw, replace(Descriptor.of(raw, INDEX), artifact_type=artifact_type))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A bundle, and its members' own indexes."""

    index: Document
    members: Mapping[str, Document] = field(hash=False)
    """What follows the tag, `kernel` or `initrd-MACHINE`, to index; a root is the bundle itself."""


@dataclass(frozen=True, slots=True)
class Names:
    """What a bundle and its members are called."""

    moving: Reference
    """`REGISTRY/SYSTEM:KERNEL`: the newest."""

    def fixed(self, digest: str) -> Reference:
        """`REGISTRY/SYSTEM:KERNEL-<12 hex>`: this bundle and never another."""
        return self.moving.tagged(f"{self.moving.tag}-{digests.short(digest)}")

    def member(self, suffix: str) -> Reference:
        """`REGISTRY/SYSTEM:KERNEL-kernel`: a member of the newest."""
        return self.moving.tagged(f"{self.moving.tag}-{suffix}")


def compose(parts: Iterable[Part]) -> Bundle:
    """The bundle of some cells' images, in any order: the same images make the same bytes.

    Raises:
        ValueError: there is no root among them.
    """
    groups = _grouped(parts)
    if not any(group.part.is_root for group in groups):
        raise ValueError("a bundle has a root")
    index = Document.of([group.listed() for group in groups], BUNDLE_TYPE)
    members: dict[str, list[Descriptor]] = {}
    for group in groups:
        for suffix in group.suffixes():
            members.setdefault(suffix, []).append(group.real())
    return Bundle(index=index, members={suffix: Document.of(found) for suffix, found in sorted(members.items())})


def read(index: Index) -> Bundle:
    """A bundle by its index, wherever it came from; what in it does not say its role is no member.

    Raises:
        ValueError: it is none, or has no root.
    """
    if not is_bundle(index):
        raise ValueError("this is no bundle")
    return compose(part for entry in index.manifests for part in _parts(entry))


def is_bundle(index: Index) -> bool:
    """Whether an index is a bundle."""
    return index.artifact_type == BUNDLE_TYPE


def _parts(entry: Descriptor) -> Iterator[Part]:
    said = [*entry.annotations.get(PLATFORM, "").split("/"), *["", "", ""]]
    platform = entry.platform
    if platform is None or not platform.known:
        platform = Platform(said[0], said[1], said[2] or None)
    roles = (entry.role or "").split("+")
    if set(roles) <= set(_ROLES):
        for machine in entry.annotations.get(MACHINE, "").split() or [""]:
            yield Part(entry.role or "", machine, platform, entry)


@dataclass(frozen=True, slots=True)
class _Group:
    """An image, and the machines it is for."""

    part: Part
    machines: tuple[str, ...]
    own: bool
    """Whether other machines have another one in its place."""

    def listed(self) -> Descriptor:
        """As the bundle has it."""
        found = {ROLE: self.part.role}
        if not self.part.is_root:
            found[PLATFORM] = str(self.part.platform)
        if self.own:
            found[MACHINE] = " ".join(self.machines)
        platform = self.part.platform if self.part.is_root else UNKNOWN
        return _described(self.part, found, platform)

    def real(self) -> Descriptor:
        """As an index of its own has it."""
        return _described(self.part, {ROLE: self.part.role}, self.part.platform)

    def suffixes(self) -> list[str]:
        """What follows the tag in the names it can be pulled by alone."""
        if self.part.is_root:
            return []
        role = self.part.role.replace("+", "-")
        return [f"{role}-{machine}" for machine in self.machines] if self.own else [role]


def _described(part: Part, annotations: Mapping[str, str], platform: Platform) -> Descriptor:
    found = part.descriptor
    return Descriptor(found.media_type, found.digest, found.size, annotations, platform)


def _grouped(parts: Iterable[Part]) -> list[_Group]:
    """Each image once, in the order of the bundle."""
    images: dict[tuple[str, str, str], list[Part]] = {}
    for part in sorted(parts):
        images.setdefault((part.role, str(part.platform), part.descriptor.digest), []).append(part)
    rivals = [(role, platform) for role, platform, _ in images]
    groups = [
        _Group(
            same[0], tuple(dict.fromkeys(part.machine for part in same)),
            own=role == Role.INITRD or rivals.count((role, platform)) > 1,
        )
        for (role, platform, _), same in images.items()
    ]  # fmt: skip
    return sorted(groups, key=_place)


def _place(group: _Group) -> tuple[object, ...]:
    part = group.part
    first = _ROLES.index(Role(part.role.split("+")[0]))
    known = [one.oci for one in _ARCHITECTURES]
    architecture = part.platform.architecture
    number = known.index(architecture) if architecture in known else len(known)
    return (not part.is_root, first, part.role, number, str(part.platform), group.machines, part.descriptor.digest)
