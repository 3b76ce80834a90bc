"""Reading what others wrote: with places, tolerantly, within bounds, and never with a traceback."""

from __future__ import annotations

import json
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootworthy.errors import DocumentError
from bootworthy.targets.lint.consumers import Asked
from bootworthy.targets.lint.documents import read, read_text
from bootworthy.targets.lint.fixes import fixed
from bootworthy.targets.lint.run import run
from bootworthy.targets.lint.tree import Node, Oddity

ASKED = Asked(at=date(2026, 1, 1))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4), max_leaves=20,
)  # fmt: skip


def plain(node: Node) -> object:
    if isinstance(node.value, dict):
        return {key: plain(entry.node) for key, entry in node.value.items()}
    return [plain(item) for item in node.value] if isinstance(node.value, tuple) else node.value


@given(JSON, st.sampled_from([None, 2]))
def test_json_is_read_as_everybody_reads_it(value: object, indent: int | None) -> None:
    source = read_text("x.json", json.dumps({"a": value}, indent=indent))
    assert plain(source.documents[0]) == {"a": value}
    assert source.odd == ()


@given(JSON)
def test_the_span_of_a_value_is_its_text(value: object) -> None:
    source = read_text("x.json", json.dumps({"a": value, "b": [value]}))
    for node in source.documents[0].walk():
        assert json.loads(source.written(node.span)) == plain(node)


@given(st.dictionaries(st.sampled_from("abc"), st.integers(0, 99) | st.sampled_from(["x y", "z"]), min_size=1))
def test_the_span_of_a_yaml_scalar_is_its_text(value: dict[str, object]) -> None:
    text = "# head\n" + "".join(f"{key}:   {shown} # tail\n" for key, shown in value.items())
    source = read_text("x.yaml", text)
    assert plain(source.documents[0]) == value
    assert {key: source.written(entry.node.span) for key, entry in source.documents[0].entries.items()} == {
        key: str(shown) for key, shown in value.items()
    }


@pytest.mark.parametrize(
    ("text", "kind", "good"),
    [
        ('{"a": 1 # x\n}', Oddity.COMMENT, {"a": 1}),
        ('{"a": 1 /* x\n */ }', Oddity.COMMENT, {"a": 1}),
        ('// x\n{"a": 1}', Oddity.COMMENT, {"a": 1}),
        ('{"a": KERNEL_IMAGE}', Oddity.BARE_WORD, {"a": "KERNEL_IMAGE"}),
        ('{"a": REGISTRY/ORG/REPO:1.21.8}', Oddity.BARE_WORD, {"a": "REGISTRY/ORG/REPO:1.21.8"}),
        ("{a: 1}", Oddity.BARE_WORD, {"a": 1}),
        ("{\"a\": 'b'}", Oddity.QUOTES, {"a": "b"}),
        ('{"a": [1, 2,],}', Oddity.TRAILING_COMMA, {"a": [1, 2]}),
        ('{"a": 1\n "b": [1 2]}', Oddity.MISSING_COMMA, {"a": 1, "b": [1, 2]}),
        ('"a": 1,\n"b": 2\n', Oddity.NO_BRACES, {"a": 1, "b": 2}),
        ('{"a": "x\ty"}', Oddity.CONTROL, {"a": "x\ty"}),
    ],
)
def test_what_is_almost_json_is_read_and_mended(text: str, kind: Oddity, good: object) -> None:
    source = read_text("x", text)
    assert {odd.kind for odd in source.odd} == {kind}
    assert plain(source.documents[0]) == good
    mended, done = fixed(source, ASKED)
    assert done
    assert json.loads(mended.text) == good


@pytest.mark.parametrize(
    ("name", "text", "where", "words"),
    [
        ("x.json", '{"a": ', "x.json:1:7", "a value is needed"),
        ("x.json", '{"a"\n 1}', "x.json:2:2", "comes a colon"),
        ("x.json", '{"a": 1', "x.json:1:8", "'}' is missing"),
        ("x.json", '{"a": "b', "x.json:1:7", "not closed"),
        ("x.json", '{"a": "\\x"}', "x.json:1:8", "no JSON string"),
        ("x.json", '{"a": 1} x', "x.json:1:10", "more text after the end"),
        ("x.json", "[" * 100, "x.json:1:66", "nested more than 64"),
        ("x.yaml", "a: [", "x.yaml:1:5", "not valid YAML"),
        ("x.yaml", "a: \x07", "x.yaml:1:4", "U+0007"),
        ("x.yaml", "[" * 100, "x.yaml:1:", "nested more than 64"),
        ("x.yaml", "a: &a [*a]", "x.yaml:1:", "inside what it repeats"),
    ],
)
def test_what_cannot_be_told_is_one_clear_error(name: str, text: str, where: str, words: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read_text(name, text)
    (problem,) = caught.value.problems
    assert problem.where.startswith(where)
    assert words.lower() in problem.message.lower()


def test_bombs_are_bounded() -> None:
    lines = [b"a0: &a0 [x, x, x, x, x, x, x, x, x]\n"]
    lines += [b"a%d: &a%d [%s]\n" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 9)]
    with pytest.raises(DocumentError, match="cannot be read") as caught:
        read("bomb.yaml", b"".join(lines))
    assert "100000 values" in caught.value.problems[0].message
    with pytest.raises(DocumentError) as caught:
        read("large.yaml", b"- a\n" * 13_000_000)
    assert "1024 KiB" in caught.value.problems[0].message


def test_several_documents_merge_keys_and_the_dots_of_an_excerpt() -> None:
    source = read_text("x.yaml", "...\n---\na: &a {x: 1}\n---\n---\nb: &b {x: 1, y: 2}\nc:\n  <<: *b\n  y: 3\n...\n")
    assert [plain(node) for node in source.documents] == [
        {"a": {"x": 1}},
        {"b": {"x": 1, "y": 2}, "c": {"x": 1, "y": 3}},
    ]


def test_a_byte_order_mark_and_crlf_stay() -> None:
    data = '\ufeff{\r\n  "kernel": {"image": a, }\r\n}\r\n'.encode()
    mended, _ = fixed(read("x.json", data), ASKED)
    assert mended.text.encode() == '\ufeff{\r\n  "kernel": {"image": "a" }\r\n}\r\n'.encode()


GARBAGE = st.text(st.sampled_from("{}[]:,\"'#/\\ \n\t-&*!|>%@`abkernel01.<$é😀\x07\ufeff"), max_size=60)


@settings(max_examples=300)
@given(st.sampled_from(["x.json", "x.yaml", "x"]), GARBAGE | st.text(max_size=40))
def test_garbage_is_read_or_refused(name: str, text: str) -> None:
    try:
        source = read(name, text.encode("utf-8", "surrogatepass"))
    except DocumentError:
        return
    assert all(fault.message for fault in run(source, ASKED))
    fixed(source, ASKED)


PIECES = st.lists(
    st.sampled_from(
        [*"{}[]:, \n\\/-", '"a"', '"b"', "'c'", "d", "e/f:1", "1", "2.5", "true", "#x\n", "//y\n", "/*z*/", "${V:=w}"]
    ),
    max_size=12,
).map("".join)  # fmt: skip


@settings(max_examples=400)
@given(PIECES)
def test_what_is_mended_is_json_and_means_the_same(text: str) -> None:
    try:
        source = read_text("x.json", f'{{"x": [{text}]}}')
    except DocumentError:
        return
    if not any(odd.kind is Oddity.DUPLICATE for odd in source.odd):
        assert json.loads(fixed(source, ASKED)[0].text) == plain(source.documents[0])


@settings(max_examples=200)
@given(
    st.sampled_from(
        ["kernel", "interfaces", "root_volume", "additional_volumes", "metadata", "vcpu", "microvm", "kind"]
    ),
    JSON,
)
def test_values_of_any_kind_are_no_surprise(key: str, value: object) -> None:
    made = {"kernel": {}, key: value, "spec": {"template": {"spec": {key: value, "rootVolume": value}}}}
    for name in ("x.json", "x.yaml"):
        try:
            source = read_text(name, json.dumps(made))
        except DocumentError:
            continue
        fixed(source, ASKED)
