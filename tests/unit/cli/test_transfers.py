"""pull, push, copy, tags, save, load, rm docker://, images --verify, as a person calls them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bootworthy.cli.main import run
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from bootworthy.vocabulary import Architecture
from tests.faults import damage
from tests.moved_images import OTHER, blobs, left, put_image, put_index
from tests.printed import said
from tests.registry import Basic, Registry

IMAGE = "localhost/one:1"
BOTH = "localhost/both:1"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DATA", "CACHE", "STATE", "CONFIG", "RUNTIME"):
        monkeypatch.setenv(f"BOOTWORTHY_{name}", str(tmp_path / name.lower()))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("REGISTRY_AUTH_FILE", raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    store = Store(tmp_path / "data/store")
    store.tag(Reference.parse(IMAGE), put_image(store))
    put_index(store, BOTH)
    return tmp_path


@pytest.fixture
def store(home: Path) -> Store:
    return Store(home / "data/store")


def elsewhere(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Store:
    """From now on the store is another one, and empty."""
    monkeypatch.setenv("BOOTWORTHY_STORE", str(folder))
    return Store(folder)


def test_push_and_pull(
    home: Path, store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Registry() as registry:
        name = f"{registry.host}/sys/tem:v1"
        assert run(["push", BOTH, name, "--json"]) == 0
        told = said(capsys)
        assert told["schema"] == "bootworthy.transfer/1"
        (report,) = told["images"]
        top = store.resolve(Reference.parse(BOTH))
        assert report["destination"] == f"docker://{registry.host}/sys/tem"
        assert (report["names"], report["digest"], report["absent"]) == (["v1"], top.digest, [])
        assert report["moved"]["blobs"] == 6
        assert report["there"] == {"blobs": 0, "bytes": 0}
        got = elsewhere(monkeypatch, home / "got")
        assert run(["pull", name]) == 0
        told_people = capsys.readouterr()
        assert told_people.out.splitlines()[:2] == [name, f"  {top.digest}"]
        assert "in 3 blobs fetched, 0 B were there" in told_people.out
        assert f"left out: linux/{OTHER.oci}" in told_people.out
        assert f"copying from docker://{registry.host}/sys/tem to the store" in told_people.err
        assert "copying " in told_people.err
        assert run(["pull", f"docker://{name}", "--all-platforms", "--parallel", "1", "--json"]) == 0
        (report,) = said(capsys)["images"]
        assert (report["moved"]["blobs"], report["there"]["blobs"], report["absent"]) == (3, 3, [])
        assert blobs(got.root).items() <= blobs(store.root).items()
        assert run(["images", "--json"]) == 0
        (shown,) = said(capsys)["images"]
        assert (shown["name"], shown["absent"], shown["problem"]) == (name, [], None)
        assert run(["tags", f"{registry.host}/sys/tem"]) == 0
        assert capsys.readouterr().out == "v1\n"


def test_no_image_for_an_architecture(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is said which image, and what there is of it."""
    with Registry() as registry:
        name = f"{registry.host}/sys/tem:v1"
        assert run(["push", IMAGE, name]) == 0
        elsewhere(monkeypatch, home / "got")
        for words in (["pull", name], ["copy", f"docker://{name}", "localhost/x:1"], ["inspect", f"docker://{name}"]):
            capsys.readouterr()
            assert run([*words, "--arch", OTHER.value]) == 9
            told = capsys.readouterr().err
            assert f"error: {name}: there is no image for linux/{OTHER.oci}\n" in told
            assert f"hint: there is: linux/{Architecture.native().oci}\n" in told


def test_a_corrupt_blob_of_the_right_size(
    home: Path, store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pull believes what is there by name and size; whoever reads it does not, and nobody gets it from us."""
    with Registry() as registry, Registry() as far:
        name = f"{registry.host}/sys/tem:v1"
        assert run(["push", IMAGE, name]) == 0
        got = elsewhere(monkeypatch, home / "got")
        assert run(["pull", name]) == 0
        layer = got.image(Reference.parse(name)).layers[0].descriptor
        damage(got.blob_path(layer.digest))
        assert run(["pull", name, "--json"]) == 0
        for words in (
            ["images", "--verify"], ["push", name, f"{far.host}/x:1"], ["copy", name, "oci:layout:x"],
            ["save", name, "-o", "x.tar"], ["convert", name, "-o", "x.ext4"], ["unpack", name, "out"],
        ):  # fmt: skip
            capsys.readouterr()
            assert run(words) == 6, words
            told = capsys.readouterr()
            assert layer.digest.partition(":")[2] in told.out + told.err
        assert far.storage.manifest("x", "1") is None
        assert far.storage.blob("x", layer.digest) is None
        assert not [path for path in ("x.tar", "x.ext4", "out") if (home / path).exists()]
        got.blob_path(layer.digest).unlink()
        assert run(["pull", name]) == 0
        assert run(["images", "--verify"]) == 0


def test_images_shows_what_is_only_named(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Registry() as registry:
        name = f"{registry.host}/x:1"
        assert run(["push", BOTH, name]) == 0
        elsewhere(monkeypatch, home / "got")
        assert run(["pull", name, "--arch", OTHER.value]) == 0
        capsys.readouterr()
        assert run(["images"]) == 0
        assert f"linux/{OTHER.oci} (linux/{Architecture.native().oci})" in capsys.readouterr().out
        assert run(["images", "--verify"]) == 0
        assert run(["inspect", name, "--json"]) == 0  # what is there, whatever it is for
        capsys.readouterr()
        assert run(["inspect", name, "--arch", Architecture.native().value]) == 9
        assert "bootworthy pull --arch" in capsys.readouterr().err
        assert run(["push", name, f"{registry.host}/y:1"]) == 9
        assert "--all-platforms" in capsys.readouterr().err
        assert run(["push", name, f"{registry.host}/y:1", "--arch", OTHER.value]) == 0


def test_copy_save_and_load(home: Path, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["save", BOTH, IMAGE, "-o", "all.tar", "--json"]) == 0
    assert [each["names"] for each in said(capsys)["images"]] == [[BOTH], [IMAGE]]
    assert run(["copy", f"oci-archive:all.tar:{IMAGE}", "oci:layout:v1"]) == 0
    assert run(["copy", "oci:layout:v1", "localhost/new:2", "--json"]) == 0
    (report,) = said_last(capsys)
    assert (report["moved"]["blobs"], report["names"]) == (0, ["localhost/new:2"])
    assert run(["load", "all.tar", "--json"]) == 0
    assert [each["names"] for each in said(capsys)["images"]] == [[BOTH], [IMAGE]]
    assert run(["save", IMAGE, "-o", "one.tar", "--arch", OTHER.value]) == 9
    assert f"there is: linux/{Architecture.native().oci}" in capsys.readouterr().err
    assert not (home / "one.tar").exists()
    assert run(["load", "nothing.tar"]) == 9
    assert run(["copy", IMAGE, "docker-archive:x.tar"]) == 2
    assert "oci-archive:FILE" in capsys.readouterr().err


def test_docker_as_a_source(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with Registry() as registry:
        assert run(["push", BOTH, f"{registry.host}/x:1"]) == 0
        got = elsewhere(monkeypatch, home / "got")
        capsys.readouterr()
        assert run(["inspect", f"docker://{registry.host}/x:1", "--arch", OTHER.value, "--json"]) == 0
        found = said(capsys)
        assert (found["image"], found["platform"]["architecture"]) == (f"{registry.host}/x:1", OTHER.oci)
        assert [each.name for each in got.images()] == [f"{registry.host}/x:1"]
        assert run(["inspect", f"docker://{registry.host}/nothing:1"]) == 9
        elsewhere(monkeypatch, home / "third")
        native = Architecture.native().value
        checked = ["check", "--root", f"docker://{registry.host}/x:1", "--machine", f"qemu-microvm-{native}"]
        capsys.readouterr()
        assert run([*checked, "--json"]) == 1  # it is no system that boots; that was looked at
        assert said(capsys)["schema"] == "bootworthy.checks/1"
        (shown,) = Store(home / "third").images()
        assert shown.name == f"{registry.host}/x:1"


def test_rm_in_a_registry(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    digest = store.resolve(Reference.parse(IMAGE)).digest
    with Registry() as registry:
        for tag in "12":
            assert run(["push", IMAGE, f"{registry.host}/x:{tag}"]) == 0
        far = f"docker://{registry.host}/x"
        asked = len(registry.log)
        capsys.readouterr()
        assert run(["rm", f"{far}:1"]) == 2
        assert "--yes" in capsys.readouterr().err
        assert len(registry.log) == asked
        assert run(["rm", f"{far}:1", "--yes"]) == 0
        assert capsys.readouterr().out == f"removed {far}:1\n"
        assert registry.storage.repository("x").tags.keys() == {"2"}
        assert run(["rm", f"{far}@{digest}", "--yes", "--json"]) == 0
        assert said(capsys)["names"] == [f"{far}@{digest}"]
        assert registry.storage.repository("x").tags == {}
        asked = len(registry.log)
        assert run(["rm", IMAGE, f"{far}:1", "--yes"]) == 9
        assert not [each for each in registry.log[asked:] if each.method == "DELETE"]
        assert store.resolve(Reference.parse(IMAGE)).digest == digest
    with Registry(old=True) as registry:
        assert run(["push", IMAGE, f"{registry.host}/x:1"]) == 0
        capsys.readouterr()
        assert run(["rm", f"docker://{registry.host}/x:1", "--yes"]) == 1
        assert "by its digest" in capsys.readouterr().err


def test_verify(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["images", "--verify", "--json"]) == 0
    found = said(capsys)
    assert (found["blobs"], found["corrupt"], found["missing"]) == (len(blobs(store.root)), [], {})
    assert found["size"] == sum(blobs(store.root).values())
    layer = store.image(Reference.parse(IMAGE)).layers[0].descriptor
    path = store.blob_path(layer.digest)
    path.write_bytes(bytes(layer.size))
    assert run(["images", "--verify"]) == 6
    told = capsys.readouterr()
    assert f"{path}: corrupt, of {IMAGE}" in told.out
    assert "1 of" in told.err
    assert run(["images", "--verify", "--json"]) == 6
    assert said(capsys)["corrupt"] == [{"digest": layer.digest, "path": str(path), "images": [IMAGE]}]
    path.unlink()
    assert run(["images", "--verify", "--json"]) == 9
    assert said(capsys)["missing"] == {IMAGE: [layer.digest]}
    assert run(["images", "--verify", "--disk"]) == 2


class TestErrors:
    @pytest.mark.parametrize("verb", ["pull", "tags", "push"])
    def test_a_reference_that_is_none(self, verb: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert run([verb, "Not A Name"]) == 2
        assert "is not the name of an image" in capsys.readouterr().err

    def test_nobody_is_there(self, capsys: pytest.CaptureFixture[str]) -> None:
        with Registry() as registry:
            host = registry.host
        assert run(["pull", f"{host}/x:1"]) == 4
        assert host in capsys.readouterr().err
        assert run(["push", IMAGE, f"{host}/x:1"]) == 4

    def test_a_wrong_password(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with Registry(auth=Basic("me", "right")) as registry:
            (home / ".docker").mkdir()
            auth = {"auths": {registry.host: {"username": "me", "password": "wr0ngsecret"}}}
            (home / ".docker/config.json").write_text(json.dumps(auth))
            assert run(["pull", f"{registry.host}/x:1"]) == 5
            words = capsys.readouterr().err
            assert registry.host in words
            assert "wr0ngsecret" not in words
            assert run(["push", IMAGE, f"{registry.host}/x:1"]) == 5

    def test_not_there(self, capsys: pytest.CaptureFixture[str]) -> None:
        with Registry() as registry:
            assert run(["pull", f"{registry.host}/x:1"]) == 9
            assert f"{registry.host}/x:1" in capsys.readouterr().err
            assert run(["tags", f"{registry.host}/x"]) == 9
            assert "no such repository" in capsys.readouterr().err
            assert run(["tags", f"{registry.host}/x:1"]) == 2
        assert run(["push", "localhost/nothing:1", "127.0.0.1:1/x:1"]) == 9

    def test_not_for_this_machine(self, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
        store.tag(Reference.parse("localhost/arm:1"), store.put_index([put_image(store, architecture=OTHER)]))
        with Registry() as registry:
            assert run(["push", "localhost/arm:1", f"{registry.host}/x:1"]) == 0
            capsys.readouterr()
            assert run(["pull", f"{registry.host}/x:1"]) == 9
            assert f"there is: linux/{OTHER.oci}" in capsys.readouterr().err
            assert run(["pull", f"{registry.host}/x:1", "--arch", "vax"]) == 2
            assert run(["pull", f"{registry.host}/x:1", "--arch", "arm64", "--all-platforms"]) == 2

    def test_forbidden(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with Registry() as registry:
            name = f"{registry.host}/x:1"
            assert run(["push", IMAGE, name]) == 0
            asked = len(registry.log)
            (home / "theirs.yaml").write_text(
                f"bootworthy: 1\nname: theirs\naccess: reference-only\nsystems:\n  x: {{images: {{root: '{name}'}}}}\n"
                "kernels: {k: {images: {kernel: 'localhost/k:1'}}}\n"
                "machines: {m: {vmm: qemu-microvm, arch: x86_64}}\n"
                "matrix: [{systems: [x], kernels: [k], machines: [m], support: supported}]\n"
            )
            assert run(["pull", name, "-c", "theirs.yaml"]) == 1
            assert "reference only" in capsys.readouterr().err
            assert run(["copy", f"docker://{name}", "oci:out", "-c", "theirs.yaml"]) == 1
            (home / "theirs.yaml").rename(home / "bootworthy.yaml")
            for arguments in (["pull", name], ["copy", f"docker://{name}", "oci:out"], ["inspect", f"docker://{name}"]):
                assert run(arguments) == 1, arguments
            assert len(registry.log) == asked

    def test_json(self, capsys: pytest.CaptureFixture[str]) -> None:
        with Registry() as registry:
            assert run(["pull", f"{registry.host}/x:1", "--json"]) == 9
            assert said(capsys)["error"]["code"] == "registry.no-image"


def test_a_pull_that_fails_leaves_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Registry() as registry:
        assert run(["push", IMAGE, f"{registry.host}/x:1"]) == 0
        for digest in list(registry.storage.repository("x").blobs)[:1]:
            registry.storage.repository("x").blobs.discard(digest)
        got = elsewhere(monkeypatch, home / "got")
        assert run(["pull", f"{registry.host}/x:1", "--parallel", "1"]) == 9
        assert got.images() == ()
        assert left(got.root) == []


def said_last(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The reports in the last document that was printed."""
    text = capsys.readouterr().out
    found = json.loads(text[text.index("\n{") if not text.startswith("{") else 0 :])["images"]
    assert isinstance(found, list)
    return found
