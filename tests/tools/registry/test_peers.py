"""What skopeo, buildah and containerd push to the test registry and pull from it comes through: it is a registry."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bootworthy.host import processes
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from tests.mounts import need_mount
from tests.needs import need
from tests.oci_images import put_small
from tests.registry import (
    OLD,
    Authority,
    Basic,
    Bearer,
    Location,
    Registry,
    State,
    Ways,
    containerd,
    content,
    digest_of,
    docker_registry,
    faults,
)
from tests.registry.auth import Auth

NAME = Reference.parse("localhost/small:1")


AUTHS: dict[str, Callable[[], Auth]] = {
    "basic": lambda: Basic("me", "pass word:1"),
    "bearer": lambda: Bearer("me", "pass word:1", field="both"),
    "short": lambda: Bearer("me", "pass word:1", seconds=60, field="access_token"),
}


@pytest.fixture
def image(tmp_path: Path) -> tuple[str, str]:
    """An image in a layout, as skopeo names it, and its digest."""
    store = Store(tmp_path / "store")
    descriptor = put_small(store)
    store.tag(NAME, descriptor)
    return f"oci:{store.root}:{NAME}", descriptor.digest


def skopeo(*arguments: str | Path, check: bool = True) -> processes.Completed:
    need("skopeo")
    return processes.run(["skopeo", "--insecure-policy", *map(str, arguments)], timeout=120, check=check)


def there_and_back(host: str, image: str, folder: Path, *more: str | Path) -> list[str]:
    """The digest of what comes back of an image that was pushed, and the tags of its repository."""
    place = f"docker://{host}/a/b/small:v1"
    plain = [] if more and "cert" in str(more[0]) else ["--tls-verify=false"]
    sided = [
        f"--{side}-{str(flag)[2:]}" for side in ("src", "dest") for flag in [*plain, *more] if str(flag)[:2] == "--"
    ]
    to, back = ([each for each in sided if side in each] for side in ("dest", "src"))
    skopeo("copy", *to, image, place)
    skopeo("copy", *back, place, f"oci:{folder}:back")
    tags = json.loads(skopeo("list-tags", *plain, *more, f"docker://{host}/a/b/small").text)["Tags"]
    descriptor = json.loads((folder / "index.json").read_text())["manifests"][0]
    for path in (folder / "blobs" / "sha256").iterdir():
        assert digest_of(path) == f"sha256:{path.name}"
    return [descriptor["digest"], *tags]


WAYS = {
    "whole": Ways(),
    "old": OLD,
    "absolute": Ways(location=Location.ABSOLUTE, state=State.NEWEST),
    "relative": Ways(location=Location.RELATIVE, state=State.NEWEST, head_digests=False),
    "offset": Ways(state=State.OFFSET, ranges=False, mounts=False),
}


@pytest.mark.parametrize("ways", WAYS.values(), ids=WAYS)
def test_skopeo_pushes_and_pulls(ways: Ways, image: tuple[str, str], tmp_path: Path) -> None:
    with Registry(ways=ways, folder=tmp_path / "kept") as registry:
        assert there_and_back(registry.host, image[0], tmp_path / "back") == [image[1], "v1"]
        assert [each.status for each in registry.asked("PATCH")] == [202, 202]
        assert registry.asked("PUT", "/manifests/v1")[0].status == 201


@pytest.mark.parametrize("auth", AUTHS.values(), ids=AUTHS)
def test_skopeo_says_who_it_is(auth: Callable[[], Auth], image: tuple[str, str], tmp_path: Path) -> None:
    with Registry(auth=auth()) as registry:
        file = tmp_path / "auth.json"
        secret = base64.b64encode(b"me:pass word:1").decode()
        file.write_text(json.dumps({"auths": {registry.host: {"auth": secret}}}))
        assert there_and_back(registry.host, image[0], tmp_path / "back", f"--authfile={file}") == [image[1], "v1"]
        file.write_text(json.dumps({"auths": {registry.host: {"auth": base64.b64encode(b"me:wrong").decode()}}}))
        done = skopeo(
            "inspect", "--tls-verify=false", f"--authfile={file}", f"docker://{registry.host}/a/b/small:v1", check=False
        )
        assert done.status != 0


def test_skopeo_trusts_its_certificate(image: tuple[str, str], tmp_path: Path) -> None:
    authority = Authority.make(tmp_path / "authority")
    trusted = tmp_path / "trusted"
    trusted.mkdir()
    trusted.joinpath("ca.crt").write_bytes(authority.ca.read_bytes())
    with Registry(tls=authority.server(), folder=tmp_path / "kept") as registry:
        found = there_and_back(registry.host, image[0], tmp_path / "back", f"--cert-dir={trusted}")
        assert found == [image[1], "v1"]
        assert skopeo("inspect", f"docker://{registry.host}/a/b/small:v1", check=False).status != 0


def test_skopeo_reads_pages_of_tags_deletes_and_mounts(image: tuple[str, str]) -> None:
    with Registry(ways=Ways(page=2)) as registry:
        host = registry.host
        for tag in ("v1", "v2", "v3"):
            skopeo("copy", "--dest-tls-verify=false", image[0], f"docker://{host}/a/small:{tag}")
        plain = "--tls-verify=false"
        assert json.loads(skopeo("list-tags", plain, f"docker://{host}/a/small").text)["Tags"] == ["v1", "v2", "v3"]
        both = ("--src-tls-verify=false", "--dest-tls-verify=false")
        skopeo("copy", *both, f"docker://{host}/a/small:v1", f"docker://{host}/b/small:v1")
        assert [each.status for each in registry.asked("POST", "/v2/b/small/blobs/uploads/?from=")] == [201]
        skopeo("delete", plain, f"docker://{host}/a/small:v1")
        assert skopeo("inspect", plain, f"docker://{host}/a/small:v1", check=False).status != 0
        skopeo("inspect", plain, f"docker://{host}/b/small:v1")


@pytest.mark.parametrize(
    "fault",
    [
        faults.wrong_bytes(path="/blobs/", times=None),
        faults.wrong_bytes(path="/manifests/sha256", times=None),
        faults.status(403, path="/blobs/", times=None),
        faults.truncated(20, path="/blobs/", times=None),
    ],
    ids=["blobs", "manifest", "denied", "short"],
)
def test_skopeo_falls_for_no_fault(fault: faults.Fault, tmp_path: Path) -> None:
    with Registry([fault]) as registry:
        small = content.image()
        small.put(registry.storage, "a", "v1")
        place = f"docker://{registry.host}/a@{small.digest}"
        done = skopeo("copy", "--src-tls-verify=false", place, f"oci:{tmp_path / 'back'}:x", check=False)
        assert done.status != 0
        assert fault.met > 0


def test_skopeo_goes_on_after_passing_faults(image: tuple[str, str], tmp_path: Path) -> None:
    with Registry() as other:
        small = content.image()
        small.put(other.storage, "a", "v1")
        passing = [
            faults.status(429, "TOOMANYREQUESTS", retry_after=1, path="/manifests/"),
            faults.redirected(other.base, path="/blobs/", times=None),
        ]
        with Registry(passing) as registry:
            small.put(registry.storage, "a", "v1")
            place = f"docker://{registry.host}/a:v1"
            skopeo("copy", "--src-tls-verify=false", place, f"oci:{tmp_path / 'back'}:x")
            assert [fault.met for fault in passing] == [1, 2]
            assert len(other.asked("GET", "/blobs/")) == 2


def test_docker_registry_answers_skopeo(image: tuple[str, str], tmp_path: Path) -> None:
    with docker_registry(tmp_path / "registry") as registry:
        assert there_and_back(registry.host, image[0], tmp_path / "back") == [image[1], "v1"]


def test_docker_registry_asks_for_a_password(image: tuple[str, str], tmp_path: Path) -> None:
    with docker_registry(tmp_path / "registry", {"me": "pass word"}) as registry:
        place = f"docker://{registry.host}/a:v1"
        done = skopeo("inspect", "--tls-verify=false", place, check=False)
        assert b"authentication required" in done.stderr
        skopeo("copy", "--dest-tls-verify=false", "--dest-creds=me:pass word", image[0], place)


def buildah(folder: Path, *arguments: str) -> str:
    need("buildah")
    places = ["--root", str(folder / "root"), "--runroot", str(folder / "run"), "--storage-driver", "vfs"]
    return processes.run(["buildah", *places, *arguments], timeout=120).text.strip()


@pytest.mark.parametrize("ways", [WAYS["whole"], WAYS["old"]], ids=["whole", "old"])
def test_buildah_pushes_and_pulls(ways: Ways, tmp_path: Path) -> None:
    (tmp_path / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    policy = ("--tls-verify=false", f"--signature-policy={tmp_path / 'policy.json'}")
    (tmp_path / "file").write_bytes(bytes(range(256)) * 40000)
    with Registry(ways=ways) as registry:
        container = buildah(tmp_path / "one", "from", "scratch")
        buildah(tmp_path / "one", "copy", container, str(tmp_path / "file"), "/etc/file")
        buildah(tmp_path / "one", "commit", policy[1], container, "made")
        buildah(tmp_path / "one", "push", *policy, "made", f"docker://{registry.host}/b/made:1")
        assert any("transfer-encoding" in each.headers for each in registry.asked("PATCH"))
        buildah(tmp_path / "two", "pull", *policy, f"{registry.host}/b/made:1")
        container = buildah(tmp_path / "two", "from", "--pull-never", policy[1], f"{registry.host}/b/made:1")
        found = Path(buildah(tmp_path / "two", "mount", container)) / "etc" / "file"
        assert found.read_bytes() == (tmp_path / "file").read_bytes()
        buildah(tmp_path / "two", "umount", container)


@pytest.mark.parametrize("snapshotter", ["native", "overlayfs"])
def test_containerd_pulls_and_pushes(snapshotter: str, tmp_path: Path) -> None:
    if snapshotter == "overlayfs":
        need_mount("overlay")
    with containerd(tmp_path / "c", snapshotter) as engine, Registry() as registry:
        small = content.image()
        small.put(registry.storage, "a/b", "v1")
        reference = f"{registry.host}/a/b:v1"
        engine.pull(reference)
        assert small.digest in engine.ctr("images", "ls").text
        target = tmp_path / "mounted"
        target.mkdir()
        engine.ctr("images", "mount", "--snapshotter", snapshotter, reference, str(target))
        try:
            assert (target / "etc" / "motd").read_bytes() == b"hello\n"
        finally:
            engine.ctr("images", "unmount", "--snapshotter", snapshotter, str(target))
        engine.ctr("images", "push", "--plain-http", f"{registry.host}/c/d:v1", reference)
        found = registry.storage.manifest("c/d", "v1")
        assert found is not None
        assert found[0] == small.digest


def test_containerd_refuses_wrong_bytes(tmp_path: Path) -> None:
    fault = faults.wrong_bytes(path="/blobs/", times=None)
    with containerd(tmp_path / "c") as engine, Registry([fault]) as registry:
        content.image().put(registry.storage, "a/b", "v1")
        done = engine.pull(f"{registry.host}/a/b:v1", check=False)
        assert done.status != 0
        assert b"unexpected commit digest" in done.stderr
