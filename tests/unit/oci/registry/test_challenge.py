from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.oci.registry.challenge import Challenge, parse


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("", ()),
        ("Basic", (Challenge("basic"),)),
        (
            'Bearer realm="https://a.example/token",service="a.example",scope="repository:x/y:pull,push"',
            (Challenge("bearer", {"realm": "https://a.example/token", "service": "a.example",
                                  "scope": "repository:x/y:pull,push"}),),
        ),
        ('BEARER Realm=x , SERVICE = "a \\"b\\" c"', (Challenge("bearer", {"realm": "x", "service": 'a "b" c'}),)),
        (
            'Negotiate, NTLM abc+/==, Basic realm="one, two", bearer realm="r"',
            (Challenge("negotiate"), Challenge("ntlm"), Challenge("basic", {"realm": "one, two"}),
             Challenge("bearer", {"realm": "r"})),
        ),
        (' , Bearer realm="x" ,, ', (Challenge("bearer", {"realm": "x"}),)),
    ],
)  # fmt: skip
def test_every_challenge_is_read(header: str, found: tuple[Challenge, ...]) -> None:
    assert parse(header) == found


@pytest.mark.parametrize(
    "header",
    ['Bearer realm="x', 'Bearer realm="x" service="y"', "Bearer =x", 'Bearer realm="a",realm="b"', "=", '"Bearer"',
     'Bearer realm="a\nb"', "Bearer realm=\"a\x00b\"", "Basic " + "x" * 9000],
)  # fmt: skip
def test_what_cannot_be_read_is_not_guessed(header: str) -> None:
    with pytest.raises(ValueError):
        parse(header)


_NAMES = st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True)
_VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=30)


@given(st.lists(st.tuples(_NAMES, st.dictionaries(_NAMES, _VALUES, max_size=4)), max_size=4))
def test_what_is_written_is_read(wanted: list[tuple[str, dict[str, str]]]) -> None:
    def quoted(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    header = ", ".join(
        f"{scheme} " + ",".join(f"{name}={quoted(value)}" for name, value in fields.items()) if fields else scheme
        for scheme, fields in wanted
    )
    assert [(each.scheme, each.parameters) for each in parse(header)] == wanted


@given(st.text(max_size=60))
def test_nothing_else_breaks_it(header: str) -> None:
    with contextlib.suppress(ValueError):
        assert all(each.scheme for each in parse(header))
