"""The same stack of layers, unpacked by umoci and merged by us."""

import gzip
import hashlib
import json
import os
import stat
import tarfile
from pathlib import Path

from bootworthy.host.processes import run
from bootworthy.layers.node import Kind, Tree
from tests.made_layers import tarred, tree
from tests.needs import need

FILE, DIR, LINK, HARD, FIFO = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE
Item = tuple[str, bytes, str]

LAYERS: list[list[Item]] = [
    [
        (".", DIR, ""), ("usr", DIR, ""), ("usr/lib", DIR, ""), ("usr/lib/libc", FILE, "libc"),
        ("usr/lib/gone", FILE, "gone"), ("lib", LINK, "usr/lib"), ("abs", LINK, "/usr/lib"), ("up", LINK, "../../usr"),
        ("etc", DIR, ""), ("etc/a", FILE, "a"), ("etc/b", HARD, "etc/a"), ("etc/c", HARD, "etc/b"),
        ("etc/s", LINK, "a"), ("etc/t", HARD, "etc/s"), ("opaque", DIR, ""), ("opaque/low", FILE, "low"),
        ("opaque/sub", DIR, ""), ("opaque/sub/low", FILE, "low"), ("file-then-dir", FILE, "x"),
        ("dir-then-file", DIR, ""), ("dir-then-file/x", FILE, "x"), ("link-then-dir", LINK, "usr"),
        ("fifo", FIFO, ""), ("kept", DIR, ""), ("kept/x", FILE, "x"), ("twice", FILE, "first"),
    ],
    [
        ("lib/new", FILE, "through a link"), ("abs/also", FILE, "through an absolute link"),
        ("up/outside", FILE, "through a link that wants out"), ("usr/lib/.wh.gone", FILE, ""),
        ("etc/.wh.a", FILE, ""), ("opaque", DIR, ""), ("opaque/.wh..wh..opq", FILE, ""), ("opaque/high", FILE, "high"),
        ("file-then-dir", DIR, ""), ("file-then-dir/y", FILE, "y"), ("dir-then-file", FILE, "now a file"),
        ("link-then-dir", DIR, ""), ("link-then-dir/z", FILE, "z"), ("kept", DIR, ""), ("twice", FILE, "second"),
        ("twice", FILE, "third"), (".wh.fifo", FILE, ""), ("d", HARD, "etc/b"), ("implied/parent/f", FILE, "f"),
    ],
    [
        ("etc/.wh.s", FILE, ""), ("etc/b", FILE, "a new b"), (".wh.absent", FILE, ""), ("opaque/.wh.sub", FILE, ""),
        ("lib/.wh.new", FILE, ""), ("implied", DIR, ""),
    ],
]  # fmt: skip


def layer(items: list[Item], number: int) -> bytes:
    infos = []
    for position, (path, kind, text) in enumerate(items):
        info = tarfile.TarInfo(path)
        info.type = kind
        info.mode = 0o755 - (position % 8) if kind == DIR else 0o640 + position % 8
        info.mtime = 1_000_000 * (number + 1) + position
        info.uid, info.gid = os.getuid(), os.getgid()
        if kind in {LINK, HARD}:
            info.linkname = text
        infos.append((info, text.encode() if kind == FILE else b""))
    return tarred(infos)


def layout(folder: Path, layers: list[bytes]) -> None:
    """An OCI image layout with one image, tagged `t` (image-spec, image-layout.md)."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def put(data: bytes, media_type: str) -> dict[str, object]:
        name = hashlib.sha256(data).hexdigest()
        (blobs / name).write_bytes(data)
        return {"mediaType": media_type, "digest": f"sha256:{name}", "size": len(data)}

    oci = "application/vnd.oci.image"
    diff_ids = [f"sha256:{hashlib.sha256(each).hexdigest()}" for each in layers]
    config = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": diff_ids}, "config": {}}
    manifest = {
        "schemaVersion": 2, "mediaType": f"{oci}.manifest.v1+json",
        "config": put(json.dumps(config).encode(), f"{oci}.config.v1+json"),
        "layers": [put(gzip.compress(each, mtime=0), f"{oci}.layer.v1.tar+gzip") for each in layers],
    }  # fmt: skip
    entry = put(json.dumps(manifest).encode(), f"{oci}.manifest.v1+json")
    entry["annotations"] = {"org.opencontainers.image.ref.name": "t"}
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    (folder / "oci-layout").write_text(json.dumps({"imageLayoutVersion": "1.0.0"}))


def ours(tree: Tree) -> dict[str, tuple[object, ...]]:
    first: dict[int, str] = {}
    return {
        path.decode(): (
            node.kind, node.mode if node.kind is not Kind.SYMLINK else None, node.target,
            tree.read(node) if node.kind is Kind.FILE else b"",
            first.setdefault(id(node), path.decode()) if node.kind is not Kind.DIRECTORY else "",
        )
        for path, node in tree.walk() if path
    }  # fmt: skip


def theirs(root: Path) -> dict[str, tuple[object, ...]]:
    first: dict[int, str] = {}
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(root.rglob("*"), key=lambda each: str(each.relative_to(root)).split("/")):
        info = path.lstat()
        kind = Kind(stat.S_IFMT(info.st_mode))
        name = str(path.relative_to(root))
        found[name] = (
            kind, stat.S_IMODE(info.st_mode) if kind is not Kind.SYMLINK else None,
            os.fsencode(path.readlink()) if kind is Kind.SYMLINK else b"",
            path.read_bytes() if kind is Kind.FILE else b"",
            first.setdefault(info.st_ino, name) if kind is not Kind.DIRECTORY else "",
        )  # fmt: skip
    return found


def test_umoci_unpacks_the_tree_that_we_merge(tmp_path: Path) -> None:
    need("umoci")
    layers = [layer(items, number) for number, items in enumerate(LAYERS)]
    layout(tmp_path / "image", layers)
    rootless = [] if os.getuid() == 0 else ["--rootless"]
    run(["umoci", "unpack", *rootless, "--image", f"{tmp_path / 'image'}:t", tmp_path / "bundle"])
    found = tree(tmp_path / "layers", *layers)
    assert ours(found) == theirs(tmp_path / "bundle" / "rootfs")
    assert found.find(b"link-then-dir/z") is not None
    assert found.find(b"usr/outside") is not None
    assert found.find(b"usr/lib/libc") is not None
