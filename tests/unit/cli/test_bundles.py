"""build, lock, inspect, diff, outdated and mirror, as a person calls them, on images that somebody published."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bootworthy.cli.main import run
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from bootworthy.vocabulary import Architecture
from tests import shelves
from tests.oci_images import put_layer
from tests.printed import said
from tests.registry import Registry, faults


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DATA", "CACHE", "STATE", "CONFIG", "RUNTIME"):
        monkeypatch.setenv(f"BOOTWORTHY_{name}", str(tmp_path / name.lower()))
    for name in ("REGISTRY_AUTH_FILE", "SOURCE_DATE_EPOCH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    shelves.write(tmp_path)
    return tmp_path


@pytest.fixture
def store(home: Path) -> Store:
    return Store(home / "data/store")


def failed(capsys: pytest.CaptureFixture[str]) -> str:
    words = capsys.readouterr().err
    assert "error: " in words
    return words


def test_build_names_bundles(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    shelves.stock(store)
    assert run(["build", "--json"]) == 0
    told = said(capsys)
    assert [each["cell"] for each in told["cells"]] == [shelves.MICRO, shelves.FIRE]
    (bundle,) = told["bundles"]
    assert bundle["reference"] == shelves.BUNDLE
    assert store.resolve(Reference.parse(bundle["fixed"])).digest == bundle["digest"]
    assert run(["build", "one"]) == 0
    assert f"bundle {shelves.BUNDLE}\n" in capsys.readouterr().out
    assert run(["build", "--why"]) == 0
    assert capsys.readouterr().out == f"{shelves.MICRO}: up to date\n{shelves.FIRE}: up to date\n"


def test_inspect_a_bundle(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    images = shelves.stock(store)
    run(["build"])
    capsys.readouterr()
    assert run(["inspect", shelves.BUNDLE]) == 0
    told = capsys.readouterr().out
    assert f"digest    {images['root'].digest}" in told
    assert "lacks     sshd" in told
    assert told.count("bundle  ") == 5
    assert run(["inspect", shelves.BUNDLE, "--json"]) == 0
    document = said(capsys)
    assert [each["role"] for each in document["bundle"]] == ["root", "kernel", "modules", "initrd", "initrd"]
    assert document["bundle"][3]["machines"] == ["fire"]
    assert document["contents"]["users"][0]["name"] == "root"
    assert run(["inspect", f"{shelves.BUNDLE}-kernel", "--json"]) == 0
    assert said(capsys)["contents"]["kernels"] == [shelves.RELEASE]
    assert run(["inspect", shelves.BUNDLE, "--brief", "--json"]) == 0
    assert "contents" not in said(capsys)
    assert run(["inspect", shelves.BUNDLE, "--brief", "--packages"]) == 2


def test_what_an_image_says_does_not_steer_the_terminal(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    status = b"Package: evil\x1b[2J\nVersion: 1\x07\nStatus: install ok installed\nArchitecture: all\n"
    for number, content in enumerate((b"", status)):
        layer = put_layer(store, {"var/lib/dpkg/status": content, f"etc/\x1b[2J{number}": b"x"})
        image = store.put_image(layers=[layer], architecture=Architecture.native())
        store.tag(Reference.parse(f"localhost/evil:{number}"), image)
    assert run(["inspect", "localhost/evil:1", "--packages"]) == 0
    assert run(["diff", "localhost/evil:0", "localhost/evil:1", "--files"]) == 0
    told = capsys.readouterr().out
    assert "evil\\x1b[2J" in told
    assert "\x1b" not in told
    assert "\x07" not in told


def test_rm_takes_the_names_of_members_along(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    shelves.stock(store)
    run(["build", "--json"])
    (bundle,) = said(capsys)["bundles"]
    assert run(["rm", shelves.BUNDLE, bundle["members"]["kernel"], "--json"]) == 0
    gone = said(capsys)["names"]
    assert set(gone) == {shelves.BUNDLE, bundle["fixed"], *bundle["members"].values()}
    assert len(store.images()) == len(shelves.ROLES)


def test_lock_is_obeyed(
    home: Path, store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = shelves.stock(store)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert run(["lock"]) == 0
    assert capsys.readouterr().out.endswith("bootworthy.lock: 2 cells locked\n")
    locked = (home / "bootworthy.lock").read_bytes()
    assert json.loads(locked)["cells"][shelves.MICRO]["resolved"] == "2023-11-14T22:13:20Z"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1800000000")
    assert run(["lock", "one", "--json"]) == 0
    assert said(capsys)["changed"] == []
    assert (home / "bootworthy.lock").read_bytes() == locked
    after = shelves.stock(store, content="newer ")
    for verb in ("build", "matrix"):
        assert run([verb, "--json"]) == 0
        for cell in said(capsys)["cells"]:
            assert cell["digests"]["kernel"] == before["kernel"].digest != after["kernel"].digest
    assert run(["lock", "--json"]) == 0
    assert len(said(capsys)["changed"]) == 2
    assert run(["build", "--json"]) == 0
    assert said(capsys)["cells"][0]["digests"]["kernel"] == after["kernel"].digest


def test_what_is_locked_and_not_here(
    home: Path, store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    images = shelves.stock(store)
    assert run(["lock"]) == 0
    monkeypatch.setenv("BOOTWORTHY_STORE", str(home / "empty"))
    capsys.readouterr()
    assert run(["build"]) == 9
    assert f"published.example/up/k1:1-kernel@{images['kernel'].digest}" in failed(capsys)


def test_a_catalog_that_changed_since(home: Path, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    shelves.stock(store)
    assert run(["lock"]) == 0
    path = home / "bootworthy.yaml"
    path.write_text(path.read_text().replace("k1:1-modules", "k1:2-modules"))
    assert run(["matrix"]) == 1
    assert f"bootworthy lock {shelves.MICRO}" in failed(capsys)
    (home / "bootworthy.lock").write_text("<<<<<<< mine\n")
    assert run(["matrix"]) == 3
    assert "no valid JSON" in failed(capsys)


@pytest.mark.parametrize("epoch", ["soon", "-1e3", "9" * 40])
def test_a_clock_that_is_none(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], epoch: str
) -> None:
    shelves.stock(store)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    assert run(["lock"]) == 2
    assert "SOURCE_DATE_EPOCH" in failed(capsys)


def push(store: Store, host: str, *roles: str) -> None:
    """Publish images of the catalog."""
    for role in roles or shelves.ROLES:
        assert run(["push", str(shelves.name(role, host))]) == 0


def test_lock_check_asks_the_registry(
    home: Path, store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Registry() as registry:
        shelves.write(home, registry.host)
        before = shelves.stock(store, registry.host)
        push(store, registry.host)
        assert run(["lock", "--check"]) == 9
        assert run(["lock"]) == 0
        capsys.readouterr()
        assert run(["lock", "--check"]) == 0
        assert capsys.readouterr().out.endswith("bootworthy.lock: nothing differs\n")
        store.tag(shelves.name("kernel", registry.host), shelves.put(store, "kernel", "newer"))
        push(store, registry.host, "kernel")
        capsys.readouterr()
        assert run(["lock", "--check", "--json"]) == 1
        (moved,) = said(capsys)["differences"]
        assert moved["kind"] == "moved"
        assert before["kernel"].digest in moved["message"]
        monkeypatch.setenv("BOOTWORTHY_STORE", str(home / "empty"))
        (home / "bootworthy.lock").unlink()
        assert run(["lock", "--json"]) == 0
        cell = said(capsys)["cells"][shelves.MICRO]
        assert cell["images"]["root"]["digest"] == before["root"].digest
        assert cell["kernel-release"] is None
    assert run(["lock", "--check"]) == 1
    assert "unknown: " in capsys.readouterr().out
    assert run(["lock", "--mirrors"]) == 2


def test_pull_what_is_locked(
    home: Path, store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Registry() as registry:
        shelves.write(home, registry.host)
        assert run(["pull", "--locked"]) == 9
        assert "bootworthy lock" in failed(capsys)
        assert run(["pull"]) == 2
        assert run(["pull", "--locked", "--all-platforms"]) == 2
        before = shelves.stock(store, registry.host)
        push(store, registry.host)
        assert run(["lock"]) == 0
        shelves.stock(store, registry.host, content="newer ")
        push(store, registry.host)
        monkeypatch.setenv("BOOTWORTHY_STORE", str(home / "empty"))
        capsys.readouterr()
        assert run(["build"]) == 9
        assert f"bootworthy pull --locked {shelves.MICRO}" in failed(capsys)
        assert run(["pull", "--locked", "one/*/micro", "--json"]) == 0
        assert len(said(capsys)["images"]) == 4
        assert run(["pull", "--locked", "--json"]) == 0
        assert {each["digest"] for each in said(capsys)["images"]} == {each.digest for each in before.values()}
        assert run(["build", "--json"]) == 0
        told = said(capsys)
        assert told["cells"][0]["digests"]["root"] == before["root"].digest
        assert {each["reference"] for each in told["bundles"]} == {shelves.BUNDLE}


def test_diff(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    shelves.stock(store)
    store.tag(Reference.parse("localhost/next:1"), shelves.put(store, "root", "next"))
    assert run(["diff", str(shelves.name("root")), "localhost/next:1", "--files"]) == 0
    told = capsys.readouterr().out
    assert "files: 0 added (0 B), 0 removed (0 B), 1 changed (4 B)\n  ~ /root.txt\n" in told
    assert run(["diff", "localhost/next:1", "localhost/next:1"]) == 0
    assert "nothing differs but times" in capsys.readouterr().out
    assert run(["diff", "localhost/next:1", str(shelves.name("kernel")), "--json", "--files"]) == 0
    document = said(capsys)
    assert document["schema"] == "bootworthy.diff/1"
    assert document["kernels"]["added"] == [shelves.RELEASE]
    assert document["users"]["removed"][0].startswith("root ")
    assert {"change": "+", "path": "/boot/vmlinux"} in document["paths"]


def test_outdated(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["outdated", "--at", "2026-12-31"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["kernel", "k1", "2026", "0", "days", "left"]
    assert run(["outdated", "--at", "2027-01-01", "--json"]) == 1
    document = said(capsys)
    assert [(each["name"], each["outdated"]) for each in document["entries"]] == [("k1", True), ("one", False)]
    assert run(["outdated", "--at", "2030-01-01"]) == 1
    assert "past the end of life: k1, one" in failed(capsys)
    assert run(["outdated", "--at", "soon"]) == 2


def names(registry: Registry, repository: str, capsys: pytest.CaptureFixture[str]) -> set[str]:
    capsys.readouterr()
    assert run(["tags", f"{registry.host}/{repository}", "--json"]) == 0
    return set(said(capsys)["tags"])


def test_mirror(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    shelves.stock(store)
    with Registry() as registry:
        assert run(["mirror", "--to", f"{registry.host}/far", "--json"]) == 0
        told = said(capsys)
        assert told["schema"] == "bootworthy.mirrored/1"
        assert all(each["error"] is None for each in told["images"])
        bundle = store.resolve(Reference.parse(shelves.BUNDLE))
        fixed = f"k1-{bundle.digest[7:19]}"
        members = {"k1-kernel", "k1-modules", "k1-initrd-micro", "k1-initrd-fire"}
        assert names(registry, "far/one", capsys) == {"k1", fixed, *members}
        assert names(registry, "far/up/k1", capsys) == {
            "1-kernel", "1-modules", "1-initrd-micro", "1-initrd-fire",
        }  # fmt: skip
        assert run(["mirror", "one/*/micro", "--to", f"docker://{registry.host}/far"]) == 0
        assert f"{registry.host}/far/one:k1" in capsys.readouterr().out
        assert run(["mirror", "--to", f"{registry.host}/far", "--json"]) == 0
        assert sum(each["moved"]["blobs"] for each in said(capsys)["images"]) == 0


def test_mirror_goes_on_when_one_fails(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    shelves.stock(store)
    store.untag(shelves.name("modules"))
    with Registry([faults.status(500, path="/manifests/1-kernel")]) as registry:
        text = (
            Path("bootworthy.yaml").read_text().replace(f'"{shelves.HOST}/up/k1:1-modules"', f'"{registry.host}/no:1"')
        )
        Path("bootworthy.yaml").write_text(text)
        assert run(["mirror", "--to", f"{registry.host}/far"]) == 1
        told = capsys.readouterr()
        assert "images were not mirrored" in told.err
        assert f"{registry.host}/no:1: " in told.err
        assert "failed: " in told.out
        assert names(registry, "far/up/one", capsys) == {"1"}


def test_mirror_from_registry_to_registry(
    home: Path, store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Registry() as registry, Registry() as far:
        shelves.write(home, registry.host)
        before = shelves.stock(store, registry.host)
        push(store, registry.host)
        assert run(["lock"]) == 0
        store.tag(shelves.name("kernel", registry.host), shelves.put(store, "kernel", "newer"))
        push(store, registry.host, "kernel")
        text = (home / "bootworthy.yaml").read_text().replace("registry: registry.example/os\n", "")
        (home / "bootworthy.yaml").write_text(text)
        monkeypatch.setenv("BOOTWORTHY_STORE", str(home / "empty"))
        capsys.readouterr()
        assert run(["mirror", "--to", f"{far.host}/far", "--json"]) == 0
        digests = {each["names"][0]: each["digest"] for each in said(capsys)["images"]}
        assert digests[f"{far.host}/far/up/k1:1-kernel"] == before["kernel"].digest
        assert not (home / "empty/blobs").exists()


def test_mirror_a_bundle_that_is_not_here(
    home: Path, store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Registry() as registry, Registry() as far:
        path = home / "bootworthy.yaml"
        images = shelves.stock(store, registry.host)
        path.write_text(shelves.text(registry.host).replace("registry.example/os", f"{registry.host}/os"))
        assert run(["build", "--json"]) == 0
        (bundle,) = said(capsys)["bundles"]
        push(store, registry.host)
        assert run(["push", bundle["reference"]]) == 0
        mine = {"k1", f"k1-{bundle['digest'][7:19]}", *(f"k1-{suffix}" for suffix in bundle["members"])}
        assert names(registry, "os/one", capsys) == mine
        monkeypatch.setenv("BOOTWORTHY_STORE", str(home / "empty"))
        assert run(["mirror", "--to", f"{far.host}/far"]) == 0
        assert names(far, "far/one", capsys) == mine
        assert run(["pull", f"{far.host}/far/one:k1-initrd-fire", "--json"]) == 0
        (report,) = said(capsys)["images"]
        initrd = Store(home / "empty").image(Reference.parse(f"{far.host}/far/one@{report['digest']}"))
        assert initrd.descriptor.digest == images["initrd-fire"].digest


def test_mirror_an_image_that_has_no_tag(home: Path, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    digest = shelves.stock(store)["root"].digest
    path = home / "bootworthy.yaml"
    path.write_text(path.read_text().replace("/up/one:1", f"/up/one@{digest}"))
    with Registry() as registry:
        assert run(["mirror", "--to", f"{registry.host}/far"]) == 0
        assert names(registry, "far/up/one", capsys) == {f"digest-{digest[7:]}"}


def test_mirror_refuses_what_it_cannot_mean(home: Path, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    shelves.stock(store)
    path = home / "bootworthy.yaml"
    whole = path.read_text()
    path.write_text(whole.replace(f"{shelves.HOST}/up/k1:1-initrd-fire", "other.example/up/one:1"))
    assert run(["mirror", "--to", "127.0.0.1:1/far"]) == 2
    assert "would both be 127.0.0.1:1/far/up/one:1" in failed(capsys)
    path.write_text(f"{whole}access: reference-only\nnote: for looking at\n")
    assert run(["mirror", "--to", "127.0.0.1:1/far"]) == 1
    assert "for looking at" in failed(capsys)
    path.write_text(whole)
    assert run(["mirror", "--to", "127.0.0.1:1/Far"]) == 2
