"""JSON that its reader takes: no comments or bare words, the keys it knows, the wrapper it wants."""

from __future__ import annotations

import json
from collections.abc import Iterator

from bootworthy.targets.lint.consumers import Asked
from bootworthy.targets.lint.machine import Kind, Machine
from bootworthy.targets.lint.names import SNAKE, camel
from bootworthy.targets.lint.rule import Family, Fault, Rule, Subject
from bootworthy.targets.lint.tree import Edit, Node, Odd, Oddity
from bootworthy.vocabulary import Severity

JSON = Rule(
    id="LM-050", severity=Severity.ERROR, title="The client does not read this as it is meant",
    why="JSON has no comments and no bare words. hammertime ignores every key that is not in snake_case, and takes "
    "types of interfaces by number alone; it wants the bare spec, and grpcurl the request around it.",
    remedy="write JSON with keys in snake_case, without `microvm` for hammertime and with it for grpcurl",
    source="RFC 8259; flintlock v0.11.0, api/services/microvm/v1alpha1; hammertime v0.0.11 reads with encoding/json",
    fixed=True,
)  # fmt: skip

_WORDS = {
    Oddity.COMMENT: ("a comment", "remove it"),
    Oddity.BARE_WORD: ("a word without quotes", "put it in double quotes"),
    Oddity.QUOTES: ("single quotes", "use double quotes"),
    Oddity.CONTROL: ("a control character in a string", "write it as an escape, as \\n"),
    Oddity.TRAILING_COMMA: ("a comma after the last item", "remove it"),
    Oddity.MISSING_COMMA: ("no comma between two items", "put one there"),
    Oddity.NO_BRACES: ("no braces around the whole", "put the whole in braces"),
    Oddity.DUPLICATE: ("a key that stands there twice", "remove one of them: the last one counts, or it is refused"),
}
"""What is there, and what to do about it."""
_CAMEL = {camel(name): name for name in SNAKE}
_NUMBERS = {"macvtap": "0", "tap": "1"}


def find(subject: Subject) -> Iterator[Fault]:
    """Look at the text of a file, and at the keys of each request in it."""
    for odd in subject.source.odd:
        yield JSON.broken(odd.span, _message(subject, odd), remedy=_WORDS[odd.kind][1], edits=odd.edits)
    for machine in subject.machines:
        if machine.kind.flintlock:
            yield from _wrapper(machine, subject.asked)
            yield from _root(machine)
            if _for_hammertime(machine, subject.asked):
                yield from _keys(machine)


def _message(subject: Subject, odd: Odd) -> str:
    written = json.dumps(subject.source.written(odd.span).strip()[:60], ensure_ascii=False)
    shown = "" if odd.kind in {Oddity.NO_BRACES, Oddity.MISSING_COMMA} else f": {written}"
    return f"{_WORDS[odd.kind][0]}{shown}"


def _for_hammertime(machine: Machine, asked: Asked) -> bool:
    """Whether hammertime may be what reads it: the bare spec is also the body of an HTTP request."""
    if "hammertime" in asked.versions:
        return True
    return machine.kind is Kind.SPEC and "grpcurl" not in asked.versions


def _wrapper(machine: Machine, asked: Asked) -> Iterator[Fault]:
    if machine.kind is Kind.ENVELOPE and "hammertime" in asked.versions:
        yield JSON.broken(
            machine.span, "the spec is wrapped in `microvm`, where hammertime finds nothing", remedy="take it out"
        )
    if machine.kind is Kind.SPEC and "grpcurl" in asked.versions:
        yield JSON.broken(
            machine.span, "the spec is not wrapped in `microvm`, as a request of gRPC is", remedy="put it in one"
        )


def _root(machine: Machine) -> Iterator[Fault]:
    root = machine.get("root")
    if root is not None and isinstance(root.value, tuple):
        yield JSON.broken(root.span, "the root volume is one volume, and not a list", remedy="take it out of the list")


def _keys(machine: Machine) -> Iterator[Fault]:
    for node in machine.node.walk():
        for key, entry in node.entries.items():
            if key not in _CAMEL or _CAMEL[key] in node.entries:
                continue
            message = f"hammertime ignores {key!r}, and knows {_CAMEL[key]!r}"
            written = machine.source.written(entry.key)
            edits = (Edit(entry.key, written.replace(key, _CAMEL[key])),) if written.count(key) == 1 else ()
            remedy = f"write {_CAMEL[key]}"
            yield JSON.broken(entry.key, message, severity=Severity.WARNING, remedy=remedy, edits=edits)
    for nic in machine.interfaces:
        if nic.type is not None and nic.type.text is not None:
            yield _type(nic.type)


def _type(node: Node) -> Fault:
    number = _NUMBERS.get((node.text or "").lower())
    edits = (Edit(node.span, number),) if number else ()
    message = f"hammertime takes the type of an interface by number, and not {node.text!r}"
    remedy = "write 1 for tap, 0 for macvtap"
    return JSON.broken(node.span, message, severity=Severity.WARNING, remedy=remedy, edits=edits)


FAMILY = Family(title="Spelling", rules=(JSON,), find=find)
