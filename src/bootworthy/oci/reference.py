"""Names of images: `registry/repository:tag@digest` (the grammar of distribution/reference, as Docker reads it)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from bootworthy.errors import UsageError
from bootworthy.oci import digest as digests

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_REGISTRY = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:]+\])(?::[0-9]+)?", re.ASCII)
_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*", re.ASCII)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII)
_LONGEST = 255
_HUB = "docker.io"


@dataclass(frozen=True, slots=True)
class Reference:
    """The name of an image; what `parse` returns is valid and complete."""

    registry: str
    repository: str
    tag: str | None = None
    digest: str | None = None
    """Where there is one, it decides and the tag is only for people."""

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read a reference. Docker's short names are completed (`ubuntu` is `docker.io/library/ubuntu:latest`).

        Raises:
            UsageError: `reference.bad`.
        """
        rest, at, digest = text.partition("@")
        if at and not digests.is_valid(digest):
            raise _bad(
                text, f"{digest!r} is not a digest", "a digest is `sha256:` and 64 lower-case hexadecimal digits"
            )
        scheme = text[: text.find("://") + 3] if "://" in text else ""
        if scheme:
            raise _bad(text, f"names do not begin with {scheme!r}", f"write {text.removeprefix(scheme)}")
        head, slash, last = rest.rpartition("/")
        last, colon, tag = last.partition(":")
        if colon and not is_tag(tag):
            raise _bad(text, f"{tag!r} is not a tag", "a tag has at most 128 letters, digits, `_`, `.` and `-`")
        registry, repository = _split(head + slash + last)
        if not _REGISTRY.fullmatch(registry):
            raise _bad(
                text, f"{registry!r} is not a registry", "a registry is a host name, with `:port` if it needs one"
            )
        for component in repository.split("/"):
            if not _COMPONENT.fullmatch(component):
                raise _bad(text, *_component_trouble(component))
        if len(registry) + 1 + len(repository) > _LONGEST:
            raise _bad(text[:60] + "...", f"the name is longer than {_LONGEST} characters", "use a shorter name")
        return cls(registry, repository, tag if colon else None if at else "latest", digest if at else None)

    @property
    def name(self) -> str:
        """Registry and repository, without tag and digest."""
        return f"{self.registry}/{self.repository}"

    def tagged(self, tag: str) -> Reference:
        """The same repository under another tag.

        Raises:
            UsageError: `reference.bad`.
        """
        return Reference.parse(f"{self.name}:{tag}")

    def at(self, digest: str) -> Reference:
        """The same reference pinned to a digest.

        Raises:
            IntegrityError: `digest.bad`.
        """
        return replace(self, digest=digests.validate(digest))

    def __str__(self) -> str:
        tag = "" if self.tag is None else f":{self.tag}"
        digest = "" if self.digest is None else f"@{self.digest}"
        return f"{self.name}{tag}{digest}"


def is_tag(text: str) -> bool:
    """Whether this can be a tag; such a string is also safe in an address."""
    return _TAG.fullmatch(text) is not None


def _split(name: str) -> tuple[str, str]:
    """Registry and repository: the first part is a registry when it cannot be anything else."""
    first, slash, rest = name.partition("/")
    if not slash or not (first == "localhost" or set(first) & set(".:") or first != first.lower()):
        first, rest = _HUB, name
    if first == "index.docker.io":
        first = _HUB
    if first == _HUB and "/" not in rest:
        rest = f"library/{rest}"
    return first, rest


def _component_trouble(component: str) -> tuple[str, str]:
    if not component:
        return "a part of the name is empty", "write it as registry/repository:tag"
    if component != component.lower():
        return f"{component!r} has upper-case letters", f"write {component.lower()!r}"
    return f"{component!r} is not a part of a name", "use a-z, 0-9, and `.`, `_` or `-` between them"


def _bad(text: str, message: str, hint: str) -> UsageError:
    return UsageError("reference.bad", f"{text!r} is not the name of an image: {message}", hint=hint)
