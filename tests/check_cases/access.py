"""Ways in."""

from __future__ import annotations

from tests import check_trees as make
from tests.check_cases import Case, of
from tests.check_trees import File

_HASH = b"$6$saltsalt$" + b"x" * 86
_SSHD = {"usr/sbin/sshd": make.program()}
_EMPTY = {**_SSHD, "etc/shadow": File(b"root::19000::::::\n", 0o640)}
_OPEN = File(b"PermitRootLogin yes\nPermitEmptyPasswords yes\n")
_KEYS = {"root/.ssh/authorized_keys": File(b"ssh-ed25519 AAAA somebody\n", 0o600)}
_CLOUD_INIT = {"usr/bin/cloud-init": make.program()}

CASES = {
    "access.ssh-without-password": Case(
        breaks=of(root_=make.root() | _EMPTY | {"etc/ssh/sshd_config": _OPEN}),
        keeps=of(root_=make.root() | _EMPTY | {"etc/ssh/sshd_config": File(b"PermitRootLogin yes\n")}),
    ),
    "access.password": Case(
        breaks=of(root_=make.root() | {"etc/shadow": File(b"root:" + _HASH + b":19000::::::\n", 0o640)}),
        keeps=of(root_=make.root() | {"etc/shadow": File(b"root:!" + _HASH + b":19000::::::\n", 0o640)}),
    ),
    "access.authorized-keys": Case(breaks=of(root_=make.root() | _SSHD | _KEYS), keeps=of(root_=make.root() | _KEYS)),
    "access.no-cloud-init": Case(
        breaks=of(root_=make.root(), metadata_only=True), keeps=of(root_=make.root() | _CLOUD_INIT, metadata_only=True)
    ),
    "access.no-metadata": Case(
        breaks=of(root_=make.root() | _CLOUD_INIT),
        keeps=of(root_=make.root() | _CLOUD_INIT | {"etc/cloud/cloud-init.disabled": File(b"")}),
    ),
}
