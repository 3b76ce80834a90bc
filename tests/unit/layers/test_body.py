import contextlib
import gzip
import hashlib
import io
import os
import random
import resource
import signal
import tarfile
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bootworthy.errors import BootworthyError, IntegrityError, SpaceError
from bootworthy.host.boot import boot_id
from bootworthy.layers import index as indexes
from bootworthy.layers.body import LayerFiles, find, ingest
from bootworthy.layers.node import BLOCK, Chunk, Kind, Node, Tree
from tests.made_layers import taken, tarred


def layer(*contents: bytes) -> bytes:
    return tarred([(tarfile.TarInfo(f"f{number}"), content) for number, content in enumerate(contents)])


def sparse_layer(extents: list[tuple[int, int]], size: int, data: bytes) -> bytes:
    info = tarfile.TarInfo("s")
    text = ",".join(f"{offset},{length}" for offset, length in extents)
    info.pax_headers = {"GNU.sparse.map": text, "GNU.sparse.size": str(size)}
    return tarred([(info, data)])


def contents(files: LayerFiles) -> list[bytes]:
    """What each file holds, read as anyone must: whole blocks of the body, holes zero."""
    body = files.body.read_bytes()
    assert len(body) % BLOCK == 0
    found = []
    for entry in files.load().entries:
        content = bytearray(entry.size + -entry.size % BLOCK)
        last = 0
        for number, chunk in enumerate(entry.chunks):
            assert chunk.offset % BLOCK == chunk.position % BLOCK == 0
            assert last <= chunk.offset
            last = chunk.offset + chunk.length
            assert last <= entry.size
            assert not chunk.length % BLOCK or number == len(entry.chunks) - 1
            whole = chunk.length + -chunk.length % BLOCK
            content[chunk.offset : chunk.offset + whole] = body[chunk.position : chunk.position + whole]
        assert not any(content[entry.size :])
        found.append(bytes(content[: entry.size]))
    return found


SIZES = st.sampled_from([0, 1, 511, 512, 513, 4095, 4096, 4097, 8192, 40000, 1 << 20, (1 << 20) + 5])


@given(sizes=st.lists(SIZES, max_size=8), compressed=st.booleans())
@settings(max_examples=30, deadline=None)
def test_files_come_back_from_whole_blocks(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], *, compressed: bool
) -> None:
    wanted = [random.Random(number).randbytes(size) for number, size in enumerate(sizes)]
    data = layer(*wanted)
    outer = gzip.compress(data, 1) if compressed else data
    files = taken(outer, tmp_path_factory.mktemp("layers"))
    assert contents(files) == wanted
    assert files.diff_id == f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert files.digest == f"sha256:{hashlib.sha256(outer).hexdigest()}"
    assert files.size == len(outer)


@st.composite
def extents(draw: st.DrawFn) -> tuple[list[tuple[int, int]], int]:
    at = 0
    found = []
    for _ in range(draw(st.integers(0, 8))):
        at += draw(st.sampled_from([0, 1, 100, 4095, 4096, 5000, 20000]))
        length = draw(st.sampled_from([0, 1, 100, 4095, 4096, 9000]))
        found.append((at, length))
        at += length
    return found, at + draw(st.sampled_from([0, 1, 4096, 100000]))


@given(extents())
@settings(max_examples=100, deadline=None)
def test_sparse_files_keep_their_holes(
    tmp_path_factory: pytest.TempPathFactory, made: tuple[list[tuple[int, int]], int]
) -> None:
    pairs, size = made
    wanted = bytearray(size)
    data = b""
    for offset, length in pairs:
        piece = random.Random(offset).randbytes(length)
        wanted[offset : offset + length] = piece
        data += piece
    files = taken(sparse_layer(pairs, size, data), tmp_path_factory.mktemp("layers"))
    assert contents(files) == [bytes(wanted)]
    blocks = {
        block for offset, length in pairs if length for block in range(offset // BLOCK, -(-(offset + length) // BLOCK))
    }
    assert files.body.stat().st_size == len(blocks) * BLOCK


def test_more_small_files_than_one_system_call_takes(tmp_path: Path) -> None:
    wanted = [b"%d" % number * 700 for number in range(1500)]
    assert contents(taken(layer(*wanted), tmp_path)) == wanted


def test_a_layer_is_found_again_and_not_read_again(tmp_path: Path) -> None:
    files = taken(layer(b"abc"), tmp_path)
    assert find(tmp_path, files.diff_id) == files
    again = ingest(io.BytesIO(b"not even looked at"), "", tmp_path, diff_id=files.diff_id)
    assert again == files
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".body", ".index"]


def test_two_compressions_of_one_layer_share_a_body(tmp_path: Path) -> None:
    first = taken(layer(b"abc"), tmp_path)
    second = taken(gzip.compress(layer(b"abc")), tmp_path)
    assert first == second


@pytest.mark.parametrize("harm", ["no body", "short body", "no index", "bad index", "other layer"])
def test_files_that_cannot_be_trusted_are_made_again(tmp_path: Path, harm: str) -> None:
    files = taken(layer(b"abc" * 5000), tmp_path)
    if harm == "no body":
        files.body.unlink()
    elif harm == "short body":
        files.body.write_bytes(b"x")
    elif harm == "no index":
        files.index.unlink()
    elif harm == "bad index":
        files.index.write_bytes(files.index.read_bytes()[:-1] + b"\xff")
    else:
        other = taken(layer(b"other"), tmp_path)
        files.index.write_bytes(other.index.read_bytes())
    assert find(tmp_path, files.diff_id) is None
    assert contents(taken(layer(b"abc" * 5000), tmp_path)) == [b"abc" * 5000]
    assert find(tmp_path, files.diff_id) is not None


def test_after_the_machine_started_again_a_body_is_looked_through_once(tmp_path: Path) -> None:
    files = taken(layer(b"abc" * 5000), tmp_path)
    indexes.mark(files.index, bytes([1] * 16))
    assert find(tmp_path, files.diff_id) == files
    assert indexes.peek(files.index.read_bytes()).boot == boot_id()


@pytest.mark.parametrize("harm", ["zeros", "one bit"])
def test_what_a_power_cut_did_to_a_body_is_seen(tmp_path: Path, harm: str) -> None:
    files = taken(layer(b"abc" * 5000), tmp_path)
    content = bytearray(files.body.read_bytes())
    content[4096] ^= 1
    times = files.body.stat()
    files.body.write_bytes(bytes(len(content)) if harm == "zeros" else content)
    os.utime(files.body, ns=(times.st_atime_ns, times.st_mtime_ns))
    indexes.mark(files.index, bytes([1] * 16))
    assert find(tmp_path, files.diff_id) is None
    assert contents(taken(layer(b"abc" * 5000), tmp_path)) == [b"abc" * 5000]


def test_a_stream_that_holds_itself_to_its_digest_is_not_hashed_again(tmp_path: Path) -> None:
    known = "sha256:" + "12" * 32
    files = ingest(io.BytesIO(gzip.compress(layer(b"abc"))), "", tmp_path, digest=known)
    assert files.digest == known
    assert files.load().layer.digest == known


def test_what_does_not_hash_to_what_was_promised_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError) as caught:
        ingest(io.BytesIO(layer(b"abc")), "", tmp_path, where="layer 1", diff_id="sha256:" + "00" * 32)
    assert caught.value.code == "layer.wrong-diff-id"
    assert caught.value.where == "layer 1"
    assert not list(tmp_path.iterdir())


def test_nothing_is_left_of_a_layer_that_is_bad(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError):
        taken(layer(b"abc" * 5000)[:2000], tmp_path)
    assert not list(tmp_path.iterdir())


def test_no_room_is_said_as_such_and_nothing_is_left(tmp_path: Path) -> None:
    data = layer(random.Random(1).randbytes(9 << 20))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6 << 20, hard))  # the second batch is written in part only
    try:
        with pytest.raises(SpaceError) as caught:
            taken(data, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.code == "disk.full"
    assert not list(tmp_path.iterdir())


def test_a_process_that_was_killed_leaves_nothing_that_counts(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.dup2(reading, 0)
        os.close(writing)
        with contextlib.suppress(BaseException):
            ingest(os.fdopen(0, "rb"), "", tmp_path)
        os._exit(0)
    data = layer(b"abc" * 100_000)
    os.write(writing, data[:50_000])
    while not list(tmp_path.glob(".layer-*")):
        assert os.waitpid(child, os.WNOHANG) == (0, 0)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(writing)
    os.close(reading)
    assert not list(tmp_path.glob("*.body"))
    assert contents(taken(data, tmp_path)) == [b"abc" * 100_000]


def test_what_follows_the_archive_counts_for_the_digest(tmp_path: Path) -> None:
    data = layer(b"abc") + b"more" * 1000
    files = taken(gzip.compress(data), tmp_path)
    assert files.diff_id == f"sha256:{hashlib.sha256(data).hexdigest()}"


def test_many_at_once_make_one(tmp_path: Path) -> None:
    data = layer(*(random.Random(number).randbytes(20000) for number in range(50)))
    found: list[LayerFiles] = []
    threads = [threading.Thread(target=lambda: found.append(taken(data, tmp_path))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len(set(found)) == 1
    assert len(list(tmp_path.iterdir())) == 2


@given(data=st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_flipped_bytes_give_our_errors_only(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    whole = bytearray(gzip.compress(layer(b"abc", b"x" * 5000), mtime=0))
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    folder = tmp_path_factory.mktemp("layers")
    with contextlib.suppress(BootworthyError):
        taken(bytes(whole), folder)


def test_a_tree_reads_what_an_index_says(tmp_path: Path) -> None:
    files = taken(layer(b"abc" * 3000), tmp_path)
    (entry,) = files.load().entries
    node = Node(Kind.FILE, 0o644, size=entry.size, chunks=entry.chunks)
    assert entry.chunks == (Chunk(0, 9000, 0, 0),)
    assert Tree(Node(Kind.DIRECTORY, 0o755), (files.body,)).read(node) == b"abc" * 3000
