"""Ask every rule about a file."""

from __future__ import annotations

from bootworthy.targets.lint import rule
from bootworthy.targets.lint.consumers import Asked
from bootworthy.targets.lint.detection import machines
from bootworthy.targets.lint.documents import Source
from bootworthy.targets.lint.images import Images
from bootworthy.targets.lint.rule import Fault, Subject


def run(source: Source, asked: Asked, images: Images | None = None) -> tuple[Fault, ...]:
    """Every fault that holds for the versions that are asked about, in the order they stand in the file.

    Raises:
        HostError: `plugin.broken`, `plugin.duplicate`.
        BootworthyError: what opening an image raises, but for one that is not there.
    """
    subject = Subject(source, machines(source), asked, images)
    found = {
        (fault.rule.id, fault.span, fault.message): fault
        for family in rule.known().values()
        for fault in family.find(subject)
        if asked.within(fault.rule.holds)
    }
    return tuple(sorted(found.values(), key=lambda it: (it.span, it.rule.id, it.message)))
