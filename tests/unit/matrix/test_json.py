import copy
import dataclasses
import json
import re
from typing import Any

import pytest

from bootworthy.matrix import format as formats
from bootworthy.matrix.format import Look
from bootworthy.matrix.json import document, schema
from bootworthy.vocabulary import Accelerator, Standing, Support, Verdict
from tests import matrices

CELL = "debian-12/debian-6.1/qemu-microvm-x86_64"
TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}
READ = {"$ref", "type", "const", "enum", "pattern", "minimum", "required", "properties", "additionalProperties",
        "items", "anyOf"}  # fmt: skip
SILENT = {"title", "description", "format", "$schema", "$defs"}


def mistakes(value: Any, rule: Any, root: Any, path: str = "") -> list[str]:
    """What JSON Schema (2020-12) has against a value; only the keywords that our schema uses."""
    assert set(rule) <= READ | SILENT, rule
    if "$ref" in rule:
        return mistakes(value, root["$defs"][rule["$ref"].rpartition("/")[2]], root, path)
    if "anyOf" in rule:
        every = [mistakes(value, each, root, path) for each in rule["anyOf"]]
        return [] if [] in every else every[-1]
    found = []
    wrong_type = "type" in rule and (not isinstance(value, TYPES[rule["type"]]) or isinstance(value, bool))
    if wrong_type or value != rule.get("const", value) or value not in rule.get("enum", [value]):
        return [path]
    if "pattern" in rule and not re.search(rule["pattern"], value):
        found.append(path)
    if "minimum" in rule and value < rule["minimum"]:
        found.append(path)
    if isinstance(value, dict):
        found += [f"{path}.{name}" for name in rule.get("required", []) if name not in value]
        for name, each in value.items():
            below = rule.get("properties", {}).get(name, rule.get("additionalProperties", {}))
            found += [f"{path}.{name}"] if below is False else mistakes(each, below, root, f"{path}.{name}")
    if isinstance(value, list):
        for index, each in enumerate(value):
            found += mistakes(each, rule.get("items", {}), root, f"{path}.{index}")
    return found


def read() -> Any:
    return json.loads(formats.find("json").render(matrices.matrix(), Look()))


def test_a_cell() -> None:
    cell = read()["cells"][0]
    evidence = cell.pop("evidence")
    assert cell == {
        "cell": CELL, "system": "debian-12", "kernel": "debian-6.1", "machine": "qemu-microvm-x86_64",
        "support": "supported", "standing": "healthy",
        "images": {"root": "registry.example.com/os/debian-12:debian-6.1"}, "digests": {"root": matrices.ROOT},
        "attempts": {"healthy": 2, "total": 2},
    }  # fmt: skip
    assert evidence == {"digest": matrices.evidence().digest, **matrices.evidence().document}
    assert (evidence["vmm"], evidence["host"]["accelerator"]) == ({"name": "qemu-microvm", "version": "10.0.2"}, "tcg")


def test_what_was_not_booted_has_no_evidence() -> None:
    cells = {cell["cell"]: cell for cell in read()["cells"]}
    fire = cells["debian-12/debian-6.1/firecracker-x86_64"]
    assert (fire["standing"], fire["evidence"], fire["attempts"]) == ("checked", None, {"healthy": 0, "total": 0})


def test_it_is_what_its_schema_says() -> None:
    assert mistakes(read(), schema(), schema()) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["schema"], "bootworthy.matrix/2"), (["cells", 0, "standing"], "fine"), (["cells", 0, "cell"], "debian-12"),
        (["cells", 0, "digests", "root"], "sha256:1"), (["cells", 0, "attempts", "total"], -1),
        (["cells", 0, "evidence", "vmm"], None), (["cells", 0, "images"], []), (["cells", 0, "more"], 1),
    ],
)  # fmt: skip
def test_the_schema_refuses(path: list[Any], value: object) -> None:
    wrong = copy.deepcopy(read())
    place = wrong
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert mistakes(wrong, schema(), schema())


def test_the_schema_has_our_words() -> None:
    cell, evidence = schema()["$defs"]["cell"]["properties"], schema()["$defs"]["evidence"]["properties"]  # type: ignore[index]
    assert cell["support"]["enum"] == [word.value for word in Support]
    assert cell["standing"]["enum"] == [word.value for word in Standing]
    assert evidence["verdict"]["enum"] == [word.value for word in Verdict]
    assert evidence["host"]["properties"]["accelerator"]["enum"] == [word.value for word in Accelerator]


def test_half_a_character_is_still_json() -> None:
    attempt = matrices.evidence()
    odd = {**attempt.document, "again": "\ud800"}
    text = formats.find("json").render(
        matrices.matrix(seen_as={CELL: matrices.seen("qemu-microvm", [dataclasses.replace(attempt, document=odd)])}),
        Look(),
    )
    assert json.loads(text.encode())["cells"][0]["evidence"]["again"] == "\ud800"


def test_the_document_is_what_is_printed() -> None:
    assert json.loads(json.dumps(document(matrices.matrix()))) == read()
