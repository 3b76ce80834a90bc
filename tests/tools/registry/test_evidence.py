"""Evidence in Debian's docker-registry, which has no referrers API, with skopeo as the other side."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from bootworthy.cli.main import run
from bootworthy.host import processes
from bootworthy.oci.documents import MANIFEST, Descriptor
from bootworthy.oci.reference import Reference
from bootworthy.oci.registry.referrers import tag_of
from bootworthy.oci.store import Store
from bootworthy.proofs import travel
from bootworthy.proofs.artifact import ARTIFACT
from bootworthy.proofs.evidence import EvidenceStore
from bootworthy.proofs.travel import Report
from bootworthy.vocabulary import Architecture
from tests import shelves
from tests.attached import attach, contents, recorded
from tests.clients import Bytes, client, described
from tests.moved_images import put_bundle, put_image
from tests.needs import need
from tests.registry import DockerRegistry, Registry, content, docker_registry, faults


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    with docker_registry(tmp_path_factory.mktemp("docker-registry")) as found:
        yield found


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The store of the machine that `at` moves away from."""
    monkeypatch.delenv("REGISTRY_AUTH_FILE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return at(monkeypatch, tmp_path / "first")


def at(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Store:
    """From now on this is another machine."""
    for name in ("DATA", "CACHE", "STATE", "CONFIG", "RUNTIME"):
        monkeypatch.setenv(f"BOOTWORTHY_{name}", str(folder / name.lower()))
    return Store(folder / "data/store")


def said(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    (image,) = json.loads(capsys.readouterr().out)["images"]
    found = image["evidence"]
    assert isinstance(found, dict)
    return found


def skopeo(*arguments: str) -> bytes:
    need("skopeo")
    return processes.run(["skopeo", *arguments], timeout=120).stdout


NOTHING = {"moved": 0, "there": 0, "others": 0, "left-out": 0, "refused": []}


def test_evidence_goes_with_an_image_and_comes_with_it(
    registry: DockerRegistry, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    name = f"{registry.host}/sys/tem:v1"
    image = put_image(store, role="root")
    store.tag(Reference.parse("localhost/one:1"), image)
    proofs = EvidenceStore(tmp_path / "first/state")
    recorded(proofs, image.digest, 0, b"Linux version 1\n")
    recorded(proofs, image.digest, 1, b"Linux version 2\n")
    recorded(proofs, f"sha256:{'c' * 64}")
    assert run(["push", "localhost/one:1", name, "--json"]) == 0
    assert "evidence" not in json.loads(capsys.readouterr().out)["images"][0]
    assert run(["push", "localhost/one:1", name, "--evidence", "--json"]) == 0
    assert said(capsys) == NOTHING | {"moved": 2}
    assert run(["push", "localhost/one:1", name, "--evidence"]) == 0
    assert "\n  evidence: 0 sent, 2 there\n" in capsys.readouterr().out
    at(monkeypatch, tmp_path / "second")
    assert run(["pull", name]) == 0
    assert not (tmp_path / "second/state/evidence").exists()
    capsys.readouterr()
    assert run(["pull", name, "--evidence", "--json"]) == 0
    assert said(capsys) == NOTHING | {"moved": 2}
    assert run(["pull", name, "--evidence"]) == 0
    assert "\n  evidence: 0 fetched, 2 there\n" in capsys.readouterr().out
    assert run(["evidence", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["evidence"]
    assert [each["document"]["digests"]["images"]["root"] for each in listed] == [image.digest] * 2
    assert run(["evidence", "--console"]) == 0
    assert capsys.readouterr().out == "Linux version 2\n"


def test_of_a_bundle_the_evidence_of_every_platform(
    registry: DockerRegistry, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """So that one matrix can be shown of what two machines of different kinds proved."""
    name = f"{registry.host}/bun/dle:6.1"
    bundle = put_bundle(store)
    proofs = EvidenceStore(tmp_path / "first/state")
    for subject in travel.subjects(bundle, store.read)[1:]:
        recorded(proofs, subject.digest)
    assert len(proofs.all()) == len(Architecture)
    recorded(proofs, bundle.digest, 5)
    assert run(["push", "localhost/bundle:1", name, "--evidence", "--json"]) == 0
    assert said(capsys) == NOTHING | {"moved": len(Architecture) + 1}
    at(monkeypatch, tmp_path / "second")
    assert run(["pull", name, "--evidence", "--json"]) == 0
    assert said(capsys) == NOTHING | {"moved": len(Architecture) + 1}
    assert contents(tmp_path / "second/state") == contents(tmp_path / "first/state")


def test_copy_takes_it_along(
    registry: DockerRegistry, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    image = put_image(store, role="root")
    store.tag(Reference.parse("localhost/one:1"), image)
    recorded(EvidenceStore(tmp_path / "first/state"), image.digest, 0, b"Linux version 1\n")
    first, second = f"docker://{registry.host}/copied/one:1", f"docker://{registry.host}/copied/two:1"
    assert run(["copy", "localhost/one:1", first, "--evidence", "--json"]) == 0
    assert said(capsys) == NOTHING | {"moved": 1}
    at(monkeypatch, tmp_path / "second")
    with Registry() as far:
        away = f"docker://{far.host}/copied/three:1"
        for source, destination in ((first, second), (second, away)):
            assert run(["copy", source, destination, "--evidence", "--json"]) == 0
            assert said(capsys) == NOTHING | {"moved": 1}
            assert run(["copy", source, destination, "--evidence"]) == 0
            assert "\n  evidence: 0 copied, 1 there\n" in capsys.readouterr().out
        assert not (tmp_path / "second").exists()
        assert run(["copy", away, "localhost/back:1", "--evidence", "--json"]) == 0
        assert said(capsys) == NOTHING | {"moved": 1}
    assert contents(tmp_path / "second/state") == contents(tmp_path / "first/state")
    for destination in ("oci:layout:x", "oci-archive:x.tar", "localhost/again:2"):
        assert run(["copy", "localhost/back:1", destination, "--evidence"]) == 2
        assert "hint: " in capsys.readouterr().err
    assert [each.name for each in Store(tmp_path / "second/data/store").images()] == ["localhost/back:1"]


def test_mirror_takes_it_along(
    registry: DockerRegistry, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """From here, and from the registry where an image is that is not here; one that fails stops no other."""
    shelves.write(tmp_path, f"{registry.host}/pub")
    images = shelves.stock(store, f"{registry.host}/pub")
    recorded(EvidenceStore(tmp_path / "first/state"), images["root"].digest)
    for role in shelves.ROLES:
        assert run(["push", str(shelves.name(role, f"{registry.host}/pub")), "--evidence"]) == 0
    capsys.readouterr()
    assert run(["mirror", "--to", f"{registry.host}/far", "--evidence", "--json"]) == 0
    assert _sent(capsys) == {"far/pub/up/one:1": 1, "far/one:k1": 1}
    at(monkeypatch, tmp_path / "second")
    assert run(["mirror", "--to", f"{registry.host}/again", "--evidence", "--json"]) == 1  # the bundle is nowhere
    assert _sent(capsys) == {"again/pub/up/one:1": 1}
    assert run(["pull", f"{registry.host}/again/pub/up/one:1", "--evidence", "--json"]) == 0
    assert said(capsys) == NOTHING | {"moved": 1}
    with Registry([faults.status(500, path="/referrers/", times=None)]) as broken:
        assert run(["mirror", "--to", f"{broken.host}/x", "--evidence"]) == 1
        assert "evidence failed: registry." in capsys.readouterr().out


def _sent(capsys: pytest.CaptureFixture[str]) -> dict[str, int]:
    """Of the images that had evidence, how much was sent."""
    images = json.loads(capsys.readouterr().out)["images"]
    moved = {each["names"][-1].partition("/")[2]: each["evidence"]["moved"] for each in images if "evidence" in each}
    return {name: count for name, count in moved.items() if count}


def test_the_tag_that_lists_it_is_what_skopeo_reads(registry: DockerRegistry, tmp_path: Path) -> None:
    name = "list/ed"
    repository = client(registry.host, name)
    image = _put(repository)
    proofs = EvidenceStore(tmp_path)
    one = recorded(proofs, image.digest)
    assert travel.push(repository, [image], proofs) == Report(moved=1)
    listed = f"docker://{registry.host}/{name}:{tag_of(image.digest)}"
    (entry,) = json.loads(skopeo("inspect", "--raw", "--tls-verify=false", listed))["manifests"]
    assert entry["artifactType"] == ARTIFACT
    manifest = f"docker://{registry.host}/{name}@{entry['digest']}"
    raw = skopeo("inspect", "--raw", "--tls-verify=false", manifest)
    assert json.loads(raw)["subject"]["digest"] == image.digest
    skopeo("--insecure-policy", "copy", "--src-tls-verify=false", manifest, f"dir:{tmp_path / 'copied'}")
    for digest, path in ((one.digest, proofs.path(one.digest)), (one.console, proofs.console_path(one.console))):
        assert (tmp_path / "copied" / digest.removeprefix("sha256:")).read_bytes() == path.read_bytes()


def test_machines_that_push_at_the_same_time_lose_nothing(registry: DockerRegistry, tmp_path: Path) -> None:
    image = _put(client(registry.host, "same/time"))
    machines = [EvidenceStore(tmp_path / str(number)) for number in range(4)]
    for number, each in enumerate(machines):
        recorded(each, image.digest, number)

    def push(proofs: EvidenceStore) -> Report:
        return travel.push(client(registry.host, "same/time"), [image], proofs)

    with ThreadPoolExecutor(len(machines)) as pool:
        assert list(pool.map(push, machines)) == [Report(moved=1)] * len(machines)
    # Without conditional writing a registry may forget an entry; whoever pushes again puts it back.
    for each in machines:
        push(each)
    together = EvidenceStore(tmp_path / "together")
    assert travel.pull(client(registry.host, "same/time"), [image], together) == Report(moved=4)


def test_a_thousand_wrong_things_do_not_keep_the_right_one_away(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = put_image(store, role="root")
    store.tag(Reference.parse("localhost/one:1"), image)
    proofs = EvidenceStore(tmp_path / "proofs")
    one = recorded(proofs, image.digest)
    with Registry() as registry:
        name = f"{registry.host}/sys/tem:v1"
        assert run(["push", "localhost/one:1", name]) == 0
        for number in range(1000):
            attach(registry.storage, "sys/tem", image, b"\x1b]0;junk %d\x07" % number)
        attach(registry.storage, "sys/tem", image, proofs.document(one), proofs.console(one))
        capsys.readouterr()
        assert run(["pull", name, "--evidence"]) == 0
    told = capsys.readouterr()
    assert "evidence: 1 fetched, 0 there, 1000 refused" in told.out
    assert "left out 990 more things that are no evidence" in told.err
    assert "\x1b" not in told.err
    assert EvidenceStore(tmp_path / "first/state").all() == (one,)


def test_the_exit_status_where_it_may_not_be_read(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = put_image(store, role="root")
    store.tag(Reference.parse("localhost/one:1"), image)
    path = EvidenceStore(tmp_path / "first/state").path(f"sha256:{'0' * 64}")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"{}")
    with Registry() as registry:
        assert run(["push", "localhost/one:1", f"{registry.host}/x:1", "--evidence"]) == 6
        assert str(path) in capsys.readouterr().err
        assert run(["pull", f"{registry.host}/x:1", "--evidence"]) == 0  # the image itself had gone


def _put(repository: Any) -> Descriptor:
    small = content.image()
    for blob in (small.layer, small.config):
        repository.put_blob(described(blob), Bytes(blob))
    image = Descriptor(MANIFEST, small.digest, len(small.manifest))
    repository.put_manifest(image, small.manifest, ["v1"])
    return image
