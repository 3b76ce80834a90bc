from __future__ import annotations

import os
from pathlib import Path

import pytest

from bootworthy.filesystems.writer import VolumeOptions
from bootworthy.host.progress import QUIET
from bootworthy.layers.node import BLOCK
from bootworthy.volumes.convert import convert
from bootworthy.volumes.devices import beside
from bootworthy.volumes.identity import Source
from tests import trees

SOURCE = Source((f"sha256:{'a' * 64}",))
LAYERED = VolumeOptions(profile="layered")


def test_a_layered_volume_stands_beside_its_layers_which_others_share(tmp_path: Path) -> None:
    body = trees.Body()
    tree = body.tree(trees.directory({b"f": body.file(b"content")}), tmp_path / "layer.body")
    for name in ("one", "two", "one"):
        planned = convert(tree, SOURCE, "erofs", LAYERED, tmp_path / "out" / name)
        assert planned.devices == (tmp_path / "out" / f"{name}.1",)
        assert planned.devices[0].samefile(tree.bodies[0])
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["one", "one.1", "two", "two.1"]
    assert (tmp_path / "out/one").read_bytes() == (tmp_path / "out/two").read_bytes()


def test_a_body_that_is_no_whole_blocks_is_copied_and_completed(tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(b"x" * 5000)
    (tmp_path / "out.1").write_bytes(b"of another image")
    with beside(tmp_path / "out", [tmp_path / "body"]) as placed:
        assert placed[0].read_bytes() == (b"x" * 5000).ljust(2 * BLOCK, b"\0")
    assert (tmp_path / "body").stat().st_size == 5000


def test_where_links_are_not_possible_it_is_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "body").write_bytes(b"x" * BLOCK)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(18, os.strerror(18))

    monkeypatch.setattr(os, "link", refuse)
    with beside(tmp_path / "out", [tmp_path / "body"]) as placed:
        assert not placed[0].samefile(tmp_path / "body")
        assert placed[0].read_bytes() == (tmp_path / "body").read_bytes()


def test_nothing_new_is_left_when_the_volume_fails(tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(b"x" * BLOCK)
    (tmp_path / "out.1").hardlink_to(tmp_path / "body")
    with pytest.raises(RuntimeError), beside(tmp_path / "out", [tmp_path / "body"] * 2):
        raise RuntimeError
    assert sorted(path.name for path in tmp_path.iterdir()) == ["body", "out.1"]


def test_the_uuid_is_the_images_unless_asked_otherwise(tmp_path: Path) -> None:
    tree = trees.Body().tree(trees.directory(), tmp_path / "body")
    assert convert(tree, SOURCE, "erofs", VolumeOptions(), tmp_path / "a", QUIET).facts["uuid"] == str(SOURCE.uuid)
    other = Source(()).uuid
    for name in ("erofs", "ext4"):
        made = convert(tree, SOURCE, name, VolumeOptions(uuid=other), tmp_path / name, QUIET)
        assert made.facts["uuid"] == str(other)
    assert VolumeOptions(uuid=other).as_json() != VolumeOptions().as_json()
