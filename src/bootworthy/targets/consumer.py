"""The programs that read what is written here, and the versions of them whose formats are known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bootworthy.catalog.mistakes import nearest
from bootworthy.catalog.versions import Version
from bootworthy.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """A program that reads a format."""

    name: str
    """As people write it before `=`: `flintlock`."""
    title: str
    releases: tuple[str, ...]
    """Known releases or series of them, oldest first: `0.9` stands for 0.9.0 and 0.9.1, `51` for 51.0 and 51.1."""

    def version(self, text: str) -> Version:
        """A version of it whose format is known.

        Raises:
            UsageError: `version.bad`; `emit.unknown-version`, with those that are known.
        """
        asked = Version(text)
        parts = text.removeprefix("v").split(".")
        if not any(parts[: len(known)] == known for known in (each.split(".") for each in self.releases)):
            raise UsageError(
                "emit.unknown-version", f"the formats of {self.title} {text} are not known here",
                hint=f"known: {', '.join(self.releases)}",
            )  # fmt: skip
        return asked

    @property
    def newest(self) -> Version:
        """What is taken where nobody names a version."""
        return Version(self.releases[-1])


@dataclass(frozen=True, slots=True)
class Versions:
    """A version for each consumer of a document."""

    taken: Mapping[str, Version] = field(hash=False)

    def __getitem__(self, name: str) -> Version:
        return self.taken[name]

    def since(self, name: str, version: str) -> bool:
        """Whether a consumer is this version or a later one."""
        return self.taken[name] >= Version(version)


def versions(consumers: Iterable[Consumer], asked: Mapping[str, str]) -> Versions:
    """The versions that were asked for, and the newest known of every other consumer.

    Raises:
        UsageError: `emit.unknown-consumer`, `emit.unknown-version`, `version.bad`.
    """
    known = {each.name: each for each in consumers}
    for name in asked:
        if name not in known:
            raise UsageError(
                "emit.unknown-consumer", f"{name!r} does not read this format", hint=nearest(name, list(known))
            )
    return Versions({
        name: each.version(asked[name]) if name in asked else each.newest for name, each in known.items()
    })  # fmt: skip


# Flintlock, CAPMVM, hammertime and Ignite: the tags of each project. Newer series come when their formats are known.
FLINTLOCK = Consumer(
    name="flintlock", title="Flintlock",
    releases=("0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9", "0.10", "0.11"),
)  # fmt: skip
CAPMVM = Consumer(name="capmvm", title="CAPMVM", releases=("0.6", "0.7", "0.8", "0.9", "0.10"))
HAMMERTIME = Consumer(name="hammertime", title="hammertime", releases=("0.0.11",))
FIRECRACKER = Consumer(name="firecracker", title="Firecracker", releases=tuple(f"1.{minor}" for minor in range(17)))
CLOUD_HYPERVISOR = Consumer(
    name="cloud-hypervisor", title="Cloud Hypervisor", releases=tuple(str(major) for major in range(26, 54))
)
QEMU = Consumer(name="qemu", title="QEMU", releases=("7", "8", "9", "10"))
IGNITE = Consumer(name="ignite", title="Ignite", releases=("0.10",))
