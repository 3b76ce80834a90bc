from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bootworthy.proofs.frames import LARGEST, PIECE, Decoder, Message, encode

TOKEN = "0123456789abcdef"


def heard(console: bytes, token: str = TOKEN) -> list[Message]:
    return Decoder(token).feed(console)


@given(st.binary(min_size=1, max_size=3000), st.lists(st.integers(1, 400), max_size=30))
def test_a_message_comes_through_in_pieces_of_any_size(data: bytes, cuts: list[int]) -> None:
    console = encode(TOKEN, "report", data)
    decoder = Decoder(TOKEN)
    found = []
    for cut in cuts:
        found += decoder.feed(console[:cut])
        console = console[cut:]
    assert [*found, *decoder.feed(console)] == [Message("report", data)]


@given(st.binary(min_size=600, max_size=2000), st.lists(st.tuples(st.integers(0, 2000), st.sampled_from([
    b"[    1.234567] random: crng init done\n", b"\r\n", b"[  OK  ] Started something.\r\n", b"\x1b[0m", b"x",
])), max_size=6))  # fmt: skip
def test_what_comes_between_costs_lines_and_never_gives_wrong_bytes(
    data: bytes, noise: list[tuple[int, bytes]]
) -> None:
    clean = encode(TOKEN, "report", data)
    console = clean
    for place, words in noise:
        console = console[:place] + words + console[place:]
    decoder = Decoder(TOKEN)
    found = decoder.feed(console) + decoder.feed(b"\n" + clean)
    assert found == [Message("report", data)]


@given(st.binary(max_size=2000))
def test_any_bytes_give_nothing(console: bytes) -> None:
    assert heard(console) == []


def test_a_message_is_given_once_however_often_it_is_said() -> None:
    console = encode(TOKEN, "hello", b"{}")
    assert heard(console * 5) == [Message("hello", b"{}")]


def test_another_token_is_not_heard() -> None:
    assert heard(encode("f" * 16, "report", b"{}")) == []


def test_kinds_do_not_mix() -> None:
    console = encode(TOKEN, "hello", b"1") + encode(TOKEN, "report", b"1")
    assert heard(console) == [Message("hello", b"1"), Message("report", b"1")]


def test_carriage_returns_of_a_serial_console_do_not_matter() -> None:
    console = encode(TOKEN, "report", b"a" * 500).replace(b"\n", b"\r\n")
    assert heard(console) == [Message("report", b"a" * 500)]


def test_a_wrong_checksum_is_not_taken() -> None:
    console = encode(TOKEN, "report", b"hello").replace(b"aGVsbG8=", b"aGVsbG9=")
    assert heard(console) == []


def test_pieces_of_two_messages_are_never_joined() -> None:
    first, second = (encode(TOKEN, "report", bytes([n]) * 500).splitlines(keepends=True) for n in (1, 2))
    assert len(first) > 1
    assert heard(first[0] + b"".join(second[1:])) == []


def test_memory_is_bounded() -> None:
    decoder = Decoder(TOKEN)
    assert decoder.feed(b"BWP1 " * 100_000) == []
    for number in range(200):
        lines = encode(TOKEN, "report", number.to_bytes(2, "big") * PIECE).splitlines(keepends=True)
        assert decoder.feed(lines[0]) == []
    assert len(decoder._rest) <= 8192
    assert len(decoder._pieces) <= 8
    assert decoder.feed(b"\n" + encode(TOKEN, "report", b"still here")) == [Message("report", b"still here")]


def test_a_message_that_is_too_large_is_not_taken() -> None:
    assert heard(encode(TOKEN, "report", bytes(LARGEST + 1))) == []
    assert heard(encode(TOKEN, "report", bytes(LARGEST))) == [Message("report", bytes(LARGEST))]
