"""Our client at a registry of a test: it has no credentials, and waits for nothing."""

from __future__ import annotations

import io
import random
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from bootworthy.host.settings import RegistrySettings
from bootworthy.oci.digest import Hasher
from bootworthy.oci.documents import LAYER_GZIP, Descriptor
from bootworthy.oci.registry.backoff import Limits
from bootworthy.oci.registry.open import open_registry
from bootworthy.oci.registry.remote import Patience
from bootworthy.oci.registry.repository import Repository

NAME = "team/system"
QUICK = Patience(tries=4, sleep=lambda seconds: None)
LIMITS = Limits(sleep=lambda seconds: None)


def client(
    host: str, name: str = NAME, patience: Patience = QUICK, limits: Limits = LIMITS, ca: Path | None = None
) -> Repository:  # fmt: skip
    """One repository of a registry on loopback."""
    wire = open_registry(host, RegistrySettings(ca=ca), limits=limits, environ={})
    return Repository(wire, name, patience=patience)


def noise(size: int, seed: int = 1) -> bytes:
    """Bytes in which nothing repeats."""
    return random.Random(seed).randbytes(size)


def described(content: bytes, algorithm: str = "sha256") -> Descriptor:
    """The descriptor of a layer."""
    hasher = Hasher(algorithm)
    hasher.update(content)
    return Descriptor(LAYER_GZIP, hasher.digest, len(content))


@dataclass
class Bytes:
    """A body in memory."""

    content: bytes
    opened: int = 0

    @property
    def size(self) -> int:
        """How many bytes."""
        return len(self.content)

    def open(self) -> BinaryIO:
        """A fresh stream."""
        self.opened += 1
        return io.BytesIO(self.content)


class Counter:
    """Adds up progress."""

    def __init__(self) -> None:
        self.total = 0

    def __call__(self, amount: int, /) -> None:
        assert amount > 0
        self.total += amount
