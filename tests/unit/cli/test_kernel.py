"""`bootworthy kernel report`, as a person calls it."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import pytest

from bootworthy.cli.main import run
from bootworthy.kernels import profile
from bootworthy.kernels.compression import Compression
from bootworthy.oci.store import Store
from bootworthy.vocabulary import Architecture
from tests import made_kernels as made
from tests.check_trees import File
from tests.printed import said
from tests.tree_images import put_tree

RELEASE = "6.1.0-56-made"
MEETS_WIREGUARD = profile.fragment(profile.wanted(["wireguard"], Architecture.X86_64, RELEASE))
TITLE = "# Linux/x86 6.1.192 Kernel Configuration\n"


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    for name in ("DATA", "CACHE", "STATE", "CONFIG", "RUNTIME"):
        monkeypatch.setenv(f"BOOTWORTHY_{name}", str(tmp_path / name.lower()))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return Store(tmp_path / "data/store")


def fails(capsys: pytest.CaptureFixture[str], status: int, *arguments: str) -> str:
    assert run(["kernel", "report", *arguments]) == status
    error = capsys.readouterr().err
    assert "  hint: " in error
    return error


def test_a_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / ".config").write_text(TITLE + MEETS_WIREGUARD)
    assert run(["kernel", "report", ".config"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(
        "kernel         .config\nrelease        6.1.192\narchitecture   x86_64\nconfiguration  .config, 9 symbols\n"
        "meets          wireguard\nlacks          cloud-hypervisor: "
    )
    assert "\nnested-kvm: Virtual machines inside the guest: KVM, and what a VMM there needs of its host\n" in out
    assert "\n  BRIDGE=m           is not there  Tap devices are joined by a bridge.\n" in out


def test_the_running_kernels_configuration_as_it_lies_in_proc(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.gz").write_bytes(gzip.compress((TITLE + MEETS_WIREGUARD).encode()))
    assert run(["kernel", "report", "config.gz", "--profile", "wireguard"]) == 0
    assert "\nmeets          wireguard\n" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["vmlinuz.config", f"config-{RELEASE}", ".config"])
def test_a_kernel_and_the_configuration_beside_it(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "vmlinuz").write_bytes(made.bzimage(made.packed(Compression.ZSTD, made.elf())))
    (tmp_path / name).write_text(MEETS_WIREGUARD)
    assert run(["kernel", "report", "vmlinuz", "--profile", "wireguard"]) == 0
    assert capsys.readouterr().out == (
        "kernel         vmlinuz\nformat         bzimage, compressed with zstd\nrelease        6.1.0-56-made\n"
        "build          6.1.0-56-made (who@where) #1 SMP 2026\narchitecture   x86_64\n"
        f"configuration  {name}, 9 symbols\nmeets          wireguard\n"
    )


def test_a_kernel_that_carries_its_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    carried = made.BANNER + b"IKCFG_ST" + gzip.compress(MEETS_WIREGUARD.encode(), mtime=0) + b"IKCFG_ED"
    (tmp_path / "vmlinuz").write_bytes(made.bzimage(made.packed(Compression.GZIP, made.elf(carried))))
    assert run(["kernel", "report", "vmlinuz", "--profile", "wireguard", "--json"]) == 0
    report = said(capsys)
    assert report["configuration"] == {"where": "vmlinuz (CONFIG_IKCONFIG)", "symbols": 9}
    assert report["profiles"] == [{"profile": "wireguard", "title": "WireGuard tunnels", "met": True, "lacking": []}]


def test_a_profile_that_is_asked_for_and_not_met(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "c").write_text(TITLE + MEETS_WIREGUARD.replace("WIREGUARD=m", "WIREGUARD=n"))
    assert run(["kernel", "report", "c", "--profile", "wireguard", "--json"]) == 1
    out, error = capsys.readouterr()
    report = json.loads(out)
    assert report["schema"] == "bootworthy.kernel-report/1"
    assert report["profiles"][0]["lacking"] == [
        {
            "symbol": "WIREGUARD", "wanted": "m", "found": "n", "or": [], "profile": "wireguard",
            "why": "The driver itself.",
        }
    ]  # fmt: skip
    assert "c: it does not meet wireguard" in error
    assert "WIREGUARD=m or" not in fails(capsys, 1, "c", "--profile", "wireguard", "--profile", "verity")


def test_an_image(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    name = "localhost/kernel:1"
    content = {"boot/vmlinux": File(made.elf()), f"boot/config-{RELEASE}": File(MEETS_WIREGUARD.encode())}
    descriptor = put_tree(store, content, name=name)
    assert run(["kernel", "report", name, "--arch", "amd64", "--json"]) == 0
    report = said(capsys)
    where = f"{name}@{descriptor.digest}: /boot"
    assert (report["kernel"], report["format"]) == (f"{where}/vmlinux", "elf")
    assert report["configuration"]["where"] == f"{where}/config-{RELEASE}"
    assert [each["profile"] for each in report["profiles"] if each["met"]] == ["wireguard"]


def test_an_image_without_a_kernel_or_without_its_configuration(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    put_tree(store, {"etc/motd": File(b"hello\n")}, name="localhost/root:1")
    put_tree(store, {"boot/vmlinuz-6.1": File(made.elf())}, name="localhost/kernel:1")
    assert "there is no kernel in the image" in fails(capsys, 9, "localhost/root:1", "--arch", "x86_64")
    assert run(["kernel", "report", "localhost/kernel:1", "--arch", "x86_64"]) == 9
    out, error = capsys.readouterr()
    assert "release       6.1.0-56-made\n" in out
    for place in ("vmlinuz-6.1 (CONFIG_IKCONFIG)", f"/boot/config-{RELEASE}", "/boot/config"):
        assert place in error


def test_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "garbage").write_bytes(random.Random(1).randbytes(100_000))
    (tmp_path / "cut").write_bytes(made.bzimage(b"x" * 5000)[:550])
    (tmp_path / "broken.config").write_text("CONFIG_A=y\nvirtio: yes\n")
    (tmp_path / "nameless.config").write_text("CONFIG_A=y\n")
    (tmp_path / "vmlinux").write_bytes(made.elf())
    assert "garbage: is no Linux kernel we know" in fails(capsys, 11, "garbage")
    assert "cut: its setup header is cut off" in fails(capsys, 11, "cut")
    assert "broken.config:2: this is no line of a kernel configuration" in fails(capsys, 11, "broken.config")
    assert "add --arch" in fails(capsys, 2, "nameless.config")
    assert "this is a folder" in fails(capsys, 2, ".//")
    assert "there is no such file" in fails(capsys, 9, "./nowhere")
    assert "it is for x86_64, and --arch says aarch64" in fails(capsys, 2, "vmlinux", "--arch", "arm64")
    assert "did you mean containers?" in fails(capsys, 9, "vmlinux", "--profile", "container")
    places = fails(capsys, 9, "vmlinux")
    assert f"looked for in vmlinux (CONFIG_IKCONFIG), vmlinux.config, config-{RELEASE}, .config" in places


def test_a_configuration_that_does_not_say_its_release(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "c").write_text(MEETS_WIREGUARD)
    assert run(["kernel", "report", "c", "--arch", "x86_64", "--profile", "wireguard"]) == 0
    assert "release        unknown\n" in capsys.readouterr().out
