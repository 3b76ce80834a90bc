"""Init."""

from __future__ import annotations

from bootworthy.kernels.elf import MACHINE_AARCH64
from tests import check_trees as make
from tests.check_cases import Case, of
from tests.check_trees import File, Link

_KEPT = of(root_=make.root())
_SYSTEMD = "usr/lib/systemd/systemd"

CASES = {
    "init.missing": Case(breaks=of(root_=make.root() | {"usr/sbin/init": Link(b"../lib/none")}), keeps=_KEPT),
    "init.not-executable": Case(breaks=of(root_=make.root() | {_SYSTEMD: File(make.program(), 0o644)}), keeps=_KEPT),
    "init.architecture": Case(breaks=of(root_=make.root() | {_SYSTEMD: make.program(MACHINE_AARCH64)}), keeps=_KEPT),
    "init.interpreter-missing": Case(
        breaks=of(root_=make.root() | {_SYSTEMD: make.program(linker=b"/lib/ld-musl-x86_64.so.1")}), keeps=_KEPT
    ),
    "init.library-missing": Case(
        breaks=of(root_=make.root() | {_SYSTEMD: make.linked(b"libc.so.6")}),
        keeps=of(
            root_=make.root() | {_SYSTEMD: make.linked(b"libc.so.6"), "usr/lib64/libc.so.6": make.linked(linker=None)}
        ),
    ),
    "init.not-systemd": Case(breaks=of(root_=make.root() | {"usr/sbin/init": make.program()}), keeps=_KEPT),
}
