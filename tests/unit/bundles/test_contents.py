"""What is in a tree: packages, users, services, ports, kernels, and what it lacks."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.bundles.accounts import Password, accounts
from bootworthy.bundles.contents import contents, kernel_release
from bootworthy.bundles.packages import Package, installed
from bootworthy.bundles.services import enabled, listeners
from bootworthy.layers.node import Kind, Node, Tree
from tests.trees import Body, directory

DPKG = """\
Package: bash
Status: install ok installed
Architecture: amd64
Version: 5.2.15-2+b7
Description: GNU Bourne Again SHell
 Version: 0 is what a line of a description may say
 .

Package: libc6
Status: hold ok installed
Architecture: amd64
Version: 2.36-9

Package: libc6
Status: install ok installed
Architecture: i386
Version: 2.36-9

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1
"""
APK = "C:Q1abc=\nP:musl\nV:1.2.4-r2\nA:x86_64\nF:lib\nR:ld-musl-x86_64.so.1\n\nP:busybox\nV:1.36.1-r5\nA:x86_64\n"


def tree(folder: Path, files: Mapping[str, bytes | str], links: Mapping[str, str] | None = None) -> Tree:
    """A tree of regular files and symbolic links, with the directories above them."""
    body, root = Body(), directory()

    def place(path: str, node: Node) -> None:
        *above, name = path.encode().split(b"/")
        here = root
        for part in above:
            here = here.children.setdefault(part, directory())
        here.children[name] = node

    for path, data in files.items():
        place(path, body.file(data.encode() if isinstance(data, str) else data))
    for path, target in (links or {}).items():
        place(path, Node(Kind.SYMLINK, 0o777, target=target.encode()))
    folder.mkdir(exist_ok=True)
    return body.tree(root, folder / "body")


def test_debian(tmp_path: Path) -> None:
    found = installed(tree(tmp_path, {"var/lib/dpkg/status": DPKG}))
    assert [(each.key, each.version) for each in found] == [
        ("bash:amd64", "5.2.15-2+b7"), ("libc6:amd64", "2.36-9"), ("libc6:i386", "2.36-9"),
    ]  # fmt: skip
    assert {each.manager for each in found} == {"dpkg"}


def test_debian_without_dpkg(tmp_path: Path) -> None:
    parts = {"tzdata": "Package: tzdata\nVersion: 2026a\nArchitecture: all\n", "tzdata.md5sums": "Package: no\n"}
    found = installed(tree(tmp_path, {f"var/lib/dpkg/status.d/{name}": text for name, text in parts.items()}))
    assert found == (Package("tzdata", "all", "2026a", "dpkg"),)


@pytest.mark.parametrize("place", ["lib/apk/db/installed", "usr/lib/apk/db/installed"])
def test_alpine(tmp_path: Path, place: str) -> None:
    found = installed(tree(tmp_path, {place: APK}))
    assert [(each.name, each.version, each.architecture) for each in found] == [
        ("busybox", "1.36.1-r5", "x86_64"), ("musl", "1.2.4-r2", "x86_64"),
    ]  # fmt: skip


def rpm_header(name: str, epoch: int | None = None) -> bytes:
    strings = [(1000, name), (1001, "2.38"), (1002, "150600.1"), (1022, "x86_64")]
    entries, store = b"", b""
    for tag, text in strings:
        entries += struct.pack(">iIiI", tag, 6, len(store), 1)
        store += text.encode() + b"\0"
    if epoch is not None:
        store += bytes(-len(store) % 4)
        entries += struct.pack(">iIiI", 1003, 4, len(store), 1)
        store += struct.pack(">I", epoch)
    return struct.pack(">II", len(entries) // 16, len(store)) + entries + store


def rpm_base(folder: Path, blobs: list[bytes]) -> bytes:
    path = folder / "rpmdb.sqlite"
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as base:
        base.execute("PRAGMA journal_mode = WAL")
        base.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)")
        base.executemany("INSERT INTO Packages (blob) VALUES (?)", [(blob,) for blob in blobs])
        base.commit()
    return path.read_bytes()


def test_rpm(tmp_path: Path) -> None:
    base = rpm_base(tmp_path, [rpm_header("glibc"), rpm_header("shadow", 2), rpm_header("gpg-pubkey")])
    found = installed(tree(tmp_path / "x", {"usr/lib/sysimage/rpm/rpmdb.sqlite": base}))
    assert found == (
        Package("glibc", "x86_64", "2.38-150600.1", "rpm"), Package("shadow", "x86_64", "2:2.38-150600.1", "rpm"),
    )  # fmt: skip


@given(st.binary(max_size=200))
def test_rpm_headers_that_are_none(tmp_path_factory: pytest.TempPathFactory, blob: bytes) -> None:
    folder = tmp_path_factory.mktemp("rpm")
    base = rpm_base(folder, [blob, struct.pack(">II", 2**31, 2**31) + blob, rpm_header("glibc")])
    found = installed(tree(folder / "x", {"var/lib/rpm/rpmdb.sqlite": base}))
    assert Package("glibc", "x86_64", "2.38-150600.1", "rpm") in found


@given(st.binary(max_size=400))
def test_databases_of_anything(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    sqlite = b"SQLite format 3\0" + data
    places = {"var/lib/dpkg/status": data, "lib/apk/db/installed": data, "var/lib/rpm/rpmdb.sqlite": sqlite,
              "etc/passwd": data, "etc/shadow": data, "etc/systemd/system/a.socket": data}  # fmt: skip
    made = tree(tmp_path_factory.mktemp("any"), places, {"etc/systemd/system/sockets.target.wants/a.socket": "x"})
    assert contents(made, {}).names == 19


PASSWD = """\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1::/usr/sbin:/usr/sbin/nologin
me:x:1000:1000::/home/me:
open:x:1001:1001::/home/open:/bin/sh
kept:x:1002:1002::/home/kept:/bin/sh
old:$6$x:1003:1003::/:/bin/false
no line
bad:x:minus:0::/:/bin/sh
"""
SHADOW = "root:*:19000:0:99999:7:::\ndaemon:!*:1::::::\nme:$y$j9T$abc:1::::::\nopen::1::::::\n"


def test_users(tmp_path: Path) -> None:
    found = {each.name: each for each in accounts(tree(tmp_path, {"etc/passwd": PASSWD, "etc/shadow": SHADOW}))}
    assert {name: each.password for name, each in found.items()} == {
        "root": Password.LOCKED, "daemon": Password.LOCKED, "me": Password.SET, "open": Password.NONE,
        "kept": Password.UNKNOWN, "old": Password.SET,
    }  # fmt: skip
    assert {name for name, each in found.items() if not each.can_log_in} == {"daemon", "old"}
    assert (found["me"].shell, found["me"].uid) == ("/bin/sh", 1000)
    assert "$y$" not in str([each.as_json() for each in found.values()])


UNITS = {
    "usr/lib/systemd/system/ssh.socket": "[Socket]\nListenStream=22\nAccept=no\n[Install]\nListenStream=1\n",
    "lib/systemd/system/web.socket": "[Unit]\nListenStream=9\n[Socket]\n# ListenStream=80\nListenStream = 80\n"
    "ListenStream=[::1]:81\nListenStream=127.0.0.1:82\nListenStream=/run/web\nListenDatagram=0.0.0.0:443\n"
    "ListenStream=vsock::5\nListenStream=70000\n",
    "usr/lib/systemd/system/at@.socket": "[Socket]\nListenStream=7\n",
    "usr/lib/systemd/system/off.socket": "[Socket]\nListenStream=99\n",
    "etc/systemd/system/ssh.socket.d/port.conf": "[Socket]\nListenStream=\nListenStream=2222\n",
    "usr/lib/systemd/system/ssh.socket.d/port.conf": "[Socket]\nListenStream=23\n",
}
LINKS = {
    "etc/systemd/system/sockets.target.wants/ssh.socket": "/usr/lib/systemd/system/ssh.socket",
    "usr/lib/systemd/system/sockets.target.wants/web.socket": "../web.socket",
    "etc/systemd/system/sockets.target.requires/at@one.socket": "/usr/lib/systemd/system/at@.socket",
    "usr/lib/systemd/system/sockets.target.wants/off.socket": "../off.socket",
    "etc/systemd/system/off.socket": "/dev/null",
    "etc/systemd/system/multi-user.target.wants/cron.service": "/usr/lib/systemd/system/cron.service",
}


def test_services(tmp_path: Path) -> None:
    made = tree(tmp_path, UNITS, LINKS)
    assert enabled(made) == ("at@one.socket", "cron.service", "ssh.socket")
    assert [(each.address, each.port, each.protocol, each.unit) for each in listeners(made)] == [
        ("*", 7, "tcp", "at@one.socket"), ("*", 80, "tcp", "web.socket"), ("::1", 81, "tcp", "web.socket"),
        ("127.0.0.1", 82, "tcp", "web.socket"), ("*", 443, "udp", "web.socket"), ("*", 2222, "tcp", "ssh.socket"),
    ]  # fmt: skip


def test_services_of_openrc(tmp_path: Path) -> None:
    made = tree(tmp_path, {}, {"etc/runlevels/default/sshd": "/etc/init.d/sshd", "etc/runlevels/boot/net": "x"})
    assert enabled(made) == ("net", "sshd")


def test_what_a_root_lacks(tmp_path: Path) -> None:
    bare = {"etc/passwd": PASSWD}
    assert contents(tree(tmp_path, bare), {}).lacks == ("DHCP client", "iptables", "sshd")
    some = {**bare, "usr/sbin/sshd": "x", "lib/systemd/systemd-networkd": "x"}
    assert contents(tree(tmp_path, some), {}).lacks == ("iptables",)
    links = {"sbin/udhcpc": "/bin/busybox", "usr/sbin/iptables": "/etc/alternatives/iptables", "bin/dropbear": "x"}
    assert contents(tree(tmp_path, bare, links), {}).lacks == ()
    assert contents(tree(tmp_path, {"boot/vmlinux": "x"}), {}).lacks == ()


@pytest.mark.parametrize(
    ("files", "labels", "release"),
    [
        ({"boot/vmlinux": "x"}, {"dev.bootworthy.kernel.release": "6.1.0-9"}, "6.1.0-9"),
        ({"boot/vmlinuz-6.8.0-31-generic": "x", "lib/modules/5.4.0/a": ""}, {}, "6.8.0-31-generic"),
        ({"usr/lib/modules/5.14.21/modules.dep": ""}, {}, "5.14.21"),
        ({"boot/vmlinuz-1.0": "", "boot/vmlinuz-2.0": ""}, {}, None),
        ({"boot/vmlinux": "no kernel"}, {}, None),
        ({"etc/motd": ""}, {}, None),
    ],
)
def test_the_release_of_a_kernel(
    tmp_path: Path, files: Mapping[str, str], labels: Mapping[str, str], release: str | None
) -> None:
    assert kernel_release(tree(tmp_path, files), labels) == release


def test_size_and_names(tmp_path: Path) -> None:
    made = tree(tmp_path, {"a": b"12345", "d/b": b"1"}, {"l": "a"})
    made.root.children[b"again"] = made.root.children[b"a"]
    found = contents(made, {})
    assert (found.names, found.size) == (6, 6)
