"""A whole Debian, converted by us and by other people's tools: a kernel sees the same in both, name by name."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from bootworthy.host import processes
from tests import archive, odd_layers
from tests.command import Command
from tests.conftest import QEMU
from tests.needs import need, need_root
from tests.shell_guest import PACK, Drive, ShellGuest, blank
from tests.trees import ACL, CAPABILITY

GIB = 2**30


def enriched(home: Command, reference: str, folder: Path) -> str:
    """A built root with odd layers on top, put together by skopeo and umoci."""
    image = f"{folder / 'image'}:odd"
    store = home.store
    processes.run(["skopeo", "copy", "--insecure-policy", f"oci:{store}:{reference}", f"oci:{image}"])
    layers = (odd_layers.added(), odd_layers.sparse(folder / "sparse"), odd_layers.changed())
    for number, layer in enumerate(layers):
        path = folder / f"layer-{number}.tar"
        path.write_bytes(layer)
        processes.run(["umoci", "raw", "add-layer", "--image", image, path])
    return image


def by_others(image: str, folder: Path) -> Path:
    """A volume from what umoci unpacked."""
    processes.run(["umoci", "unpack", "--image", image, folder / "bundle"])
    volume = folder / "theirs.ext4"
    processes.run(["mke2fs", "-q", "-t", "ext4", "-d", folder / "bundle" / "rootfs", volume, "1500M"])
    return volume


def test_a_kernel_sees_the_same_as_in_a_volume_of_mke2fs(
    home: Command, built: dict[str, dict[str, Any]], guest: ShellGuest, tmp_path: Path
) -> None:
    need("skopeo", "umoci", "mke2fs")
    need_root("it makes devices")
    image = enriched(home, built[QEMU[0]]["images"]["root"], tmp_path)
    started = int(time.time())
    theirs = by_others(image, tmp_path)
    home("convert", f"oci:{image}", "-o", str(tmp_path / "ours.ext4"))
    out = blank(tmp_path / "out", 2 * GIB)
    script = f"""
mkdir /v/ours /v/theirs
mount -t ext4 -o ro /dev/vda /v/ours
mount -t ext4 -o ro /dev/vdb /v/theirs
{PACK.replace("OUT", "/dev/vdc")}"""
    guest.run(script, Drive(tmp_path / "ours.ext4", read_only=True), Drive(theirs, read_only=True), out)
    found = archive.read(out.path)
    ours, others = (archive.below(found, each) for each in (b"v/ours", b"v/theirs"))
    assert everything_odd(ours) == []
    assert len(ours) > 10_000
    touched = {name for name, fact in others.items() if fact.mtime >= started * 10**9}
    # Folders that a layer puts something into, or implies, without describing them.
    assert len(touched) < 20
    assert all(others[name].kind == "directory" for name in touched)
    compared = (
        {name: as_theirs(fact, timed=name not in touched) for name, fact in each.items()} for each in (ours, others)
    )
    assert archive.differences(*compared) == []


def as_theirs(fact: archive.Fact, *, timed: bool) -> archive.Fact:
    """What is left of a fact after umoci and mke2fs 1.47.

    umoci sets the time of folders that no layer describes to now. mke2fs drops nanoseconds and attributes without a
    value, and makes of a symbolic link with two names two links.
    """
    xattrs = tuple((name, value) for name, value in fact.xattrs if value)
    mtime = fact.mtime // 10**9 if timed else 0
    return replace(fact, mtime=mtime, xattrs=xattrs, names=() if fact.kind == "symlink" else fact.names)


def everything_odd(found: dict[bytes, archive.Fact]) -> list[str]:
    """What is not as the layers have it: what a comparison misses when both sides lose it, or theirs alone cannot."""
    wanted = {
        "capability": dict(found[b"odd/capable"].xattrs) == {b"security.capability": CAPABILITY},
        "attributes": len(found[b"odd/attributes"].xattrs) == 7,
        "attribute without a value": dict(found[b"odd/attributes"].xattrs)[b"user.empty"] == b"",
        "access control lists": dict(found[b"odd/listed-folder"].xattrs)
        == {b"system.posix_acl_access": ACL, b"system.posix_acl_default": ACL},
        "link group": found[b"odd/there/two"].names == (b"odd/here/one", b"odd/there/three", b"odd/there/two"),
        "fifo with two names": found[b"odd/fifo"].names == (b"odd/fifo", b"odd/there/fifo"),
        "symbolic link with two names": found[b"odd/slow"].names == (b"odd/slow", b"odd/there/slow"),
        "setuid": found[b"odd/setuid"].mode == 0o4755,
        "owner": (found[b"odd/all"].uid, found[b"odd/all"].gid) == (4_000_000_000, 65536),
        "device": found[b"odd/block"].device == (259, 1_048_575),
        "sparse": found[b"odd/hole-last"].size == 9_000_000,
        "whiteout": b"odd/gone" not in found and b"odd/many/7" not in found,
        "opaque": [name for name in found if name.startswith(b"odd/covered/")] == [b"odd/covered/high"],
        "replaced": (found[b"odd/was-file"].kind, found[b"odd/was-folder"].kind) == ("directory", "file"),
        "link broken by a replacement": found[b"odd/again"].content == archive.digest(b"second")
        and found[b"odd/again-too"].content == archive.digest(b"first"),
        "not UTF-8": b"odd/" + b"\xff" * 255 in found,
        "through a link": b"odd/real/below" in found,
        "deep": sum(name.startswith(b"odd/deep/") and fact.kind == "file" for name, fact in found.items()) == 1,
    }
    return [name for name, seen in wanted.items() if not seen]
