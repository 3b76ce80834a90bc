"""Typed access to a JSON document from outside; what is wrong is said with its dotted path."""

from __future__ import annotations

import math
from collections.abc import Callable

from bootworthy.errors import BootworthyError

Complaint = Callable[[str, str], BootworthyError]
"""Makes the error of a document from a dotted path and what is wrong there."""


class Fields:
    """A JSON object whose fields are asked for by type."""

    __slots__ = ("_complain", "_path", "fields")

    def __init__(self, value: object, path: str, complain: Complaint) -> None:
        self._complain = complain
        self._path = path
        if not isinstance(value, dict):
            raise complain(path, "not an object")
        self.fields: dict[str, object] = value

    def bad(self, name: str, message: str) -> BootworthyError:
        """The error for a field."""
        return self._complain(self._at(name), message)

    def text(self, name: str) -> str:
        """A string."""
        value = self.fields.get(name)
        if not isinstance(value, str):
            raise self.bad(name, "not a string")
        return value

    def text_or_none(self, name: str) -> str | None:
        """A string, or null, or nothing."""
        return None if self.fields.get(name) is None else self.text(name)

    def count(self, name: str) -> int:
        """A whole number from 0 up."""
        value = self.fields.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise self.bad(name, "not a count")
        return value

    def flag(self, name: str) -> bool:
        """True or false."""
        value = self.fields.get(name)
        if not isinstance(value, bool):
            raise self.bad(name, "not true or false")
        return value

    def seconds(self, name: str) -> float:
        """A finite number from 0 up."""
        value = self.fields.get(name)
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self.bad(name, "not a number")
        if not 0 <= value < math.inf or value > 1e12:
            raise self.bad(name, "not a number of seconds")
        return float(value)

    def part(self, name: str) -> Fields:
        """An object."""
        return Fields(self.fields.get(name), self._at(name), self._complain)

    def parts(self, name: str) -> list[Fields]:
        """A list of objects."""
        return [Fields(value, f"{self._at(name)}.{n}", self._complain) for n, value in enumerate(self._list(name))]

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings."""
        values = self._list(name)
        if not all(isinstance(value, str) for value in values):
            raise self.bad(name, "not a list of strings")
        return tuple(str(value) for value in values)

    def all_texts(self) -> dict[str, str]:
        """Every field, as a string."""
        return {name: self.text(name) for name in self.fields}

    def all_seconds(self) -> dict[str, float]:
        """Every field that is not null, as a number of seconds."""
        return {name: self.seconds(name) for name in self.fields if self.fields[name] is not None}

    def _at(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name

    def _list(self, name: str) -> list[object]:
        value = self.fields.get(name)
        if not isinstance(value, list):
            raise self.bad(name, "not a list")
        return value
