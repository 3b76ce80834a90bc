from pathlib import Path

import pytest

from bootworthy.builders import kernel_request
from bootworthy.errors import BuildError, NotFoundError
from bootworthy.kernels import base, kconfig, profile
from bootworthy.kernels.base import Base
from bootworthy.kernels.config import Config
from bootworthy.kernels.drift import Drift
from bootworthy.kernels.kconfig import Symbols
from bootworthy.kernels.profile import BASE
from bootworthy.vocabulary import Architecture

X86 = Architecture.X86_64
KCONFIG = """\
config OVERLAY_FS
	tristate "Overlay"
config LOCALVERSION
	string "Suffix"
config LOCALVERSION_AUTO
	bool "From git"
config MODULE_SIG
	bool "Signatures"
config MODULE_SIG_KEY
	string "Key"
config NOBODY_ASKS
	bool
config WIREGUARD
	tristate "WireGuard"
config LAST
	int "Number"
"""


@pytest.fixture
def symbols() -> Symbols:
    return kconfig.parse({"Kconfig": KCONFIG}.get, X86)


def of(text: str, *, ours: bool = False) -> Base:
    return Base.parse("own", text, ours=ours, where="own.config")


def test_profiles_over_a_base(symbols: Symbols) -> None:
    begun = of('CONFIG_OVERLAY_FS=y\nCONFIG_WIREGUARD=n\nCONFIG_LAST=8\nCONFIG_LOCALVERSION="-own"\n')
    request = kernel_request.join(begun, ["wireguard"], X86, "6.1.192", symbols)
    lines = request.text.splitlines()
    assert (request.wanted["WIREGUARD"].value, request.wanted["WIREGUARD"].profile) == ("m", "wireguard")
    assert (request.wanted["OVERLAY_FS"].value, request.wanted["OVERLAY_FS"].profile) == ("y", BASE)
    assert {"CONFIG_OVERLAY_FS=y", "CONFIG_WIREGUARD=m", "CONFIG_LAST=8", 'CONFIG_LOCALVERSION="-own"'} < set(lines)
    assert len(lines) == len(set(lines))
    assert request.target == "alldefconfig"


def test_what_would_be_another_one_each_time(symbols: Symbols) -> None:
    begun = of('CONFIG_LOCALVERSION_AUTO=y\nCONFIG_MODULE_SIG=y\nCONFIG_MODULE_SIG_KEY="certs/signing_key.pem"\n')
    lines = kernel_request.join(begun, [], X86, "6.1", symbols).text.splitlines()
    assert lines == [
        'CONFIG_MODULE_SIG_KEY=""', "# CONFIG_LOCALVERSION_AUTO is not set", "# CONFIG_MODULE_SIG is not set"
    ]  # fmt: skip


def test_symbols_of_other_releases_and_those_nobody_can_ask_for(symbols: Symbols) -> None:
    text = "CONFIG_NOBODY_ASKS=y\nCONFIG_OF_ANOTHER_RELEASE=y\n"
    ours = kernel_request.join(of(text, ours=True), [], X86, "6.1", symbols)
    assert not {"NOBODY_ASKS", "OF_ANOTHER_RELEASE"} & ours.wanted.keys()
    assert ours.target == "allnoconfig"
    theirs = kernel_request.join(of(text), [], X86, "6.1", symbols)
    assert "NOBODY_ASKS" not in theirs.wanted
    assert theirs.wanted["OF_ANOTHER_RELEASE"].value == "y"


def test_a_base_that_a_profile_overrules(symbols: Symbols) -> None:
    request = kernel_request.join(of("CONFIG_WIREGUARD=y\n"), ["wireguard"], X86, "6.1", symbols)
    assert request.wanted["WIREGUARD"].value == "y"
    with pytest.raises(NotFoundError, match="no profile of kernels is called 'wireguards'"):
        kernel_request.join(of(""), ["wireguards"], X86, "6.1", symbols)


def test_profiles_that_contradict_each_other(symbols: Symbols, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other = profile.parse("other", 'title = "t"\nsources = []\n[symbols]\nWIREGUARD = {is = "n", why = "No."}\n')
    monkeypatch.setattr(profile, "load", {"other": other, "wireguard": profile.load("wireguard")}.__getitem__)
    with pytest.raises(BuildError, match="WIREGUARD"):
        kernel_request.join(of(""), ["other", "wireguard"], X86, "6.1", symbols)


@pytest.mark.parametrize("architecture", Architecture)
def test_the_configuration_of_ours_goes_with_every_profile(architecture: Architecture) -> None:
    begun = base.load("microvm", architecture)
    for name in profile.known():
        wanted = profile.wanted([name], architecture, "6.1.192", base=begun.config)
        refused = [symbol for symbol, want in wanted.items() if want.value == "n" and begun.config.get(symbol) == "y"]
        assert set(refused) <= {"DEBUG_INFO_NONE"}, name  # ebpf needs what that leaves out


def test_what_the_base_has_off_may_be_needed(symbols: Symbols) -> None:
    """A `select` of what was asked for switches it on, and that is no difference; anything else is."""
    kconfig_ = KCONFIG + "config NEEDY\n\ttristate 'Needy'\n\tselect WIREGUARD\n"
    found = kconfig.parse({"Kconfig": kconfig_}.get, X86)
    request = kernel_request.join(of("# CONFIG_WIREGUARD is not set\nCONFIG_OVERLAY_FS=m\n"), [], X86, "6.1", found)
    off, module = (Drift(request.wanted[symbol], "y", "why") for symbol in ("WIREGUARD", "OVERLAY_FS"))
    assert not request.refuses(off, Config({"WIREGUARD": "y", "NEEDY": "y"}))
    assert request.refuses(off, Config({"WIREGUARD": "y", "NEEDY": "n"}))
    assert request.refuses(module, Config({"OVERLAY_FS": "n"}))
