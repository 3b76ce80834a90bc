"""One boot as the matrix shows it: read from its evidence here, so that no format knows how evidence is laid out.

What evidence checks when it is read is taken as it is; of the rest (host, guest, checks) whatever has another type
than it should is left out, because a page must not fail over a document that somebody merged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC

from bootworthy.proofs.evidence import Evidence
from bootworthy.vocabulary import Accelerator, Verdict

_STAGES = {"kernel": "Kernel entry", "userspace": "Userspace", "healthy": "Healthy"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A boot that was run."""

    digest: str
    """That of its evidence."""
    started: str
    """`2026-11-21 02:41:07 UTC`."""
    verdict: Verdict
    ending: str
    """How it ended, in words."""
    reasons: tuple[str, ...]
    """Why it was not healthy."""
    vmm: str
    version: str
    accelerator: Accelerator
    host: tuple[tuple[str, str], ...]
    """What it ran on: label and value."""
    times: tuple[tuple[str, float], ...]
    """Stages it reached, in order, and the seconds from the launch until then."""
    guest: tuple[tuple[str, str], ...]
    """What the guest said of itself: label and value."""
    last_lines: tuple[str, ...]
    """The end of what the console showed."""
    checks: tuple[tuple[str, str], ...]
    """Checks that had something to say: severity and message."""
    command: str
    """The line that runs it again."""
    document: Mapping[str, object] = field(hash=False, repr=False)
    """The whole evidence."""

    @classmethod
    def of(cls, evidence: Evidence) -> Attempt:
        """The attempt that evidence tells of."""
        document = evidence.document
        return cls(
            digest=evidence.digest,
            started=f"{evidence.started.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC",
            verdict=evidence.verdict,
            ending=evidence.ending,
            reasons=evidence.reasons,
            vmm=evidence.vmm,
            version=evidence.version,
            accelerator=evidence.accelerator,
            host=tuple(_host(document)),
            times=tuple((label, evidence.times[stage]) for stage, label in _STAGES.items() if stage in evidence.times),
            guest=tuple(_guest(_part(document, "guest"))),
            last_lines=tuple(_texts(document, "last_lines")),
            checks=tuple(_checks(document)),
            command=_text(document, "again"),
            document=document,
        )

    @property
    def date(self) -> str:
        """The day it was run, `YYYY-MM-DD` in UTC."""
        return self.started[:10]

    @property
    def emulated(self) -> bool:
        """Whether it ran without a processor's own virtualisation."""
        return self.accelerator is Accelerator.TCG


def _host(document: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    host = _part(document, "host")
    labels = {"kernel": "Host kernel", "cpu": "Host CPU", "architecture": "Host architecture"}
    yield from ((label, _text(host, name)) for name, label in labels.items() if _text(host, name))
    if tool := _text(document, "tool"):
        yield "Recorded by", tool


def _guest(guest: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    if not guest:
        return
    release = _part(guest, "os_release")
    facts = [
        ("System", _text(release, "PRETTY_NAME") or _text(release, "NAME")),
        ("Kernel", " ".join(filter(None, [_text(guest, "kernel_release"), _text(guest, "architecture")]))),
        ("Init", ", ".join(filter(None, [_text(guest, "init"), _text(guest, "state")]))),
        ("Failed units", ", ".join(_texts(guest, "failed_units")) or "none"),
        ("Root", _root(_part(guest, "root"))),
        ("Module", _module(_part(guest, "module"))),
    ]
    yield from (fact for fact in facts if fact[1])
    for device in _parts(guest, "network"):
        yield "Network", _device(device)


def _root(root: Mapping[str, object]) -> str:
    free = root.get("free")
    room = f"{free / 2**20:.0f} MiB free" if isinstance(free, int) else ""
    places = ", ".join(_texts(root, "writable"))
    return ", ".join(filter(None, [_text(root, "filesystem"), room, f"writable: {places}" if places else ""]))


def _module(module: Mapping[str, object]) -> str:
    words = {"loaded": "loaded", "failed": "did not load", "none": "every one is loaded", "absent": "there are none"}
    outcome = words.get(_text(module, "outcome"), "")
    error = _text(module, "error")
    return " ".join(filter(None, [_text(module, "name"), outcome])) + (f": {error}" if error else "")


def _device(device: Mapping[str, object]) -> str:
    link = "link" if device.get("carrier") is True else "no link"
    return ", ".join(filter(None, [_text(device, "name"), link, *_texts(device, "addresses")]))


def _checks(document: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for finding in _parts(document, "checks"):
        if message := _text(finding, "message"):
            yield _text(finding, "severity"), message


def _part(fields: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = fields.get(name)
    return value if isinstance(value, dict) else {}


def _parts(fields: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    value = fields.get(name)
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


def _text(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _texts(fields: Mapping[str, object], name: str) -> list[str]:
    value = fields.get(name)
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []
