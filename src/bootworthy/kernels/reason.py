"""Why a symbol of a kernel's configuration is not what it was asked to be, by the Kconfig files of its source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bootworthy.kernels import dependency
from bootworthy.kernels.dependency import MODULE, NO, YES, Either, Expression, Not, Symbol, evaluate
from bootworthy.kernels.kconfig import Definition, Symbols

_NAMED = 4
"""So many symbols are named; the others are counted."""
_TOLD = 12
"""Where so many are named, nobody wants to hear what these lack themselves."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The symbols of a kernel's source, and the configuration that came out of it."""

    symbols: Symbols
    config: Mapping[str, str]

    def why(self, symbol: str, wanted: str) -> str:
        """Why `symbol` is not `wanted` (`y`, `m` or `n`), as the end of a sentence."""
        kind = self.symbols.type(symbol)
        if kind is None:
            return "no Kconfig file of this source has it for this architecture"
        if kind not in {"bool", "tristate"}:
            return f"it is of the type {kind}"
        if wanted == "m" and kind == "bool":
            return "it is built in or not at all, and cannot be a module"
        if wanted == "n":
            return self._kept(symbol)
        return self._refused(symbol, YES if wanted == "y" else MODULE)

    def _refused(self, symbol: str, needed: int) -> str:
        """Why it is less than `needed`: of all its definitions, what the nearest one lacks."""
        definitions = self.symbols.definitions[symbol]
        settable = [each for each in definitions if each.prompt]
        nearest = min(settable or definitions, key=lambda each: len(self._unmet(each, needed)))
        unmet = self._unmet(nearest, needed)
        if unmet:
            return f"it needs {self._needs(unmet, needed, {symbol})}"
        if not settable:
            return f"it cannot be set by hand; {self._selectors(symbol)}"
        if nearest.choice is not None:
            rival = self._chosen(nearest.choice, symbol)
            if rival is not None:
                return f"it is one of a choice, and {rival} is chosen"
        asked = [str(each) for each in _conditions(nearest) if evaluate(each, self._value) is None]
        if asked:
            return f"the compiler or another tool decides on it: {', '.join(asked)}"
        return f"what it needs by {nearest.where} is there"

    def _kept(self, symbol: str) -> str:
        """Why it is set although it should not be."""
        active = [
            each.by
            for each in self.symbols.selections.get(symbol, ())
            if self._tristate(each.by) > NO
            and (each.condition is None or evaluate(each.condition, self._value) in {None, MODULE, YES})
        ]
        if active:
            return f"{_listed(active)} {'selects' if len(active) == 1 else 'select'} it"
        settable = [each for each in self.symbols.definitions[symbol] if each.prompt]
        if not settable:
            return "it cannot be set by hand, and its default is to be on"
        unmet = [each for each in settable[0].visible if evaluate(each, self._value) == NO]
        if unmet:
            return f"its default is to be on, and to change it takes {self._needs(unmet, MODULE, {symbol})}"
        if settable[0].choice is not None:
            return "it is one of a choice, and no other is chosen"
        return f"by {settable[0].where} it can be off"

    def _unmet(self, definition: Definition, needed: int) -> list[Expression]:
        unmet = []
        for each in _conditions(definition):
            value = evaluate(each, self._value)
            if value is not None and value < needed and each not in unmet:
                unmet.append(each)
        return unmet

    def _needs(self, unmet: list[Expression], needed: int, told: set[str]) -> str:
        """Everything that is unmet, once; `told` are the symbols that are named already, and grows."""
        fresh = [each for each in unmet if not (isinstance(each, Symbol) and each.name in told)]
        told.update(each.name for each in fresh if isinstance(each, Symbol))
        named = [self._said(each, needed, told) for each in fresh[:_NAMED]]
        more = [f"{len(fresh) - _NAMED} more"] if len(fresh) > _NAMED else []
        return ", and ".join([*named, *more])

    def _said(self, expression: Expression, needed: int, told: set[str]) -> str:
        """`NET, which is not set`, and what that lacks itself."""
        match expression:
            case Symbol("m"):
                return "to be a module"
            case Symbol(name):
                return f"{name}, which {self._state(name)}{self._behind(name, needed, told)}"
            case Not(Symbol(name)):
                return f"{name} to be off, and it is {self.config.get(name, 'n')}"
            case Either(operands) if all(isinstance(each, Symbol) for each in operands):
                names = [each.name for each in operands if isinstance(each, Symbol)]
                if all(self._tristate(name) == NO for name in names):
                    return f"{_listed(names, 'or')}, and {'neither' if len(names) == 2 else 'none'} is set"
        states = [f"{name} {self._state(name)}" for name in dict.fromkeys(dependency.symbols(expression))]
        return f"`{expression}` ({', '.join(states[:_NAMED])})" if states else f"`{expression}`"

    def _behind(self, symbol: str, needed: int, told: set[str]) -> str:
        """What a symbol that is not set lacks itself, in brackets; nothing where that is told already."""
        definitions = self.symbols.definitions.get(symbol, ())
        if not definitions or self._tristate(symbol) == MODULE or len(told) > _TOLD:
            return ""
        nearest = min(definitions, key=lambda each: len(self._unmet(each, needed)))
        unmet = self._unmet(nearest, needed)
        if not unmet:
            settable = any(each.prompt for each in definitions)
            return "" if settable else f" ({self._selectors(symbol)})"
        needs = self._needs(unmet, needed, told)
        return f" (that needs {needs})" if needs else ""

    def _state(self, symbol: str) -> str:
        if symbol not in self.symbols.definitions:
            return "this architecture does not have"
        value = self._value(symbol)
        return {"n": "is not set", "m": "is m", "": "is not set"}.get(value, f"is {value}")

    def _selectors(self, symbol: str) -> str:
        by = sorted({each.by for each in self.symbols.selections.get(symbol, ())})
        return f"{_listed(by, 'or')} would select it" if by else "its default decides"

    def _chosen(self, choice: str, symbol: str) -> str | None:
        rivals = (each for each in self.symbols.rivals(choice) if each != symbol)
        return next((each for each in rivals if self.config.get(each) == "y"), None)

    def _value(self, symbol: str) -> str:
        if symbol in self.config:
            return self.config[symbol]
        kind = self.symbols.type(symbol)
        # What is defined nowhere is a constant, and means its own name.
        return symbol if kind is None else "n" if kind in {"bool", "tristate"} else ""

    def _tristate(self, symbol: str) -> int:
        return evaluate(Symbol(symbol), self._value) or NO


def _conditions(definition: Definition) -> Iterator[Expression]:
    yield from definition.depends
    yield from definition.visible


def _listed(names: list[str], last: str = "and") -> str:
    if len(names) > _NAMED:
        names = [*names[:_NAMED], f"{len(names) - _NAMED} others"]
    return f" {last} ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
