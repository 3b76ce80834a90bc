"""What the guest said of itself, parsed strictly: everything in it is from outside."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from bootworthy.errors import IntegrityError
from bootworthy.proofs.fields import Fields

SCHEMA = "bootworthy.report/1"
_OUTCOMES = ("loaded", "failed", "none", "absent")


@dataclass(frozen=True, slots=True, kw_only=True)
class RootFilesystem:
    """The guest's root, as it is mounted."""

    device: str
    filesystem: str
    options: str
    bytes: int
    free: int
    """Bytes that a user may still write."""
    writable: tuple[str, ...]
    """Which of /, /etc, /var, /tmp and /run took a new file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleTrial:
    """The attempt to load one kernel module that needs no hardware."""

    outcome: str
    """`loaded`, `failed`, `none` (every such module is loaded already) or `absent` (there are no modules)."""
    name: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkDevice:
    """A network device with hardware behind it."""

    name: str
    mac: str
    driver: str
    state: str
    """The kernel's `operstate` when the system was up."""
    carrier: bool
    """Whether it has a link."""
    raised: bool
    """Whether nothing had brought it up, and the probe did."""
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestReport:
    """What the probe found."""

    init: str
    """Name of process 1."""
    state: str
    """What systemd says of the system: `running`, `degraded`, `starting`, ...; `unknown` without systemd."""
    failed_units: tuple[str, ...]
    waiting_jobs: tuple[str, ...]
    """What the init system still waited for when the probe's patience ended."""
    os_release: Mapping[str, str] = field(hash=False)
    kernel_release: str
    architecture: str
    command_line: str
    root: RootFilesystem
    module: ModuleTrial
    network: tuple[NetworkDevice, ...]
    seconds: Mapping[str, float] = field(hash=False)
    """By the guest's own clock, since its kernel began: `userspace`, `settled`, `reported`."""
    raw: Mapping[str, object] = field(hash=False, repr=False)
    """The document itself, as evidence keeps it."""


def parse(data: bytes) -> GuestReport:
    """The report in a message of the probe. Bytes that are no UTF-8 are replaced.

    Raises:
        IntegrityError: `report.malformed`, with the path of what is wrong.
    """
    try:
        document = json.loads(data.decode(errors="replace"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _bad("", f"no JSON: {error}") from error
    top = Fields(document, "", _bad)
    if top.text("schema") != SCHEMA:
        raise _bad("schema", f"not {SCHEMA}")
    return GuestReport(
        init=top.text("init"),
        state=top.text("state"),
        failed_units=top.texts("failed_units"),
        waiting_jobs=top.texts("waiting_jobs"),
        os_release=top.part("os_release").all_texts(),
        kernel_release=top.text("kernel_release"),
        architecture=top.text("architecture"),
        command_line=top.text("command_line"),
        root=_root(top.part("root")),
        module=_module(top.part("module")),
        network=tuple(_device(part) for part in top.parts("network")),
        seconds=top.part("seconds").all_seconds(),
        raw=top.fields,
    )


def _root(part: Fields) -> RootFilesystem:
    return RootFilesystem(
        device=part.text("device"),
        filesystem=part.text("filesystem"),
        options=part.text("options"),
        bytes=part.count("bytes"),
        free=part.count("free"),
        writable=part.texts("writable"),
    )


def _module(part: Fields) -> ModuleTrial:
    outcome = part.text("outcome")
    if outcome not in _OUTCOMES:
        raise _bad("module.outcome", f"{outcome!r} is none of {', '.join(_OUTCOMES)}")
    return ModuleTrial(outcome=outcome, name=part.text("name"), error=part.text("error"))


def _device(part: Fields) -> NetworkDevice:
    return NetworkDevice(
        name=part.text("name"),
        mac=part.text("mac"),
        driver=part.text("driver"),
        state=part.text("state"),
        carrier=part.flag("carrier"),
        raised=part.flag("raised"),
        addresses=part.texts("addresses"),
    )


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _bad(path: str, message: str) -> IntegrityError:
    return IntegrityError(
        "report.malformed", f"the guest's report cannot be read: {f'{path}: ' if path else ''}{message}",
        hint="the probe in the booted root is not ours, or the console lost more than its checksums show",
    )  # fmt: skip
