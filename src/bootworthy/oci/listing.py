"""What a list of images shows of each: platforms, size, creation, role, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass

from bootworthy.errors import BootworthyError, DocumentError, IntegrityError, NotFoundError, UsageError
from bootworthy.oci.blobs import Blobs
from bootworthy.oci.digest import short
from bootworthy.oci.documents import CONFIGS, MANIFESTS, PLATFORM, ROLE, Descriptor, Manifest
from bootworthy.oci.image import assemble, is_here, members, read_document
from bootworthy.oci.reference import Reference


@dataclass(frozen=True, slots=True)
class StoredImage:
    """One named entry of the store."""

    name: str
    """As it stands in `index.json`."""
    descriptor: Descriptor
    platforms: tuple[str, ...]
    """`linux/amd64`, in the order of the index."""
    created: str | None
    """As the first image's configuration has it."""
    size: int
    """Bytes of all blobs below it, each counted once."""
    role: str | None
    problem: BootworthyError | None = None
    """Why it could not be read whole."""
    absent: tuple[str, ...] = ()
    """Platforms that its index names and that were not fetched."""

    @property
    def reference(self) -> Reference | None:
        """Its name as a reference, if it is one."""
        try:
            return Reference.parse(self.name)
        except UsageError:
            return None


def describe(blobs: Blobs, name: str, entry: Descriptor) -> StoredImage:
    """Look at everything below an entry, except layers."""
    sizes = {entry.digest: entry.size}
    platforms: dict[str, None] = {}
    absent: dict[str, None] = {}
    created: str | None = None
    role = entry.role
    problem: BootworthyError | None = None
    try:
        for member in members(blobs, entry):
            if not is_here(blobs, member) and member.digest != entry.digest:
                absent[_called(member)] = None
                continue
            sizes[member.digest] = member.size
            if member.media_type not in MANIFESTS:
                continue
            document = read_document(blobs, member)
            assert isinstance(document, Manifest)
            sizes.update((blob.digest, blob.size) for blob in (document.config, *document.layers))
            role = role or document.annotations.get(ROLE)
            if document.config.media_type in CONFIGS:
                config = assemble(blobs, member, document, name=name).config
                created = created or config.created
                platforms[str(config.platform)] = None
    except (NotFoundError, IntegrityError, DocumentError) as error:
        problem = error
    if absent and len(sizes) == 1 and problem is None:
        problem = NotFoundError("oci.not-fetched", "none of the images that its index names is here", where=name)
    return StoredImage(
        name, entry.plain(), tuple(platforms), created, sum(sizes.values()), role, problem, tuple(absent)
    )  # fmt: skip


def _called(member: Descriptor) -> str:
    """What a person calls a member of an index that cannot be looked at."""
    known = member.platform is not None and member.platform.known
    return str(member.platform) if known else member.annotations.get(PLATFORM) or short(member.digest)
