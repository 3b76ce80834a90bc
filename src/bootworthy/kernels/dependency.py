"""Expressions of Kconfig: what a symbol depends on.

Source: Documentation/kbuild/kconfig-language.rst and kconfig-macro-language.rst of Linux. Values are 0, 1 and 2 for n,
m and y, as there; None where only the compiler or a shell could tell, because a macro asks them.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from bootworthy.errors import BuildError

NO, MODULE, YES = 0, 1, 2

_TOKEN = re.compile(r"""\s*(?:(&&|\|\||!=|<=|>=|[=<>!()])|("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|([\w./-]+)|(?=\$\())""")
_ORDERS: dict[str, Callable[[str | int, str | int], bool]] = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_TRISTATES = {"n": NO, "m": MODULE, "y": YES}
_IF = "if"
_DEEPEST = 50


@dataclass(frozen=True, slots=True)
class Symbol:
    """A symbol, or the constant `y`, `m` or `n`."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Text:
    """A constant in quotes."""

    value: str

    def __str__(self) -> str:
        return f'"{self.value}"'


@dataclass(frozen=True, slots=True)
class Macro:
    """A call of a macro, as `$(cc-option,-mx32)`."""

    call: str

    def __str__(self) -> str:
        return self.call


@dataclass(frozen=True, slots=True)
class Not:
    """`!A`."""

    operand: Expression

    def __str__(self) -> str:
        return f"!{_grouped(self.operand)}"


@dataclass(frozen=True, slots=True)
class All:
    """`A && B && ...`."""

    operands: tuple[Expression, ...]

    def __str__(self) -> str:
        return " && ".join(map(_grouped, self.operands))


@dataclass(frozen=True, slots=True)
class Either:
    """`A || B || ...`."""

    operands: tuple[Expression, ...]

    def __str__(self) -> str:
        return " || ".join(map(_grouped, self.operands))


@dataclass(frozen=True, slots=True)
class Comparison:
    """`A = B` and its kin."""

    left: Symbol | Text | Macro
    order: str
    right: Symbol | Text | Macro

    def __str__(self) -> str:
        return f"{self.left} {self.order} {self.right}"


Expression: TypeAlias = Symbol | Text | Macro | Not | All | Either | Comparison


def parse(text: str) -> tuple[Expression, Expression | None]:
    """The expression of a line, and the one behind its `if`.

    Raises:
        BuildError: `kernel.kconfig`, when it is none, or nested deeper than anybody would.
    """
    reader = _Reader(text)
    expression = reader.either(0)
    condition = None
    if reader.next == _IF:
        reader.advance()
        condition = reader.either(0)
    if reader.next is not None:
        raise malformed(f"{reader.next} is too much")
    return expression, condition


def conjuncts(expression: Expression) -> tuple[Expression, ...]:
    """What must all be true for it to be true."""
    return expression.operands if isinstance(expression, All) else (expression,)


def symbols(expression: Expression) -> Iterator[str]:
    """The symbols in an expression, constants left out."""
    match expression:
        case Symbol(name):
            if name not in _TRISTATES:
                yield name
        case Not(operand):
            yield from symbols(operand)
        case All(operands) | Either(operands):
            for each in operands:
                yield from symbols(each)
        case Comparison(left, _, right):
            yield from symbols(left)
            yield from symbols(right)
        case Text() | Macro():
            return


def evaluate(expression: Expression, value: Callable[[str], str]) -> int | None:
    """What an expression is where `value` gives each symbol's value as text."""
    match expression:
        case Symbol() | Text() | Macro():
            text = _text(expression, value)
            return None if text is None else _TRISTATES.get(text, NO)
        case Not(operand):
            return _opposite(evaluate(operand, value))
        case All(operands):
            return _least([evaluate(each, value) for each in operands])
        case Either(operands):
            return _opposite(_least([_opposite(evaluate(each, value)) for each in operands]))
        case Comparison(left, order, right):
            return _compared(_text(left, value), order, _text(right, value))


def malformed(what: str) -> BuildError:
    """The error for what is no Kconfig; the reader of the file adds where."""
    return BuildError("kernel.kconfig", what, hint="give the unpacked source of a Linux kernel")


def _opposite(value: int | None) -> int | None:
    return None if value is None else YES - value


def _least(values: list[int | None]) -> int | None:
    if NO in values:
        return NO
    return None if None in values else min(each for each in values if each is not None)


def _text(operand: Symbol | Text | Macro, value: Callable[[str], str]) -> str | None:
    match operand:
        case Symbol(name):
            return name if name in _TRISTATES else value(name)
        case Text(text):
            # What a macro puts into a string is not known either.
            return None if "$(" in text else text
        case Macro():
            return None


def _compared(left: str | None, order: str, right: str | None) -> int | None:
    if left is None or right is None:
        return None
    numbers = _number(left), _number(right)
    if numbers[0] is not None and numbers[1] is not None:
        return YES if _ORDERS[order](numbers[0], numbers[1]) else NO
    return YES if _ORDERS[order](left, right) else NO


def _number(text: str) -> int | None:
    try:
        return int(text, 0)
    except ValueError:
        return None


def _grouped(expression: Expression) -> str:
    return f"({expression})" if isinstance(expression, All | Either) else str(expression)


class _Reader:
    """Takes an expression apart; `!` binds closest, then comparisons, `&&`, `||`."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self.next: str | None = None
        self.advance()

    def advance(self) -> str:
        was, self.next = self.next, next(self._tokens, None)
        return was or ""

    def either(self, depth: int) -> Expression:
        operands = self._several("||", self.all, depth)
        return operands[0] if len(operands) == 1 else Either(operands)

    def all(self, depth: int) -> Expression:
        operands = self._several("&&", self._single, depth)
        return operands[0] if len(operands) == 1 else All(tuple(one for each in operands for one in conjuncts(each)))

    def _several(self, sign: str, part: Callable[[int], Expression], depth: int) -> tuple[Expression, ...]:
        operands = [part(depth)]
        while self.next == sign:
            self.advance()
            operands.append(part(depth))
        return tuple(operands)

    def _single(self, depth: int) -> Expression:
        if depth > _DEEPEST:
            raise malformed(f"it is nested deeper than {_DEEPEST} levels")
        if self.next == "!":
            self.advance()
            return Not(self._single(depth + 1))
        if self.next == "(":
            self.advance()
            inner = self.either(depth + 1)
            if self.advance() != ")":
                raise malformed("a ) is missing")
            return inner
        left = self._operand()
        if self.next not in _ORDERS:
            return left
        return Comparison(left, self.advance(), self._operand())

    def _operand(self) -> Symbol | Text | Macro:
        token = self.advance()
        if token[:1] in {'"', "'"}:
            return Text(re.sub(r"\\(.)", r"\1", token[1:-1]))
        if token.startswith("$("):
            return Macro(token)
        if not re.fullmatch(r"[\w./-]+", token) or token == _IF:
            raise malformed(f"a symbol is missing before {token}" if token else "a symbol is missing at the end")
        return Symbol(token)


def _tokens(text: str) -> Iterator[str]:
    position = 0
    text = text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise malformed(f"{text[position : position + 40].strip()!r} is no part of an expression")
        end = match.end() if match[0].strip() else closing(text, match.end())
        yield text[position:end].strip()
        position = end


def closing(text: str, start: int) -> int:
    """Where the macro call that begins at `start` ends.

    Raises:
        BuildError: `kernel.kconfig`, when it does not.
    """
    depth = 0
    for position in range(start + 1, len(text)):
        depth += {"(": 1, ")": -1}.get(text[position], 0)
        if depth == 0:
            return position + 1
    raise malformed("a macro call does not end")
