"""Broken and hostile images, through the command line: one clear error, nothing left, the cache not poisoned."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
import sys
import tarfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bootworthy.cli.main import run
from bootworthy.layers import bounds
from bootworthy.oci import digest, documents
from bootworthy.oci.image import Layer
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from bootworthy.vocabulary import Architecture
from tests.made_layers import tarred
from tests.oci_images import tar_of
from tests.tars import END, block, extended, padded, record

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LOW = tar_of({"etc/low": b"low" * 5000, "usr/lib/x": b"x"})
MIDDLE = tar_of({"etc/middle": bytes(range(256)) * 300})
HIGH = tar_of({"etc/high": b"high" * 5000})
LARGE = tar_of({"random": random.Random(1).randbytes(300_000)})
NONE = "sha256:" + 64 * "0"


@dataclass(frozen=True)
class Case:
    """The middle layer of three, and what is said about it."""

    tar: bytes = MIDDLE
    blob: Callable[[bytes], bytes] = gzip.compress
    diff_id: str | None = None
    media_type: str = documents.LAYER_GZIP
    size: int | None = None
    """That its descriptor declares, when it lies."""
    after: Callable[[Path], object] | None = None
    """What happens to the blob later."""
    says: Sequence[str] = ()
    status: int = 6


def member(path: bytes, **fields: Any) -> bytes:
    """A layer that ends with one odd member."""
    return block(b"etc/before", size=b"3") + padded(b"abc") + block(path, **fields) + END


def noted(content: bytes) -> bytes:
    """A layer in which an extended header speaks of its last member."""
    return block(b"etc/before") + extended(content) + block(b"etc/odd") + END


def cut(compress: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    return lambda data: compress(data)[: len(compress(data)) // 2]


def flipped(compress: Callable[[bytes], bytes], at: float = 0.5) -> Callable[[bytes], bytes]:
    """Compressed bytes, one of which is another: in the middle, or so far from the end."""

    def damaged(data: bytes) -> bytes:
        found = bytearray(compress(data))
        found[int(at) if at < 0 else int(len(found) * at)] ^= 0x55
        return bytes(found)

    return damaged


def checked(data: bytes) -> bytes:
    return zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1})


def wide(data: bytes) -> bytes:
    """A zstd frame that wants a window of 2 GiB."""
    made = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 31})
    return made.compress(data) + made.flush()


def vast(data: bytes) -> bytes:
    """An xz stream that wants a dictionary of 1.5 GiB: a small one whose filter says so (xz format, 5.3.1)."""
    found = bytearray(lzma.compress(data, check=lzma.CHECK_NONE))
    header = found[12 : 12 + 4 * (found[12] + 1)]
    header[header.index(b"\x21\x01") + 2] = 37  # 3 << 29
    header[-4:] = zlib.crc32(header[:-4]).to_bytes(4, "little")
    found[12 : 12 + len(header)] = header
    return bytes(found)


def overwritten(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x55
    path.write_bytes(data)


def longer(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"more")


def shorter(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5])


COMPRESSED = {
    "a gzip that breaks off": Case(blob=cut(gzip.compress), says=["breaks off"]),
    "a gzip that is damaged": Case(tar=LARGE, blob=flipped(gzip.compress), says=["gzip", "damaged"]),
    "a gzip with a wrong checksum": Case(blob=flipped(gzip.compress, -6), says=["gzip", "damaged"]),
    "a gzip with a wrong length": Case(blob=flipped(gzip.compress, -1), says=["gzip", "damaged"]),
    "a gzip with something behind it": Case(blob=lambda data: gzip.compress(data) + b"more", says=["gzip"]),
    "a zstd that breaks off": Case(blob=cut(checked), says=["breaks off"]),
    "a zstd that is damaged": Case(tar=LARGE, blob=flipped(checked), says=["zstd", "damaged"]),
    "a zstd with a wrong checksum": Case(blob=flipped(checked, -1), says=["zstd", "damaged"]),
    "a zstd with a huge window": Case(blob=wide, says=["zstd", "memory"]),
    "an xz that breaks off": Case(blob=cut(lzma.compress), says=["breaks off"]),
    "an xz that is damaged": Case(blob=flipped(lzma.compress), says=["xz", "damaged"]),
    "an xz with a huge dictionary": Case(blob=vast, says=["xz", "emory"]),
    "a bzip2 that breaks off": Case(blob=cut(bz2.compress), says=["breaks off"]),
    "a bzip2 that is damaged": Case(blob=flipped(bz2.compress), says=["bzip2", "damaged"]),
    "no gzip at all": Case(blob=bytes, says=["does not begin as", "gzip"]),
    "a bomb": Case(tar=tar_of({"zeros": bytes(9 << 20)}), says=["inflates to more than", "BOOTWORTHY_LAYER_LIMIT"]),
    "a bomb of many parts": Case(blob=lambda data: gzip.compress(bytes(1 << 20)) * 9, says=["inflates to more than"]),
    "a bomb of names": Case(
        tar=extended(record(b"SCHILY.xattr.user.a", bytes(60_000))) + block() + END, says=["names and attributes"]
    ),
    "a bomb of holes": Case(
        noted(record(b"GNU.sparse.map", b"") + record(b"GNU.sparse.size", b"%d" % 2**62)),
        says=["`etc/odd`", "sparse files have more than", "BOOTWORTHY_LAYER_LIMIT"],
    ),
}  # fmt: skip
BLOBS = {
    "a blob that was changed": Case(after=overwritten, says=["corrupt", "have the digest", "copy the layout"]),
    "a blob that was cut": Case(after=shorter, says=["corrupt", "instead of"]),
    "a blob that grew": Case(after=longer, says=["corrupt", "instead of"]),
    "a blob that is gone": Case(after=Path.unlink, says=["is not there"], status=9),
    "a blob that is longer than declared": Case(size=300, says=["corrupt", "instead of 300"]),
    "a blob that is shorter than declared": Case(size=9_000_000, says=["corrupt", "instead of 9000000"]),
    "another diffID": Case(diff_id=NONE, says=["diffID", NONE]),
    "a diffID that cannot be checked": Case(diff_id="sha512:" + 128 * "0", says=["diffID", "none that can be checked"]),
}
ODD = "`etc/odd`"
HEADERS = {
    "a wrong checksum": Case(member(b"etc/odd", checksum=b"0000001"), says=[ODD, "checksum is wrong"]),
    "a negative size": Case(member(b"etc/odd", size=(-5).to_bytes(12, "big", signed=True)), says=[ODD, "size"]),
    "a size that is no number": Case(member(b"etc/odd", size=b"-5"), says=[ODD, "no number"]),
    "an impossible size": Case(member(b"etc/odd", size=b"\x80" + b"\x3f" * 11), says=[ODD, "size"]),
    "an owner that cannot be": Case(member(b"etc/odd", uid=b"\x80\0\0\1\0\0\0\0"), says=[ODD, "owner"]),
    "an unknown type": Case(member(b"etc/odd", flag=b"Z"), says=[ODD, "unknown type"]),
    "less data than it says": Case(member(b"etc/odd", size=b"77777777"), says=[ODD, "ends in the middle of the data"]),
    "half a header": Case(block(b"a") + block(b"b")[:300], says=["middle of a header"]),
    "a header after zeros": Case(bytes(512) + block(b"a") + END, says=["zeros"]),
    "a record that is none": Case(noted(b"nonsense"), says=["extended header"]),
    "a path with a NUL": Case(noted(record(b"path", b"a\0b")), says=[ODD, "NUL"]),
    "a negative size in a record": Case(noted(record(b"size", b"-5")), says=[ODD, "no number"]),
    "a sparse map beyond the end": Case(
        noted(record(b"GNU.sparse.map", b"0,5") + record(b"GNU.sparse.size", b"3")), says=["sparse map"]
    ),
    "an extended header of 5 MiB": Case(
        block(flag=b"x", size=b"%011o" % (5 << 20)) + bytes(5 << 20) + END, says=["too long"]
    ),
    "many extended headers that add up": Case(
        b"".join(extended(record(b"key%d" % number, bytes(1 << 20)), b"g") for number in range(5)) + block() + END,
        says=["say too much"],
    ),
    "nothing of which a header speaks": Case(extended(record(b"uid", b"7")) + END, says=["one more member"]),
}
MERGED = {
    "a path that climbs": Case(member(b"etc/../../odd"), says=["`etc/../../odd`", "`..`"]),
    "a path that only climbs": Case(member(b".."), says=["`..`"]),
    "an absolute path": Case(member(b"/etc/odd"), says=["`/etc/odd`", "absolute"]),
    "a hard link to nothing": Case(
        member(b"etc/odd", flag=b"1", target=b"etc/none"), says=["`etc/odd`", "`etc/none`", "not there"]
    ),
    "a hard link to a folder": Case(
        member(b"etc/odd", flag=b"1", target=b"usr/lib"), says=["`etc/odd`", "a directory"]
    ),
    "a hard link that climbs": Case(member(b"etc/odd", flag=b"1", target=b"../etc/shadow"), says=["`../etc/shadow`"]),
    "something under a file": Case(member(b"etc/low/odd"), says=["`etc/low`", "no directory"]),
    "a name of 300 bytes": Case(noted(record(b"path", b"n" * 300)), says=["`nnn", "300 bytes"]),
    "a link to nowhere": Case(member(b"etc/odd", flag=b"2"), says=["`etc/odd`", "target of 0 bytes"]),
    "a whiteout of no name": Case(member(b"etc/.wh."), says=["`etc/.wh.`", "whiteout"]),
    "links in a circle": Case(
        block(b"a", flag=b"2", target=b"b") + block(b"b", flag=b"2", target=b"a") + member(b"a/odd"), says=["`a`"]
    ),
}  # fmt: skip
CASES = COMPRESSED | BLOBS | HEADERS | MERGED


@dataclass(frozen=True)
class Home:
    """Folders of a test, and a layout with a good image and a bad one, which share two layers."""

    folder: Path
    bad_layer: str

    def convert(self, what: str, out: str, cache: str = "cache") -> int:
        """The exit status of a conversion."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("BOOTWORTHY_CACHE", str(self.folder / cache))
            return run(["convert", self.name(what), "-o", str(self.folder / "out" / out)])

    def name(self, what: str) -> str:
        return f"oci:{self.folder / 'layout'}:localhost/{what}:1"


def layer(store: Store, case: Case) -> Layer:
    made = store.put_bytes(case.blob(case.tar), case.media_type)
    return Layer(made, case.diff_id or digest.of(case.tar))


def home_of(case: Case, folder: Path) -> Home:
    store = Store(folder / "layout")
    low, high = layer(store, Case(LOW)), layer(store, Case(HIGH, blob=checked, media_type=documents.LAYER_ZSTD))
    odd = layer(store, case)
    if case.size is not None:
        odd = replace(odd, descriptor=replace(odd.descriptor, size=case.size))
    for name, middle in (("good", layer(store, Case())), ("bad", odd)):
        image = store.put_image(layers=[low, middle, high], architecture=Architecture.X86_64)
        store.tag(Reference.parse(f"localhost/{name}:1"), image)
    return Home(folder, odd.descriptor.digest)


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATA", "STATE", "CONFIG", "RUNTIME"):
        monkeypatch.setenv(f"BOOTWORTHY_{name}", str(tmp_path / name.lower()))
    monkeypatch.setenv("BOOTWORTHY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BOOTWORTHY_LAYER_LIMIT", "8M")
    monkeypatch.setattr(bounds, "MOST", 50_000)


@pytest.mark.parametrize("name", CASES)
def test_one_clear_error_and_nothing_left(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = CASES[name]
    home = home_of(case, tmp_path)
    assert home.convert("good", "fresh", cache="fresh") == 0
    blob = tmp_path / "layout" / "blobs" / home.bad_layer.replace(":", "/")
    sound = blob.read_bytes()
    if case.after is not None:
        case.after(blob)
    (tmp_path / "out" / "earlier").write_text("an earlier file")
    before = sorted((tmp_path / "out").iterdir())
    capsys.readouterr()

    for attempt in ("new", "earlier"):
        assert home.convert("bad", attempt) == case.status
        said = capsys.readouterr().err
        for words in (home.name("bad"), "layer 2 of 3", home.bad_layer, "  hint: ", *case.says):
            assert words in said
    assert run(["unpack", home.name("bad"), str(tmp_path / "out" / "folder")]) == case.status
    assert home.bad_layer in capsys.readouterr().err

    assert sorted((tmp_path / "out").iterdir()) == before
    assert (tmp_path / "out" / "earlier").read_text() == "an earlier file"
    left = {path.suffix for path in (tmp_path / "cache" / "layers").iterdir()}
    assert left <= {".body", ".index"}
    blob.write_bytes(sound)
    assert home.convert("good", "later") == 0
    assert (tmp_path / "out" / "later").read_bytes() == (tmp_path / "out" / "fresh").read_bytes()


def test_a_limit_is_for_what_is_compressed_and_can_be_raised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = home_of(CASES["a bomb"], tmp_path)
    assert home.convert("bad", "new") == 6
    monkeypatch.setenv("BOOTWORTHY_LAYER_LIMIT", "16M")
    assert home.convert("bad", "new") == 0
    monkeypatch.setenv("BOOTWORTHY_LAYER_LIMIT", "16 apples")
    assert home.convert("bad", "newer") == 3
    assert "'16 apples' is no size" in capsys.readouterr().err


def test_links_are_content_and_nothing_is_written_through_them(tmp_path: Path) -> None:
    """Where a link leads out of the root, what lies under it stays inside; the link itself is kept as it is."""
    infos = []
    for path, target in (("out", "../../../../outside"), ("abs", "/outside")):
        info = tarfile.TarInfo(path)
        info.type, info.linkname = tarfile.SYMTYPE, target
        infos.append((info, b""))
    infos += [(tarfile.TarInfo("out/one"), b"1"), (tarfile.TarInfo("abs/two"), b"2")]
    home = home_of(Case(tarred(infos)), tmp_path)
    assert run(["unpack", home.name("bad"), str(tmp_path / "root"), "--plain"]) == 0
    assert (tmp_path / "root" / "out").readlink() == Path("../../../../outside")
    assert (tmp_path / "root" / "abs").readlink() == Path("/outside")
    assert {path.name for path in (tmp_path / "root" / "outside").iterdir()} == {"one", "two"}
    assert not (tmp_path.parent / "outside").exists()
