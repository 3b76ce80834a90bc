from __future__ import annotations

from pathlib import Path

from bootworthy.builders.normalise import newest_package, normalise
from bootworthy.layers.node import Kind, Node
from tests.trees import Body, directory

SECOND = 10**9
OLD, NEWEST, BUILT = 1_000_000 * SECOND, 2_000_000 * SECOND, 3_000_000 * SECOND


def link(target: bytes) -> Node:
    return Node(Kind.SYMLINK, 0o777, target=target, mtime=BUILT)


def bootstrapped(body: Body) -> Node:
    def file(data: bytes = b"x", mtime: int = BUILT) -> Node:
        return body.file(data, mtime=mtime)

    return directory(
        {
            b"etc": directory(
                {
                    b"hostname": file(b"builder"), b"machine-id": file(), b"resolv.conf": file(), b"passwd": file(),
                    b"passwd-": file(), b"shadow": file(b"root:*:19000:0:99999:7:::\nbin::19000:::::\nodd\n"),
                    b"ssh": directory({b"ssh_host_rsa_key": file(), b"sshd_config": file(mtime=OLD)}),
                }
            ),
            b"usr": directory(
                {b"share": directory({b"doc": directory({
                    b"bash": directory({b"changelog.Debian.gz": file(mtime=OLD)}),
                    b"libc6": directory({b"changelog.Debian.gz": file(mtime=NEWEST), b"copyright": file()}),
                })})}
            ),
            b"var": directory(
                {
                    b"log": directory({b"dpkg.log": file(), b"apt": directory({b"history.log": file()})}),
                    b"lib": directory({
                        b"dpkg": directory({b"status": file(), b"status-old": file()}),
                        b"apt": directory({b"lists": directory({b"mirror_InRelease": file()})}),
                    }),
                    b"run": link(b"/run"),
                }
            ),
            b"run": directory({b"lock": directory()}),
            b"tmp": directory({b"left": file()}, mode=0o1777),
        }
    )  # fmt: skip


def test_nothing_of_the_builder_stays(tmp_path: Path) -> None:
    body = Body()
    tree = body.tree(bootstrapped(body), tmp_path / "body")
    normalise(tree)
    left = {path for path, node in tree.walk() if node.kind is not Kind.DIRECTORY}
    assert left == {
        b"etc/passwd", b"etc/shadow", b"etc/ssh/sshd_config", b"usr/share/doc/bash/changelog.Debian.gz",
        b"usr/share/doc/libc6/changelog.Debian.gz", b"usr/share/doc/libc6/copyright", b"var/lib/dpkg/status",
        b"var/run",
    }  # fmt: skip
    assert tree.find(b"tmp") is not None
    assert tree.find(b"var/log/apt") is not None


def test_nothing_is_younger_than_the_newest_package(tmp_path: Path) -> None:
    body = Body()
    tree = body.tree(bootstrapped(body), tmp_path / "body")
    assert newest_package(tree) == NEWEST // SECOND
    normalise(tree)
    times = {path: node.mtime for path, node in tree.walk()}
    assert max(times.values()) == NEWEST
    assert times[b"etc/ssh/sshd_config"] == OLD


def test_password_days_are_that_of_the_newest_package(tmp_path: Path) -> None:
    body = Body()
    tree = body.tree(bootstrapped(body), tmp_path / "body")
    replaced = normalise(tree)
    assert replaced == {b"etc/shadow": b"root:*:23:0:99999:7:::\nbin::23:::::\nodd\n"}


def test_a_root_without_packages_is_fine(tmp_path: Path) -> None:
    tree = Body().tree(directory(), tmp_path / "body")
    assert normalise(tree) == {}
    assert newest_package(tree) == 0
