"""Registries as places."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, BinaryIO, cast

from bootworthy.errors import NotFoundError
from bootworthy.host.progress import QUIET, Progress
from bootworthy.host.settings import RegistrySettings
from bootworthy.oci import digest as digests
from bootworthy.oci.documents import Descriptor
from bootworthy.oci.reference import Reference
from bootworthy.oci.registry.wire import Wire
from bootworthy.oci.transfer.places import Advance, Sink, Source, nobody
from bootworthy.oci.transfer.streams import Continued, Pipe
from bootworthy.oci.transfer.telling import Telling

if TYPE_CHECKING:
    from bootworthy.oci.registry.repository import Repository

_PARALLEL = 16

Permit = Callable[[Reference], None]
"""Raises when a reference may not be fetched."""


def everything(_reference: Reference) -> None:
    """Nothing is forbidden."""


class RegistryPlace:
    """One repository of a registry."""

    def __init__(self, repository: Repository, reference: Reference) -> None:
        self.repository = repository
        self.reference = reference

    @property
    def name(self) -> str:
        """What people call it."""
        return f"docker://{self.reference.name}"

    @property
    def sparse(self) -> bool:
        """Registries refuse an index without what is in it."""
        return False

    @property
    def parallel(self) -> int:
        """The most blobs at a time."""
        return _PARALLEL

    def resolve(self, reference: str) -> Descriptor:
        """What a tag or digest means now.

        Raises:
            NotFoundError: `registry.no-image`.
            BootworthyError: as `Repository.resolve`.
        """
        try:
            return self.repository.resolve(reference)
        except NotFoundError as error:
            mark = "@" if digests.is_valid(reference) else ":"
            raise NotFoundError(
                "registry.no-image", "the registry has no such image", where=f"{self.name}{mark}{reference}",
                hint=f"bootworthy tags {self.reference.name} shows what it has",
            ) from error  # fmt: skip

    def tags(self) -> Iterator[str]:
        """Every tag once, in the registry's order.

        Raises:
            NotFoundError: `registry.no-repository`.
            BootworthyError: as `Repository.tags`.
        """
        try:
            yield from self.repository.tags()
        except NotFoundError as error:
            raise NotFoundError(
                "registry.no-repository", "the registry has no such repository", where=self.name,
                hint="look for the name in the registry's own pages: not every registry lists its repositories",
            ) from error  # fmt: skip

    def manifest(self, descriptor: Descriptor) -> bytes:
        """A manifest or an index, verified."""
        return self.repository.manifest(descriptor)[1]

    def fetch(self, descriptor: Descriptor, sink: Sink, *, start: int = 0, advance: Advance = nobody) -> None:
        """Write one blob to a sink; it is taken up again where it breaks off."""
        self.repository.fetch(descriptor, sink, start=start, advance=advance)

    def open(self, descriptor: Descriptor) -> BinaryIO:
        """One blob as a stream, of which a few pieces are in memory."""
        return cast("BinaryIO", Pipe(self.repository.fetch, descriptor))

    def known(self, _descriptor: Descriptor) -> bytes | None:
        """To ask costs as much as to send."""
        return None

    def put(self, descriptor: Descriptor, source: Source, progress: Progress, advance: Advance) -> bool:
        """Send a blob, unless it is there or can be mounted."""
        neighbours: tuple[str, ...] = ()
        if isinstance(source, RegistryPlace) and source.reference.registry == self.reference.registry:
            neighbours = (source.reference.repository,)
        with (
            Continued(descriptor.size, lambda: source.open(descriptor)) as body,
            Telling(progress, descriptor, advance) as tell,
        ):
            return self.repository.put_blob(descriptor, body, mount_from=neighbours, advance=tell)

    def put_manifest(self, descriptor: Descriptor, raw: bytes) -> None:
        """Send a document."""
        self.repository.put_manifest(descriptor, raw)

    def finish(self, descriptor: Descriptor, raw: bytes, names: Sequence[str]) -> None:
        """Send the outermost document, under its tags."""
        self.repository.put_manifest(descriptor, raw, names)


class Registries:
    """The registries that this run talks to, each over one wire. Threads may share it."""

    def __init__(
        self, settings: RegistrySettings | None = None, progress: Progress = QUIET, permit: Permit = everything
    ) -> None:
        self._settings = settings or RegistrySettings()
        self._progress = progress
        self._permit = permit
        self._wires: dict[str, Wire] = {}
        self._lock = threading.Lock()

    def place(self, reference: Reference) -> RegistryPlace:
        """The repository of a reference; nothing is sent yet."""
        return RegistryPlace(self._repository(reference.registry, reference.repository), reference)

    def source(self, reference: Reference) -> RegistryPlace:
        """The same, to fetch this reference from: its registry's mirror, where the settings name one.

        Raises:
            RefusedError: it may not be fetched.
        """
        self._permit(reference)
        host, _, path = self._settings.mirrors.get(reference.registry, reference.registry).partition("/")
        name = f"{path}/{reference.repository}" if path else reference.repository
        return RegistryPlace(self._repository(host, name), reference)

    def _repository(self, host: str, name: str) -> Repository:
        from bootworthy.oci.registry.open import open_registry  # noqa: PLC0415  (slow to import, and few need it)
        from bootworthy.oci.registry.repository import Repository  # noqa: PLC0415

        with self._lock:
            if host not in self._wires:
                self._wires[host] = open_registry(host, self._settings, self._progress)
            return Repository(self._wires[host], name)
