import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from bootworthy.matrix._text import clean, harmless, pad, width, wrap

narrow = st.text(st.characters(max_codepoint=0x24F, categories=["L", "N", "P", "S", "Zs"]))


@given(st.text())
def test_nothing_that_moves_the_cursor_is_left(text: str) -> None:
    assert all(unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in clean(text))
    assert not {"\x1b", "\n", "\r", "\t", "\x9b", "\u202e"} & set(clean(text) + harmless(text))
    assert clean(text, ascii_only=True).isascii()


@given(narrow, st.integers(3, 60), st.integers(0, 2))
def test_lines_fit_and_lose_nothing(text: str, columns: int, indent: int) -> None:
    lines = wrap(text, columns, indent=" " * indent)
    assert all(width(line) <= columns for line in lines)
    assert all(line.startswith(" " * indent) for line in lines[1:])
    assert "".join("".join(lines).split()) == "".join(text.split())


@given(st.text(), st.integers(4, 40))
def test_wide_characters_fit_too(text: str, columns: int) -> None:
    assert all(width(line) <= columns for line in wrap(clean(text), columns, indent="  "))


def test_words_stay_whole_where_they_can() -> None:
    assert wrap("healthy in qemu-microvm, emulated", 17) == ["healthy in", "qemu-microvm,", "emulated"]
    assert wrap("cloud-hypervisor-x86_64", 17) == ["cloud-hypervisor-", "x86_64"]
    assert wrap("debian-12/debian-6.1", 12, indent="  ") == ["debian-12/", "  debian-6.1"]


def test_width_counts_columns_of_a_terminal() -> None:
    assert [width(text) for text in ("abc", "日本", "e\u0301", "✔")] == [3, 4, 1, 1]
    assert pad("日本", 6) == "日本  "
