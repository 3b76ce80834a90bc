"""What `emit` writes breaks no rule, for any guest and the versions that it was written for."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.errors import RefusedError
from bootworthy.targets.consumer import Versions
from bootworthy.targets.guest import Guest, Layout, Modules
from bootworthy.targets.lint.consumers import NEWEST, Asked
from bootworthy.targets.lint.detection import machines
from bootworthy.targets.lint.documents import read_text
from bootworthy.targets.lint.rule import Fault
from bootworthy.targets.lint.run import run
from bootworthy.targets.target import ImageTarget, known
from bootworthy.vocabulary import Severity
from tests import golden

TARGETS = {name: each for name, each in known().items() if isinstance(each, ImageTarget) and name != "capmvm-env"}
CASES = [
    (name, what, versions)
    for name, target in TARGETS.items()
    for what in golden.GUESTS
    for versions in golden.pairs(target)
]


def linted(name: str, text: str, versions: Versions) -> tuple[Fault, ...]:
    asked = Asked(at=date(2023, 1, 1), versions={key: each for key, each in versions.taken.items() if key in NEWEST})
    source = read_text(f"x{golden.suffix(name)}", text)
    assert machines(source), "nothing to look at"
    return run(source, asked)


def worst(faults: tuple[Fault, ...]) -> list[tuple[str, str]]:
    return [(fault.rule.id, fault.message) for fault in faults if fault.severity is Severity.ERROR]


@pytest.mark.parametrize("name", TARGETS)
def test_documents_for_every_version_break_no_rule(name: str) -> None:
    looked = 0
    for _, what, versions in (case for case in CASES if case[0] == name):
        try:
            document = TARGETS[name].render(golden.GUESTS[what], versions)
        except RefusedError:
            continue
        faults = linted(name, document.text, versions)
        assert worst(faults) == []
        # Legacy images stay legacy, and a mutable reference of the sandbox is Ignite's own.
        assert {fault.rule.id for fault in faults} <= {"LM-009", "LM-026", "LM-029"}
        looked += 1
    assert looked


@st.composite
def guests(draw: st.DrawFn) -> Guest:
    release = (
        f"{draw(st.sampled_from(['5.10', '6.1']))}.{draw(st.integers(1, 255))}{draw(st.sampled_from(['', '-lm']))}"
    )
    owner = draw(st.sampled_from(["registry.example/lm", "ghcr.io/liquidmetal-dev", "localhost:5000/a/b"]))
    modules = Modules(image=f"{owner}/modules:{release}@{golden.digest(3)}", layout=Layout.FLAT, path="/")
    return replace(
        golden.SPLIT,
        name=draw(st.from_regex(r"[a-z][a-z0-9-]{0,20}[a-z0-9]", fullmatch=True)),
        vmm=draw(st.sampled_from(["firecracker", "cloud-hypervisor"])),
        vcpus=draw(st.integers(1, 8) | st.integers(1, 80)),
        memory_mib=draw(st.integers(1024, 4096) | st.integers(256, 40000)),
        release=release,
        root=f"{owner}/root:1@{golden.digest(1)}",
        kernel=f"{owner}/kernel:{release}@{golden.digest(2)}",
        kernel_file=draw(st.sampled_from(["boot/vmlinux", "vmlinux", "boot/vmlinux.bin"])),
        modules=draw(st.sampled_from([modules, None])),
    )


@given(st.sampled_from(CASES), guests())
def test_any_guest_is_refused_or_written_well(case: tuple[str, str, Versions], guest: Guest) -> None:
    name, _, versions = case
    try:
        document = TARGETS[name].render(guest, versions)
    except RefusedError:
        return
    assert worst(linted(name, document.text, versions)) == []
