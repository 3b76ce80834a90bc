"""Machines that are hardware, and the guest kernels that makers of machines support."""

from __future__ import annotations

import pytest

from bootworthy import catalog as catalogs
from bootworthy.catalog.entries import Machine
from bootworthy.errors import DocumentError, Problem
from bootworthy.matrix import words
from bootworthy.vocabulary import Architecture

CATALOG = """
bootworthy: 1
name: example
systems:
  one: {{images: {{root: "registry.example/one:1"}}}}
kernels:
  k: {{release: "{release}", images: {{kernel: "registry.example/k:1"}}}}
machines:
  m: {{{machine}, arch: aarch64}}
matrix:
  - {{systems: [one], kernels: [k], machines: ["*"], support: supported}}
"""


def machine(text: str) -> Machine:
    return catalogs.load_text(CATALOG.format(machine=text, release="5.10.1"), "example.yaml").machines["m"]


def problems(text: str) -> tuple[Problem, ...]:
    with pytest.raises(DocumentError) as caught:
        machine(text)
    return caught.value.problems


def test_hardware() -> None:
    board = machine("hardware: rpi4")
    assert (board.vmm, board.hardware, board.vcpus) == ("rpi4", True, 4)
    assert board.architecture is Architecture.AARCH64
    assert not machine("vmm: firecracker").hardware


@pytest.mark.parametrize(
    ("text", "code", "path", "hint"),
    [
        ("hardware: rpi5", "catalog.dangling", "machines.m.hardware", "did you mean rpi4?"),
        ("hardware: firecracker", "catalog.dangling", "machines.m.hardware", None),
        ("vmm: rpi4", "catalog.dangling", "machines.m.vmm", None),
        ("vmm: firecracker, hardware: rpi4", "catalog.missing", "machines.m", "write `vmm`, or `hardware`"),
        ("title: nothing", "catalog.missing", "machines.m", "write `vmm`, or `hardware`"),
        ("hardware: rpi4, vcpus: 5", "catalog.value", "machines.m.vcpus", None),
        ("vmm: firecracker, guests: [{series: 5.1.2}]", "catalog.value", "machines.m.guests.0.series", "as 5.10"),
        ("vmm: firecracker, guests: [{since: '2020'}]", "catalog.missing", "machines.m.guests.0", None),
    ],
)
def test_mistakes(text: str, code: str, path: str, hint: str | None) -> None:
    found = problems(text)
    (problem,) = [each for each in found if each.code == code and each.path.startswith(path)]
    if hint is not None:
        assert problem.hint == hint


@pytest.mark.parametrize(
    ("release", "guests", "said"),
    [
        ("5.10.77", '[{series: "5.10"}]', ""),
        ("5.10", '[{series: "6.1"}, {series: "5.10"}]', ""),
        ("5.1.3", '[{series: "5.10"}]', "guest kernels 5.10, and not of 5.1.3"),
        ("5.100.3", '[{series: "5.10"}, {series: "6.1"}]', "guest kernels 5.10, 6.1, and not of 5.100.3"),
        ("5.10.77", "[]", ""),
    ],
)
def test_whether_its_makers_support_a_kernel(release: str, guests: str, said: str) -> None:
    text = CATALOG.format(machine=f"vmm: firecracker, guests: {guests}", release=release)
    (cell,) = catalogs.load_text(text, "example.yaml").cells
    told = words.kernel_support(cell)
    assert told.endswith(said)
    assert bool(told) == bool(said)
