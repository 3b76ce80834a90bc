"""What we read in Kconfig files, beside what the kernel's own Kconfig made of them in Debian's real configurations."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from bootworthy.kernels import dependency
from bootworthy.kernels.dependency import evaluate
from bootworthy.kernels.kconfig import Definition, Symbols
from bootworthy.vocabulary import Architecture
from tests.kconfig_sources import KernelSource

X86 = Architecture.X86_64
# Debian's build takes this line out of what Kconfig wrote (debian/rules.d of its source package).
TAKEN_OUT = {"MODULE_SIG_ALL"}


@pytest.fixture(scope="module")
def symbols(kernel_source: KernelSource) -> Symbols:
    return kernel_source.symbols(X86)


@pytest.mark.parametrize("flavour", ["amd64", "cloud-amd64"])
def test_every_symbol_of_a_real_configuration_is_found(
    flavour: str, kernel_source: KernelSource, symbols: Symbols
) -> None:
    config = kernel_source.config(flavour)
    assert len(config) > 3000
    assert set(config) - set(symbols.definitions) == set()
    types = {symbol: symbols.type(symbol) for symbol, value in config.items() if value in {"y", "m"}}
    assert set(types.values()) == {"bool", "tristate"}
    assert {symbol for symbol, value in config.items() if value == "m" and types[symbol] == "bool"} == set()


@pytest.mark.parametrize("flavour", ["amd64", "cloud-amd64"])
def test_what_can_be_set_is_what_kconfig_says_can_be_set(
    flavour: str, kernel_source: KernelSource, symbols: Symbols
) -> None:
    """Kconfig writes `is not set` for what a person could set, and nothing for what nobody could."""
    config = kernel_source.config(flavour)
    wrong: list[str] = []
    seen = {"absent": 0, "n": 0}
    for symbol, definitions in symbols.definitions.items():
        state = config.get(symbol, "absent")
        if symbols.type(symbol) not in {"bool", "tristate"} or state not in seen or symbol in TAKEN_OUT:
            continue
        ours = _settable(definitions, config, symbols)
        seen[state] += 1
        if (state == "absent" and ours) or (state == "n" and ours == 0 and any(each.prompt for each in definitions)):
            wrong.append(symbol)
    assert wrong == []
    assert min(seen.values()) > 1000


def _settable(definitions: tuple[Definition, ...], config: Mapping[str, str], symbols: Symbols) -> int | None:
    """The best value that a person could give it; None where a macro decides."""

    def value(symbol: str) -> str:
        if symbol in config:
            return config[symbol]
        kind = symbols.type(symbol)
        return symbol if kind is None else "n" if kind in {"bool", "tristate"} else ""

    values = [
        evaluate(dependency.All((*each.depends, *each.visible, dependency.Symbol("y"))), value)
        for each in definitions
        if each.prompt
    ]
    if not values:
        return 0
    # One definition that can be set is enough; where none is and a macro decides on one, nobody knows.
    return max((each for each in values if each), default=None if None in values else 0)
