"""CAPMVM's MicrovmMachineTemplate by itself, for a manifest that has the rest."""

from __future__ import annotations

from bootworthy.targets import microvm, mounts
from bootworthy.targets.consumer import CAPMVM, FLINTLOCK, Versions
from bootworthy.targets.guest import Guest
from bootworthy.targets.machine_template import template
from bootworthy.targets.target import Document, ImageTarget
from bootworthy.targets.written import as_yaml


def render(guest: Guest, versions: Versions) -> Document:
    """The template.

    Raises:
        RefusedError: as `machine_template.machine`.
    """
    document = template(guest, versions, guest.name)
    name = document["metadata"]["name"]
    notes = [f"machines are replaced when infrastructureRef names {name}"]
    notes += [f"put this into `mounts` of the kubeadm configuration: {each}" for each in mounts.told(guest)]
    return Document(as_yaml([document]), (*notes, *microvm.deaf(guest)))


TARGET = ImageTarget(title="CAPMVM, MicrovmMachineTemplate", consumers=(CAPMVM, FLINTLOCK), render=render)
