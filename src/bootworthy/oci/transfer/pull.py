"""An image from a registry into the store, under the same name."""

from __future__ import annotations

from bootworthy.host.progress import QUIET, Progress
from bootworthy.oci.documents import INDEXES
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from bootworthy.oci.transfer.copy import PARALLEL, Report, called, copy
from bootworthy.oci.transfer.local import StorePlace
from bootworthy.oci.transfer.plan import Platforms
from bootworthy.oci.transfer.remote import Registries
from bootworthy.vocabulary import Architecture


def pull(
    reference: Reference, store: Store, registries: Registries, *, architecture: Architecture | None = None,
    everything: bool = False, progress: Progress = QUIET, parallel: int = PARALLEL,
) -> Report:  # fmt: skip
    """Fetch what is missing of an image, and name it in the store.

    Of an index that is what runs on `architecture`, without one on this machine, and of a bundle what belongs to it;
    `everything` is the whole index. What is no index is fetched whatever it is for, unless an architecture is asked
    for.

    Raises:
        NotFoundError: `registry.not-found`, `oci.no-platform`.
        RefusedError: it may not be fetched.
        BootworthyError: as `copy`.
    """
    place = registries.source(reference)
    descriptor = place.resolve(reference.digest or reference.tag or "latest")
    platforms: Platforms | None = None
    if not everything and architecture is not None:
        platforms = {architecture}
    elif not everything and descriptor.media_type in INDEXES:
        platforms = {Architecture.native()}
    name = str(reference) if reference.tag is None else f"{reference.name}:{reference.tag}"
    with called(str(reference)):
        return copy(place, StorePlace(store), descriptor, (name,), progress, parallel, platforms)
