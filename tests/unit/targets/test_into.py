from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.errors import DocumentError
from bootworthy.targets.guest import Guest
from bootworthy.targets.into import into
from tests.golden import GUESTS, SPLIT

MODULES = SPLIT.modules
assert MODULES is not None
NEW = (SPLIT.kernel, SPLIT.kernel_file, SPLIT.root, MODULES.image, SPLIT.modules_folder)
OLD = ("old/kernel:1", "boot/old", "old/root:1", "old/modules:1", "/lib/modules/4.19.215")
TEMPLATE = """\
# ours; do not touch
apiVersion: infrastructure.cluster.x-k8s.io/v1alpha1
kind:   MicrovmMachineTemplate      # odd spacing stays
metadata: {{name: "a",   labels: {{x: "é 漢"}}}}
spec:
  template:
    spec:
      vcpu: 2
      kernel: {{image: {0}, filename: {1}}}    # {{ not: this }}
      rootVolume:
            id: root
            image: {2}   # the root
      volumes:
      - id: data
        image: leave/me:1
      - {{id: modules, image: {3}, mountPoint: {4}}}
      networkInterfaces: [{{guestDeviceName: eth1, type: tap}}]
...
"""
SPEC = """{{
\t"microvm": {{"id": "x",   "kernel": {{"filename": {1}, "image": {0}}},
  "root_volume": {{"source": {{"container_source": {2}}}, "id": "root"}},
  "additional_volumes": [{{"id": "m", "mount_point": {4}, "source": {{"container_source": {3}}}}}]}}
}}
"""


def plain(text: str) -> str:
    return text


def single(text: str) -> str:
    return f"'{text}'"


QUOTES: list[Callable[[str], str]] = [plain, single, json.dumps]


@given(st.lists(st.sampled_from(QUOTES), min_size=5, max_size=5), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_only_the_values_change(quotes: list[Callable[[str], str]], end: str, twice: bool) -> None:
    def written(values: tuple[str, ...]) -> str:
        text = TEMPLATE.format(*(quote(value) for quote, value in zip(quotes, values, strict=True)))
        return (text + "---\n" + text if twice else text).replace("\n", end)

    changed = into(written(OLD), SPLIT, "cluster.yaml")
    assert changed.text == written(NEW)
    assert changed.machines == (2 if twice else 1)
    assert into(changed.text, SPLIT, "cluster.yaml").text == changed.text


def test_flintlock_json_keeps_its_order_and_its_spaces() -> None:
    old, new = (SPEC.format(*map(json.dumps, values)) for values in (OLD, NEW))
    assert into(old, SPLIT, "vm.json").text == new


def test_what_is_not_there_is_said_all_at_once() -> None:
    text = "kind: MicrovmMachine\nspec:\n  kernel: {image: a}\n  rootVolume: {id: root}\n  initrd: {image: b}\n"
    with pytest.raises(DocumentError) as caught:
        into(text, SPLIT, "m.yaml")
    problems = caught.value.problems
    assert [problem.code for problem in problems] == ["emit.extra", *["emit.missing"] * 4]
    assert problems[0].where == "m.yaml:5:11"
    assert "add it, as boot/vmlinux" in str(problems[1].hint)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: [1", "emit.syntax"), ("a: 1\n", "emit.no-machine"), ("", "emit.no-machine"), ("a: \x01", "emit.syntax"),
        ("a" * 2_000_000, "emit.syntax"), ("[" * 5000, "emit.syntax"),
    ],
)  # fmt: skip
def test_a_file_that_is_none_is_one_clear_error(text: str, code: str) -> None:
    with pytest.raises(DocumentError) as caught:
        into(text, SPLIT, "m.yaml")
    assert [problem.code for problem in caught.value.problems] == [code]


def test_a_value_that_an_alias_shares_is_left_alone() -> None:
    text = TEMPLATE.format("&k old/kernel:1", "boot/old", "*k", "m", "/lib/modules/1")
    with pytest.raises(DocumentError) as caught:
        into(text, SPLIT, "m.yaml")
    assert [problem.code for problem in caught.value.problems] == ["emit.shared"]
    same = replace(SPLIT, root=SPLIT.kernel)
    assert into(text, same, "m.yaml").text == TEMPLATE.format(
        f"&k {SPLIT.kernel}", "boot/vmlinux", "*k", MODULES.image if MODULES else "", SPLIT.modules_folder
    )


def test_a_block_of_text_is_left_alone() -> None:
    text = "kind: Microvm\nspec:\n  kernel:\n    image: |\n      x\n    filename: a\n  rootVolume: {image: b}\n"
    with pytest.raises(DocumentError) as caught:
        into(text, GUESTS["legacy"], "m.yaml")
    assert [problem.code for problem in caught.value.problems] == ["emit.block"]


@pytest.mark.parametrize(
    ("guest", "code"),
    [(GUESTS["legacy"], "emit.extra"), (GUESTS["rooted"], "emit.extra"), (GUESTS["cloud"], "emit.extra")],
)
def test_a_volume_or_a_mount_point_too_many_is_said(guest: Guest, code: str) -> None:
    with pytest.raises(DocumentError) as caught:
        into(TEMPLATE.format(*OLD), guest, "m.yaml")
    assert [problem.code for problem in caught.value.problems] == [code]


def test_who_must_do_more_is_told() -> None:
    assert "rename" in into(TEMPLATE.format(*OLD), SPLIT, "m.yaml").notes[0]
