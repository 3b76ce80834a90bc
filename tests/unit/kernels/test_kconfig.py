from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.errors import BuildError
from bootworthy.kernels import kconfig
from bootworthy.kernels.kconfig import Symbols
from bootworthy.vocabulary import Architecture

X86, ARM = Architecture.X86_64, Architecture.AARCH64

TOP = """\
# SPDX-License-Identifier: GPL-2.0
mainmenu "Linux/$(ARCH) $(KERNELVERSION) Kernel Configuration"

source "scripts/Kconfig.include"
source "arch/$(SRCARCH)/Kconfig"

menu "Networking"
\tdepends on NET
\tvisible if SHOWN   # not everybody

config BRIDGE
\ttristate "802.1d Ethernet Bridging"
\tselect LLC if NET && \\
\t\t!OFF
\timply STP
\tdepends on IPV6 || IPV6=n
\thelp
\t  If you say Y here, then
\t    config NOT_A_SYMBOL
\t  is no line of Kconfig: it is help.

\t  Neither is depends on this.

config BRIDGE_FILTER
\tbool "Filter # it" if EXPERT || 'y'
\tdepends on BRIDGE if STRICT
\tdefault y if SMALL
endmenu

if DEBUG && !OFF
config LLC
\ttristate
endif

choice
\tprompt "Timer" if SLOW
\tdefault HZ_250
config HZ_100
\tbool "100"
if NET
config HZ_250
\tbool "250"
endif
endchoice

config HZ
\tint
\trange 1 1000
\tdefault 100 if HZ_100

menuconfig LLC2
\tdef_tristate m
\t---help---
\t\tOld.
config LLC
\tbool "again"
"""
INCLUDE = """\
comma := ,
cc-option = $(success,$(CC) -Werror $(1) -c /dev/null)
$(error-if,$(failure,command -v $(CC)),no compiler)
"""
FILES = {
    "Kconfig": TOP, "scripts/Kconfig.include": INCLUDE,
    "arch/x86/Kconfig": "config X86\n\tdef_bool y\n", "arch/arm64/Kconfig": "config ARM64\n\tdef_bool y\n",
}  # fmt: skip


def read(text: str) -> Symbols:
    return kconfig.parse({"Kconfig": text}.get, X86)


def fault_of(text: str) -> BuildError | None:
    try:
        read(text)
    except BuildError as fault:
        return fault
    return None


def conditions(symbols: Symbols, name: str, number: int = 0) -> list[str]:
    return list(map(str, symbols.definitions[name][number].depends))


def test_what_a_symbol_depends_on() -> None:
    symbols = kconfig.parse(FILES.get, X86)
    assert conditions(symbols, "BRIDGE") == ["NET", "IPV6 || IPV6 = n"]
    assert conditions(symbols, "BRIDGE_FILTER") == ["NET", "BRIDGE || !STRICT"]
    assert conditions(symbols, "LLC") == ["DEBUG", "!OFF"]
    assert conditions(symbols, "LLC", 1) == []
    assert conditions(symbols, "HZ_250") == ["NET"]
    assert "NOT_A_SYMBOL" not in symbols.definitions


def test_who_can_set_it() -> None:
    symbols = kconfig.parse(FILES.get, X86)
    shown = {name: (each[0].prompt, list(map(str, each[0].visible))) for name, each in symbols.definitions.items()}
    assert shown["BRIDGE"] == (True, ["SHOWN"])
    assert shown["BRIDGE_FILTER"] == (True, ["SHOWN", 'EXPERT || "y"'])
    assert shown["LLC"] == (False, [])
    assert shown["HZ_100"] == (True, ["SLOW"])
    assert shown["HZ"] == (False, [])


def test_types_selections_and_choices() -> None:
    symbols = kconfig.parse(FILES.get, X86)
    types = [symbols.type(name) for name in ("BRIDGE", "BRIDGE_FILTER", "HZ", "LLC2", "NOWHERE")]
    assert types == ["tristate", "bool", "int", "tristate", None]
    (selection,) = symbols.selections["LLC"]
    assert (selection.by, str(selection.condition)) == ("BRIDGE", "NET && !OFF")
    assert "STP" not in symbols.selections
    choice = symbols.definitions["HZ_100"][0].choice
    assert choice == "Kconfig:35"
    assert symbols.rivals(choice) == ["HZ_100", "HZ_250"]
    assert symbols.definitions["HZ"][0].choice is None


def test_each_architecture_has_its_own() -> None:
    assert "X86" in kconfig.parse(FILES.get, X86).definitions
    assert "X86" not in kconfig.parse(FILES.get, ARM).definitions
    assert "ARM64" in kconfig.parse(FILES.get, ARM).definitions


def test_files_are_read_below_a_folder_and_nowhere_else(tmp_path: Path) -> None:
    source = tmp_path / "linux"
    for name, text in FILES.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(text)
    assert "BRIDGE" in kconfig.symbols(source, X86).definitions
    (tmp_path / "outside").write_text("config SECRET\n\tbool\n")
    for way in ("../outside", str(tmp_path / "outside")):
        (source / "arch/x86/Kconfig").write_text(f'source "{way}"\n')
        with pytest.raises(BuildError, match="not there"):
            kconfig.symbols(source, X86)
    (source / "arch/x86/Kconfig").unlink()
    (source / "arch/x86/Kconfig").symlink_to(tmp_path / "outside")
    with pytest.raises(BuildError, match="not there"):
        kconfig.symbols(source, X86)


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        ("config A\n\tbool\n\tdepends on\n", "Kconfig:3", "depends"),
        ("config A\n\tbool\n\tdepends on B &&\n", "Kconfig:3", "at the end"),
        ("config A B\n", "Kconfig:1", "name is missing"),
        ("hello world\n", "Kconfig:1", "nothing has begun"),
        ("config A\n\twibble\n", "Kconfig:2", "none that is known"),
        ("config A\n\tbool text if\n", "Kconfig:2", "at the end"),
        ("config A\n\tbool \"text\" unless B\n", "Kconfig:2", "too much"),
        ("config A\n\tbool \"text\n", "Kconfig:2", "quotes"),
        ("config A\n\tselect B && C\n", "Kconfig:2", "name is missing"),
        ("endmenu\n", "Kconfig:1", "no menu is open"),
        ("menu \"a\"\nif A\nendmenu\n", "Kconfig:3", "no menu is open"),
        ("menu \"a\"\n", "Kconfig", "the menu at Kconfig:1 does not end"),
        ("\n\nsource \"nowhere\"\n", "Kconfig:3", "not there"),
        ("source \"Kconfig\"\n", "Kconfig:1", "includes itself"),
    ],
)  # fmt: skip
def test_mistakes_are_located(text: str, where: str, words: str) -> None:
    with pytest.raises(BuildError, match=words) as error:
        read(text)
    assert (error.value.code, error.value.where) == ("kernel.kconfig", where)


def test_a_block_ends_in_its_own_file() -> None:
    files = {"Kconfig": 'menu "a"\nsource "b"\n', "b": "endmenu\n"}
    with pytest.raises(BuildError, match="block of another file"):
        kconfig.parse(files.get, X86)


def test_files_that_name_ever_more_files_end() -> None:
    wide = {"Kconfig": 'source "a0"\n' * 2}
    wide |= {f"a{level}": f'source "a{level + 1}"\n' * 2 for level in range(30)}
    wide["a30"] = "config A\n\tbool\n"
    with pytest.raises(BuildError, match="too much"):
        kconfig.parse(wide.get, X86)
    deep = {"Kconfig": 'source "0"\n', **{str(level): f'source "{level + 1}"\n' for level in range(60)}}
    with pytest.raises(BuildError, match="too deep"):
        kconfig.parse(deep.get, X86)


WORDS = st.sampled_from([
    "config", "menuconfig", "choice", "endchoice", "menu", "endmenu", "if", "endif", "source", "depends on", "select",
    "imply", "bool", "tristate", "prompt", "default", "help", "visible if", "def_bool", "range", "comment",
    "mainmenu", "A", "B", "y", "&&", "||", "!", "=", "(", ")", '"t"', "'t'", '"', "#", "\\\n", "\n", "\n\t", "\t  ",
    " ", "$(", "$(x,y)",
])  # fmt: skip


@given(st.lists(WORDS, max_size=60).map(" ".join) | st.text(max_size=200))
def test_garbage_is_read_or_refused_with_a_line(text: str) -> None:
    fault = fault_of(text)
    assert fault is None or (fault.code, (fault.where or "").split(":")[0]) == ("kernel.kconfig", "Kconfig")
