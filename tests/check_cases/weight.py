"""Dead weight."""

from __future__ import annotations

from tests import check_trees as make
from tests.check_cases import Case, of
from tests.check_trees import File

_LARGE = File(bytes(9_000_000))
_KEPT = of(root_=make.root(), kernel_=make.kernel())

CASES = {
    "weight.kernel": Case(
        breaks=of(root_=make.root() | {"boot/vmlinuz-6.1.0-9-amd64": _LARGE}, kernel_=make.kernel()), keeps=_KEPT
    ),
    "weight.package-cache": Case(
        breaks=of(root_=make.root() | {"var/cache/apt/archives/bash_5.2_amd64.deb": _LARGE}), keeps=_KEPT
    ),
    "weight.firmware": Case(
        breaks=of(root_=make.root() | {"usr/lib/firmware/iwlwifi.ucode": _LARGE}),
        keeps=of(root_=make.root() | {"usr/lib/firmware/iwlwifi.ucode": _LARGE}, devices=frozenset({"pci"})),
    ),
}
