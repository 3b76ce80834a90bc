"""How long somebody mends what an image holds, as far as its name and tag tell what that is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from bootworthy.catalog.dates import last_day
from bootworthy.machines.facts import facts
from bootworthy.oci.reference import Reference

# kernel.org, releases: projected end of life of the longterm series.
_LINUX = {
    "4.14": "2024-01",
    "4.19": "2024-12",
    "5.4": "2025-12",
    "5.10": "2026-12",
    "5.15": "2026-12",
    "6.1": "2027-12",
}
# kubernetes.io, releases/patch-releases: end of life of each minor release.
_KUBERNETES = {
    "1.21": "2022-06-28", "1.22": "2022-12-08", "1.23": "2023-02-28", "1.24": "2023-07-28", "1.25": "2023-10-28",
    "1.26": "2024-02-28", "1.27": "2024-07-16", "1.28": "2024-10-22", "1.29": "2025-02-28", "1.30": "2025-07-15",
    "1.31": "2025-11-11", "1.32": "2026-02-28", "1.33": "2026-06-28", "1.34": "2026-10-27", "1.35": "2027-02-28",
    "1.36": "2027-06-28",
}  # fmt: skip
# Ubuntu's release cycle: standard support of the long-term releases.
_UBUNTU = {"18.04": "2023-05", "20.04": "2025-05", "22.04": "2027-04", "24.04": "2029-04"}

_SERIES = re.compile(r"\d+\.\d+")
_UBUNTU_NAME = re.compile(r"ubuntu-(\d\d\.\d\d)")


@dataclass(frozen=True, slots=True)
class Lifetime:
    """What is mended, and until when."""

    what: str
    """`Linux 5.10`, `Kubernetes 1.23`."""
    until: str
    """`YYYY-MM` or `YYYY-MM-DD`: as precise as its makers are."""

    def over(self, day: date) -> bool:
        """Whether its end lies before a day."""
        return last_day(self.until) < day

    def __str__(self) -> str:
        return f"{self.what} since {self.until}"


def of_kernel(image: Reference, vmm: str) -> Iterator[Lifetime]:
    """The kernel of an image whose tag is its release, and the promise of Firecracker's makers about it."""
    found = _SERIES.match(image.tag or "")
    if found is None:
        return
    series = found[0]
    yield from _known("Linux", series, _LINUX)
    for guest in facts("firecracker").guests if vmm == "firecracker" else ():
        if guest.series == series and guest.until is not None:
            yield Lifetime(f"Firecracker's support of Linux {series}", guest.until.isoformat())


def of_root(image: Reference) -> Iterator[Lifetime]:
    """Ubuntu and Kubernetes of a root, as Liquid Metal and Ignite name their images."""
    name, tag = image.repository.rpartition("/")[2], _SERIES.match(image.tag or "")
    if name in {"ubuntu", "ignite-ubuntu"} and tag is not None:
        yield from _known("Ubuntu", tag[0], _UBUNTU)
    if name in {"capmvm-k8s-os", "capmvm-kubernetes"}:
        yield from _known("Ubuntu", "20.04", _UBUNTU)
    named = _UBUNTU_NAME.search(name)
    if named is not None:
        yield from _known("Ubuntu", named[1], _UBUNTU)
    if name.startswith("capmvm-") and tag is not None:
        yield from _known("Kubernetes", tag[0], _KUBERNETES)


def _known(what: str, version: str, ends: Mapping[str, str]) -> Iterator[Lifetime]:
    if version in ends:
        yield Lifetime(f"{what} {version}", ends[version])
