"""The one exception tree.

    BootworthyError            code, message, where, hint, exit status
    ├── RefusedError      1    what was asked about is bad: a check, a proof, a gate
    ├── UsageError        2    the command line cannot mean anything
    ├── DocumentError     3    a catalog or another document a person wrote; all its problems at once
    ├── NetworkError      4
    ├── CredentialsError  5
    ├── IntegrityError    6    bytes are not what their digest or signature says
    ├── HostError         7    a tool or a permission is missing here
    ├── DeadlineError     8
    ├── NotFoundError     9
    ├── SpaceError       10    no room where something had to be written
    ├── BuildError       11    a recipe or a tool that makes images failed
    └── InternalError    70    our bug

Codes are dotted (`catalog.unknown-key`), stable, and may be matched by programs. Only `cli` turns errors
into text and exit status.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


class BootworthyError(Exception):
    """Something that a person can act on: what is wrong, where, and what to do."""

    exit_status: ClassVar[int] = 70

    def __init__(self, code: str, message: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(code, message, where, hint)
        self.code = code
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message

    def as_json(self) -> dict[str, object]:
        """The error as programs read it, without empty fields."""
        fields = {"code": self.code, "message": self.message, "where": self.where, "hint": self.hint}
        return {name: value for name, value in fields.items() if value is not None}


class RefusedError(BootworthyError):
    """What was asked about is bad: a failed check, an unproven cell, drift."""

    exit_status = 1


class UsageError(BootworthyError):
    """The command line cannot mean anything."""

    exit_status = 2


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a document."""

    code: str
    message: str
    where: str
    """`file:line:column`, or the nearest thing the document allows."""
    path: str = ""
    """Dotted path inside the document: `systems.debian-12.init`."""
    hint: str | None = None

    def as_json(self) -> dict[str, object]:
        """The problem as programs read it, without empty fields."""
        fields = {"code": self.code, "message": self.message, "where": self.where, "path": self.path, "hint": self.hint}
        return {name: value for name, value in fields.items() if value}


class DocumentError(BootworthyError):
    """A document that a person wrote is wrong; `problems` holds every mistake found, in file order."""

    exit_status = 3

    def __init__(self, code: str, message: str, problems: Sequence[Problem], *, where: str | None = None) -> None:
        super().__init__(code, message, where=where)
        self.problems = tuple(problems)

    def as_json(self) -> dict[str, object]:
        """The error with its problems."""
        return {**super().as_json(), "problems": [problem.as_json() for problem in self.problems]}


class NetworkError(BootworthyError):
    """A mirror or a registry could not be reached, or broke off."""

    exit_status = 4


class CredentialsError(BootworthyError):
    """Credentials are missing or were refused."""

    exit_status = 5


class IntegrityError(BootworthyError):
    """Bytes are not what their digest or signature says they are."""

    exit_status = 6


class HostError(BootworthyError):
    """This machine lacks a tool, a permission or a capability."""

    exit_status = 7


class DeadlineError(BootworthyError):
    """Something did not end in its time."""

    exit_status = 8


class NotFoundError(BootworthyError):
    """A name or a reference that nothing here has."""

    exit_status = 9


class SpaceError(BootworthyError):
    """There is no room where something had to be written."""

    exit_status = 10


class BuildError(BootworthyError):
    """A recipe, or a tool that makes images, failed."""

    exit_status = 11


class InternalError(BootworthyError):
    """A thing that cannot be, was: our bug."""

    exit_status = 70
