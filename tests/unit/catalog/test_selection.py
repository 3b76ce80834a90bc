from pathlib import Path

import pytest

from bootworthy import catalog
from bootworthy.catalog.entries import Cell
from bootworthy.errors import NotFoundError, UsageError


@pytest.fixture(scope="module")
def cells() -> tuple[Cell, ...]:
    return catalog.load("builtin:bootworthy", Path()).cells


@pytest.mark.parametrize(
    ("selectors", "count"),
    [
        ([], 6), (["*"], 6), (["debian-12"], 3), (["debian-12/"], 3), (["debian-*/*/qemu-*"], 2),
        (["//firecracker-*"], 2),
        (["*/debian-6.1"], 3), (["debian-13/debian-6.12/cloud-hypervisor-x86_64"], 1), (["debian-12", "*/*/qemu-*"], 4),
        (["debian-1[23]/debian-6.1?"], 3),
    ],
)  # fmt: skip
def test_selectors(cells: tuple[Cell, ...], selectors: list[str], count: int) -> None:
    chosen = catalog.select(cells, selectors)
    assert len(chosen) == count
    assert list(chosen) == [cell for cell in cells if cell in chosen]


@pytest.mark.parametrize(
    ("selector", "hint"),
    [
        ("debain-12", "did you mean debian-12"),
        ("*/*/firecraker-x86_64", "did you mean firecracker-x86_64"),
        ("*/zzz", "kernels here: debian-6.1, debian-6.12"),
        ("debian-12/debian-6.12", "not together; nearest: debian-1"),
        ("*12*6.1*qemu*", "systems here"),
    ],
)
def test_no_match_names_the_nearest(cells: tuple[Cell, ...], selector: str, hint: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        catalog.select(cells, ["debian-12", selector])
    assert caught.value.code == "selector.no-match"
    assert selector in caught.value.message
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize("selector", ["", "//", "a/b/c/d"])
def test_what_is_no_selector(cells: tuple[Cell, ...], selector: str) -> None:
    with pytest.raises(UsageError) as caught:
        catalog.select(cells, [selector])
    assert caught.value.code == "selector.bad"
