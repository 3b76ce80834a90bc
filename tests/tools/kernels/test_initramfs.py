"""The initramfs, as cpio, the compressors and a shell see it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bootworthy.host.processes import run
from bootworthy.kernels import initramfs
from bootworthy.kernels.config import Config
from bootworthy.kernels.modules import ModuleTree
from tests import made_kernels as made
from tests.needs import need

FILES = {"modules.dep": b"k/a.ko:\nk/b.ko: k/a.ko\n", "k/a.ko": made.module("a"), "k/b.ko": made.module("b")}
SHELLS = ["sh", "dash", "busybox"]


@pytest.mark.parametrize(("symbol", "argv"), [("RD_ZSTD", ["zstd", "-dqc"]), ("RD_GZIP", ["gzip", "-dc"])])
def test_cpio_lists_it(symbol: str, argv: list[str]) -> None:
    need("cpio", argv[0])
    able = Config(
        {**dict.fromkeys(("BLK_DEV_INITRD", "DEVTMPFS", "BINFMT_SCRIPT", "PROC_FS", "SYSFS"), "y"), symbol: "y"}
    )
    tree = ModuleTree(FILES.get)
    built = initramfs.build(initramfs.plan(["b"], [], modules=tree, config=able), made.elf(), tree)
    archive = run(argv, data=built).stdout
    listed = run(["cpio", "-itv", "--quiet", "--numeric-uid-gid"], data=archive).text.splitlines()
    assert any(re.match(r"crw-------\s+1 0\s+0\s+5,\s+1 .* dev/console$", line) for line in listed)
    assert any(re.match(r"-rwxr-xr-x\s.* init$", line) for line in listed)
    assert any(line.endswith(" bin/sh -> busybox") for line in listed)
    assert [line.split()[-1] for line in listed if line.endswith(".ko")] == ["modules/a.ko", "modules/b.ko"]


def shell(name: str) -> list[str]:
    need(name)
    return [name, "sh"] if name == "busybox" else [name]


@pytest.mark.parametrize("name", SHELLS)
def test_shells_can_read_the_script(name: str, tmp_path: Path) -> None:
    script = tmp_path / "init"
    script.write_text(initramfs.plan((), []).script)
    run([*shell(name), "-n", script])


def function(name: str) -> str:
    """One function of the script."""
    found = re.search(rf"^{name}\(\) \{{\n.*?^\}}\n", initramfs.plan((), []).script, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[0]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "usr/lib/systemd").mkdir(parents=True)
    (tmp_path / "usr/sbin").mkdir()
    (tmp_path / "usr/lib/systemd/systemd").touch()
    (tmp_path / "lib").symlink_to("usr/lib")
    (tmp_path / "sbin").symlink_to("/usr/sbin")
    (tmp_path / "usr/sbin/init").symlink_to("/lib/systemd/systemd")
    (tmp_path / "usr/sbin/other").symlink_to("../../lib/systemd/../systemd/./systemd")
    (tmp_path / "usr/sbin/out").symlink_to("../../../../../etc/passwd")
    (tmp_path / "round").symlink_to("/round")
    return tmp_path


@pytest.mark.parametrize("name", SHELLS)
@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/sbin/init", "/usr/lib/systemd/systemd"),
        ("sbin//init", "/usr/lib/systemd/systemd"),
        ("/sbin/other", "/usr/lib/systemd/systemd"),
        ("/lib/modules", "/usr/lib/modules"),
        ("/usr/sbin/out", "/etc/passwd"),
        ("/../../opt/init", "/opt/init"),
        ("/round", None),
        ("/", ""),
    ],
)
def test_links_are_followed_inside_the_new_root(root: Path, name: str, path: str, found: str | None) -> None:
    script = f'root=$1\n{function("resolve")}resolve "$2" && printf %s "${{found#"$root"}}"\n'
    done = run([*shell(name), "-c", script, "init", str(root), path], check=False)
    assert (done.text if done.status == 0 else None) == found


def attached(name: str, root: Path, works: str) -> str:
    """What `attach` tries to mount, with a `mount` that only takes one filesystem."""
    mount = 'mount() { echo "$2" >>"$log"; [ "$2" = "$works" ] || { echo no; return 1; }; }\n'
    script = (
        f'log=$1 works=$2\n{mount}{function("attach")}attach /dev/vda /newroot ro erofs,ext4,xfs && echo ok >>"$log"\n'
    )
    log = root / "log"
    run([*shell(name), "-c", script, "init", str(log), works], check=False)
    return log.read_text()


@pytest.mark.parametrize("name", SHELLS)
def test_filesystems_are_tried_in_turn(tmp_path: Path, name: str) -> None:
    assert attached(name, tmp_path, "ext4") == "erofs\next4\nok\n"
    (tmp_path / "log").unlink()
    assert attached(name, tmp_path, "none") == "erofs\next4\nxfs\n"
