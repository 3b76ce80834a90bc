from __future__ import annotations

from pathlib import Path

import pytest

from bootworthy.errors import BuildError
from bootworthy.kernels import drift, profile
from bootworthy.kernels.config import Config
from bootworthy.kernels.profile import Want
from bootworthy.vocabulary import Architecture

X86 = Architecture.X86_64
TEXT = """\
config NETFILTER
	bool "Filter"
config ADVANCED
	bool "Advanced"
config BRIDGE_FILTER
	bool "Bridges"
	depends on NETFILTER && ADVANCED
"""
WANTED = profile.merge(
    [
        profile.parse(
            "containers",
            'title = "t"\nsources = ["s"]\n[symbols]\n'
            'BRIDGE_FILTER = {is = "y", why = "Bridges."}\n'
            'NETFILTER = {is = "y", why = "Filters."}\n'
            'GONE = {is = "m", or = ["NETFILTER"], why = "Either."}\n',
        )
    ],
    X86, "6.1", base=Config({"NAMED": "m", "OFF": "n"}),
)  # fmt: skip


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "Kconfig").write_text(TEXT)
    return tmp_path


def test_what_was_dropped_is_named_with_the_missing_dependency(source: Path) -> None:
    config = Config({"NETFILTER": "y", "ADVANCED": "n"})
    found = drift.differences(WANTED, config, source, X86)
    assert list(map(str, found)) == [
        "BRIDGE_FILTER=y (containers) was dropped: it needs ADVANCED, which is not set",
        "NAMED=m (base configuration) was dropped: no Kconfig file of this source has it for this architecture",
    ]
    assert [each.found for each in found] == [None, None]


def test_what_changed_says_into_what(source: Path) -> None:
    config = Config({"NETFILTER": "m", "BRIDGE_FILTER": "y", "NAMED": "m"})
    assert [str(each).split(":")[0] for each in drift.differences(WANTED, config, source, X86)] == [
        "NETFILTER=y (containers) became m"
    ]


def test_everything_as_it_was_asked(source: Path) -> None:
    config = Config({"NETFILTER": "y", "BRIDGE_FILTER": "y", "NAMED": "y"})
    assert drift.differences(WANTED, config, source, X86) == ()
    drift.refuse((), "Linux 6.1")


def test_symbols_are_named_where_kconfig_cannot_be_read(source: Path) -> None:
    (source / "Kconfig").write_text("nonsense\n")
    found = drift.differences(WANTED, Config({"NETFILTER": "y", "NAMED": "m"}), source, X86)
    assert [each.want.symbol for each in found] == ["BRIDGE_FILTER"]
    assert found[0].reason.startswith("nobody can tell why: Kconfig:1: 'nonsense' is no line of Kconfig")
    (source / "Kconfig").unlink()
    found = drift.differences(WANTED, Config({"NETFILTER": "y", "NAMED": "m"}), source, X86)
    assert "Kconfig is not there" in found[0].reason


def test_the_error_names_all_of_them(source: Path) -> None:
    with pytest.raises(BuildError) as error:
        drift.refuse(drift.differences(WANTED, Config({}), source, X86), "Linux 6.1.192 (x86_64)")
    assert (error.value.code, error.value.where) == ("kernel.config-drift", "Linux 6.1.192 (x86_64)")
    head, *lines = error.value.message.splitlines()
    assert head == "the kernel's configuration differs in 4 symbols from what was asked for:"
    assert [line.split("=")[0].strip() for line in lines] == ["BRIDGE_FILTER", "GONE", "NAMED", "NETFILTER"]
    one = drift.Drift(Want("A", "y", "Why.", "p"), "m", "it needs B, which is m")
    with pytest.raises(
        BuildError, match=r"differs in one symbol from what was asked for:\n  A=y \(p\) became m: it needs B"
    ):
        drift.refuse([one], None)
