from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.checks.part import Part
from bootworthy.checks.reading import refuse_large, shown, span, trail
from bootworthy.errors import BuildError
from bootworthy.layers.node import Chunk, Kind, Node, Tree
from tests.check_trees import File, Link, tree


@pytest.fixture
def holey(tmp_path: Path) -> tuple[Tree, Node]:
    """Eight bytes of `a`, a hole of eight, eight of `b`, and a hole of an exbibyte."""
    body = tmp_path / "body"
    body.write_bytes(b"....aaaaaaaabbbbbbbb")
    node = Node(Kind.FILE, 0o644, size=1 << 60, chunks=(Chunk(0, 8, 0, 4), Chunk(16, 8, 0, 12)))
    return Tree(Node(Kind.DIRECTORY, 0o755, children={b"f": node}), (body,)), node


def test_the_head_of_a_file_without_end_is_read(holey: tuple[Tree, Node]) -> None:
    assert span(*holey, 0, 4) == b"aaaa"
    assert span(*holey, 0, 26) == b"aaaaaaaa" + bytes(8) + b"bbbbbbbb" + bytes(2)


@given(start=st.integers(0, 40), size=st.integers(0, 40))
def test_a_span_is_the_slice_of_the_whole(tmp_path_factory: pytest.TempPathFactory, start: int, size: int) -> None:
    body = tmp_path_factory.mktemp("span") / "body"
    body.write_bytes(b"aaaaaaaabbbbb")
    node = Node(Kind.FILE, 0o644, size=25, chunks=(Chunk(0, 8, 0, 0), Chunk(16, 5, 0, 8)))
    made = Tree(node, (body,))
    assert span(made, node, start, size) == made.read(node)[start : start + size]


def test_what_is_too_large_is_refused_unread(holey: tuple[Tree, Node]) -> None:
    with pytest.raises(BuildError) as caught:
        refuse_large(holey[1], 1 << 20)
    assert caught.value.code == "check.too-large"
    with pytest.raises(BuildError):
        Part("r", holey[0]).read(b"f", 1 << 20)


def test_a_body_that_is_shorter_than_it_should_be_reads_as_zero(tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(b"abc")
    node = Node(Kind.FILE, 0o644, size=6, chunks=(Chunk(0, 6, 0, 0),))
    assert span(Tree(node, (tmp_path / "body",)), node, 0, 9) == b"abc\0\0\0"


def test_only_files_have_bytes(tmp_path: Path) -> None:
    made = Part("r", tree(tmp_path, {"dir/x": b"", "link": Link(b"dir"), "file": File(b"content")}))
    assert made.head(b"dir", 9) is None
    assert made.head(b"link", 9) is None
    assert made.head(b"none", 9) is None
    assert made.read(b"file", 9) == b"content"
    assert span(made.tree, made.tree.root, 0, 9) == b""


@pytest.mark.parametrize(
    ("path", "says"),
    [
        (b"/sbin/init", None),
        (b"/sbin/none", "/sbin/none is not in the image"),
        (b"/loop", "/loop is a loop of links"),
        (b"/dangling", "/dangling is a link to nowhere/at/all, which is not in the image"),
        (b"/usr", "/usr is a directory, and no program"),
        (b"/plain", "/plain may not be executed: its mode is 0644"),
        (b"relative", "relative is a link to /plain, which may not be executed: its mode is 0644"),
    ],
)
def test_a_trail_says_why_its_end_is_no_program(tmp_path: Path, path: bytes, says: str | None) -> None:
    made = tree(tmp_path, {
        "sbin": Link(b"usr/sbin"), "usr/sbin/init": Link(b"../lib/systemd"), "usr/lib/systemd": b"x",
        "loop": Link(b"pool"), "pool": Link(b"loop"), "dangling": Link(b"nowhere/at/all"), "plain": File(b"x"),
        "relative": Link(b"/plain"),
    })  # fmt: skip
    found = trail(made, path)
    assert found.program is (says is None)
    if says is not None:
        assert found.says() == says


def test_a_link_to_itself_under_a_folder_that_is_one_ends(tmp_path: Path) -> None:
    made = tree(tmp_path, {"a": Link(b"a/b/c")})
    assert trail(made, b"/a/b").node is None
    assert trail(made, b"/a").node is None


def test_what_an_image_says_cannot_steer_a_terminal() -> None:
    assert shown(b"\x1b[2Jgone\n\xff") == "\\x1b[2Jgone\\x0a\\xff"
    assert shown("\u202etxt.exe") == "\\u202etxt.exe"
    assert shown("é") == "é"
    assert len(shown("x" * 100_000)) == 203
    assert shown(b"\x1b" * 300).isprintable()
