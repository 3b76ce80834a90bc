"""From a target to what boots: its volumes, the probe among them, as a request for a proof."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

from bootworthy.builders import busybox
from bootworthy.builders.initrd import INITRD_PATH
from bootworthy.catalog.identity import catalog_entry_digest
from bootworthy.checks import ram_disk
from bootworthy.errors import NotFoundError
from bootworthy.filesystems.writer import VolumeOptions
from bootworthy.layers import body, merge, writer
from bootworthy.layers.node import Kind, Node, Tree
from bootworthy.layers.writer import Member
from bootworthy.oci.documents import LAYER
from bootworthy.oci.image import Image
from bootworthy.proofs import probe
from bootworthy.proofs.prove import ProofRequest
from bootworthy.proofs.target import Target
from bootworthy.vmms.compose import MODULES_LABEL, ROOT_LABEL, Bootable, Volume
from bootworthy.vocabulary import Accelerator, Finding, Role
from bootworthy.volumes import convert, plain
from bootworthy.volumes.convert import VolumeFile
from bootworthy.volumes.extract import extract
from bootworthy.volumes.identity import Source

_FILESYSTEM = "ext4"
ROOT = VolumeOptions(label=ROOT_LABEL, free=512 << 20)
"""A root gets half a GiB to write to."""
MODULES = VolumeOptions(label=MODULES_LABEL, free=0, profile="lean")


def bootable(target: Target, *, probed: tuple[probe.ProbeFile, ...] = ()) -> Bootable:
    """The files of a target: kernel, initial RAM disk, volumes; `probed` are added to the root.

    Raises:
        NotFoundError: `target.no-kernel`.
        SpaceError, HostError: a file cannot be written.
    """
    kernel = target.subject.kernel_file
    if kernel is None:
        raise NotFoundError(
            "target.no-kernel", "there is no kernel in these images", where=target.images[Role.ROOT].name,
            hint="name one: --kernel REF --modules REF",
        )  # fmt: skip
    role = Role.KERNEL if target.subject.kernel is not None else Role.ROOT
    modules = target.images.get(Role.MODULES) if target.subject.modules_are_a_volume else None
    return Bootable(
        architecture=target.architecture,
        kernel=_volume(_file(target, role, kernel.path)),
        initrd=_initrd(target),
        root=_volume(_root(target, probed)),
        modules=_volume(_plain(target, Role.MODULES)) if modules else None,
    )


def request(
    target: Target, accelerator: Accelerator, checks: tuple[Finding, ...], *, again: str, tool: str
) -> ProofRequest:
    """The proof of a target, ready to run but for the choice of accelerator, which may be changed with `replace`.

    Raises:
        As `bootable`; BuildError, NetworkError: there is no busybox for the probe.
    """
    files = probe_files(target)
    return ProofRequest(
        bootable=bootable(target, probed=files), accelerator=accelerator,
        cell=target.cell.name if target.cell else None,
        images=target.digests, published_root=target.images[Role.ROOT].descriptor.digest, probe=probe.digest(files),
        catalog_entry=catalog_entry_digest(target.cell) if target.cell else None,
        kernel_release=target.subject.release, checks=checks, vcpus=target.vcpus, memory_mib=target.memory_mib,
        deadline=target.deadline, again=again, tool=tool,
    )  # fmt: skip


def probe_files(target: Target) -> tuple[probe.ProbeFile, ...]:
    """The probe for the target's architecture."""
    return probe.layer(busybox.program(target.workshop, target.architecture))


def _volume(file: VolumeFile) -> Volume:
    return Volume(path=file.path, digest=file.digest)


def _initrd(target: Target) -> Volume | None:
    """The file that checks looked into."""
    part = target.subject.initrd
    if part is None:
        return None
    path = ram_disk.locate(part, target.subject.release) or INITRD_PATH.encode()
    return _volume(_file(target, Role.INITRD if Role.INITRD in target.images else Role.ROOT, path))


def _file(target: Target, role: Role, path: bytes) -> VolumeFile:
    """One file of an image, for as long as the target's workshop is open."""
    image, workshop = target.images[role], target.workshop
    source = Source.of(image)
    workshop.lease.hold(source.owner)
    return extract(target.trees[role], path, source.home(workshop.cache / "files"), image.name)


def _plain(target: Target, role: Role) -> VolumeFile:
    cache = convert.Cache(target.workshop.cache / "volumes", target.workshop.lease)
    source = Source.of(target.images[role])
    return cache.obtain(lambda: _tree(target, role), source, _FILESYSTEM, MODULES, target.workshop.progress)


def _tree(target: Target, role: Role) -> Tree:
    layers = target.workshop.cache / "layers"
    return plain.on_blocks(target.images[role], target.trees[role], layers, target.workshop.lease)


def _root(target: Target, probed: tuple[probe.ProbeFile, ...]) -> VolumeFile:
    cache = convert.Cache(target.workshop.cache / "volumes", target.workshop.lease)
    image = target.images[Role.ROOT]
    if not probed:
        return cache.obtain(
            lambda: _tree(target, Role.ROOT), Source.of(image), _FILESYSTEM, ROOT, target.workshop.progress
        )
    layers = target.workshop.cache / "layers"
    added = _ingested(target, probed, layers)
    source = Source.of(image, [added.diff_id])
    tree = lambda: _on_top(target, image, added, layers)  # noqa: E731
    return cache.obtain(tree, source, _FILESYSTEM, ROOT, target.workshop.progress)


def _on_top(target: Target, image: Image, added: body.LayerFiles, layers: Path) -> Tree:
    taken = [*plain.take(image, layers, target.workshop.lease), added]
    return merge.merge([each.load() for each in taken], [each.body for each in taken])


def _ingested(target: Target, probed: tuple[probe.ProbeFile, ...], layers: Path) -> body.LayerFiles:
    """The probe as a layer of its own, taken in like any other."""
    buffer = io.BytesIO()
    written = writer.write((_member(file) for file in probed), buffer, compress=False)
    buffer.seek(0)
    target.workshop.lease.hold(written.diff_id)
    return body.ingest(buffer, LAYER, layers, diff_id=written.diff_id, where="the probe")


def _member(file: probe.ProbeFile) -> Member:
    node = Node(file.kind, file.mode, size=len(file.data), target=file.target)
    return Member(file.path, node, (lambda: [file.data]) if file.kind is Kind.FILE and file.data else None)


def under(proof: ProofRequest, accelerator: Accelerator) -> ProofRequest:
    """The same proof under another accelerator."""
    return replace(proof, accelerator=accelerator)
