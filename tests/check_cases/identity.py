"""Identity."""

from __future__ import annotations

from tests import check_trees as make
from tests.check_cases import Case, of
from tests.check_trees import File, Link

_KEPT = of(root_=make.root())
_SSHD = {"usr/sbin/sshd": make.program()}

CASES = {
    "identity.machine-id": Case(
        breaks=of(root_=make.root() | {"etc/machine-id": File(b"0123456789abcdef0123456789abcdef\n")}), keeps=_KEPT
    ),
    "identity.host-keys": Case(
        breaks=of(root_=make.root() | {"etc/ssh/ssh_host_ed25519_key": File(b"a key", 0o600)}), keeps=_KEPT
    ),
    "identity.random-seed": Case(
        breaks=of(root_=make.root() | {"var/lib/systemd/random-seed": File(bytes(32), 0o600)}), keeps=_KEPT
    ),
    "identity.cloud-instance": Case(
        breaks=of(root_=make.root() | {"var/lib/cloud/instance": Link(b"/var/lib/cloud/instances/i-0123")}),
        keeps=_KEPT,
    ),
    "identity.root-password": Case(
        breaks=of(root_=make.root() | _SSHD | {"etc/shadow": File(b"root::19000::::::\n", 0o640)}),
        keeps=of(root_=make.root() | _SSHD | {"etc/shadow": File(b"root:*:19000::::::\n", 0o640)}),
    ),
}
