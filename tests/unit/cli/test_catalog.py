"""The built-in catalogs at a registry that has their images: verify, pull, matrix and check, as a person calls them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bootworthy.cli.main import run
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from tests import published
from tests.oci_images import put_small
from tests.printed import said
from tests.registry import Registry, faults

ORG = "weaveworks-liquidmetal"
CELL = "kubernetes-1.23.5/linux-5.10.77/firecracker-x86_64"
IMAGES = [f"ghcr.io/{ORG}/{each}" for each in ("kernel-bin:5.10.77", "kernel-modules:5.10.77", "capmvm-k8s-os:1.23.5")]
"""Of that cell."""
UBUNTU, ALPINE = (
    f"quay.io/kairos/{each}:{published.VERSION}" for each in ("kairos-ubuntu-22-lts", "core-alpine-arm-rpi")
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DATA", "CACHE", "STATE", "CONFIG", "RUNTIME"):
        monkeypatch.setenv(f"BOOTWORTHY_{name}", str(tmp_path / name.lower()))
    monkeypatch.delenv("REGISTRY_AUTH_FILE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    with Registry() as registry:
        monkeypatch.setenv("BOOTWORTHY_REGISTRIES_MIRRORS", published.mirrors(registry))
        yield registry


def fill(home: Path, registry: Registry, texts: Iterable[str], capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """The registry has the images of these references, and the store nothing."""
    found = published.publish(Store(home / "data/store"), registry, texts)
    (home / "data").rename(home / "publisher")
    capsys.readouterr()
    return found


def verified(capsys: pytest.CaptureFixture[str], status: int, *words: str) -> dict[str, dict[str, Any]]:
    assert run(["catalog", "verify", *words, "--json"]) == status
    told = said(capsys)
    assert told["schema"] == "bootworthy.catalog-verify/1"
    return {each["reference"]: each for each in told["references"]}


@pytest.mark.parametrize("name", ["liquid-metal", "kairos"])
def test_all_of_it_is_there(home: Path, registry: Registry, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    digests = fill(home, registry, published.references(name), capsys)
    found = verified(capsys, 0, "-c", f"builtin:{name}")
    assert {each["state"] for each in found.values()} == {"new"}
    assert len(found) == len(digests)
    for text, digest in digests.items():
        name_, _, tag = text.rpartition(":")
        each = found.get(text) or next(
            each for pattern, each in found.items() if pattern.startswith(f"{name_}:$") and tag in each["tags"]
        )
        assert each["cells"]
        assert (each["digest"] == digest) if text in found else (each["tags"] == [tag])
    found = verified(capsys, 0, "-c", f"builtin:{name}")
    assert {each["state"] for each in found.values()} == {"same"}
    assert not registry.asked("GET", "/blobs/")


def test_drift(home: Path, registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    fill(home, registry, published.references("liquid-metal"), capsys)
    verified(capsys, 0, "-c", "liquid-metal")
    moved, gone = f"ghcr.io/{ORG}/capmvm-k8s-os:1.23.5", f"ghcr.io/{ORG}/kernel-bin:4.19.215"
    pattern = f"ghcr.io/{ORG}/flintlock-kernel:${{kernel}}"
    store = Store(home / "data/store")
    new = put_small(store)
    store.tag(Reference.parse("localhost/new:1"), new)
    assert run(["push", "localhost/new:1", f"{registry.host}/{ORG}/capmvm-k8s-os:1.23.5"]) == 0
    del registry.storage.repository(f"{ORG}/kernel-bin").tags["4.19.215"]
    del registry.storage.repository(f"{ORG}/flintlock-kernel").tags[published.KERNEL]
    capsys.readouterr()
    for _ in range(2):
        found = verified(capsys, 1, "-c", "liquid-metal")
        states = {text: each["state"] for text, each in found.items() if each["state"] != "same"}
        assert states == {moved: "moved", gone: "gone", pattern: "gone"}
    assert (found[moved]["digest"], found[pattern]["lost"]) == (new.digest, [published.KERNEL])
    assert found[moved]["cells"] == [CELL, CELL.replace("5.10.77", "4.19.215")]
    assert run(["catalog", "verify", "-c", "liquid-metal"]) == 1
    told = capsys.readouterr()
    assert "error: 3 of 16 references drifted" in told.err
    assert any(
        line.split() == [pattern, "gone", "0", "tags", "without", published.KERNEL] for line in told.out.splitlines()
    )
    verified(capsys, 0, "-c", "liquid-metal", "--accept")
    found = verified(capsys, 1, "-c", "liquid-metal")
    assert {text: each["state"] for text, each in found.items() if each["state"] != "same"} == {
        gone: "missing", pattern: "missing",
    }  # fmt: skip


def test_a_selector_asks_after_its_own_alone(
    home: Path, registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(home, registry, IMAGES, capsys)
    found = verified(capsys, 0, "-c", "liquid-metal", CELL)
    assert {text: each["state"] for text, each in found.items()} == dict.fromkeys(IMAGES, "new")
    found = verified(capsys, 1, "-c", "liquid-metal")
    assert {text for text, each in found.items() if each["state"] == "same"} == set(IMAGES)
    assert {each["state"] for text, each in found.items() if text not in IMAGES} == {"missing"}


def test_what_is_locked_counts_as_seen(home: Path, registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    digests = fill(home, registry, IMAGES, capsys)
    assert run(["pull", *IMAGES]) == 0
    assert run(["lock", "-c", "liquid-metal", CELL]) == 0
    assert run(["push", f"ghcr.io/{ORG}/kernel-bin:5.10.77", f"{registry.host}/{ORG}/capmvm-k8s-os:1.23.5"]) == 0
    capsys.readouterr()
    found = verified(capsys, 1, "-c", "liquid-metal", CELL)
    root = found[f"ghcr.io/{ORG}/capmvm-k8s-os:1.23.5"]
    assert (root["state"], root["before"]) == ("moved", digests[root["reference"]])


def test_a_registry_that_does_not_answer(home: Path, registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    fill(home, registry, IMAGES, capsys)
    verified(capsys, 0, "-c", "liquid-metal", CELL)
    registry.faults.append(faults.status(403, method="GET|HEAD", path="/kernel-bin/", times=None))
    found = verified(capsys, 5, "-c", "liquid-metal", CELL)
    assert [each["state"] for each in found.values()] == ["unknown", "same", "same"]
    registry.faults.clear()
    found = verified(capsys, 0, "-c", "liquid-metal", CELL)
    assert {each["state"] for each in found.values()} == {"same"}


def test_what_is_for_reference_only_is_refused(registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    reference = "ghcr.io/openfaasltd/slicer-systemd:5.10.240-x86_64-latest"
    for words in (
        ["catalog", "verify", "-c", "slicer"], ["pull", reference], ["copy", f"docker://{reference}", "a:1"],
        ["lock", "-c", "slicer"], ["mirror", "-c", "slicer", "--to", f"{registry.host}/x"], ["prove", "-c", "slicer"],
        ["check", "-c", "slicer", "rocky-9"], ["boot", "-c", "slicer", "rocky-9"],
    ):  # fmt: skip
        assert run(words) == 1, words
        assert "for reference only" in capsys.readouterr().err
    assert registry.log == []


def test_what_leaves_its_version_open_is_no_image(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["check"], ["prove"], ["boot"], ["build"], ["mirror", "--to", "localhost/x"]):
        assert run([*words, "-c", "kairos", "opensuse-core"]) == 2, words
        told = capsys.readouterr().err
        assert "quay.io/kairos/core-opensuse:${version} is a pattern, not the name of one image" in told
        assert "  hint: write the version out in the catalog, or " in told


def test_a_damaged_record_is_one_error(home: Path, registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    path = home / "state/catalogs/liquid-metal.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"schema": "bootworthy.seen/1", "digests": {"a": "b"}}))
    assert run(["catalog", "verify", "-c", "liquid-metal"]) == 3
    told = capsys.readouterr().err
    assert "[seen.invalid]" in told
    assert "digests.a" in told
    assert registry.log == []


def test_a_record_that_cannot_be_kept_is_one_error(
    home: Path, registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "state").write_text("a file")
    fill(home, registry, IMAGES, capsys)
    assert run(["catalog", "verify", "-c", "liquid-metal", CELL]) == 7
    assert "error: " in capsys.readouterr().err


def test_liquid_metal_from_registry_to_check(
    home: Path, registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    """As it is published, modules lie too deep in their volume, which nobody noticed: the check does."""
    digests = fill(home, registry, IMAGES, capsys)
    assert run(["pull", *IMAGES]) == 0
    capsys.readouterr()
    assert run(["matrix", "-c", "liquid-metal", CELL, "--json"]) == 0
    (cell,) = said(capsys)["cells"]
    assert cell["images"] == dict(zip(("kernel", "modules", "root"), IMAGES, strict=True))
    assert cell["digests"] == {role: digests[name] for role, name in cell["images"].items()}
    assert run(["check", "-c", "liquid-metal", CELL, "--json"]) == 1
    (checked,) = said(capsys)["checked"]
    assert [each["id"] for each in checked["findings"] if each["severity"] == "error"] == ["modules.nested"]


def test_kairos_from_registry_to_check(home: Path, registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    digests = fill(home, registry, [UBUNTU, ALPINE], capsys)
    for reference, machine in ((UBUNTU, "generic-x86_64"), (ALPINE, "rpi3-aarch64"), (ALPINE, "rpi4-aarch64")):
        assert run(["pull", reference, "--json"]) == 0
        (report,) = said(capsys)["images"]
        assert report["digest"] == digests[reference]
        assert run(["check", "-c", "kairos", "--root", reference, "--machine", machine, "--json"]) == 0
        (checked,) = said(capsys)["checked"]
        assert checked["findings"] == []
    assert run(["check", "-c", "kairos", "--root", ALPINE, "--machine", "generic-x86_64"]) == 9
    assert "there is no image for linux/amd64" in capsys.readouterr().err
    assert run(["boot", "-c", "kairos", "--root", ALPINE, "--machine", "rpi4-aarch64"]) != 0
    assert "rpi4 cannot be launched from here\n  hint: install the image on the hardware" in capsys.readouterr().err
