from pathlib import Path

import pytest

from bootworthy.builders import toolchain
from bootworthy.builders.toolchain import Toolchain
from bootworthy.errors import HostError
from bootworthy.host import tools
from bootworthy.vocabulary import Architecture

X86, ARM = Architecture.X86_64, Architecture.AARCH64


def test_another_architecture_has_a_compiler_of_its_own() -> None:
    assert Toolchain(X86, X86).words == ["ARCH=x86_64"]
    assert Toolchain(ARM, X86).words == ["ARCH=arm64", "CROSS_COMPILE=aarch64-linux-gnu-"]
    assert Toolchain(ARM, ARM).words == ["ARCH=arm64"]
    assert Toolchain(X86, ARM).words == ["ARCH=x86_64", "CROSS_COMPILE=x86_64-linux-gnu-"]


ALWAYS = "apt-get install gcc libc6-dev make bc bison flex perl-base kmod"


@pytest.mark.parametrize(
    ("chain", "wanted"),
    [
        (Toolchain(X86, X86), "binutils"),
        (Toolchain(ARM, X86), "gcc-aarch64-linux-gnu binutils-aarch64-linux-gnu"),
        (Toolchain(X86, ARM, btf=True), "dwarves gcc-x86-64-linux-gnu binutils-x86-64-linux-gnu"),
    ],
)
def test_all_that_is_missing_is_named_at_once(
    chain: Toolchain, wanted: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(tools, "_SYSTEM", str(tmp_path))
    with pytest.raises(HostError) as caught:
        chain.versions()
    assert caught.value.code == "tool.missing"
    assert caught.value.message.startswith("could not find gcc, make, bc, bison, flex, perl, depmod, ")
    assert caught.value.hint == f"{ALWAYS} {wanted}"


def test_type_information_needs_one_more() -> None:
    assert toolchain.chosen(ARM, ["VIRTIO"]).btf is False
    assert toolchain.chosen(ARM, ["VIRTIO", "DEBUG_INFO_BTF"]).btf is True
    assert toolchain.processors() >= 1
