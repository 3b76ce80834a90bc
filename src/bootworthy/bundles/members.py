"""Bundles in registries: the names beside the one they were sent under, and what is in them."""

from __future__ import annotations

from bootworthy.bundles.compose import Names, is_bundle, read
from bootworthy.oci.documents import Descriptor, Index, parse_document
from bootworthy.oci.reference import Reference
from bootworthy.oci.transfer.remote import RegistryPlace


def tag_members(place: RegistryPlace, raw: bytes, tag: str) -> tuple[str, ...]:
    """Tag a bundle that is in a registry under `tag` by the name that never moves, and its members by theirs.

    Returns the tags; none when the document is no bundle. They are worked out from the bundle, so that whoever sends it
    makes the same, and what they name is there already.

    Raises:
        DocumentError: it cannot be read.
        BootworthyError: as `Repository.put_manifest`.
    """
    document = parse_document(raw, where=place.name)
    if not isinstance(document, Index) or not is_bundle(document):
        return ()
    names = Names(Reference.parse(f"{place.reference.name}:{tag}"))
    index = Descriptor.of(raw, document.media_type)
    wanted = [(names.fixed(index.digest), index, raw)]
    wanted += [(names.member(suffix), each.descriptor, each.raw) for suffix, each in read(document).members.items()]
    for name, descriptor, data in wanted:
        assert name.tag is not None
        place.repository.put_manifest(descriptor, data, [name.tag])
    return tuple(name.tag for name, _, _ in wanted if name.tag is not None)


def inside(raw: bytes, descriptor: Descriptor, where: str) -> frozenset[str]:
    """Digests of the images in a bundle, or of the one image that it is.

    Raises:
        DocumentError: it cannot be read.
    """
    document = parse_document(raw, where=where, media_type=descriptor.media_type)
    return (
        frozenset(each.digest for each in document.manifests)
        if isinstance(document, Index)
        else frozenset({descriptor.digest})
    )
