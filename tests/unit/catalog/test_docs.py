"""What docs/catalog.md shows is what happens."""

import re
from pathlib import Path

import pytest

from bootworthy import catalog
from bootworthy.catalog.loading import builtin_names
from bootworthy.errors import DocumentError

PAGE = (Path(__file__).parents[3] / "docs" / "catalog.md").read_text()
GOOD, BAD = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


def test_the_example_loads() -> None:
    assert len(catalog.load_text(GOOD, "bootworthy.yaml").cells) == 8


def test_the_mistakes_are_those_that_are_shown() -> None:
    with pytest.raises(DocumentError) as caught:
        catalog.load_text(BAD, "bootworthy.yaml")
    shown = re.findall(r"^(bootworthy\.yaml:\d+:\d+): (\S+): (.*) \[(\S+)\]$", PAGE, re.MULTILINE)
    assert shown == [(one.where, one.path, one.message, one.code) for one in caught.value.problems]
    assert all(one.hint and one.hint in PAGE for one in caught.value.problems)


@pytest.mark.parametrize("name", builtin_names())
def test_every_built_in_catalog_is_on_its_page(name: str) -> None:
    page = (Path(__file__).parents[3] / "docs" / "catalogs.md").read_text()
    (row,) = re.findall(rf"^\| `{name}` \|.*$", page, re.MULTILINE)
    assert int(row.split("|")[3]) == len(catalog.load(f"builtin:{name}", Path()).cells)


def test_every_key_is_in_the_table() -> None:
    schema = catalog.json_schema()
    table = PAGE[PAGE.index("## Keys") : PAGE.index("## Mistakes")]
    models = [schema, *(schema["$defs"][name] for name in ("SystemFile", "KernelFile", "MachineFile", "RowFile"))]
    for model in models:
        for key in model["properties"]:
            assert f"`{key}`" in table, key
