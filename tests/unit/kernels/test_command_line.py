from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.kernels.command_line import LIMIT, CommandLine, Word, split

SPACES = " \t\n\v\f\r"
PLAIN = st.text(st.characters(exclude_characters=f'{SPACES}"\xa0', codec="ascii"), min_size=1)
QUOTED = st.text(st.characters(exclude_characters='"\xa0', codec="ascii")).map(lambda text: f'"{text}"')
WORDS = st.lists(PLAIN.filter(lambda text: text != "--") | st.builds("{}={}".format, PLAIN, QUOTED))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ()),
        ("  \t ", ()),
        ("a", ("a",)),
        (" root=/dev/vda\trw\n", ("root=/dev/vda", "rw")),
        ('dyndbg="file a.c +p" quiet', ('dyndbg="file a.c +p"', "quiet")),
        ('"a b=c d" e', ('"a b=c d"', "e")),
        ('a"b c"d e', ('a"b c"d', "e")),
        ('root="LABEL=x rw', ('root="LABEL=x rw',)),
        ('""', ('""',)),
        ("é=\udcff", ("é=\udcff",)),
    ],
)
def test_spaces_part_words_but_not_in_quotes(text: str, words: tuple[str, ...]) -> None:
    assert split(text) == words


def test_a_byte_that_is_a_no_break_space_in_latin_1_parts_words() -> None:
    assert split(b"a\xa0b".decode(errors="surrogateescape")) == ("a", "b")


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("quiet", "quiet", None),
        ("root=", "root", ""),
        ("root=LABEL=a", "root", "LABEL=a"),
        ('a="b c"', "a", "b c"),
        ('a="b', "a", "b"),
        ('"a=b c"', "a", "b c"),
        ('"a b"', "a b", None),
        ('"a="b""', "a", 'b"'),
        ('""', "", None),
        ("=a", "=a", None),
        ("=a=b", "=a", "b"),
    ],
)
def test_a_word_is_a_name_and_a_value(text: str, name: str, value: str | None) -> None:
    word = Word.parse(text)
    assert (word.text, word.name, word.value) == (text, name, value)


@pytest.mark.parametrize(
    ("text", "on"),
    [("nomodule", True), ("nomodule=1", True), ("nomodule=y", True), ("nomodule=on", True), ("nomodule=0", False),
     ("nomodule=n", False), ("nomodule=off", False), ("nomodule=maybe", False), ("nomodule=", False)],
)  # fmt: skip
def test_a_yes_or_a_no(text: str, on: bool) -> None:
    assert Word.parse(text).on is on


def test_the_last_of_a_name_counts_and_dashes_are_underscores() -> None:
    line = CommandLine.read("root=a log-buf-len=1 root=b log_buf_len=2")
    root, length = line.last("root"), line.last("log-buf-len")
    assert (root and root.value, length and length.value) == ("b", "2")
    assert [word.value for word in line.all("log_buf_len")] == ["1", "2"]
    assert line.last("Root") is None


def test_what_is_behind_two_dashes_is_inits() -> None:
    line = CommandLine.read("quiet -- root=a -- b")
    assert ([word.text for word in line.words], line.init) == (["quiet"], ("root=a", "--", "b"))
    assert [word.text for word in CommandLine.read('a="--" b').words] == ['a="--"', "b"]


def test_what_a_kernel_does_not_keep_is_lost() -> None:
    kept, lost = "a" * (LIMIT - 3) + " ro", "ot=b"
    line = CommandLine.read(kept + lost)
    assert ([word.text for word in line.words][1:], line.lost) == (["ro"], lost)
    assert CommandLine.read(kept).lost == ""


@given(WORDS)
def test_words_that_are_joined_are_the_words_again(words: list[str]) -> None:
    text = " ".join(words)
    assert split(text) == tuple(words)
    if len(text) <= LIMIT:
        line = CommandLine.of(words)
        assert ([word.text for word in line.words], line.lost, line.open_quote) == (words, "", False)


@given(st.text(), st.text())
def test_any_text_is_read(text: str, name: str) -> None:
    line = CommandLine.read(text)
    raw = text.encode(errors="surrogateescape")
    assert line.open_quote is (raw[:LIMIT].count(b'"') % 2 == 1)
    assert line.lost.encode(errors="surrogateescape") == raw[LIMIT:]
    found = line.all(name)
    assert line.last(name) == (found[-1] if found else None)
    # No byte that is no space goes away.
    written = [word.text for word in line.words] + (["--", *line.init] if "--" in split(text[:LIMIT]) else [])
    bare = raw[:LIMIT].translate(None, b" \t\n\v\f\r\xa0")
    assert "".join(written).encode(errors="surrogateescape").translate(None, b" \t\n\v\f\r\xa0") == bare


@given(PLAIN.filter(lambda text: "=" not in text), QUOTED)
def test_quotes_are_no_part_of_a_value(name: str, value: str) -> None:
    word = Word.parse(f"{name}={value}")
    assert (word.name, word.value) == (name, value[1:-1])
