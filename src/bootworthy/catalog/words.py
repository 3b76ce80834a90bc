"""What people call things: the words of a name, and which entries some words mean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from bootworthy.catalog.entries import Kernel

_WORD = re.compile(r"[a-z0-9]+(?:\.[a-z0-9]+)*")
_JOINED = re.compile(r"([a-z]+)(\d+(?:\.\d+)*)")
_RELEASE = re.compile(r"(?<![0-9.])\d+(?:\.\d+)+")


def words(text: str) -> tuple[str, ...]:
    """`Ubuntu 22.04 LTS` as `ubuntu`, `22.04`, `lts`; a `v` before a number does not count."""
    return tuple(re.sub(r"^v(?=\d)", "", word) for word in _WORD.findall(text.casefold()))


def within(asked: str, found: str) -> bool:
    """Whether a version is one of those that a shorter one stands for: 5.10.77 is one of 5.10, not of 5.1."""
    return found == asked or (asked[:1].isdigit() and found.startswith(f"{asked}."))


def called(text: str, known: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    """The names that a person means with some words.

    Only the best count: what is called just so; names that begin so; entries whose first word is the first of these
    words, and that have the others; entries that have all of them.

    Args:
        text: what was typed: `Ubuntu 22.04`, `ubuntu-22.04`, `ubuntu`.
        known: name to what else it goes by, as its title.
    """
    asked = words(text)
    if not asked:
        return frozenset()
    slug = "-".join(asked)
    tiers: tuple[list[str], ...] = ([], [], [], [])
    for name, also in known.items():
        own = words(name)
        every = {*own, *(word for text in also for word in words(text))}
        if slug in {"-".join(words(text)) for text in (name, *also)}:
            tiers[0].append(name)
        elif "-".join(own).startswith((f"{slug}-", f"{slug}.")):
            tiers[1].append(name)
        elif all(among(word, every) for word in asked):
            tiers[2 if among(asked[0], own[:1]) else 3].append(name)
    return frozenset(next((tier for tier in tiers if tier), ()))


def release(kernel: Kernel) -> str | None:
    """A kernel's release, or as much of it as its name or package has; None where nothing says."""
    if kernel.release:
        return kernel.release
    texts = (kernel.name, kernel.package.name if kernel.package else "")
    return next((match[0] for text in texts if (match := _RELEASE.search(text))), None)


def among(word: str, found: Iterable[str]) -> bool:
    """Whether some words have this one, or its parts where it is two: `ubuntu22.04`."""
    every = list(found)
    if any(within(word, each) for each in every):
        return True
    joined = _JOINED.fullmatch(word)
    return joined is not None and all(any(within(part, each) for each in every) for part in joined.groups())
