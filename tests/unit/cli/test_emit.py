"""`bootworthy emit`, as a person calls it, on images laid out as Liquid Metal lays out its own."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from bootworthy.cli.main import run
from bootworthy.oci.store import Store
from tests import check_trees as make
from tests import layouts, published
from tests.check_trees import File
from tests.printed import said
from tests.registry import Registry
from tests.tree_images import put_tree

HOST = "registry.example/lm"
KUBERNETES = {"dev.liquidmetal.kubernetes": "1.23.5"}
IMAGES = {
    "os:1.23.5": make.root(), "cloud-os:1.23.5": make.root() | {"usr/bin/cloud-init": make.program()},
    "both-os:1.23.5": make.root() | layouts.LIQUID_METAL_MODULES,
    "kernel-bin:5.10.77": layouts.LIQUID_METAL_KERNELS["kernel-bin"], "kernel:5.10.77": layouts.LIQUID_METAL_BOTH,
    "mikrolite:5.10.77": layouts.LIQUID_METAL_KERNELS["mikrolite"],
    "kernel-bin:6.1.9": make.kernel(release="6.1.9"), "modules:6.1.9": make.modules(("overlay",), release="6.1.9"),
    "modules:5.10.77": layouts.LIQUID_METAL_MODULES, "flat-modules:5.10.77": layouts.LIQUID_METAL_FLAT_MODULES,
}  # fmt: skip


@pytest.fixture(autouse=True)
def digests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    for name in ("DATA", "CACHE", "STATE", "CONFIG", "RUNTIME"):
        monkeypatch.setenv(f"BOOTWORTHY_{name}", str(tmp_path / name.lower()))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    store = Store(tmp_path / "data/store")
    return {
        name: put_tree(store, entries, name=f"{HOST}/{name}", labels=KUBERNETES if "os" in name else None).digest
        for name, entries in IMAGES.items()
    }


def images(kernel: str = "kernel-bin:5.10.77", modules: str | None = "flat-modules:5.10.77", root: str = "os:1.23.5",
           vmm: str = "firecracker") -> list[str]:  # fmt: skip
    words = ["--root", f"{HOST}/{root}", "--kernel", f"{HOST}/{kernel}", "--vmm", vmm, "--arch", "x86_64"]
    return words + (["--modules", f"{HOST}/{modules}"] if modules else [])


def test_what_is_pinned_and_where_things_are_follows_from_the_images(
    digests: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["emit", "flintlock", *images(), "--name", "mvm1"]) == 0
    spec = said(capsys)["microvm"]
    assert spec["id"] == "mvm1"
    assert spec["kernel"]["image"] == f"{HOST}/kernel-bin:5.10.77@{digests['kernel-bin:5.10.77']}"
    assert spec["kernel"]["filename"] == "boot/vmlinux"
    (volume,) = spec["additional_volumes"]
    assert volume["mount_point"] == "/lib/modules/5.10.77"
    assert volume["source"]["container_source"] == f"{HOST}/flat-modules:5.10.77@{digests['flat-modules:5.10.77']}"

    assert run(["emit", "flintlock", *images("kernel-bin:6.1.9", "modules:6.1.9")]) == 0
    spec = said(capsys)["microvm"]
    assert spec["id"] == "os"
    assert spec["additional_volumes"][0]["mount_point"] == "/lib/modules/6.1.9"
    assert run(["emit", "flintlock-http", *images("mikrolite:5.10.77", None)]) == 0
    assert said(capsys)["kernel"]["filename"] == "vmlinux"


def test_modules_as_liquid_metal_publishes_them_are_bound_into_place(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["emit", "hammertime", *images(modules="modules:5.10.77")]) == 0
    out, err = capsys.readouterr()
    spec = json.loads(out)
    assert "mount_point" not in spec["additional_volumes"][0]
    assert "vendor-data" in spec["metadata"]
    assert "/lib/modules/5.10.77 of their image, too deep" in err
    assert "has no cloud-init" in err
    assert run(["emit", "capmvm-template", *images(root="cloud-os:1.23.5")]) == 0
    assert "cloud-init" not in capsys.readouterr().err


def test_an_old_consumer_takes_the_legacy_pair_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["emit", "flintlock", *images(), "--for", "flintlock=0.4.0"]) == 1
    assert "mounts no volumes" in capsys.readouterr().err
    legacy = images("kernel:5.10.77", None, "both-os:1.23.5")
    assert run(["emit", "flintlock", *legacy, "--for", "flintlock=0.4.0"]) == 0
    spec = said(capsys)["microvm"]
    assert "additional_volumes" not in spec
    assert "provider" not in spec
    assert run(["emit", "ignite", *legacy, "--name", "My VM"]) == 0
    document = YAML(typ="safe").load(capsys.readouterr().out)
    assert (document["metadata"]["name"], document["spec"]["kernel"]["oci"]) == ("my-vm", f"{HOST}/kernel:5.10.77")


def test_a_whole_cluster_knows_its_kubernetes_from_the_image(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["emit", "capmvm", *images(), "--for", "capmvm=0.10.1", "-o", "cluster.yaml"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "clusterctl generate yaml" in err
    kinds = {each["kind"]: each for each in YAML(typ="safe").load_all((tmp_path / "cluster.yaml").read_text())}
    assert kinds["KubeadmControlPlane"]["spec"]["version"] == "v1.23.5"
    assert run(["emit", "capmvm-env", *images("kernel-bin:6.1.9", "modules:6.1.9")]) == 1
    assert "mount modules on /lib/modules/5.10.77" in capsys.readouterr().err


def test_a_persons_own_file_keeps_its_comments_and_its_mode(
    tmp_path: Path, digests: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.yaml"
    text = (
        "# mine\nkind: MicrovmMachineTemplate\nspec: {template: {spec: {kernel: {image: a, filename: b}, # k\n"
        "  rootVolume: {id: root, image: 'c'}, volumes: [{id: m, image: d, mountPoint: /lib/modules/4}]}}}\n"
    )
    path.write_text(text)
    path.chmod(0o600)
    assert run(["emit", "capmvm-template", *images(), "--into", "mine.yaml"]) == 0
    assert "rename" in capsys.readouterr().err

    def pinned(name: str) -> str:
        return f"{HOST}/{name}@{digests[name]}"

    assert path.read_text() == (
        f"# mine\nkind: MicrovmMachineTemplate\nspec: {{template: {{spec: {{kernel: {{image: "
        f"{pinned('kernel-bin:5.10.77')}, filename: boot/vmlinux}}, # k\n"
        f"  rootVolume: {{id: root, image: '{pinned('os:1.23.5')}'}}, volumes: [{{id: m, image: "
        f"{pinned('flat-modules:5.10.77')}, mountPoint: /lib/modules/5.10.77}}]}}}}}}\n"
    )
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_bytes(b"\xff")
    assert run(["emit", "capmvm-template", *images(), "--into", "mine.yaml"]) == 3
    assert run(["emit", "capmvm-template", *images(), "--into", "none.yaml"]) == 9


@pytest.mark.parametrize(("shape", "vmm"), [("firecracker", "firecracker"), ("cloud-hypervisor", "cloud-hypervisor")])
def test_files_are_there_that_a_document_names(
    shape: str, vmm: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["emit", shape, *images(vmm=vmm), "--files", "vm", "--tap", "tap3"]
    assert run(command) == 0
    out = capsys.readouterr().out
    words = shlex.split(out) if shape == "cloud-hypervisor" else json.dumps(json.loads(out))
    assert {path.name for path in (tmp_path / "vm").iterdir()} == {"kernel", "root.ext4", "modules.ext4"}
    assert all(f"vm/{name}" in str(words) for name in ("kernel", "root.ext4", "modules.ext4"))
    assert "tap3" in out
    kernel = IMAGES["kernel-bin:5.10.77"]["boot/vmlinux"]
    assert isinstance(kernel, File)
    assert (tmp_path / "vm/kernel").read_bytes() == kernel.content
    assert run(command) == 2
    assert "is there already" in capsys.readouterr().err
    assert run([*command, "--force"]) == 0
    assert capsys.readouterr().out == out


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["flintlok", *images()], "did you mean flintlock?"),
        (["flintlock", *images(), "--for", "flintlock"], "write CONSUMER=VERSION"),
        (["flintlock", *images(), "--for", "flintlock=9"], "known: 0.1, 0.2"),
        (["flintlock", *images(), "--files", "x"], "for formats that name files"),
        (["qemu", *images(), "--files", "x"], "for qemu-microvm, and the machine is firecracker"),
        (["firecracker", *images()], "add --files DIR"),
        (["flintlock"], "name one of"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_said(command: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["emit", *command]) in {2, 9}
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err


def test_what_nobody_could_pull_is_no_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "vmlinux").write_bytes(make.vmlinux())
    assert run(["emit", "flintlock", "--root", f"{HOST}/os:1.23.5", "--kernel", "vmlinux", "--vmm", "firecracker"]) == 2
    assert "the kernel is vmlinux, and nobody could pull it by that" in capsys.readouterr().err


def test_a_cell_of_liquid_metal_is_pulled_and_written_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [
        f"ghcr.io/weaveworks-liquidmetal/{each}"
        for each in ("kernel-bin:5.10.77", "kernel-modules:5.10.77", "capmvm-k8s-os:1.23.5")
    ]
    with Registry() as registry:
        monkeypatch.setenv("BOOTWORTHY_REGISTRIES_MIRRORS", published.mirrors(registry))
        digests = published.publish(Store(tmp_path / "data/store"), registry, names)
        (tmp_path / "data").rename(tmp_path / "publisher")
        cell = "kubernetes-1.23.5/linux-5.10.77/firecracker-x86_64"
        assert run(["pull", "-c", "liquid-metal", *names]) == 0
        capsys.readouterr()
        assert run(["emit", "capmvm-template", "-c", "liquid-metal", cell]) == 0
    out, err = capsys.readouterr()
    spec = YAML(typ="safe").load(out)["spec"]["template"]["spec"]
    given = [spec["kernel"]["image"], spec["volumes"][0]["image"], spec["rootVolume"]["image"]]
    assert given == [f"{name}@{digests[name]}" for name in names]
    assert "mountPoint" not in spec["volumes"][0]
    assert "put this into `mounts` of the kubeadm configuration" in err
    (tmp_path / "template.yaml").write_text(out)
    assert run(["lint", "template.yaml", "--at", "2026-01-01"]) == 0
