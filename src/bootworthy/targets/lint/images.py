"""The images that a document names, opened: how they are got is the business of whoever asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from bootworthy.checks.part import Part
from bootworthy.vocabulary import Architecture


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """One image, and the architecture that its config says."""

    part: Part
    platform: Architecture | None


Images: TypeAlias = Callable[[str], Opened]
"""The image of a reference; NotFoundError where there is none, UsageError where it is no reference."""
