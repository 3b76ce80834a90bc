"""References of images: whether they are any, whether they stay what they are, and where they moved."""

from __future__ import annotations

from collections.abc import Iterator

from bootworthy.errors import UsageError
from bootworthy.oci.reference import Reference
from bootworthy.targets.lint import editing
from bootworthy.targets.lint.consumers import Asked
from bootworthy.targets.lint.machine import Machine, reference, said
from bootworthy.targets.lint.rule import Family, Fault, Rule, each
from bootworthy.targets.lint.tree import Node
from bootworthy.vocabulary import Severity

REFERENCE = Rule(
    id="LM-026", severity=Severity.ERROR, title="The reference of an image is wrong, moves, or has moved",
    why="Flintlock pulls the name each time it starts a microVM: one that is no name is tried again without end, a "
    "tag can be another image the next time, and an organisation that moved may go away.",
    remedy="write REGISTRY/REPOSITORY:TAG@sha256:DIGEST",
    source="flintlock #1070, #359; the organisation is liquidmetal-dev since flintlock v0.7.0", fixed=True,
)  # fmt: skip

_NOW = "liquidmetal-dev"
_MOVED = ("weaveworks-liquidmetal", "weaveworks")
_THEIRS = ("flintlock-", "capmvm-", "kernel-", "firecracker-kernel", "cloudhypervisor-kernel")


def find(machine: Machine, _asked: Asked) -> Iterator[Fault]:
    """Look at every reference of a microVM."""
    for role, node in machine.images:
        text = said(node)
        image = reference(node)
        if image is None:
            if text is not None or node.empty or node.text is None:
                yield REFERENCE.broken(node.span, f"the {role} image: {_trouble(node, text)}")
            continue
        yield from _moved(machine, node, image)
        if image.digest is None:
            message = f"the {role} image {image} is named by tag alone, which can be moved"
            yield REFERENCE.broken(
                node.span, message, severity=Severity.WARNING, remedy="put @sha256:DIGEST behind the tag"
            )


def _trouble(node: Node, text: str | None) -> str:
    if text is None:
        return "there is no name" if node.empty else "a name is a text"
    bad = next((character for character in text if character <= " " or character == "\x7f"), None)
    if bad is not None:
        return f"{text!r} has the character U+{ord(bad):04X} in it"
    try:
        Reference.parse(text)
    except UsageError as error:
        return error.message
    return ""


def _moved(machine: Machine, node: Node, image: Reference) -> Iterator[Fault]:
    owner, _, rest = image.repository.partition("/")
    if image.registry != "ghcr.io" or owner not in _MOVED or not rest.startswith(_THEIRS):
        return
    edits = () if image.digest else editing.within(machine.source, node, f"/{owner}/", f"/{_NOW}/")
    message = f"{owner} is {_NOW} now ({image})"
    tag = f":{image.tag}" if image.tag else ""
    remedy = f"write ghcr.io/{_NOW}/{rest}{tag}"
    yield REFERENCE.broken(node.span, message, severity=Severity.WARNING, remedy=remedy, edits=edits)


FAMILY = Family(title="References", rules=(REFERENCE,), find=each(find))
