import re
from pathlib import Path

import pytest

from bootworthy.errors import BuildError, NotFoundError
from bootworthy.kernels import base
from bootworthy.vocabulary import Architecture


@pytest.mark.parametrize("architecture", Architecture)
@pytest.mark.parametrize("name", base.known())
def test_ours_name_each_symbol_once(name: str, architecture: Architecture) -> None:
    begun = base.load(name, architecture)
    named = re.findall(r"^CONFIG_(\w+)=", begun.text, re.MULTILINE)
    assert len(named) > 100
    assert sorted(named) == sorted(set(named)) == sorted(begun.config)
    assert begun.ours
    assert begun.target == "allnoconfig"


def test_ours_reach_a_root_by_themselves() -> None:
    for architecture in Architecture:
        config = base.load("microvm", architecture).config
        for symbol in ("VIRTIO_MMIO", "VIRTIO_PCI", "VIRTIO_BLK", "EXT4_FS", "DEVTMPFS_MOUNT", "SERIAL_8250_CONSOLE"):
            assert config.builtin(symbol), symbol
    assert "PVH" in base.load("microvm", Architecture.X86_64).config
    assert "PVH" not in base.load("microvm", Architecture.AARCH64).config


def test_an_unknown_name() -> None:
    assert base.known() == ("microvm",)
    with pytest.raises(NotFoundError, match="no configuration of ours is called 'microwm'") as caught:
        base.load("microwm", Architecture.X86_64)
    assert (caught.value.code, caught.value.hint) == ("kernel.unknown-config", "did you mean microvm?")
    with pytest.raises(NotFoundError) as caught:
        base.load("zzz", Architecture.X86_64)
    assert caught.value.hint == "known: microvm; a file is ./zzz.config"
    assert base.is_name("microvm")
    assert not base.is_name("./microvm")
    assert not base.is_name("own.config")


def test_a_file(tmp_path: Path) -> None:
    lines = ["A=y", "B=m", "N=64", 'S="y"', 'T=""', "N=8", "A=n"]
    text = "".join(f"CONFIG_{line}\n" for line in lines)
    (tmp_path / "own.config").write_text(f"{text}# CONFIG_C is not set\n")
    begun = base.read("own.config", tmp_path)
    assert dict(begun.config) == {"A": "n", "B": "m", "C": "n", "N": "8", "S": "y", "T": ""}
    assert begun.valued() == {"N": "CONFIG_N=8", "S": 'CONFIG_S="y"', "T": 'CONFIG_T=""'}
    assert begun.target == "alldefconfig"


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "bad.config").write_text("CONFIG_A=y\nnonsense\n")
    (tmp_path / "large.config").write_bytes(b"# \n" * 400_000)
    for name, message in (
        ("absent.config", "absent.config: this kernel configuration cannot be read: No such file"),
        (".", "cannot be read: Is a directory"), ("bad.config", "bad.config:2: this is no line"),
        ("large.config", "too much for a kernel configuration"),
    ):  # fmt: skip
        with pytest.raises((BuildError, NotFoundError), match=message):
            base.read(name, tmp_path)
