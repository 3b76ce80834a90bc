"""Moving images, killed a hundred times each, and by a hundred at once; `make soak` runs it.

`BOOTWORTHY_SOAK` is a fifth of how often (20), `BOOTWORTHY_SOAK_SEED` what the moments are drawn from (1).
"""

from __future__ import annotations

import os
from pathlib import Path

from tests import transfer_kills as kills

ROUNDS = 5 * int(os.environ.get("BOOTWORTHY_SOAK", "20"))
SEED = int(os.environ.get("BOOTWORTHY_SOAK_SEED", "1"))


def test_pulls_are_killed(tmp_path: Path) -> None:
    assert kills.pulls(tmp_path, ROUNDS, SEED) > ROUNDS // 4


def test_pushes_are_killed(tmp_path: Path) -> None:
    assert kills.pushes(tmp_path, ROUNDS, SEED) > ROUNDS // 2


def test_copies_are_killed(tmp_path: Path) -> None:
    assert kills.copies(tmp_path, ROUNDS, SEED) > ROUNDS // 2


def test_loads_are_killed(tmp_path: Path) -> None:
    assert kills.loads(tmp_path, ROUNDS, SEED) > ROUNDS // 4


def test_collections_are_killed(tmp_path: Path) -> None:
    assert kills.collections(tmp_path, ROUNDS, SEED) > ROUNDS // 4


def test_a_hundred_pull_one_image(tmp_path: Path) -> None:
    asked = kills.crowd(tmp_path, ROUNDS)
    assert len(asked) == len(kills.SIZES) + 1
    assert set(asked.values()) == {1}
