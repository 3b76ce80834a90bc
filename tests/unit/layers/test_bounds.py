from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from bootworthy.errors import IntegrityError
from bootworthy.layers.bounds import bounded
from bootworthy.layers.entry import Entry
from bootworthy.layers.node import Kind, Node, Tree
from tests.made_layers import entry


def test_what_is_within_bounds_passes() -> None:
    entries = [entry(f"file-{number}", size=1 << 40) for number in range(100)]
    assert list(bounded(entries, most=100 * 140)) == entries


@pytest.mark.parametrize(
    "one",
    [
        entry("f"), entry("n" * 100), entry("l", Kind.SYMLINK, target=b"t" * 100),
        entry("a", xattrs=((b"user.a", b"v" * 100),)), entry("s", extents=((0, 1),) * 100, size=100),
    ],
)  # fmt: skip
def test_more_members_than_memory_shall_hold_are_refused_while_they_are_read(one: Entry) -> None:
    def endless() -> Iterator[Entry]:
        while True:
            yield dataclasses.replace(one)

    with pytest.raises(IntegrityError) as caught:
        list(bounded(endless(), where="layer 1", most=20_000))
    assert (caught.value.code, caught.value.where) == ("layer.too-large", "layer 1")
    assert "take more than 20000 bytes" in caught.value.message


def test_holes_end_where_layers_do(monkeypatch: pytest.MonkeyPatch) -> None:
    holes = [entry(f"hole-{number}", size=3 << 30, extents=()) for number in range(3)]
    assert len(list(bounded(holes))) == 3
    monkeypatch.setenv("BOOTWORTHY_LAYER_LIMIT", "8G")
    with pytest.raises(IntegrityError, match="with `hole-2` its sparse files have more than 8589934592 bytes"):
        list(bounded(holes))


def test_a_hole_is_not_read_into_memory() -> None:
    with pytest.raises(IntegrityError) as caught:
        Tree(Node(Kind.DIRECTORY, 0o755)).read(Node(Kind.FILE, 0o644, size=1 << 50))
    assert caught.value.code == "image.file-too-large"
