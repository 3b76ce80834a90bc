"""Our profiles, beside the Kconfig files of a real kernel, its own `make`, and the configurations of Debian."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootworthy.kernels import drift, profile
from bootworthy.kernels.config import Config
from bootworthy.vocabulary import Architecture
from tests.kconfig_sources import SERIES, KernelSource
from tests.needs import need

X86, ARM = Architecture.X86_64, Architecture.AARCH64
TOOLS = {X86: ["gcc"], ARM: ["gcc", "aarch64-linux-gnu-gcc"]}
# What a boot without an initial RAM disk has in common: Debian's kernel has one, and keeps drivers in it.
LACKS = {"microvm", "verity"}


@pytest.mark.parametrize("architecture", Architecture)
@pytest.mark.parametrize("name", profile.known())
def test_every_symbol_is_one_of_the_kernel_and_can_have_the_value(
    name: str, architecture: Architecture, kernel_source: KernelSource
) -> None:
    symbols = kernel_source.symbols(architecture)
    wants = [want for want in profile.load(name).wants if want.applies(architecture, SERIES)]
    assert wants
    types = {each: symbols.type(each) for want in wants for each in (want.symbol, *want.alternatives)}
    assert {each for each, kind in types.items() if kind not in {"bool", "tristate"}} == set()
    assert {want.symbol for want in wants if want.value == "m" and types[want.symbol] == "bool"} == set()


def test_what_is_bounded_is_bounded_rightly(kernel_source: KernelSource) -> None:
    """A symbol that is gone by this series is not in its Kconfig files, nor is one that comes later."""
    every = [want for name in profile.known() for want in profile.load(name).wants]
    outside = [want for want in every if want.architecture is None and not want.applies(X86, SERIES)]
    there = kernel_source.symbols(X86).definitions
    assert {want.symbol for want in outside} & set(there) == set()
    assert "MEMCG_SWAP" in {want.symbol for want in outside}


@pytest.mark.parametrize("architecture", Architecture)
@pytest.mark.parametrize("names", [*[(name,) for name in profile.known()], profile.known()], ids="+".join)
def test_a_profile_asks_for_all_that_it_needs(
    names: tuple[str, ...], architecture: Architecture, kernel_source: KernelSource, tmp_path: Path
) -> None:
    """On a configuration with nothing else in it, the kernel's own Kconfig drops nothing."""
    need("make", "flex", "bison", *TOOLS[architecture])
    wanted = profile.wanted(names, architecture, SERIES)
    outcome = kernel_source.make(tmp_path, architecture, "allnoconfig", profile.fragment(wanted))
    assert list(map(str, drift.differences(wanted, outcome, kernel_source.root, architecture))) == []
    assert all(profile.judge(profile.load(name), outcome, architecture, SERIES).met for name in names)


def test_what_kconfig_drops_is_told_with_the_missing_dependency(kernel_source: KernelSource, tmp_path: Path) -> None:
    need("make", "flex", "bison", *TOOLS[X86])
    wanted = {
        symbol: want
        for symbol, want in profile.wanted(["containers"], X86, SERIES).items()
        if symbol not in {"NETFILTER_ADVANCED", "OVERLAY_FS"}
    }
    base = profile.merge([], X86, SERIES, base=Config({"HZ_1000": "y", "HZ_100": "y", "CRC32": "n", "RD_ZSTD": "y"}))
    asked = {**wanted, **base}
    outcome = kernel_source.make(tmp_path, X86, "allnoconfig", profile.fragment(asked))
    found = {each.want.symbol: each.reason for each in drift.differences(asked, outcome, kernel_source.root, X86)}
    assert found["BRIDGE_NETFILTER"] == "it needs NETFILTER_ADVANCED, which is not set"
    assert found["RD_ZSTD"] == "it needs BLK_DEV_INITRD, which is not set"
    assert found["HZ_100"] == "it is one of a choice, and HZ_1000 is chosen"
    assert found["CRC32"].endswith(("selects it", "select it"))
    assert not [reason for reason in found.values() if "what it needs" in reason or "it can be off" in reason]


@pytest.mark.parametrize("flavour", ["amd64", "cloud-amd64"])
def test_kernels_of_debian_meet_what_debian_runs_on_them(flavour: str, kernel_source: KernelSource) -> None:
    config = kernel_source.config(flavour)
    lacking = {
        name: [(str(lack.want), lack.found) for lack in profile.judge(profile.load(name), config, X86, SERIES).lacking]
        for name in profile.known()
    }
    assert {name for name, lacks in lacking.items() if lacks} == LACKS
    assert ("VIRTIO_BLK=y", "m") in lacking["microvm"]
    assert ("DM_INIT=y", None) in lacking["verity"]
