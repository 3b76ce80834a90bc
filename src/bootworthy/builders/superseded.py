"""Names by which builds keep their images, once a newer build of the same thing has taken their place."""

from __future__ import annotations

from bootworthy.builders.record import Records
from bootworthy.builders.workshop import REPOSITORY
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store


def names(store: Store, records: Records) -> tuple[Reference, ...]:
    """The names of builds that are not the newest of their subject, sorted; an image may have other names too.

    Raises:
        DocumentError, NotFoundError: the store's own index cannot be read.
    """
    newest = {key[:32] for key in records.newest_keys()}
    found = []
    for image in store.images():
        reference = image.reference
        if reference is not None and reference.name == REPOSITORY and reference.tag is not None:
            key = reference.tag.partition("-")[0]
            if key not in newest:
                found.append(reference)
    return tuple(sorted(found, key=str))


def only_name(store: Store, reference: Reference) -> tuple[Reference, ...]:
    """The names that builds keep an image by, if it has no other name than those and `reference`.

    Raises:
        NotFoundError: `store.no-image`.
    """
    digest = store.resolve(reference).digest
    names_ = [image.reference for image in store.images() if image.descriptor.digest == digest]
    others = [name for name in names_ if name is not None and name != reference]
    return tuple(others) if all(name.name == REPOSITORY for name in others) else ()
