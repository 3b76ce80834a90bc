from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.errors import DocumentError, HostError, IntegrityError, NotFoundError, UsageError
from bootworthy.host import files
from bootworthy.host.processes import Completed, run, spawn
from bootworthy.oci import digest, documents
from bootworthy.oci.blobs import drain
from bootworthy.oci.canonical import canonical_json
from bootworthy.oci.documents import REF_NAME, Descriptor
from bootworthy.oci.image import Layer
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from bootworthy.vocabulary import Architecture
from tests.oci_images import put_small

NAME = Reference.parse("localhost/bootworthy/debian-12:debian-6.1")
NOTHING = "sha256:" + "0" * 64
PYTHONPATH = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "data" / "store")


def python(script: str, *arguments: str) -> Completed:
    return run([sys.executable, "-c", script, *arguments], env=PYTHONPATH, timeout=60)


def everything(root: Path) -> list[str]:
    """Every file of a store except lock files and leases."""
    every = (path for path in root.rglob("*") if path.is_file() and path.parent.name != ".leases")
    return sorted(str(path.relative_to(root)) for path in every if "lock" not in path.name)


def flip(path: Path, position: int = -1) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)


class TestBlobs:
    def test_bytes_come_back(self, store: Store) -> None:
        found = store.put_bytes(b"abc", "text/plain")
        assert found == Descriptor("text/plain", digest.of(b"abc"), 3)
        assert store.read(found) == b"abc"
        path = store.blob_path(found.digest)
        assert path == store.root / "blobs" / "sha256" / found.digest.removeprefix("sha256:")
        assert path.stat().st_mode & 0o777 == 0o644
        assert everything(store.root) == [f"blobs/sha256/{path.name}", "index.json", "oci-layout"]

    def test_nothing_is_made_by_reading(self, store: Store) -> None:
        assert store.images() == ()
        with pytest.raises(NotFoundError):
            store.resolve(NAME)
        assert not store.root.exists()

    def test_files_and_streams(self, store: Store, tmp_path: Path) -> None:
        source = tmp_path / "source"
        source.write_bytes(bytes(range(256)) * 20_000)
        first = store.put_file(source, "a/b", expect=digest.of(source.read_bytes()))
        assert store.put_file(io.BytesIO(source.read_bytes()), "a/b") == first
        with store.open_verified(first) as stream:
            assert stream.read(1000) + stream.read() == source.read_bytes()
        with pytest.raises(NotFoundError, match="no such file"):
            store.put_file(tmp_path / "other", "a/b")

    def test_sha512(self, store: Store) -> None:
        hasher = digest.Hasher("sha512")
        hasher.update(b"abc")
        found = store.put_file(io.BytesIO(b"abc"), "a/b", expect=hasher.digest)
        assert (found.digest, store.read(found)) == (hasher.digest, b"abc")
        assert "blobs/sha512/" in str(store.blob_path(found.digest))

    def test_a_sound_blob_is_not_written_again(self, store: Store) -> None:
        path = store.blob_path(store.put_bytes(b"abc", "a/b").digest)
        before = path.stat()
        store.put_bytes(b"abc", "a/b")
        assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)

    @pytest.mark.parametrize("content", [b"abd", b"ab", b"", b"abcd"])
    def test_a_corrupt_blob_is_healed_by_making_it_again(self, store: Store, content: bytes) -> None:
        found = store.put_bytes(b"abc", "a/b")
        store.blob_path(found.digest).write_bytes(content)
        store.put_bytes(b"abc", "a/b")
        assert store.read(found) == b"abc"

    def test_what_was_not_expected_is_not_kept(self, store: Store) -> None:
        with pytest.raises(IntegrityError) as caught:
            store.put_file(io.BytesIO(b"abc"), "a/b", expect=NOTHING)
        assert caught.value.code == "store.unexpected-digest"
        assert everything(store.root) == ["index.json", "oci-layout"]

    def test_a_writer_that_fails_leaves_nothing(self, store: Store) -> None:
        with pytest.raises(KeyboardInterrupt), store.new_blob("a/b") as blob:
            blob.write(b"half")
            raise KeyboardInterrupt
        assert everything(store.root) == ["index.json", "oci-layout"]

    def test_a_blob_that_is_not_there(self, store: Store) -> None:
        with pytest.raises(NotFoundError) as caught:
            store.blob_path(NOTHING)
        assert caught.value.code == "store.no-blob"
        for bad in ("sha256:../../../../etc/passwd", "../x", ""):
            with pytest.raises(IntegrityError, match="is not a digest"):
                store.blob_path(bad)

    @given(content=st.binary(max_size=3000), sizes=st.lists(st.integers(1, 400)))
    def test_reading_in_pieces_gives_every_byte(
        self, tmp_path_factory: pytest.TempPathFactory, content: bytes, sizes: list[int]
    ) -> None:
        with files.scratch(tmp_path_factory.getbasetemp()) as folder:
            store = Store(folder / "s")
            with store.open_verified(store.put_bytes(content, "a/b")) as stream:
                pieces = [stream.read(size) for size in sizes]
                assert b"".join(pieces) + stream.read() == content
                assert stream.read(1) == b""


class TestCorruption:
    @pytest.mark.parametrize("position", [0, 150_000, -1])
    def test_a_flipped_bit(self, store: Store, position: int) -> None:
        found = store.put_bytes(b"\0" * 300_000, "a/b")
        path = store.blob_path(found.digest)
        flip(path, position)
        with pytest.raises(IntegrityError) as caught:
            store.read(found)
        error = caught.value
        assert (error.code, error.exit_status, error.where) == ("store.corrupt-blob", 6, str(path))
        assert found.digest in error.message
        assert error.hint is not None
        assert f"rm -f {path}" in error.hint

    def test_the_verdict_comes_with_the_last_byte_and_stays(self, store: Store) -> None:
        found = store.put_bytes(b"\0" * 600_000, "a/b")
        flip(store.blob_path(found.digest))
        with store.open_verified(found) as stream:
            assert stream.read(100) == b"\0" * 100
            with pytest.raises(IntegrityError):
                drain(stream)
            with pytest.raises(IntegrityError):
                drain(stream)

    def test_a_consumer_that_reads_exactly_its_bytes_is_told(self, store: Store) -> None:
        found = store.put_bytes(b"\0" * 1000, "a/b")
        flip(store.blob_path(found.digest))
        with store.open_verified(found) as stream, pytest.raises(IntegrityError):
            stream.read(1000)

    @pytest.mark.parametrize("size", [0, 299_999, 300_001])
    def test_another_size(self, store: Store, size: int) -> None:
        found = store.put_bytes(b"\0" * 300_000, "a/b")
        os.truncate(store.blob_path(found.digest), size)
        with pytest.raises(IntegrityError, match=f"{size} bytes instead of 300000"):
            store.open_verified(found)

    def test_a_blob_that_shrinks_while_it_is_read(self, store: Store) -> None:
        found = store.put_bytes(b"\0" * 900_000, "a/b")
        with store.open_verified(found) as stream:
            stream.read(10)
            os.truncate(store.blob_path(found.digest), 400_000)
            with pytest.raises(IntegrityError, match="ends 500000 bytes early"):
                drain(stream)

    def test_an_empty_blob_with_a_wrong_digest(self, store: Store) -> None:
        store.put_bytes(b"", "a/b")
        path = store.root / "blobs" / "sha256" / NOTHING.removeprefix("sha256:")
        path.touch()
        with pytest.raises(IntegrityError):
            store.open_verified(Descriptor("a/b", NOTHING, 0))

    def test_a_folder_in_place_of_a_blob(self, store: Store) -> None:
        found = store.put_bytes(b"abc", "a/b")
        path = store.blob_path(found.digest)
        path.unlink()
        path.mkdir()
        with pytest.raises((HostError, IntegrityError)):
            store.read(found)

    def test_every_part_of_an_image(self, store: Store) -> None:
        found = put_small(store)
        image = store.image(found)
        for part in (image.descriptor, image.manifest.config, image.layers[0].descriptor):
            path = store.blob_path(part.digest)
            good = path.read_bytes()
            flip(path, len(good) // 2)
            with pytest.raises(IntegrityError, match=part.digest):
                drain(store.image(found).open_layer(0))
            path.write_bytes(good)
        drain(store.image(found).open_layer(0))


class TestImages:
    def test_an_image_comes_back(self, store: Store) -> None:
        found = put_small(store)
        store.tag(NAME, found)
        image = store.image(NAME)
        assert image.name == str(NAME)
        assert image.role == "root"
        assert image.config.labels == {"title": "small"}
        assert image.config.command == ("/sbin/init",)
        assert image.config.created == "1970-01-01T00:00:00Z"
        assert image.layers[0].diff_id == image.config.diff_ids[0]
        assert store.resolve(NAME) == found

    def test_the_same_image_has_the_same_bytes(self, store: Store, tmp_path: Path) -> None:
        assert put_small(store) == put_small(Store(tmp_path / "other"))

    def test_layers_must_be_there(self, store: Store) -> None:
        layer = Layer(Descriptor(documents.LAYER_GZIP, NOTHING, 1), NOTHING)
        with pytest.raises(NotFoundError):
            store.put_image(layers=[layer], architecture=Architecture.X86_64)
        with pytest.raises(NotFoundError):
            store.put_index([Descriptor(documents.MANIFEST, NOTHING, 1)])
        with pytest.raises(NotFoundError):
            store.tag(NAME, Descriptor(documents.MANIFEST, NOTHING, 1))

    def test_an_index_is_walked_by_platform(self, store: Store) -> None:
        x86, arm = (put_small(store, arch.value, arch) for arch in (Architecture.X86_64, Architecture.AARCH64))
        kernel = replace(arm, annotations={documents.ROLE: "kernel"}, platform=documents.Platform("unknown", "unknown"))
        bundle = store.put_index([kernel, arm, x86], artifact_type="application/vnd.example")
        store.tag(NAME, store.put_index([bundle]))
        for arch in Architecture:
            assert store.image(NAME, arch).config.platform.matches(arch)
        assert store.image(NAME).config.platform.matches(Architecture.native())
        with pytest.raises(NotFoundError) as caught:
            store.image(x86, Architecture.AARCH64)
        assert (caught.value.code, caught.value.hint) == ("oci.no-platform", "there is: linux/amd64")

    def test_an_index_of_one_other_platform_is_that_one(self, store: Store) -> None:
        arm = put_small(store, "x", Architecture.AARCH64)
        index = store.put_index([arm])
        assert store.image(index).descriptor == arm
        with pytest.raises(NotFoundError):
            store.image(index, Architecture.X86_64)
        with pytest.raises(NotFoundError, match="any platform"):
            store.image(store.put_index([]))

    def test_a_platform_that_lies_is_not_believed(self, store: Store) -> None:
        x86 = put_small(store)
        forged = replace(x86, platform=documents.Platform("linux", "arm64"))
        with pytest.raises(NotFoundError):
            store.image(store.put_index([forged]), Architecture.AARCH64)

    def test_an_artifact_is_no_image(self, store: Store) -> None:
        config = store.put_bytes(b"{}", "application/vnd.oci.empty.v1+json")
        manifest = {"schemaVersion": 2, "mediaType": documents.MANIFEST, "config": config.as_json(), "layers": []}
        found = store.put_bytes(canonical_json(manifest), documents.MANIFEST)
        with pytest.raises(DocumentError) as caught:
            store.image(found)
        assert caught.value.code == "oci.not-an-image"

    def test_layers_and_diff_ids_must_agree(self, store: Store) -> None:
        image = store.image(put_small(store))
        manifest = {**json.loads(image.manifest.raw), "layers": []}
        with pytest.raises(DocumentError, match="1 diff_ids, but the manifest has 0 layers"):
            store.image(store.put_bytes(canonical_json(manifest), documents.MANIFEST))

    def test_a_document_that_claims_to_be_huge_is_not_read(self, store: Store) -> None:
        found = store.put_bytes(b" " * (5 * 2**20), documents.MANIFEST)
        with pytest.raises(DocumentError) as caught:
            store.image(found)
        assert caught.value.code == "oci.too-large"

    def test_missing_says_what_must_be_made_again(self, store: Store) -> None:
        found = put_small(store)
        image = store.image(found)
        assert store.missing(found) == ()
        layer = image.layers[0].descriptor
        os.truncate(store.blob_path(layer.digest), 3)
        assert store.missing(store.put_index([found])) == (layer,)
        store.blob_path(image.manifest.config.digest).unlink()
        assert store.missing(found) == (image.manifest.config, layer)
        flip(store.blob_path(found.digest))
        assert store.missing(found) == (found,)


class TestNames:
    def test_tags_move_and_go(self, store: Store) -> None:
        first, second = put_small(store, "1"), put_small(store, "2")
        store.tag(NAME, first)
        store.tag(NAME.tagged("other"), first)
        store.tag(NAME, second)
        assert store.resolve(NAME) == second
        assert [str(image.reference) for image in store.images()] == [str(NAME), str(NAME.tagged("other"))]
        store.untag(NAME)
        with pytest.raises(NotFoundError) as caught:
            store.resolve(NAME)
        assert caught.value.code == "store.no-image"
        assert caught.value.hint == f"there is: {NAME.tagged('other')}"
        with pytest.raises(NotFoundError):
            store.untag(NAME)

    def test_a_digest_decides(self, store: Store) -> None:
        first, second = put_small(store, "1"), put_small(store, "2")
        store.tag(NAME, first)
        assert store.resolve(NAME.at(first.digest)) == first
        assert store.resolve(NAME.at(second.digest)).digest == second.digest
        assert store.resolve(Reference.parse(f"x@{second.digest}")).media_type == documents.MANIFEST
        with pytest.raises(NotFoundError):
            store.resolve(NAME.at(NOTHING))

    def test_a_digest_can_be_the_name(self, store: Store) -> None:
        first, second = put_small(store, "1"), put_small(store, "2")
        name = Reference.parse(f"x@{first.digest}")
        store.tag(name, first)
        assert [each.name for each in store.images()] == [str(name)]
        for other in (name, NAME.at(first.digest)):
            with pytest.raises(IntegrityError, match="is not the name of"):
                store.tag(other, second)
        store.untag(name)
        assert store.images() == ()
        with pytest.raises(UsageError, match="has no tag"):
            store.tag(Reference("localhost", "x"), first)

    def test_the_list_shows_what_there_is(self, store: Store) -> None:
        found = put_small(store)
        store.tag(NAME, found)
        listed = store.images()[0]
        sizes = [path.stat().st_size for path in (store.root / "blobs/sha256").iterdir()]
        assert (listed.size, listed.platforms, listed.role) == (sum(sizes), ("linux/amd64",), "root")
        assert (listed.created, listed.problem) == ("1970-01-01T00:00:00Z", None)

    def test_a_broken_image_does_not_hide_the_others(self, store: Store) -> None:
        bad, good = put_small(store, "bad"), put_small(store, "good")
        store.tag(NAME.tagged("a"), bad)
        store.tag(NAME.tagged("b"), good)
        flip(store.blob_path(bad.digest), 5)
        listed = store.images()
        assert [type(image.problem) for image in listed] == [IntegrityError, type(None)]

    def test_what_others_wrote_stays(self, store: Store) -> None:
        found = put_small(store)
        store.tag(NAME, found)
        path = store.root / "index.json"
        index = json.loads(path.read_bytes())
        foreign = {**found.as_json(), "urls": ["https://x.example/"], "annotations": {"a": "b"}, "new": {"x": 1.5}}
        short = {**found.as_json(), "annotations": {REF_NAME: "plain", "io.containerd.image.name": "x.example/plain:1"}}
        index.update({"annotations": {"k": "v"}, "future": [1, None]})
        index["manifests"] += [foreign, short]
        path.write_text(json.dumps(index, indent=3))
        store.tag(NAME.tagged("new"), found)
        after = json.loads(path.read_bytes())
        assert after["annotations"] == {"k": "v"}
        assert after["future"] == [1, None]
        assert after["manifests"][1:3] == [foreign, short]
        for text in ("plain", "docker.io/library/plain:latest", "x.example/plain:1"):
            assert store.resolve(Reference.parse(text)).digest == found.digest
        store.untag(Reference.parse("plain"))
        assert len(json.loads(path.read_bytes())["manifests"]) == 3

    @pytest.mark.parametrize(
        "data", [b"", b"{", b"[]", b'{"schemaVersion":2,"manifests":[{}]}', b'{"schemaVersion":2,"manifests":7}']
    )
    def test_an_unreadable_index_is_not_touched(self, store: Store, data: bytes) -> None:
        found = put_small(store)
        path = store.root / "index.json"
        path.write_bytes(data)
        with pytest.raises(DocumentError) as caught:
            store.tag(NAME, found)
        assert caught.value.where == str(path)
        with pytest.raises(DocumentError):
            store.images()
        assert path.read_bytes() == data

    def test_a_lost_index_is_not_taken_for_an_empty_one(self, store: Store) -> None:
        found = put_small(store)
        (store.root / "index.json").unlink()
        for action in (lambda: store.tag(NAME, found), store.images):
            with pytest.raises(NotFoundError) as caught:
                action()
            assert caught.value.code == "layout.no-index"

    def test_a_newer_layout_is_left_alone(self, store: Store) -> None:
        found = put_small(store)
        (store.root / "oci-layout").write_text('{"imageLayoutVersion": "2.0.0"}')
        with pytest.raises(DocumentError) as caught:
            store.tag(NAME, found)
        assert caught.value.code == "layout.version"

    def test_a_store_that_was_never_finished_is(self, store: Store) -> None:
        found = put_small(store)
        store.tag(NAME, found)
        (store.root / "oci-layout").unlink()
        (store.root / ".index.json.xyz.partial").touch()
        assert store.resolve(NAME) == found
        store.put_bytes(b"x", "a/b")
        assert json.loads((store.root / "oci-layout").read_bytes()) == {"imageLayoutVersion": "1.0.0"}
        assert store.resolve(NAME) == found

    def test_somebody_elses_folder_does_not_become_a_store(self, store: Store) -> None:
        store.root.mkdir(parents=True)
        (store.root / "thesis.txt").touch()
        with pytest.raises(UsageError) as caught:
            store.put_bytes(b"x", "a/b")
        assert caught.value.code == "store.not-empty"
        assert everything(store.root) == ["thesis.txt"]

    def test_a_file_in_place_of_the_store(self, store: Store) -> None:
        store.root.parent.mkdir(parents=True)
        store.root.touch()
        with pytest.raises(UsageError, match="not a folder"):
            store.put_bytes(b"x", "a/b")


TAGGER = """
import sys, time
from pathlib import Path
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from tests.oci_images import put_small
store, name, gate = Store(Path(sys.argv[1])), sys.argv[2], Path(sys.argv[3])
same = put_small(store)
print("ready", flush=True)
while not gate.exists():
    time.sleep(0.001)
for number in range(20):
    found = put_small(store, f"{name} {number}") if number % 4 == 0 else same
    store.tag(Reference.parse(f"localhost/{name}:{number}"), found)
"""

FULL = """
import resource, sys
from pathlib import Path
from bootworthy.errors import SpaceError
from bootworthy.oci.store import Store
store = Store(Path(sys.argv[1]))
store.put_bytes(b"small", "a/b")
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
try:
    with store.new_blob("a/b") as blob:
        for _ in range(8):
            blob.write(bytes(1 << 20))
except SpaceError as error:
    print(error.exit_status, error.code)
"""

WRITER = """
import sys, time
from pathlib import Path
from bootworthy.oci.store import Store
with Store(Path(sys.argv[1])).new_blob("a/b") as blob:
    blob.write(bytes(5 << 20))
    print("half", flush=True)
    time.sleep(60)
"""


class TestProcesses:
    def test_writers_at_once_lose_nothing(self, store: Store) -> None:
        names, gate = ["a", "b", "c"], store.root.parent / "gate"
        with contextlib.ExitStack() as stack:
            argv = [sys.executable, "-c", TAGGER, str(store.root)]
            children = [stack.enter_context(spawn([*argv, name, str(gate)], env=PYTHONPATH)) for name in names]
            assert [child.stdout.readline() for child in children] == [b"ready\n"] * 3
            gate.touch()
            assert [(child.stdout.read(), child.wait(60)) for child in children] == [(b"", 0)] * 3
        expected = sorted(f"localhost/{name}:{number}" for name in names for number in range(20))
        listed = store.images()
        assert [image.name for image in listed] == expected
        assert [image.problem for image in listed] == [None] * 60
        assert not list((store.root / ".partial").glob("blob-*"))

    def test_a_full_disk(self, store: Store) -> None:
        assert python(FULL, str(store.root)).stdout == b"10 disk.full\n"
        assert len(everything(store.root)) == 3

    def test_what_a_killed_writer_left_goes_with_the_next_one(self, store: Store) -> None:
        with spawn([sys.executable, "-c", WRITER, str(store.root)], env=PYTHONPATH) as child:
            assert child.stdout.readline() == b"half\n"
            store.put_bytes(b"while it lives", "a/b")
            assert len(list((store.root / ".partial").glob("blob-*"))) == 1
            child.signal_group(signal.SIGKILL)
            child.wait()
        store.put_bytes(b"afterwards", "a/b")
        assert not list((store.root / ".partial").glob("blob-*"))
        assert len(list((store.root / "blobs/sha256").iterdir())) == 2
