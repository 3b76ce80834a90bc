"""YAML text to a tree in which every value knows where it stands (YAML 1.2, one document, core schema).

What another YAML reader could take for something else (`5.10`, `2028-06-01`, `yes`, `1:30`) is kept as a `Plain`:
its text as it was written, so that whoever wants a string can say "quote it".
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import Any, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from bootworthy.errors import DocumentError, Problem

LARGEST = 1024 * 1024
"""Bytes a document may have."""
_DEEPEST = 64
_MOST_NODES = 100_000
_TAG = "tag:yaml.org,2002:"
_TAGS = frozenset(
    _TAG + name for name in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp", "merge", "value")
)
# Plain words that YAML 1.1 readers take for booleans, base-60 numbers, dates or octal numbers (yaml.org/type).
_AMBIGUOUS = re.compile(
    r"(?:yes|no|on|off|true|false|null|~"
    r"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?"
    r"|[-+]?(?:0[xob]?[0-9A-Fa-f_]+|[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?|\.[0-9_]+|\.inf|\.nan))",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a document, counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Plain:
    """An unquoted scalar that is not certainly a string, as it was written, and what YAML 1.2 makes of it."""

    text: str
    value: bool | int | float | None
    """None for null, and for what is a string in YAML 1.2 and something else in 1.1."""

    @property
    def empty(self) -> bool:
        """Whether it is null, written out or by leaving the value away."""
        return self.text in {"", "~", "null", "Null", "NULL"}


Scalar: TypeAlias = str | Plain


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a mapping, where the key stands, and its value."""

    mark: Mark
    tree: Tree


@dataclass(frozen=True, slots=True)
class Tree:
    """A value and where it starts."""

    mark: Mark
    value: Scalar | tuple[Tree, ...] | dict[str, Entry]

    def plain(self) -> Any:
        """The value as plain Python data; what YAML 1.1 and 1.2 read differently stays a `Plain`."""
        match self.value:
            case dict():
                return {key: entry.tree.plain() for key, entry in self.value.items()}
            case tuple():
                return [tree.plain() for tree in self.value]
            case Plain(value=value) as scalar:
                return scalar if value is None and not scalar.empty else value
            case _:
                return self.value

    def at(self, path: tuple[str | int, ...]) -> tuple[Mark, Tree]:
        """Where a path leads: the mark of its key or item, and the tree there; stops where the path leaves the tree."""
        mark, tree = self.mark, self
        for step in path:
            if isinstance(tree.value, dict) and step in tree.value:
                entry = tree.value[str(step)]
                mark, tree = entry.mark, entry.tree
            elif isinstance(tree.value, tuple) and isinstance(step, int) and step < len(tree.value):
                tree = tree.value[step]
                mark = tree.mark
            else:
                break
        return mark, tree


class Report:
    """The mistakes found in one document, each once."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._problems: dict[tuple[str, str, Mark], tuple[Mark, Problem]] = {}

    def __bool__(self) -> bool:
        return bool(self._problems)

    def add(self, code: str, message: str, mark: Mark, *, path: str = "", hint: str | None = None) -> None:
        """Note one mistake."""
        problem = Problem(code, message, f"{self.name}:{mark.line}:{mark.column}", path, hint)
        self._problems.setdefault((code, message, mark), (mark, problem))

    def close(self) -> None:
        """Raise everything that was noted, in file order.

        Raises:
            DocumentError: `catalog.invalid`, when there is anything.
        """
        if not self._problems:
            return
        found = sorted(self._problems.values(), key=lambda item: (item[0].line, item[0].column))
        inorder = [problem for _, problem in found]
        message = "this catalog cannot be used"
        raise DocumentError("catalog.invalid", message, inorder, where=self.name)


def ambiguous(text: str) -> bool:
    """Whether a string that is written without quotes could be taken for something else."""
    return _AMBIGUOUS.fullmatch(text) is not None


def dotted(path: tuple[str | int, ...]) -> str:
    """`("matrix", 0, "systems")` as `matrix.0.systems`."""
    return ".".join(str(step) for step in path)


def decode(data: bytes, report: Report) -> str:
    """The text of a document.

    Raises:
        DocumentError: it is too long, or no UTF-8.
    """
    if len(data) > LARGEST:
        report.add("catalog.syntax", f"the document has more than {LARGEST // 1024} KiB", Mark(1, 1))
        report.close()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        message = f"byte 0x{data[error.start]:02x} is not UTF-8"
        report.add("catalog.syntax", message, Mark(line, column), hint="save the file as UTF-8")
        text = ""
    report.close()
    return text


def parse(text: str, report: Report) -> Tree:
    """The tree of a document; duplicate keys are noted in the report.

    Raises:
        DocumentError: the text is no YAML, not one document, empty, nested or expanded beyond reason.
    """
    node = _compose(text, report)
    if node is None or (isinstance(node, ScalarNode) and not node.value):
        report.add("catalog.syntax", "the document is empty", Mark(1, 1), hint="begin with `bootworthy: 1`")
        report.close()
    builder = _Builder(report)
    tree = builder.tree(node, ())
    if builder.full:
        report.close()
    return tree


def _compose(text: str, report: Report) -> Any:
    yaml = YAML(typ="safe", pure=True)
    yaml.max_depth = _DEEPEST
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ReusedAnchorWarning)
            return yaml.compose(text)
    except MarkedYAMLError as error:
        spot = error.problem_mark or error.context_mark
        mark = Mark(spot.line + 1, spot.column + 1) if spot else Mark(1, 1)
        words = " ".join(filter(None, [error.context, error.problem]))
        report.add("catalog.syntax", f"not valid YAML: {words}", mark, hint=_syntax_hint(text, mark, words))
    except ReaderError as error:
        before = text[: error.position]
        mark = Mark(before.count("\n") + 1, error.position - (before.rfind("\n") + 1) + 1)
        message = f"the character U+{ord(text[error.position]):04X} may not stand in YAML"
        report.add("catalog.syntax", message, mark, hint="write it as an escape in double quotes")
    except RecursionError:
        report.add("catalog.syntax", "nested too deeply", Mark(1, 1))
    except (YAMLError, ValueError) as error:
        report.add("catalog.syntax", f"not valid YAML: {error}", Mark(1, 1))
    report.close()
    return None


def _syntax_hint(text: str, mark: Mark, words: str) -> str | None:
    lines = text.splitlines()
    line = lines[mark.line - 1] if mark.line <= len(lines) else ""
    if "\t" in line[: mark.column]:
        return "indent with spaces, not with a tab"
    if "found another document" in words:
        return "a catalog is one document; remove the `---`"
    if "undefined alias" in words:
        return "put a name that begins with `*` in quotes"
    if "mapping values" in words:
        return "put a value that has `: ` in it in quotes, and check the indentation"
    return None


class _Builder:
    """YAML nodes to trees: duplicate keys noted, aliases expanded within bounds."""

    def __init__(self, report: Report) -> None:
        self.full = False
        self._report = report
        self._nodes = 0
        self._open: set[int] = set()

    def tree(self, node: Any, path: tuple[str | int, ...]) -> Tree:
        mark = Mark(node.start_mark.line + 1, node.start_mark.column + 1)
        self._nodes += 1
        if self._stop(node, mark, path):
            return Tree(mark, "")
        if str(node.tag) not in _TAGS:
            message = f"the tag {node.tag} is not read"
            self._report.add("catalog.syntax", message, mark, path=dotted(path), hint="remove it")
        self._open.add(id(node))
        try:
            match node:
                case MappingNode():
                    return Tree(mark, self._mapping(node, path))
                case SequenceNode():
                    return Tree(mark, tuple(self.tree(item, (*path, i)) for i, item in enumerate(node.value)))
                case _:
                    return Tree(mark, self._scalar(node, mark, path))
        finally:
            self._open.discard(id(node))

    def _stop(self, node: Any, mark: Mark, path: tuple[str | int, ...]) -> bool:
        if self.full:
            return True
        if id(node) in self._open:
            self._report.add("catalog.syntax", "an alias stands inside what it repeats", mark, path=dotted(path))
            self.full = True
        elif self._nodes > _MOST_NODES:
            message = f"aliases expand this document to more than {_MOST_NODES} values"
            self._report.add("catalog.syntax", message, mark, hint="repeat entries with `for:`, not with aliases")
            self.full = True
        return self.full

    def _mapping(self, node: Any, path: tuple[str | int, ...]) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        for key, value in node.value:
            mark = Mark(key.start_mark.line + 1, key.start_mark.column + 1)
            if not isinstance(key, ScalarNode):
                self._report.add("catalog.type", "a key must be a string", mark, path=dotted(path))
                continue
            name = self._text(key, mark, path)
            here = (*path, name)
            if str(key.tag) == _TAG + "merge":
                self._report.add(
                    "catalog.syntax", "merge keys (`<<`) are not read", mark, path=dotted(path),
                    hint="repeat an entry with `for:`",
                )  # fmt: skip
                continue
            if key.style is None and ambiguous(name):
                self._report.add(
                    "catalog.unquoted-version", f"the key {name} is not a string", mark, path=dotted(here),
                    hint=f'quote it: "{name}"',
                )  # fmt: skip
            if name in entries:
                first = entries[name].mark
                self._report.add(
                    "catalog.duplicate-key", f"{name!r} stands here twice", mark, path=dotted(here),
                    hint=f"the first one is in line {first.line}; remove or rename one of them",
                )  # fmt: skip
                continue
            entries[name] = Entry(mark, self.tree(value, here))
        return entries

    def _text(self, node: Any, mark: Mark, path: tuple[str | int, ...]) -> str:
        text = str(node.value)
        try:
            # JSON, which YAML 1.2 takes in, writes characters above U+FFFF as two escapes.
            return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
        except UnicodeDecodeError:
            message = "half of a surrogate pair is no character"
            self._report.add("catalog.syntax", message, mark, path=dotted(path), hint="write the character itself")
            return text.encode("utf-8", "replace").decode()

    def _scalar(self, node: Any, mark: Mark, path: tuple[str | int, ...]) -> Scalar:
        text = self._text(node, mark, path)
        if node.style is None and (not text or ambiguous(text)):
            return Plain(text, _core(text))
        return text


def _core(text: str) -> bool | int | float | None:
    """What the core schema makes of a plain scalar (YAML 1.2.2, section 10.3.2); None for null and for the rest."""
    if text in {"true", "True", "TRUE", "false", "False", "FALSE"}:
        return text.lower() == "true"
    if re.fullmatch(r"[-+]?[0-9]{1,18}", text):
        return int(text)
    if re.fullmatch(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", text):
        return float(text)
    return None
