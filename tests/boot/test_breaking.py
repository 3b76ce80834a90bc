"""Things break, on purpose: one clear error with a remedy, nothing left behind, and the next run works."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from bootworthy.proofs.frames import encode
from bootworthy.vocabulary import Architecture
from bootworthy.volumes.convert import sparse_digest
from tests import tiny
from tests.command import Command
from tests.faults import blob, branch, damage, left_files, left_processes, private, small, unsound, without

KERNEL = "localhost/bootworthy/debian-12:debian-6.1-kernel"
INITRD = "localhost/bootworthy/debian-12:debian-6.1-initrd-qemu-microvm-x86_64"
ROOT = "localhost/bootworthy/debian-12:debian-6.1"
SLEEPS = "exec sleep 1000\n"
ON = ("--machine", tiny.MACHINE)
KERNEL_ONLY = """\
bootworthy: 1
name: kernel-only
systems:
  made: {images: {root: "localhost/bootworthy/debian-12:debian-6.1"}}
kernels:
  debian-6.1: {package: {release: bookworm, name: "linux-image-cloud-${debian-arch}"}}
machines:
  qemu-microvm-x86_64: {vmm: qemu-microvm, arch: x86_64}
matrix:
  - {systems: [made], kernels: [debian-6.1], machines: ["*"], support: supported}
"""
SYSTEM_ONLY = """\
bootworthy: 1
name: system-only
systems:
  made: {bootstrap: {release: bookworm, packages: [hello]}}
kernels:
  debian-6.1:
    images:
      kernel: localhost/bootworthy/debian-12:debian-6.1-kernel
      modules: localhost/bootworthy/debian-12:debian-6.1-modules
machines:
  qemu-microvm-x86_64: {vmm: qemu-microvm, arch: x86_64}
matrix:
  - {systems: [made], kernels: [debian-6.1], machines: ["*"], support: supported}
"""


@pytest.fixture
def shop(home: Command, built: dict[str, Any], tmp_path: Path) -> Iterator[Command]:
    """A home of the test's own that has all that is built; nothing of it runs or lies about afterwards."""
    mine = branch(home, tmp_path / "home", "layers")
    (tmp_path / "tmp").mkdir()
    mine.env["TMPDIR"] = str(tmp_path / "tmp")
    yield mine
    assert left_processes(tmp_path) == []
    assert left_files(tmp_path) == []


def proof(shop: Command, script: str, *arguments: str, status: int = 1) -> dict[str, Any]:
    """What came of proving a guest that does as its script says."""
    root = tiny.root(shop.folder / "root", shop, script)
    images = ("--root", root, *tiny.kernel(), *tiny.modules())
    done = shop("prove", *images, *ON, "--json", *arguments, status=status)
    document = json.loads(re.sub(r"(?s)\n\{\n  \"error\".*", "", done.text))
    found: dict[str, Any] = document["proofs"][0]["evidence"]
    assert (shop.state / "console" / f"{found['digests']['console'].removeprefix('sha256:')}.log").is_file()
    return found


class TestImagesThatCannotBoot:
    def test_no_init(self, shop: Command) -> None:
        root = tiny.root(shop.folder / "root", shop, None)
        said = shop.fails(1, "prove", "--root", root, *tiny.kernel(), *tiny.modules(), *ON)
        assert "/sbin/init is not in the image [init.missing]" in said
        assert "install an init system" in said
        assert not shop.state.exists()

    def test_modules_of_another_release(self, shop: Command) -> None:
        root = tiny.root(shop.folder / "root", shop, SLEEPS)
        other = tiny.modules("debian-13:debian-6.12")
        said = shop.fails(1, "prove", "--root", root, *tiny.kernel(), *other, *ON)
        assert "[kernel.release-mismatch]" in said
        assert "the kernel is 6.1." in said
        assert "built for 6.12." in said
        assert "take kernel and modules from one build" in said

    def test_another_architecture(self, shop: Command) -> None:
        root = tiny.root(shop.folder / "root", shop, SLEEPS, architecture=Architecture.AARCH64)
        said = shop.fails(9, "prove", "--root", root, *tiny.kernel(), *tiny.modules(), *ON)
        assert "no image for linux/amd64" in said
        assert "linux/arm64" in said

    def test_a_root_that_is_not_there(self, shop: Command) -> None:
        said = shop.fails(9, "prove", "--root", "localhost/bootworthy/debian-12:debian-6.2", *ON)
        assert "localhost/bootworthy/debian-12:debian-6.1," in said


class TestGuests:
    def test_one_that_panics(self, shop: Command) -> None:
        found = proof(shop, "exit 1\n")
        assert found["verdict"] == "panicked"
        assert "Attempted to kill init" in found["ending"]
        assert found["reached"] == "started"

    def test_one_that_hangs(self, shop: Command) -> None:
        found = proof(shop, SLEEPS, "--deadline", "7")
        assert found["verdict"] == "hung"
        assert "no report within 7 s" in found["ending"]

    def test_one_that_switches_itself_off(self, shop: Command) -> None:
        found = proof(shop, "exec poweroff -f\n")
        assert found["verdict"] == "exited"
        assert "switched itself off" in found["ending"]

    def test_one_that_floods_the_console(self, shop: Command) -> None:
        found = proof(shop, "exec yes 0123456789abcdef\n", "--deadline", "7")
        assert found["verdict"] == "hung"
        assert "0123456789abcdef" in found["last_lines"]

    def test_one_that_forges_a_report(self, shop: Command) -> None:
        """With another token it counts for nothing; with the right one it counts, and is held to its form."""
        other = encode("0123456789abcdef" * 2, "report", b"{}").decode()
        right = encode("TOKEN", "report", b'{"schema": "bootworthy.report/9"}').decode().replace("TOKEN", "$token")
        script = f"cat <<END\n{other}END\nsleep 2\n" + "for word in $(cat /proc/cmdline); do\n"
        script += "case $word in bootworthy.token=*) token=${word#*=} ;; esac\ndone\n"
        script += f"echo before\ncat <<END\n{right}END\n{SLEEPS}"
        found = proof(shop, script)
        assert found["verdict"] == "unhealthy"
        assert "schema: not bootworthy.report/1" in found["reasons"][0]
        assert "before" in found["last_lines"]


class TestCorruption:
    def layer(self, shop: Command, image: str) -> Path:
        document = json.loads(shop("inspect", image, "--json").text)
        return blob(shop, document["layers"][0]["digest"])

    def test_a_layer_in_the_store(self, shop: Command, tmp_path: Path) -> None:
        """The remedy that is named helps."""
        layer, out = self.layer(shop, INITRD), tmp_path / "out.ext4"
        damage(layer)
        said = shop.fails(6, "convert", INITRD, "-o", str(out), BOOTWORTHY_CACHE=str(tmp_path / "empty"))
        assert f"{layer}: blob sha256:{layer.name} is corrupt" in said
        remedy = re.search(r"hint: remove it \((rm -f .*)\), then build", said)
        assert remedy is not None
        assert not out.exists()
        subprocess.run(remedy[1], shell=True, check=True)
        assert "its initrd image is not whole" in shop("build", "debian-12/*/qemu-*").text
        shop("convert", INITRD, "-o", str(out), BOOTWORTHY_CACHE=str(tmp_path / "empty"))
        assert unsound(shop.store) == []

    def test_a_layer_that_was_cut(self, shop: Command) -> None:
        """What can be made again is."""
        damage(self.layer(shop, INITRD), cut=100)
        assert "its initrd image is not whole" in shop("build", "debian-12/*/qemu-*").text
        assert unsound(shop.store) == []

    def test_a_manifest(self, shop: Command, tmp_path: Path) -> None:
        digest = json.loads(shop("inspect", INITRD, "--json").text)["digest"]
        damage(blob(shop, digest), at=20)
        said = shop.fails(6, "convert", INITRD, "-o", str(tmp_path / "out.ext4"))
        assert "is corrupt" in said
        assert "its initrd image is not whole" in shop("build", "debian-12/*/qemu-*").text
        assert unsound(shop.store) == []

    def test_a_layer_in_somebody_elses_layout(self, shop: Command, tmp_path: Path) -> None:
        root = tiny.root(tmp_path / "theirs", shop, SLEEPS)
        largest = max((tmp_path / "theirs" / "blobs" / "sha256").iterdir(), key=lambda path: path.stat().st_size)
        damage(largest)
        out = tmp_path / "out.ext4"
        said = shop.fails(6, "convert", root, "-o", str(out), BOOTWORTHY_CACHE=str(tmp_path / "empty"))
        assert "copy the layout" in said
        assert not out.exists()

    @pytest.mark.parametrize("data", ["{", None])
    def test_the_index_of_the_store(self, shop: Command, data: str | None) -> None:
        """What was built is found again without it."""
        index = shop.store / "index.json"
        index.unlink()
        if data is not None:
            index.write_text(data)
        said = shop.fails(9 if data is None else 3, "images")
        assert f"{index}: " in said
        remedy = re.search(r"begin a new one \((rm -f .*)\): what was built", said)
        assert remedy is not None
        subprocess.run(remedy[1], shell=True, check=True)
        assert "up to date" in shop("build", "debian-12/*/qemu-*").text
        assert ROOT in shop("images").text

    def test_a_build_record(self, shop: Command) -> None:
        """The remedy that is named helps, and what is built again is what was there."""
        before = shop("inspect", INITRD, "--json").text
        for path in (shop.cache / "builds").glob("*.json"):
            if b'"initrd"' in path.read_bytes():
                path.unlink()
                path.write_text("{")
        said = shop.fails(6, "build", "debian-12/*/qemu-*")
        remedy = re.search(r"hint: remove it: (rm .*)", said)
        assert remedy is not None
        subprocess.run(remedy[1], shell=True, check=True)
        assert "its build record is gone" in shop("build", "debian-12/*/qemu-*").text
        assert shop("inspect", INITRD, "--json").text == before

    def test_the_cache(self, shop: Command, tmp_path: Path) -> None:
        """Bodies, volumes and files of the cache that were changed are made again, with the same bytes."""
        root = tiny.root(tmp_path / "root", shop, f"# {tmp_path}\n{SLEEPS}")
        again = ("prove", "--root", root, *tiny.kernel(), *tiny.modules(), *ON, "--plan")
        planned = shop(*again).text

        def files() -> dict[Path, str]:
            parts = [shop.cache / "volumes", shop.cache / "files", shop.cache / "layers"]
            every = [path for part in parts for path in part.iterdir() if path.suffix in {"", ".ext4", ".body"}]
            return {path: sparse_digest(path) for path in every if path.is_file()}

        before = files()
        used = {Path(path) for path in re.findall(r'"path": "(.*)"', planned)}
        used |= {path for path in before if path.suffix == ".body" and path.stat().st_nlink == 1}
        assert len(used) >= 5
        for path in used:
            damage(path, at=0)
        assert shop(*again).text == planned
        assert files() == before


class TestDisksThatAreFull:
    def images(self, shop: Command) -> tuple[str, ...]:
        root = tiny.root(shop.folder / "root", shop, "exec poweroff -f\n")
        return ("--root", root, *tiny.kernel(), *tiny.modules(), *ON)

    def check(self, said: str, place: Path) -> None:
        assert "no space left on the disk" in said
        assert str(place) in said
        assert "make room" in said

    def test_the_cache(self, shop: Command, tmp_path: Path) -> None:
        (tmp_path / "bootworthy.yaml").write_text(SYSTEM_ONLY)
        full = shop.under(*small(tmp_path / "full", "40m"))
        catalog = ("-c", str(tmp_path / "bootworthy.yaml"))
        self.check(full.fails(10, "build", *catalog, BOOTWORTHY_CACHE=str(tmp_path / "full")), tmp_path / "full")

    def test_the_cache_while_unpacking(self, shop: Command, tmp_path: Path) -> None:
        images = self.images(shop)
        full = shop.under(*small(tmp_path / "full", "1m"))
        self.check(
            full.fails(10, "convert", ROOT, "-o", str(tmp_path / "out"), BOOTWORTHY_CACHE=str(tmp_path / "full")),
            tmp_path / "full",
        )
        full = shop.under(*private(f"mount -t tmpfs -o size=3m small {shop.cache}/volumes"))
        (shop.cache / "volumes").mkdir()
        self.check(full.fails(10, "prove", *images), shop.cache / "volumes")

    def test_the_store(self, shop: Command, tmp_path: Path) -> None:
        names = [f"oci:{shop.store}:{name}" for name in (KERNEL, KERNEL.replace("kernel", "modules"))]
        images = ("--root", tiny.root(tmp_path / "root", shop, SLEEPS), "--kernel", names[0], "--modules", names[1])
        full = shop.under(*small(tmp_path / "full", "400k"))
        said = full.fails(
            10, "prove", *images, *ON, BOOTWORTHY_STORE=str(tmp_path / "full"), BOOTWORTHY_CACHE=str(tmp_path / "cache")
        )
        self.check(said, tmp_path / "full")

    def test_the_state(self, shop: Command) -> None:
        full = shop.under(*small(shop.state, "16k"))
        self.check(full.fails(10, "prove", *self.images(shop)), shop.state)

    def test_the_temporary_folder(self, shop: Command, tmp_path: Path) -> None:
        full = shop.under(*small(tmp_path / "full", "8m"))
        self.check(full.fails(10, "prove", *self.images(shop), TMPDIR=str(tmp_path / "full")), tmp_path / "full")
        assert not shop.state.exists()

    def test_the_target(self, shop: Command, tmp_path: Path) -> None:
        out = tmp_path / "full" / "out.ext4"
        seen = f'"$@"; status=$?; ls -A {out.parent} >&2; exit $status'
        prefix = (*small(out.parent, "8m"), "sh", "-c", seen, "sh")
        said = shop.under(*prefix).fails(10, "convert", ROOT, "-o", str(out))
        self.check(said, out.parent)
        assert "ext4" not in said.splitlines()[-1]

    def test_a_store_that_cannot_be_written(self, shop: Command, tmp_path: Path) -> None:
        """What needs no writing works."""
        shut = shop.under(*private(f"mount --bind {shop.store} {shop.store}; mount -o remount,bind,ro {shop.store}"))
        assert "up to date" in shut("build", "debian-12/*/qemu-*").text
        (tmp_path / "bootworthy.yaml").write_text(KERNEL_ONLY)
        said = shut.fails(7, "build", "-c", str(tmp_path / "bootworthy.yaml"), BOOTWORTHY_CACHE=str(tmp_path / "cache"))
        assert "may not write here" in said
        assert "choose another folder" in said


class TestAMachineThatLacksThings:
    def test_no_qemu(self, shop: Command) -> None:
        bare = shop.under(*without("qemu-system-x86_64"))
        for words in (("prove", "debian-12/*/qemu-*"), ("boot", "debian-12")):
            said = bare.fails(7, *words)
            assert "could not find qemu-system-x86_64" in said
            assert "apt-get install qemu-system-x86" in said
        assert not shop.state.exists()
        assert "qemu-microvm" in bare.fails(7, "doctor")

    def test_an_old_qemu(self, shop: Command, tmp_path: Path) -> None:
        fake = tmp_path / "bin" / "qemu-system-x86_64"
        fake.parent.mkdir()
        fake.write_text('#!/bin/sh\necho "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)"\n')
        fake.chmod(0o755)
        path = f"{fake.parent}:{os.environ['PATH']}"
        root = tiny.root(tmp_path / "root", shop, SLEEPS)
        new = "debian-13:debian-6.12"
        said = shop.fails(7, "prove", "--root", root, *tiny.kernel(new), *tiny.modules(new), *ON, PATH=path)
        assert "QEMU 7.2.22 is not fit for Linux 6.12." in said
        assert "install QEMU 8 or later" in said
        assert not shop.state.exists()
        assert "7.2.22" in shop("doctor", status=7, PATH=path).text

    def test_no_mmdebstrap(self, shop: Command) -> None:
        bare = shop.under(*without("mmdebstrap"))
        said = bare.fails(7, "build", "debian-12/*/qemu-*")
        assert "could not find mmdebstrap" in said
        assert "apt-get install mmdebstrap" in said
        assert "declared" in bare("matrix").text

    def test_no_network(self, shop: Command, tmp_path: Path) -> None:
        (tmp_path / "bootworthy.yaml").write_text(SYSTEM_ONLY)
        alone = shop.under(*private("true"), "unshare", "--net")
        said = alone.fails(4, "build", "-c", str(tmp_path / "bootworthy.yaml"))
        assert "could not fetch packages of debian bookworm" in said
        assert "BOOTWORTHY_MIRROR_DEBIAN" in said

    def test_a_package_that_does_not_exist(self, shop: Command, tmp_path: Path) -> None:
        (tmp_path / "bootworthy.yaml").write_text(SYSTEM_ONLY.replace("hello", "no-such-package"))
        said = shop.fails(11, "build", "-c", str(tmp_path / "bootworthy.yaml"))
        assert "debian bookworm (amd64) has no package no-such-package" in said

    def test_a_release_that_does_not_exist(self, shop: Command, tmp_path: Path) -> None:
        (tmp_path / "bootworthy.yaml").write_text(SYSTEM_ONLY.replace("bookworm", "bookwurm", 1))
        said = shop.fails(11, "build", "-c", str(tmp_path / "bootworthy.yaml"))
        assert "has no release bookwurm" in said


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)


class TestInterruptions:
    """Ctrl-C, SIGTERM and SIGKILL in the middle of each step."""

    def stop(self, shop: Command, number: signal.Signals, marker: str, *arguments: str, later: float = 0.0) -> None:
        """Send a signal when the program says that it does something, and see what is left."""
        with shop.running(*arguments) as process:
            assert process.stderr is not None
            seen = []
            while line := process.stderr.readline().decode():
                seen.append(line)
                if marker in line:
                    break
            assert line, "".join(seen)
            time.sleep(later)
            os.killpg(process.pid, number)
            _, said = process.communicate(timeout=30)
            assert process.returncode == (-9 if number is signal.SIGKILL else 130), said.decode()
            assert b"Traceback" not in said
        assert left_processes(shop.folder.parent) == []
        if number is not signal.SIGKILL:
            assert left_files(shop.folder.parent) == []
        assert unsound(shop.store) == []

    def test_bootstrapping(self, shop: Command, tmp_path: Path) -> None:
        (tmp_path / "bootworthy.yaml").write_text(SYSTEM_ONLY)
        catalog = ("build", "-c", str(tmp_path / "bootworthy.yaml"), "--json")
        moments = list(zip(SIGNALS, (0.5, 1.5, 3.0), strict=True))
        shops = [branch(shop, tmp_path / number.name / "home") for number, _ in moments]
        with ThreadPoolExecutor(3) as pool:
            stopped = [
                pool.submit(self.stop, each, number, "bootstrapping made", *catalog, later=later)
                for each, (number, later) in zip(shops, moments, strict=True)
            ]
            for each in stopped:
                each.result()
        killed = shops[SIGNALS.index(signal.SIGKILL)]
        assert json.loads(killed(*catalog).text)["cells"][0]["reasons"] == ["never built here"]

    def test_fetching_a_kernel(self, shop: Command, tmp_path: Path) -> None:
        (tmp_path / "bootworthy.yaml").write_text(KERNEL_ONLY)
        for path in (shop.cache / "builds").rglob("*.json"):
            path.unlink()
        catalog = ("build", "-c", str(tmp_path / "bootworthy.yaml"), "--json")
        for number in SIGNALS:
            self.stop(shop, number, "fetching linux-image", *catalog, later=0.7)
        self.stop(shop, signal.SIGKILL, "writing the images of", *catalog, later=0.2)
        assert json.loads(shop(*catalog).text)["cells"][0]["reasons"]

    def test_unpacking_and_converting(self, shop: Command, tmp_path: Path) -> None:
        out = tmp_path / "out.ext4"
        convert = ("convert", ROOT, "-o", str(out))
        for path in (shop.cache / "layers").iterdir():
            path.unlink()
        for number in SIGNALS:
            self.stop(shop, number, "unpacking", *convert, later=0.2)
            assert not out.exists()
        for number in SIGNALS:
            self.stop(shop, number, "writing ext4", *convert)
            assert not out.exists()
        shop(*convert)
        subprocess.run(["e2fsck", "-fn", out], check=True, capture_output=True)

    def test_booting(self, shop: Command, tmp_path: Path) -> None:
        root = tiny.root(tmp_path / "root", shop, SLEEPS)
        prove = ("prove", "--root", root, *tiny.kernel(), *tiny.modules(), *ON)
        for number in SIGNALS:
            self.stop(shop, number, "kernel after", *prove, later=0.5)
        listed = json.loads(shop("evidence", "--json").text)["evidence"]
        assert [one["document"]["verdict"] for one in listed] == ["interrupted", "interrupted"]
        assert proof(shop, "exec poweroff -f\n")["verdict"] == "exited"


class TestAtOnce:
    def test_two_builds(self, shop: Command, tmp_path: Path) -> None:
        """Whoever is first builds, the other waits and finds it: the kernel, and then the initial RAM disk."""
        (tmp_path / "bootworthy.yaml").write_text(KERNEL_ONLY)
        for path in (shop.cache / "builds").rglob("*.json"):
            path.unlink()
        with ThreadPoolExecutor(2) as pool:
            again = [pool.submit(shop, "build", "-c", str(tmp_path / "bootworthy.yaml"), "--json") for _ in range(2)]
            cells = [json.loads(each.result().text)["cells"][0] for each in again]
        assert cells[0]["digests"] == cells[1]["digests"]
        assert sum(each["reasons"].count("never built here") for each in cells) == 2
        assert unsound(shop.store) == []

    def test_two_proofs(self, shop: Command) -> None:
        root = tiny.root(shop.folder / "root", shop, "exec poweroff -f\n")
        prove = ("prove", "--root", root, *tiny.kernel(), *tiny.modules(), *ON)
        with ThreadPoolExecutor(2) as pool:
            for each in [pool.submit(shop, *prove, status=1) for _ in range(2)]:
                each.result()
        listed = json.loads(shop("evidence", "--json").text)["evidence"]
        assert [one["document"]["verdict"] for one in listed] == ["exited", "exited"]
        assert len({one["document"]["digests"]["booted_root"] for one in listed}) == 1
