"""Why a symbol is not what it was asked to be, by Kconfig files of a few lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.kernels import kconfig
from bootworthy.kernels.reason import Outcome
from bootworthy.vocabulary import Architecture

TEXT = """\
config NET
	bool "Networking"
config MODULES
	bool "Modules"
config NETFILTER
	bool "Filter"
	depends on NET
config NETFILTER_ADVANCED
	bool "Advanced"
	depends on NETFILTER
config BRIDGE
	tristate "Bridge"
	depends on NET
config BRIDGE_NETFILTER
	tristate "Bridge filter"
	depends on BRIDGE && NETFILTER && NETFILTER_ADVANCED
config IPV6
	tristate "IPv6"
config TUNNEL
	tristate "Tunnel"
	depends on IPV6 || IPV6=n
config EITHER
	bool "Either"
	depends on LEFT || RIGHT
config LEFT
	bool "Left"
config RIGHT
	bool "Right"
config PLAIN
	bool "Plain"
	depends on !NET
config HIDDEN
	tristate
config FIRST
	bool "First"
	select HIDDEN
config SECOND
	tristate "Second"
	select HIDDEN if NET
config DEFAULT
	def_bool y
config EXPERT
	bool "Expert"
config SYSFS
	bool "sysfs" if EXPERT
	default y
config HZ
	int
config OLD_ONLY
	tristate "Module"
	depends on m
config SHADOW
	bool "Shadow"
	depends on $(cc-option,-fsanitize=shadow)
config FREE
	bool "Free"
choice
	prompt "Timer"
config HZ_100
	bool "100"
config HZ_250
	bool "250"
endchoice
config TWICE
	tristate "Twice"
	depends on NET && LEFT
config TWICE
	tristate "Twice"
	depends on RIGHT
config NEEDS_HIDDEN
	bool "Needs hidden"
	depends on HIDDEN
config FOREIGN
	bool "Foreign"
	depends on MIPS
"""
NOT = "which is not set"
SYMBOLS = kconfig.parse({"Kconfig": TEXT}.get, Architecture.X86_64)


def why(symbol: str, wanted: str, **config: str) -> str:
    return Outcome(SYMBOLS, config).why(symbol, wanted)


@pytest.mark.parametrize(
    ("symbol", "wanted", "config", "reason"),
    [
        (
            "BRIDGE_NETFILTER", "m", {"NET": "y", "NETFILTER": "y", "BRIDGE": "m"},
            "it needs NETFILTER_ADVANCED, which is not set",
        ),
        (
            "BRIDGE_NETFILTER", "y", {"NET": "y", "NETFILTER": "y", "NETFILTER_ADVANCED": "y", "BRIDGE": "m"},
            "it needs BRIDGE, which is m",
        ),
        ("NETFILTER_ADVANCED", "y", {}, "it needs NETFILTER, which is not set (that needs NET, which is not set)"),
        (
            "BRIDGE_NETFILTER", "m", {"NETFILTER_ADVANCED": "n"},
            f"it needs BRIDGE, {NOT} (that needs NET, {NOT}), and NETFILTER, {NOT}, and NETFILTER_ADVANCED, {NOT}",
        ),
        ("TUNNEL", "y", {"IPV6": "m"}, "it needs `IPV6 || IPV6 = n` (IPV6 is m)"),
        ("EITHER", "y", {}, "it needs LEFT or RIGHT, and neither is set"),
        ("PLAIN", "y", {"NET": "y"}, "it needs NET to be off, and it is y"),
        ("HIDDEN", "m", {}, "it cannot be set by hand; FIRST or SECOND would select it"),
        ("NEEDS_HIDDEN", "y", {}, "it needs HIDDEN, which is not set (FIRST or SECOND would select it)"),
        ("HIDDEN", "n", {"HIDDEN": "y", "FIRST": "y", "SECOND": "m", "NET": "y"}, "FIRST and SECOND select it"),
        ("HIDDEN", "n", {"HIDDEN": "m", "SECOND": "m", "NET": "y"}, "SECOND selects it"),
        ("DEFAULT", "n", {"DEFAULT": "y"}, "it cannot be set by hand, and its default is to be on"),
        ("SYSFS", "n", {"SYSFS": "y"}, "its default is to be on, and to change it takes EXPERT, which is not set"),
        ("SYSFS", "y", {}, "it needs EXPERT, which is not set"),
        ("HZ", "y", {"HZ": "250"}, "it is of the type int"),
        ("NET", "m", {}, "it is built in or not at all, and cannot be a module"),
        ("OLD_ONLY", "y", {"OLD_ONLY": "m"}, "it needs to be a module"),
        ("SHADOW", "y", {}, "the compiler or another tool decides on it: $(cc-option,-fsanitize=shadow)"),
        ("FREE", "y", {}, "what it needs by Kconfig:55 is there"),
        ("FREE", "n", {"FREE": "y"}, "by Kconfig:55 it can be off"),
        ("HZ_100", "y", {"HZ_250": "y"}, "it is one of a choice, and HZ_250 is chosen"),
        ("HZ_250", "n", {"HZ_250": "y"}, "it is one of a choice, and no other is chosen"),
        ("TWICE", "m", {}, "it needs RIGHT, which is not set"),
        ("FOREIGN", "y", {}, "it needs MIPS, which this architecture does not have"),
        ("MIPS", "y", {}, "no Kconfig file of this source has it for this architecture"),
    ],
)  # fmt: skip
def test_the_reason(symbol: str, wanted: str, config: dict[str, str], reason: str) -> None:
    assert why(symbol, wanted, **config) == reason


def test_what_a_symbol_lacks_is_told_once_and_has_an_end() -> None:
    ring = "".join(f'config A{each}\n\tbool "a"\n\tdepends on A{(each + 1) % 40}\n' for each in range(40))
    fan = "".join(
        f'config B{each}\n\tbool "b"\n\tdepends on {" && ".join(f"B{other}" for other in range(40))}\n'
        for each in range(40)
    )
    symbols = kconfig.parse({"Kconfig": ring + fan}.get, Architecture.X86_64)
    assert Outcome(symbols, {}).why("A0", "y").count("A1,") == 1
    assert Outcome(symbols, {}).why("B0", "y") == (
        f"it needs B1, {NOT}, and B2, {NOT}, and B3, {NOT}, and B4, {NOT}, and 35 more"
    )


@given(
    st.sampled_from(sorted(SYMBOLS.definitions)), st.sampled_from("ymn"),
    st.dictionaries(st.sampled_from(sorted(SYMBOLS.definitions)), st.sampled_from(["y", "m", "n", "100", ""])),
)  # fmt: skip
def test_there_is_always_a_reason(symbol: str, wanted: str, config: dict[str, str]) -> None:
    assert why(symbol, wanted, **config)
