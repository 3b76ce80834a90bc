from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.errors import BuildError
from bootworthy.kernels.config import Config

TEXT = """#
# Automatically generated file; DO NOT EDIT.
# Linux/x86 6.1.0 Kernel Configuration
#
CONFIG_EXT4_FS=y
CONFIG_VIRTIO_BLK=m
# CONFIG_IKCONFIG is not set
CONFIG_HZ=250
CONFIG_BASE=0x1000
CONFIG_LOCALVERSION="-a \\"quoted\\" one"
"""


def test_symbols_and_values() -> None:
    config = Config.parse(TEXT)
    assert dict(config) == {
        "EXT4_FS": "y", "VIRTIO_BLK": "m", "IKCONFIG": "n", "HZ": "250", "BASE": "0x1000",
        "LOCALVERSION": '-a "quoted" one',
    }  # fmt: skip
    assert config["CONFIG_HZ"] == config["HZ"]
    assert "NOWHERE" not in config


def test_states() -> None:
    config = Config.parse(TEXT)
    assert [config.builtin(name) for name in ("EXT4_FS", "VIRTIO_BLK", "IKCONFIG", "NOWHERE")] == [
        True,
        False,
        False,
        False,
    ]
    assert [config.module(name) for name in ("EXT4_FS", "VIRTIO_BLK", "IKCONFIG", "NOWHERE")] == [
        False,
        True,
        False,
        False,
    ]
    assert [config.enabled(name) for name in ("EXT4_FS", "VIRTIO_BLK", "IKCONFIG", "NOWHERE")] == [
        True,
        True,
        False,
        False,
    ]


def test_a_line_that_is_none_is_located() -> None:
    with pytest.raises(BuildError, match="virtio: yes") as error:
        Config.parse("CONFIG_A=y\nvirtio: yes\n", where="config-6.1")
    assert error.value.code == "kernel.config"
    assert error.value.where == "config-6.1:2"


@given(st.dictionaries(st.from_regex(r"[A-Z0-9_]{1,20}", fullmatch=True), st.sampled_from(["y", "m", "n", "42"])))
def test_what_was_written_is_read(values: dict[str, str]) -> None:
    lines = [f"# CONFIG_{key} is not set" if value == "n" else f"CONFIG_{key}={value}" for key, value in values.items()]
    known = {key.removeprefix("CONFIG_"): value for key, value in values.items()}
    assert dict(Config.parse("\n".join(lines))) == known


def test_a_kernel_may_carry_its_configuration() -> None:
    kernel = b"code IKCFG_ST " + b"IKCFG_ST" + gzip.compress(TEXT.encode(), mtime=0) + b"IKCFG_ED" + b"code"
    found = Config.embedded(kernel)
    assert found is not None
    assert dict(found) == dict(Config.parse(TEXT))
    assert Config.embedded(b"code") is None


def test_a_damaged_embedded_configuration_is_refused() -> None:
    packed = gzip.compress(TEXT.encode(), mtime=0)
    with pytest.raises(BuildError, match="cut off") as error:
        Config.embedded(b"IKCFG_ST" + packed[:-9] + b"IKCFG_ED")
    assert error.value.code == "kernel.unreadable"
