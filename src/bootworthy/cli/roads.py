"""Which way evidence goes when an image is copied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bootworthy.errors import UsageError
from bootworthy.host.progress import Progress
from bootworthy.oci.documents import Descriptor
from bootworthy.oci.reference import Reference
from bootworthy.oci.transfer.names import DOCKER, kind_of
from bootworthy.oci.transfer.remote import Registries
from bootworthy.proofs import travel
from bootworthy.proofs.evidence import EvidenceStore


@dataclass(frozen=True, slots=True)
class Road:
    """From where evidence comes to where it goes: repositories of registries; None is this machine."""

    source: Reference | None
    destination: Reference | None

    @classmethod
    def between(cls, source: str, destination: str) -> Road:
        """The road beside that of an image, by the names of two places.

        Raises:
            UsageError: `evidence.no-place`, there is no evidence at one of them, or it is at both already;
                `reference.bad`.
        """
        road = cls(_end(source), _end(destination))
        if road == cls(None, None):
            raise UsageError(
                "evidence.no-place", "both images are of this machine, and so is what was recorded of them",
                hint="leave out --evidence",
            )  # fmt: skip
        return road

    def carry(
        self, subjects: Sequence[Descriptor], registries: Registries, here: EvidenceStore, progress: Progress
    ) -> travel.Report:  # fmt: skip
        """Bring what was recorded of some images along.

        Raises:
            BootworthyError: as `travel.pull` and `travel.push`.
        """
        if self.destination is None:
            assert self.source is not None
            return travel.pull(registries.source(self.source).repository, subjects, here, progress=progress)
        there = registries.place(self.destination).repository
        if self.source is None:
            return travel.push(there, subjects, here, progress=progress)
        return travel.relay(registries.source(self.source).repository, there, subjects, progress=progress)


def _end(text: str) -> Reference | None:
    if text.startswith(DOCKER):
        return Reference.parse(text.removeprefix(DOCKER))
    kind, _ = kind_of(text)
    if kind is not None:
        raise UsageError(
            "evidence.no-place", f"there is no evidence in {kind}: places", where=text,
            hint="folders of evidence are joined by bootworthy evidence merge DIR",
        )  # fmt: skip
    return None
