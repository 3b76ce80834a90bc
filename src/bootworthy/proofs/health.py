"""What healthy means (DESIGN, section 5, Probe), and why a guest is not."""

from __future__ import annotations

from dataclasses import dataclass

from bootworthy.proofs.report import GuestReport, NetworkDevice
from bootworthy.vocabulary import Architecture

UNTESTED = (
    "traffic over the network: a link is all that is asked for",
    "more than one kernel module",
    "anything after the first minutes, and any load",
)
"""What a healthy verdict does not speak of."""
_WRITABLE = ("/", "/var", "/tmp")  # noqa: S108  (folders of the guest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectations:
    """What a guest is held to."""

    architecture: Architecture
    kernel_release: str | None = None
    """None when it is not known what the kernel calls itself."""
    root_writable: bool = True
    modules: bool = False
    """Whether there is a modules image."""
    network: bool = True
    """Whether the machine has a network device."""


def judge(report: GuestReport, expected: Expectations) -> list[str]:
    """Why the guest is not healthy, each in words; empty when it is."""
    return [
        *_system(report),
        *_kernel(report, expected),
        *_root(report, expected),
        *_module(report, expected),
        *(_network(report.network) if expected.network else []),
    ]


def _system(report: GuestReport) -> list[str]:
    reasons = [f"the unit {unit} failed" for unit in report.failed_units]
    if report.state == "running" or (report.state == "degraded" and reasons):
        return reasons
    if report.state == "unknown":
        return [*reasons, f"the init system ({report.init}) does not say whether it is up"]
    waiting = ", ".join(report.waiting_jobs)
    return [*reasons, f"{report.init} says {report.state!r}" + (f"; it still waits for {waiting}" if waiting else "")]


def _kernel(report: GuestReport, expected: Expectations) -> list[str]:
    reasons = []
    if report.architecture != expected.architecture.value:
        reasons.append(f"the guest is {report.architecture}, and {expected.architecture} was launched")
    if expected.kernel_release and report.kernel_release != expected.kernel_release:
        reasons.append(f"the guest runs kernel {report.kernel_release}, and {expected.kernel_release} was launched")
    return reasons


def _root(report: GuestReport, expected: Expectations) -> list[str]:
    if not expected.root_writable:
        return []
    missing = [folder for folder in _WRITABLE if folder not in report.root.writable]
    return [f"nothing can be written in {', '.join(missing)} (root: {report.root.options})"] if missing else []


def _module(report: GuestReport, expected: Expectations) -> list[str]:
    if not expected.modules:
        return []
    match report.module.outcome:
        case "failed":
            return [f"the kernel module {report.module.name} does not load: {report.module.error}"]
        case "absent":
            return [f"there is a modules image, and no module can be loaded: {report.module.error}"]
        case _:
            return []


def _network(devices: tuple[NetworkDevice, ...]) -> list[str]:
    if not devices:
        return ["the machine has a network device, and the guest has no driver for it"]
    if any(device.carrier for device in devices):
        return []
    return [f"no network device has a link: {', '.join(f'{device.name} is {device.state}' for device in devices)}"]
