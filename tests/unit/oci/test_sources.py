from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.errors import BootworthyError, DocumentError, IntegrityError, NotFoundError, UsageError
from bootworthy.host import files
from bootworthy.oci import digest, documents
from bootworthy.oci.archives import Archive, DockerImage
from bootworthy.oci.canonical import canonical_json
from bootworthy.oci.image import Image
from bootworthy.oci.reference import Reference
from bootworthy.oci.sources import open_source
from bootworthy.oci.store import Store
from bootworthy.vocabulary import Architecture
from tests.oci_images import put_small, tar_of


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def read_layer(image: Image, number: int = 0) -> bytes:
    with image.open_layer(number) as stream:
        return stream.read()


def layout(folder: Path, *names: str) -> Path:
    """A layout with one image per name."""
    made = Store(folder)
    for name in names:
        made.tag(Reference.parse(name), put_small(made, name))
    return folder


def packed(layout: Path, archive: Path) -> Path:
    with tarfile.open(archive, "w") as tar:
        tar.add(layout, ".")
    return archive


def docker_save(archive: Path, images: Mapping[str, list[bytes]], *, extra: Mapping[str, object] | None = None) -> Path:
    """What `docker save` writes, older form: layers in folders of their own; a shared one is a symbolic link."""
    listed = []
    seen: dict[str, str] = {}
    with tarfile.open(archive, "w") as tar:

        def add(name: str, content: bytes) -> None:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))

        for number, (name, layers) in enumerate(images.items()):
            paths = [f"{number}{place}/layer.tar" for place in range(len(layers))]
            for path, layer in zip(paths, layers, strict=True):
                if digest.of(layer) in seen:
                    link = tarfile.TarInfo(path)
                    link.type, link.linkname = tarfile.SYMTYPE, f"../{seen[digest.of(layer)]}"
                    tar.addfile(link)
                else:
                    seen[digest.of(layer)] = path
                    add(path, layer)
            diff_ids = [digest.of(gzip.decompress(x) if x[:2] == b"\x1f\x8b" else x) for x in layers]
            config = canonical_json({
                "architecture": "amd64", "os": "linux", "config": {"Cmd": [name], "Labels": None},
                "rootfs": {"type": "layers", "diff_ids": diff_ids},
            })  # fmt: skip
            config_name = f"{digest.of(config).removeprefix('sha256:')}.json"
            add(config_name, config)
            listed.append({"Config": config_name, "RepoTags": [name], "Layers": paths, **(extra or {})})
        add("manifest.json", json.dumps(listed).encode())
    return archive


class TestLayouts:
    def test_by_tag_and_alone(self, store: Store, tmp_path: Path) -> None:
        one = layout(tmp_path / "one", "localhost/a:1")
        image = open_source(f"oci:{one}", store)
        assert read_layer(image) == read_layer(open_source(f"oci:{one}:localhost/a:1", store))
        assert image.name == f"oci:{one}"
        assert not store.root.exists()

    def test_which_of_two(self, store: Store, tmp_path: Path) -> None:
        two = layout(tmp_path / "two", "localhost/a:1", "localhost/b:1")
        with pytest.raises(UsageError) as caught:
            open_source(f"oci:{two}", store)
        assert caught.value.hint == "say which: localhost/a:1, localhost/b:1"
        with pytest.raises(NotFoundError, match="no image called 'localhost/a:2'") as missing:
            open_source(f"oci:{two}:localhost/a:2", store)
        assert missing.value.hint == "there is: localhost/a:1, localhost/b:1"

    def test_a_folder_with_a_colon_in_its_name(self, store: Store, tmp_path: Path) -> None:
        odd = layout(tmp_path / "odd:1", "localhost/a:1")
        assert open_source(f"oci:{odd}:localhost/a:1", store).descriptor == open_source(f"oci:{odd}", store).descriptor

    def test_the_store_itself(self, store: Store) -> None:
        found = put_small(store)
        store.tag(Reference.parse("localhost/a:1"), found)
        assert open_source("localhost/a:1", store).descriptor == found
        assert open_source("localhost/a:1", store, architecture=Architecture.X86_64).descriptor == found
        with pytest.raises(NotFoundError):
            open_source("localhost/a:1", store, architecture=Architecture.AARCH64)

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("docker://Not A Name", "reference.bad"),
            ("docker-daemon:ubuntu:24.04", "source.unsupported"),
            ("dir:/tmp", "source.unsupported"),
            ("oci:", "source.empty"),
            ("Not A Name", "reference.bad"),
            ("nothing/there:1", "store.no-image"),
            ("oci:/nowhere:1", "layout.missing"),
            ("oci-archive:/nowhere:1", "file.missing"),
            ("docker-archive:/", "file.unreadable"),
        ],
    )
    def test_what_is_not_read_says_why(self, store: Store, text: str, code: str) -> None:
        with pytest.raises(BootworthyError) as caught:
            open_source(text, store)
        assert caught.value.code == code

    @pytest.mark.parametrize(
        ("name", "content", "code"),
        [
            ("oci-layout", None, "layout.missing"),
            ("oci-layout", b"", "oci.bad-document"),
            ("oci-layout", b"{}", "oci.bad-document"),
            ("oci-layout", b'{"imageLayoutVersion":"2.0.0"}', "layout.version"),
            ("index.json", None, "layout.no-index"),
            ("index.json", b"\0\1", "oci.bad-document"),
            ("index.json", b'{"schemaVersion":2,"manifests":[]}', "layout.empty"),
            ("index.json", b" " * (4 * 2**20 + 1), "oci.too-large"),
        ],
    )
    def test_a_broken_layout(self, store: Store, tmp_path: Path, name: str, content: bytes | None, code: str) -> None:
        folder = layout(tmp_path / "one", "localhost/a:1")
        (folder / name).unlink() if content is None else (folder / name).write_bytes(content)
        archive = packed(folder, tmp_path / "a.tar")
        with pytest.raises(BootworthyError) as caught:
            open_source(f"oci:{folder}", store)
        assert caught.value.code == code
        with pytest.raises(BootworthyError) as caught:
            open_source(f"oci-archive:{archive}", store)
        assert caught.value.code == ("archive.no-member" if content is None else code)

    def test_a_digest_that_climbs_out(self, store: Store, tmp_path: Path) -> None:
        folder = layout(tmp_path / "one", "localhost/a:1")
        index = json.loads((folder / "index.json").read_bytes())
        index["manifests"][0]["digest"] = "sha256:../../../../../../etc/hostname"
        (folder / "index.json").write_text(json.dumps(index))
        with pytest.raises(DocumentError, match=r"manifests\[0\]\.digest"):
            open_source(f"oci:{folder}", store)

    def test_an_image_that_several_names_have_needs_no_tag(self, store: Store, tmp_path: Path) -> None:
        folder = layout(tmp_path / "one", "localhost/a:1")
        made = Store(folder)
        made.tag(Reference.parse("localhost/a:2"), made.resolve(Reference.parse("localhost/a:1")))
        assert open_source(f"oci:{folder}", store).config.platform.architecture == "amd64"


class TestOciArchives:
    def test_like_the_layout(self, store: Store, tmp_path: Path) -> None:
        folder = layout(tmp_path / "two", "localhost/a:1", "localhost/b:1")
        archive = packed(folder, tmp_path / "a.tar")
        for name in ("localhost/a:1", "localhost/b:1"):
            image = open_source(f"oci-archive:{archive}:{name}", store)
            assert read_layer(image) == read_layer(open_source(f"oci:{folder}:{name}", store))

    def test_a_flipped_bit(self, store: Store, tmp_path: Path) -> None:
        archive = packed(layout(tmp_path / "one", "localhost/a:1"), tmp_path / "a.tar")
        image = open_source(f"oci-archive:{archive}", store)
        span = image.blobs.locate(image.layers[0].descriptor.digest)
        data = bytearray(archive.read_bytes())
        data[span.offset + 5] ^= 4
        archive.write_bytes(data)
        with pytest.raises(IntegrityError) as caught:
            read_layer(image)
        assert caught.value.where == f"oci-archive:{archive}, layer 1 of 1"
        assert caught.value.hint == f"copy the archive {archive} again from where it came"

    def test_every_truncation_is_an_error_or_the_same_image(self, store: Store, tmp_path: Path) -> None:
        archive = packed(layout(tmp_path / "one", "localhost/a:1"), tmp_path / "a.tar")
        data = archive.read_bytes()
        whole = read_layer(open_source(f"oci-archive:{archive}", store))
        cut = tmp_path / "cut.tar"
        outcomes = set()
        for size in range(0, len(data), 256):
            cut.write_bytes(data[:size])
            try:
                assert read_layer(open_source(f"oci-archive:{cut}", store)) == whole
                outcomes.add("same")
            except (NotFoundError, DocumentError, IntegrityError) as error:
                outcomes.add(error.code)
        assert "archive.no-member" in outcomes
        assert "archive.bad" in outcomes

    @pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, bz2.compress])
    def test_a_compressed_archive_says_how_to_unpack_it(
        self, store: Store, tmp_path: Path, pack: Callable[[bytes], bytes]
    ) -> None:
        archive = tmp_path / "a.tar"
        archive.write_bytes(pack(tar_of({"a": b""})))
        with pytest.raises(UsageError) as caught:
            open_source(f"oci-archive:{archive}", store)
        assert caught.value.hint is not None
        assert f"-d {archive}" in caught.value.hint

    def test_a_member_that_goes_back(self, tmp_path: Path) -> None:
        info = tarfile.TarInfo("a")
        header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
        header[124:136] = b"\xff" * 10 + b"\xfc\x00"
        header[148:156] = b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
        (tmp_path / "a.tar").write_bytes(bytes(header) + bytes(10240))
        with pytest.raises(DocumentError, match=r"negative size|invalid offset"):
            Archive.open(tmp_path / "a.tar")

    @given(data=st.data())
    def test_a_damaged_archive_is_an_error_or_the_same_image(
        self, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
    ) -> None:
        with files.scratch(tmp_path_factory.getbasetemp()) as folder:
            archive = packed(layout(folder / "one", "localhost/a:1"), folder / "a.tar")
            store = Store(folder / "store")
            whole = read_layer(open_source(f"oci-archive:{archive}", store))
            damaged = bytearray(archive.read_bytes())
            for _ in range(data.draw(st.integers(1, 4))):
                damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
            archive.write_bytes(damaged)
            try:
                assert read_layer(open_source(f"oci-archive:{archive}", store)) == whole
            except BootworthyError as error:
                assert error.exit_status in {2, 3, 6, 9}  # noqa: PT017


class TestDockerArchives:
    LOW, HIGH = tar_of({"etc/low": b"1"}), tar_of({"etc/high": b"2" * 2000})

    def test_an_image_of_two_layers(self, store: Store, tmp_path: Path) -> None:
        archive = docker_save(tmp_path / "d.tar", {"debian:12": [self.LOW, self.HIGH]})
        image = open_source(f"docker-archive:{archive}", store)
        assert [read_layer(image, number) for number in (0, 1)] == [self.LOW, self.HIGH]
        assert [layer.diff_id for layer in image.layers] == [digest.of(self.LOW), digest.of(self.HIGH)]
        assert {layer.descriptor.media_type for layer in image.layers} == {documents.LAYER}
        assert image.config.command == ("debian:12",)
        assert image.descriptor == DockerImage.choose(Archive.open(archive), "docker.io/library/debian:12").descriptor
        assert open_source(
            f"docker-archive:{archive}:debian:12", store, architecture=Architecture.X86_64
        ) == open_source(f"docker-archive:{archive}:debian:12", store)
        with pytest.raises(NotFoundError):
            open_source(f"docker-archive:{archive}", store, architecture=Architecture.AARCH64)

    def test_two_images_that_share_a_layer(self, store: Store, tmp_path: Path) -> None:
        archive = docker_save(tmp_path / "d.tar", {"a:1": [self.LOW, self.HIGH], "b:1": [self.LOW]})
        assert read_layer(open_source(f"docker-archive:{archive}:b:1", store)) == self.LOW
        with pytest.raises(UsageError, match="more than one"):
            open_source(f"docker-archive:{archive}", store)
        with pytest.raises(NotFoundError) as caught:
            open_source(f"docker-archive:{archive}:b:2", store)
        assert caught.value.hint == "there is: b:1"

    def test_compressed_layers(self, store: Store, tmp_path: Path) -> None:
        layer = gzip.compress(self.LOW, mtime=0)
        image = open_source(f"docker-archive:{docker_save(tmp_path / 'd.tar', {'a:1': [layer]})}", store)
        assert read_layer(image) == layer
        assert image.layers[0].descriptor == documents.Descriptor.of(layer, documents.LAYER_GZIP)
        assert image.layers[0].diff_id == digest.of(self.LOW)

    @pytest.mark.parametrize(
        ("extra", "says"),
        [
            ({"Config": None}, "images[0].Config: must be a string"),
            ({"Config": "../../etc/passwd"}, "no file '../../etc/passwd'"),
            ({"Layers": ["x"]}, "no file 'x'"),
            ({"Layers": []}, "0 layers, but the configuration has 1"),
            ({"Layers": "abc"}, "images[0].Layers: must be a list"),
            ({"RepoTags": 1}, "images[0].RepoTags: must be a list"),
        ],
    )
    def test_a_wrong_manifest(self, store: Store, tmp_path: Path, extra: dict[str, object], says: str) -> None:
        archive = docker_save(tmp_path / "d.tar", {"a:1": [self.LOW]}, extra=extra)
        with pytest.raises((DocumentError, NotFoundError)) as caught:
            open_source(f"docker-archive:{archive}", store)
        assert says in caught.value.message

    @pytest.mark.parametrize("name", ["Config", "Layers"])
    def test_a_flipped_bit(self, store: Store, tmp_path: Path, name: str) -> None:
        archive = docker_save(tmp_path / "d.tar", {"a:1": [self.LOW]})
        image = open_source(f"docker-archive:{archive}", store)
        wanted = image.manifest.config if name == "Config" else image.layers[0].descriptor
        span = image.blobs.locate(wanted.digest)
        data = bytearray(archive.read_bytes())
        place = data.index(b"a:1", span.offset) if name == "Config" else span.offset + span.size - 1
        data[place] ^= 1
        archive.write_bytes(data)
        with pytest.raises(IntegrityError, match=wanted.digest):
            read_layer(open_source(f"docker-archive:{archive}", store))

    def test_links_in_a_circle(self, store: Store, tmp_path: Path) -> None:
        archive = docker_save(tmp_path / "d.tar", {"a:1": [self.LOW]}, extra={"Layers": ["x"]})
        with tarfile.open(archive, "a") as tar:
            for name, target in (("x", "y"), ("y", "x")):
                link = tarfile.TarInfo(name)
                link.type, link.linkname = tarfile.SYMTYPE, target
                tar.addfile(link)
        with pytest.raises(NotFoundError, match="no file 'x'"):
            open_source(f"docker-archive:{archive}", store)

    def test_the_other_kind_of_archive(self, store: Store, tmp_path: Path) -> None:
        archive = docker_save(tmp_path / "d.tar", {"a:1": [self.LOW]})
        with pytest.raises(NotFoundError) as caught:
            open_source(f"oci-archive:{archive}", store)
        assert caught.value.code == "archive.no-member"
