import gzip
import hashlib
import io
import random
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootworthy.errors import InternalError
from bootworthy.layers.body import ingest
from bootworthy.layers.merge import merge
from bootworthy.layers.node import Kind, Node, Tree
from bootworthy.layers.writer import Content, Member, Written, content_from, header, members_of, write
from tests.made_layers import members, told, tree

NAMES = st.one_of(
    st.sampled_from([b"a", b"b", b"usr", b"n" * 255, b"caf\xc3\xa9", b"\xff\xfe", b" ", b"new\nline"]),
    st.binary(min_size=1, max_size=60),
).filter(lambda name: name not in {b".", b".."} and not set(name) & {0, 0x2F} and not name.startswith(b".wh."))
TIMES = st.one_of(
    st.sampled_from([0, 1, 10**9, 8**11 * 10**9, (8**11 - 1) * 10**9, -1, -(10**9), -1_500_000_000]),
    st.integers(-(10**18), 10**19),
)
IDS = st.one_of(st.integers(0, 2**32 - 2), st.sampled_from([0, 8**7 - 1, 8**7]))
XATTRS = st.dictionaries(
    st.sampled_from([b"user.a", b"security.capability", b"trusted.overlay.opaque"]), st.binary(max_size=300), max_size=2
).map(lambda found: tuple(sorted(found.items())))

TARGETS = st.binary(min_size=1, max_size=300).filter(lambda each: 0 not in each)


@st.composite
def leaves(draw: st.DrawFn) -> tuple[Node, bytes]:
    kind = draw(st.sampled_from([each for each in Kind if each not in {Kind.DIRECTORY, Kind.SOCKET}]))
    content = draw(st.binary(max_size=3000)) if kind is Kind.FILE else b""
    node = Node(
        kind, draw(st.integers(0, 0o7777)), draw(IDS), draw(IDS), draw(TIMES), draw(XATTRS), size=len(content),
        target=draw(TARGETS) if kind is Kind.SYMLINK else b"",
        device=draw(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)))
        if kind in {Kind.CHARACTER, Kind.BLOCK} else (0, 0),
    )  # fmt: skip
    return node, content


@st.composite
def trees(draw: st.DrawFn) -> list[Member]:
    """Members of a random tree, in an order that is no order."""

    def directory() -> Node:
        return Node(Kind.DIRECTORY, draw(st.integers(0, 0o7777)), draw(IDS), draw(IDS), draw(TIMES), draw(XATTRS))

    found = {b"": Member(b"", directory())}
    folders = [b""]
    for _ in range(draw(st.integers(0, 6))):
        parent = draw(st.sampled_from(folders))
        name = draw(NAMES)
        path = parent + b"/" + name if parent else name
        if path not in found:
            folders.append(path)
            found[path] = Member(path, directory())
    for _ in range(draw(st.integers(0, 8))):
        parent, name = draw(st.sampled_from(folders)), draw(NAMES)
        path = parent + b"/" + name if parent else name
        if path not in found:
            node, content = draw(leaves())
            found[path] = Member(path, node, pieces(content))
    return draw(st.permutations(list(found.values())))


def pieces(content: bytes, size: int = 1000) -> Content:
    return lambda: (content[at : at + size] for at in range(0, len(content), size))


def file(path: bytes, content: bytes, **fields: object) -> Member:
    return Member(path, Node(Kind.FILE, 0o644, size=len(content), **fields), pieces(content))  # type: ignore[arg-type]


def written(*made: Member, compress: bool = True) -> tuple[Written, bytes]:
    out = io.BytesIO()
    return write(made, out, compress=compress), out.getvalue()


@given(trees())
@settings(max_examples=150, deadline=None)
def test_what_was_written_is_read(tmp_path_factory: pytest.TempPathFactory, made: list[Member]) -> None:
    folder = tmp_path_factory.mktemp("layers")
    done, data = written(*made)
    files = ingest(io.BytesIO(data), "", folder, digest=done.digest, diff_id=done.diff_id)
    assert files.size == done.size == len(data)
    assert files.diff_id == done.diff_id
    found = merge([files.load()], [files.body])
    nodes = dict(found.walk())
    assert set(nodes) == {member.path for member in made}
    for member in made:
        node, wanted = nodes[member.path], member.node
        for name in ("kind", "mode", "uid", "gid", "mtime", "xattrs", "size", "target", "device"):
            assert getattr(node, name) == getattr(wanted, name), (member.path, name)
        if member.content is not None:
            assert found.read(node) == b"".join(bytes(piece) for piece in member.content())


@given(trees())
@settings(max_examples=50, deadline=None)
def test_a_tree_written_back_is_itself_and_always_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, made: list[Member]
) -> None:
    folder = tmp_path_factory.mktemp("layers")
    done, data = written(*made)
    first = tree(folder, data)
    again, same = written(*members_of(first))
    assert (again, same) == (done, data)


@given(trees())
@settings(max_examples=50, deadline=None)
def test_the_standard_library_reads_it(made: list[Member]) -> None:
    _, data = written(*made)
    with tarfile.open(fileobj=io.BytesIO(data), encoding="utf-8") as archive:
        found = {info.name.encode(errors="surrogateescape"): info for info in archive}
    for member in made:
        info = found[member.path.rstrip(b"/") or b"."]
        assert (info.mode, info.uid, info.gid, info.size) == (
            member.node.mode, member.node.uid, member.node.gid, member.node.size,
        )  # fmt: skip


def test_hard_links(tmp_path: Path) -> None:
    node = Node(Kind.FILE, 0o4755, size=3, mtime=10**9)
    link = Node(Kind.SYMLINK, 0o777, target=b"x")
    _, data = written(
        Member(b"b", node, pieces(b"abc")),
        Member(b"c", node, link=b"b"),
        Member(b"s", link),
        Member(b"t", link, link=b"s"),
    )
    found = tree(tmp_path, data)
    assert found.root.children[b"b"] is found.root.children[b"c"]
    assert found.root.children[b"s"] is found.root.children[b"t"]
    _, again = written(*members_of(found))
    assert told(tree(tmp_path, again), content=True) == told(found, content=True)


def test_holes_are_written_as_zeros(tmp_path: Path) -> None:
    info = tarfile.TarInfo("s")
    info.size = 5
    info.pax_headers = {"GNU.sparse.map": "3000000,5", "GNU.sparse.size": "5000000"}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(info, io.BytesIO(b"hello"))
    found = tree(tmp_path, out.getvalue())
    _, data = written(*members_of(found), compress=False)
    (_, entry) = members(data)
    assert data[entry.data : entry.data + entry.size] == bytes(3000000) + b"hello" + bytes(1999995)


def test_the_same_bytes_however_content_arrives() -> None:
    content = random.Random(1).randbytes(3_000_001) + bytes(500_000)
    node = Node(Kind.FILE, 0o644, size=len(content))
    found = {written(Member(b"f", node, pieces(content, size)))[1] for size in (4096, 77_777, 1 << 20, 1 << 23)}
    assert len(found) == 1


def test_gzip_tells_neither_time_nor_name() -> None:
    _, data = written(file(b"f", b"abc"))
    assert data[:3] == b"\x1f\x8b\x08"
    assert data[3:8] == bytes(5)
    assert gzip.decompress(data)


def test_digests() -> None:
    done, data = written(file(b"f", b"abc"))
    assert done.digest == f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert done.diff_id == f"sha256:{hashlib.sha256(gzip.decompress(data)).hexdigest()}"
    plain, raw = written(file(b"f", b"abc"), compress=False)
    assert plain.digest == plain.diff_id == done.diff_id
    assert raw == gzip.decompress(data)


def test_names_that_fit_need_no_record() -> None:
    paths = [b"x" * 100, b"d" * 155 + b"/" + b"x" * 100, b"d" * 90 + b"/" + b"e" * 60 + b"/x"]
    _, data = written(*(file(path, b"") for path in paths), compress=False)
    assert b"path=" not in data
    assert sorted(entry.path for entry in members(data)) == sorted(paths)


def test_names_that_are_no_text_say_so() -> None:
    assert b"21 hdrcharset=BINARY\n" in written(file(b"\xff", b""), compress=False)[1]
    assert b"hdrcharset" not in written(file("é".encode(), b""), compress=False)[1]


def test_directories_come_before_what_is_in_them() -> None:
    made = [
        file(b"a/b", b""),
        Member(b"a", Node(Kind.DIRECTORY, 0o755)),
        file(b"a-b", b""),
        Member(b"", Node(Kind.DIRECTORY, 0o755)),
    ]
    _, data = written(*made, compress=False)
    assert [entry.path for entry in members(data)] == [b".", b"a", b"a/b", b"a-b"]


def test_content_from_a_file(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"abc" * 1_000_000)
    _, data = written(Member(b"f", Node(Kind.FILE, 0o644, size=3_000_000), content_from(source)))
    found = tree(tmp_path / "layers", data)
    assert found.read(found.root.children[b"f"]) == b"abc" * 1_000_000


@pytest.mark.parametrize("size", [2, 4])
def test_content_of_another_size_is_our_mistake(size: int) -> None:
    with pytest.raises(InternalError) as caught:
        written(Member(b"f", Node(Kind.FILE, 0o644, size=size), pieces(b"abc")))
    assert caught.value.code == "layer.wrong-size"


def test_a_path_twice_is_our_mistake() -> None:
    with pytest.raises(InternalError) as caught:
        written(file(b"f", b""), file(b"f", b"x"))
    assert caught.value.code == "layer.duplicate"


def test_sockets_are_left_out_of_a_tree_and_refused_from_a_caller() -> None:
    socket = Node(Kind.SOCKET, 0o755)
    found = Tree(Node(Kind.DIRECTORY, 0o755, children={b"s": socket}))
    assert [member.path for member in members_of(found)] == [b""]
    with pytest.raises(InternalError):
        written(Member(b"s", socket))


def test_sizes_and_owners_that_no_header_holds_are_told_by_records() -> None:
    blocks = header(Member(b"f", Node(Kind.FILE, 0o644, 8**7, 8**7 - 1, size=8**11)), 8**11)
    assert b" size=8589934592\n" in blocks
    assert b" uid=2097152\n" in blocks
    assert b" gid=" not in blocks
    assert len(blocks) == 1536
