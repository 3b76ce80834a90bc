"""What `prove` and `boot` share: the VMM of a target, and what will execute its instructions."""

from __future__ import annotations

from bootworthy.builders import busybox
from bootworthy.proofs import prove
from bootworthy.proofs.prove import Launcher, ProofRequest
from bootworthy.proofs.target import Target
from bootworthy.vmms import vmm as vmms
from bootworthy.vmms.accelerator import Choice, choose


def launcher(target: Target) -> Launcher | None:
    """The VMM of a target on this host; None for one that we do not launch.

    Raises:
        HostError: `tool.missing`.
    """
    found = vmms.known().get(target.facts.vmm)
    return Launcher.find(found) if found is not None else None


def accelerator(target: Target, request: ProofRequest, with_: Launcher) -> Choice:
    """KVM only if a real guest ran under it, else TCG."""
    program = busybox.program(target.workshop, target.architecture)
    plan = prove.plan(request, with_.vmm)
    return choose(with_.vmm, with_.binary, plan, program, target.workshop.cache)
