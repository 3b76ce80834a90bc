"""The Kconfig files of a kernel's source: its symbols, what each depends on, and what selects it.

Source: Documentation/kbuild/kconfig-language.rst of Linux. Macros are kept as they are written, and none is run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bootworthy.errors import BuildError
from bootworthy.kernels import dependency
from bootworthy.kernels.dependency import Either, Expression, Not, conjuncts, malformed
from bootworthy.vocabulary import Architecture

_TOP = "Kconfig"
_LARGEST = 4 << 20
_MOST = 24 << 20
"""Bytes of all files together; those of Linux 6.12 are 7 MiB."""
_FILES = 6000
"""Those of Linux 6.12 are 1,700 with those of all architectures."""
_DEEPEST = 40
_TYPES = {"bool", "tristate", "int", "hex", "string"}
_SOURCE_ARCHITECTURES = {Architecture.X86_64: "x86", Architecture.AARCH64: "arm64"}
_WORD = re.compile(r"([\w-]+)\s*")
_ASSIGNMENT = re.compile(r"[\w-]+\s*(?::=|\+=|=)")
_STRING = re.compile(r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')(.*)""")
_COMMENT = re.compile(r"""((?:[^"'#\\]|\\.|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')*)#.*""")


@dataclass(frozen=True, slots=True)
class Selection:
    """A `select` of a symbol by another one."""

    by: str
    condition: Expression | None


@dataclass(slots=True)
class Definition:
    """One `config` of a symbol; it may have several."""

    symbol: str
    where: str
    """`file:line`."""
    depends: tuple[Expression, ...] = ()
    """What must all be true: its own `depends on`, and that of the blocks it stands in."""
    type: str | None = None
    """`bool`, `tristate`, `int`, `hex`, `string`; None where another definition says it."""
    prompt: bool = False
    """Whether a person can set it."""
    visible: tuple[Expression, ...] = ()
    """What must be true besides for a person to set it."""
    choice: str | None = None
    """Where the choice begins that it is a member of."""


@dataclass(frozen=True, slots=True)
class Symbols:
    """The symbols of a kernel's source for one architecture."""

    definitions: Mapping[str, tuple[Definition, ...]]
    selections: Mapping[str, tuple[Selection, ...]]
    """By the symbol that is selected."""

    def type(self, symbol: str) -> str | None:
        """The type of a symbol, or None when there is no such symbol."""
        return next((each.type for each in self.definitions.get(symbol, ()) if each.type is not None), None)

    def rivals(self, choice: str) -> list[str]:
        """The members of the choice that begins there."""
        every = (each for several in self.definitions.values() for each in several)
        return [each.symbol for each in every if each.choice == choice]


def symbols(source: Path, architecture: Architecture) -> Symbols:
    """Read the Kconfig files of the kernel's source in a folder; what lies outside it is not read.

    Raises:
        BuildError: `kernel.kconfig`, with file and line.
    """
    root = source.resolve()

    def content(path: str) -> str | None:
        file = (root / path).resolve()
        if not file.is_relative_to(root) or not file.is_file():
            return None
        with file.open("rb") as stream:
            return stream.read(_LARGEST + 1).decode(errors="replace")

    return parse(content, architecture)


def parse(content: Callable[[str], str | None], architecture: Architecture) -> Symbols:
    """Read the file `Kconfig` and those that it names; `content` gives the text of a path, or None where there is none.

    Raises:
        BuildError: `kernel.kconfig`, with file and line.
    """
    reader = _Reader(content, _SOURCE_ARCHITECTURES[architecture])
    reader.file(_TOP, _TOP)
    definitions: dict[str, list[Definition]] = {}
    for each in reader.definitions:
        definitions.setdefault(each.symbol, []).append(each)
    return Symbols(
        {symbol: tuple(several) for symbol, several in definitions.items()},
        {symbol: tuple(several) for symbol, several in reader.selections.items()},
    )


@dataclass(slots=True)
class _Block:
    """What is open: a menu, a choice, an `if`."""

    kind: str
    where: str
    depends: list[Expression] = field(default_factory=list)
    visible: list[Expression] = field(default_factory=list)


class _Reader:
    """Follows the lines of all files; `_entry` is what attributes belong to now."""

    def __init__(self, content: Callable[[str], str | None], source_architecture: str) -> None:
        self.definitions: list[Definition] = []
        self.selections: dict[str, list[Selection]] = {}
        self._content = content
        self._source_architecture = source_architecture
        self._open: list[str] = []
        self._read = 0
        self._files = 0
        self._blocks: list[_Block] = []
        self._entry: Definition | _Block | None = None
        self._where = ""

    def file(self, path: str, where: str) -> None:
        """Read a file that `where` names."""
        text = None if path in self._open or len(self._open) >= _DEEPEST else self._content(path)
        if text is None:
            why = "includes itself" if path in self._open else "is not there, or lies too deep"
            raise _fault(f"the file {path} {why}", where)
        self._read += len(text)
        self._files += 1
        if len(text) > _LARGEST or self._read > _MOST or self._files > _FILES:
            raise _fault(f"the file {path} is too much: nobody writes that many lines", where)
        self._open.append(path)
        depth = len(self._blocks)
        for number, line in _statements(text):
            self._where = f"{path}:{number}"
            try:
                self._statement(line)
            except BuildError as fault:
                if fault.where is not None:
                    raise
                raise _fault(f"{line[:80]!r} is no line of Kconfig: {fault.message}", self._where) from fault
        if len(self._blocks) != depth:
            last = self._blocks[-1] if len(self._blocks) > depth else None
            what = f"the {last.kind} at {last.where} does not end" if last else "it ends a block of another file"
            raise _fault(what, path)
        self._open.pop()
        self._entry = None

    def _statement(self, line: str) -> None:
        match_ = _WORD.match(line)
        word, rest = (match_[1], line[match_.end() :]) if match_ else ("", "")
        match word:
            case "config" | "menuconfig":
                self._define(rest)
            case "menu" | "choice" | "if":
                self._begin(word, rest)
            case "endmenu" | "endchoice" | "endif":
                self._end(word.removeprefix("end"))
            case "source":
                self._entry = None
                path = _string(rest)[0].replace("$(SRCARCH)", self._source_architecture)
                self.file(path, self._where)
            case "comment":
                self._entry = _Block("comment", self._where)
            case "mainmenu":
                self._entry = None
            case _ if line.startswith("$(") or _ASSIGNMENT.match(line):
                return
            case _:
                self._attribute(word, rest)

    def _define(self, symbol: str) -> None:
        if not re.fullmatch(r"\w+", symbol):
            raise malformed("a name is missing")
        depends = tuple(each for block in self._blocks for each in block.depends)
        visible = tuple(each for block in self._blocks for each in block.visible)
        around = next((block for block in reversed(self._blocks) if block.kind != "if"), None)
        choice = around.where if around is not None and around.kind == "choice" else None
        self._entry = Definition(symbol, self._where, depends, visible=visible, choice=choice)
        self.definitions.append(self._entry)

    def _begin(self, kind: str, rest: str) -> None:
        block = _Block(kind, self._where)
        if kind == "if":
            block.depends.extend(conjuncts(dependency.parse(rest)[0]))
        self._blocks.append(block)
        self._entry = None if kind == "if" else block

    def _end(self, kind: str) -> None:
        if not self._blocks or self._blocks[-1].kind != kind:
            raise malformed(f"no {kind} is open here")
        self._blocks.pop()
        self._entry = None

    def _attribute(self, word: str, rest: str) -> None:
        entry = self._entry
        if entry is None:
            raise malformed("nothing has begun that it could belong to")
        if word == "depends" and rest.startswith("on "):
            self._depend(entry, rest.removeprefix("on "))
        elif word == "visible" and rest.startswith("if ") and isinstance(entry, _Block):
            entry.visible.extend(conjuncts(dependency.parse(rest.removeprefix("if "))[0]))
        elif isinstance(entry, Definition) and self._of_definition(entry, word, rest):
            return
        elif isinstance(entry, _Block) and entry.kind == "choice" and word in {"prompt", "bool", "tristate"} and rest:
            entry.visible.extend(_condition(_string(rest)[1]))
        elif word not in {"prompt", "default", "optional", "modules", "option", "transitional", "range", *_TYPES}:
            raise malformed("its first word is none that is known")

    def _depend(self, entry: Definition | _Block, text: str) -> None:
        expression, condition = dependency.parse(text)
        if condition is not None:
            expression = Either((expression, Not(condition)))
        if isinstance(entry, Definition):
            entry.depends += conjuncts(expression)
        else:
            entry.depends.extend(conjuncts(expression))

    def _of_definition(self, entry: Definition, word: str, rest: str) -> bool:
        """Take in what only a symbol has; False when this is nothing of the kind."""
        if word in {"select", "imply"}:
            name, condition = dependency.parse(rest)
            if not isinstance(name, dependency.Symbol):
                raise malformed("a name is missing")
            if word == "select":
                self.selections.setdefault(name.name, []).append(Selection(entry.symbol, condition))
        elif word in {"def_bool", "def_tristate"}:
            entry.type = word.removeprefix("def_")
        elif word in _TYPES or word == "prompt":
            entry.type = entry.type if word == "prompt" else word
            if rest:
                entry.prompt = True
                entry.visible += _condition(_string(rest)[1])
        else:
            return False
        return True


def _condition(text: str) -> tuple[Expression, ...]:
    """What stands behind a prompt: nothing, or `if` and an expression."""
    if not text:
        return ()
    if not re.match(r"if\b", text):
        raise malformed(f"{text[:40]!r} is too much")
    return conjuncts(dependency.parse(text.removeprefix("if"))[0])


def _string(text: str) -> tuple[str, str]:
    """What stands in quotes, or the first word; and what follows."""
    match = _STRING.match(text)
    if match is not None:
        return match[1][1:-1], match[2].strip()
    word, _, rest = text.partition(" ")
    if not word or word[0] in "\"'":
        raise malformed("a text in quotes is missing, or does not end")
    return word, rest.strip()


def _statements(text: str) -> list[tuple[int, str]]:
    """The lines that say something, with their numbers: no help, no comments, continued lines joined."""
    found: list[tuple[int, str]] = []
    # While in a help text: how far it is indented, or -1 before its first line.
    helping: int | None = None
    begun: tuple[int, str] | None = None
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.expandtabs(8).rstrip()
        stripped = line.lstrip()
        if helping is not None:
            indent = len(line) - len(stripped)
            if not stripped or (indent >= max(helping, 1)):
                helping = indent if stripped and helping < 0 else helping
                continue
            helping = None
        first, before = begun or (number, "")
        if stripped.endswith("\\"):
            begun = first, before + stripped[:-1] + " "
            continue
        begun = None
        plain = _uncommented(before + stripped)
        if plain in {"help", "---help---"}:
            helping = -1
        elif plain:
            found.append((first, plain))
    if begun is not None:
        found.append((begun[0], _uncommented(begun[1])))
    return found


def _uncommented(line: str) -> str:
    match = _COMMENT.fullmatch(line) if "#" in line else None
    return (line if match is None else match[1]).strip()


def _fault(what: str, where: str) -> BuildError:
    plain = malformed(what)
    return BuildError(plain.code, what, where=where, hint=plain.hint)
