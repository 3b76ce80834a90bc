"""Expressions of Kconfig, as Documentation/kbuild/kconfig-language.rst explains them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.errors import BuildError
from bootworthy.kernels import dependency
from bootworthy.kernels.dependency import All, Comparison, Either, Expression, Macro, Not, Symbol, Text, evaluate, parse

VALUES = {"YES": "y", "MOD": "m", "NO": "n", "HZ": "250", "NAME": "text", "GCC_VERSION": "120200"}


def value(symbol: str) -> str:
    return VALUES.get(symbol, symbol)


def fault_of(text: str) -> BuildError | None:
    try:
        parse(text)
    except BuildError as fault:
        return fault
    return None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("y", 2), ("m", 1), ("n", 0), ("YES", 2), ("MOD", 1), ("NO", 0), ("NOWHERE", 0),
        ("!YES", 0), ("!MOD", 1), ("!NO", 2), ("!!MOD", 1),
        ("YES && MOD", 1), ("YES && NO", 0), ("MOD || NO", 1), ("MOD || YES", 2),
        ("NO && YES || YES", 2), ("NO && (YES || YES)", 0), ("YES || NO && NO", 2),
        ("MOD=m", 2), ("MOD = y", 0), ("MOD!=m", 0), ("NOWHERE = NOWHERE", 2), ('NAME = "text"', 2),
        ("NAME='text'", 2),
        ("HZ = 250", 2), ("HZ > 99", 2), ("HZ < 99", 0), ("HZ >= 250", 2), ("HZ <= 0xfa", 2),
        ("GCC_VERSION >= 50000", 2),
        ("!HZ = 250", 0), ("YES && MOD = m", 2),
        ("$(cc-option,-mx32)", None), ("$(a,$(b)) && YES", None), ("$(a) && NO", 0), ("$(a) || YES", 2),
        ("!$(a)", None),
        ('"$(ARCH)" = "x86"', None),
    ],
)  # fmt: skip
def test_what_an_expression_is(text: str, expected: int | None) -> None:
    assert evaluate(parse(text)[0], value) == expected


def test_a_condition_is_apart() -> None:
    assert parse("A if B && C") == (Symbol("A"), All((Symbol("B"), Symbol("C"))))


def test_what_must_all_be_true() -> None:
    assert dependency.conjuncts(parse("A && (B && C) && (D || E)")[0]) == (
        Symbol("A"), Symbol("B"), Symbol("C"), Either((Symbol("D"), Symbol("E"))),
    )  # fmt: skip


def test_the_symbols_of_an_expression() -> None:
    assert list(dependency.symbols(parse('!A && (B=m || C="x") && $(d) && y')[0])) == ["A", "B", "C"]


@pytest.mark.parametrize(
    "text",
    ["", "&&", "A &&", "A B", "(A", "A)", "!", "A = ", "= A", '"open', "$(open", "A if", "if A", "A ? B", "(" * 99],
)
def test_what_is_no_expression(text: str) -> None:
    with pytest.raises(BuildError) as error:
        parse(text)
    assert error.value.code == "kernel.kconfig"


names = st.from_regex(r"[A-Z][A-Z0-9_]{0,9}", fullmatch=True).filter(lambda name: name.lower() != "if")
constants = st.from_regex(r"[ -!#-\[\]-~]{0,9}", fullmatch=True).map(Text)
macros = st.from_regex(r"\$\([a-z][a-z,. -]{0,9}\)", fullmatch=True).map(Macro)
leaves = st.one_of(names.map(Symbol), constants, macros)


def _joined(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    several = st.lists(inner, min_size=2, max_size=4)
    return st.one_of(
        inner.map(Not),
        several.map(lambda each: All(tuple(one for part in each for one in dependency.conjuncts(part)))),
        several.map(lambda each: Either(tuple(each))),
    )


expressions: st.SearchStrategy[Expression] = st.recursive(
    st.one_of(
        leaves, st.builds(Comparison, leaves, st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), leaves)
    ), _joined, max_leaves=12,
)  # fmt: skip


@given(expressions)
def test_what_is_written_is_read(expression: Expression) -> None:
    assert parse(str(expression)) == (expression, None)


@given(expressions, st.dictionaries(names, st.sampled_from(["y", "m", "n", "7"])))
def test_every_expression_has_a_value(expression: Expression, values: dict[str, str]) -> None:
    assert evaluate(expression, lambda symbol: values.get(symbol, "n")) in {0, 1, 2, None}


@given(st.text(alphabet="AB yn!=<>&|()\"$\\,.'", max_size=60))
def test_garbage_is_an_expression_or_an_error_of_ours(text: str) -> None:
    fault = fault_of(text)
    assert fault is None or fault.code == "kernel.kconfig"
