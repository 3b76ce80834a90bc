from __future__ import annotations

from pathlib import Path

import pytest

from bootworthy import catalog
from bootworthy.catalog.asked import read_architecture, understood
from bootworthy.catalog.entries import Catalog
from bootworthy.catalog.needs import Needs
from bootworthy.errors import BootworthyError, NotFoundError, UsageError
from bootworthy.vocabulary import Architecture


@pytest.fixture(scope="module")
def metal() -> Catalog:
    return catalog.load("builtin:liquid-metal", Path())


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("arm64", Architecture.AARCH64), ("AArch64", Architecture.AARCH64), ("amd64", Architecture.X86_64),
        ("x86-64", Architecture.X86_64), (" X86_64 ", Architecture.X86_64), ("x64", Architecture.X86_64),
    ],
)  # fmt: skip
def test_architectures_as_people_write_them(text: str, meant: Architecture) -> None:
    assert read_architecture(text) is meant


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("firecracker", "firecracker"), ("Firecracker", "firecracker"), ("Cloud Hypervisor", "cloud-hypervisor"),
        ("ch", "cloud-hypervisor"), ("cloud_hypervisor", "cloud-hypervisor"), ("qemu", "qemu-microvm"),
    ],
)  # fmt: skip
def test_vmms_as_people_write_them(metal: Catalog, text: str, meant: str) -> None:
    assert understood(Needs(vmm=text), metal).vmm == meant


def test_the_rest_is_tidied(metal: Catalog) -> None:
    asked = Needs(
        provides=("GPU", "pci"), kubernetes="v1.23.5", kernel=" 5.10 ", versions={"CAPMVM": "v0.7.0"},
        values={"kernel": "5.10.77"},
    )  # fmt: skip
    assert understood(asked, metal, "arm64") == Needs(
        architecture=Architecture.AARCH64, provides=("pci",), kubernetes="1.23.5", kernel="5.10",
        versions={"capmvm": "0.7.0"}, values={"kernel": "5.10.77"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("needs", "code", "hint"),
    [
        (Needs(system="ubnutu-20.04"), "resolve.unknown-system", "did you mean ubuntu?"),
        (Needs(system="fedora"), "resolve.unknown-system", "Own images can be used too"),
        (Needs(system="--"), "resolve.empty", ""),
        (Needs(machine="firecraker"), "resolve.unknown-machine", "did you mean firecracker?"),
        (Needs(vmm="firecraker"), "machine.unknown-vmm", "did you mean firecracker?"),
        (Needs(vmm=" "), "machine.unknown-vmm", "known here: cloud-hypervisor"),
        (Needs(provides=("pcj",)), "resolve.unknown-need", "did you mean pci?"),
        (Needs(variant="core"), "resolve.unknown-variant", "leave it out"),
        (Needs(kubernetes="newest"), "version.bad", "write numbers"),
        (Needs(versions={"capmv": "1"}), "resolve.unknown-consumer", "did you mean capmvm?"),
        (Needs(versions={"capmvm": "one"}), "version.bad", "write numbers"),
        (Needs(values={"kernels": "1"}), "resolve.unknown-value", "did you mean kernel?"),
    ],
)  # fmt: skip
def test_a_slip_is_one_error_with_the_nearest_right_word(metal: Catalog, needs: Needs, code: str, hint: str) -> None:
    with pytest.raises(BootworthyError) as caught:
        understood(needs, metal)
    assert caught.value.code == code
    assert hint in (caught.value.hint or "")
    assert caught.value.exit_status == (9 if isinstance(caught.value, NotFoundError) else 2)


def test_a_release_that_nobody_has_is_no_slip(metal: Catalog) -> None:
    assert understood(Needs(system="ubuntu 26.04"), metal).system == "ubuntu 26.04"


def test_all_slips_are_told_at_once(metal: Catalog) -> None:
    needs = Needs(system="fedora", vmm="firecraker", kubernetes="newest")
    with pytest.raises(UsageError) as caught:
        understood(needs, metal, "risc")
    assert caught.value.code == "resolve.bad-needs"
    for word in ("4 needs", "'fedora'", "'firecraker'; did you mean firecracker?", "'newest'", "'risc'"):
        assert word in caught.value.message


def test_where_nothing_is_open_there_is_nothing_to_fill() -> None:
    ours = catalog.load("builtin:bootworthy", Path())
    for needs in (Needs(values={"version": "1"}), Needs(versions={"capmvm": "1"})):
        with pytest.raises(UsageError, match="the catalog bootworthy") as caught:
            understood(needs, ours)
        assert caught.value.hint == "leave it out"


def test_what_is_understood_is_understood_again(metal: Catalog) -> None:
    first = understood(Needs(system="Ubuntu 20.04", vmm="Firecracker", provides=("gpu",), kubernetes="v1.22"), metal)
    assert understood(first, metal) == first
