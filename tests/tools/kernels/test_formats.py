"""Kernels and modules, as `file`, `readelf` and the compressors of a distribution see them."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from bootworthy.host.processes import run
from bootworthy.kernels import extract
from bootworthy.kernels.compression import Compression
from bootworthy.kernels.formats import identify
from bootworthy.kernels.modules import ModuleInfo
from bootworthy.kernels.signature import MARK, Kind, Signature
from tests import made_kernels as made
from tests.needs import need

COMMANDS = {
    Compression.GZIP: ["gzip", "-n", "-9", "-c"],
    Compression.BZIP2: ["bzip2", "-9", "-c"],
    Compression.XZ: ["xz", "--check=crc32", "--x86", "--lzma2=,dict=32MiB", "-c"],
    Compression.LZMA: ["xz", "--format=lzma", "-9", "-c"],
    Compression.ZSTD: ["zstd", "-22", "--ultra", "-q", "-c"],
    Compression.LZ4: ["lz4", "-l", "-9", "-q", "-c"],
}


@pytest.mark.parametrize("compression", sorted(COMMANDS))
def test_kernels_by_the_compressors_of_a_distribution(compression: Compression) -> None:
    argv = COMMANDS[compression]
    need(argv[0])
    kernel = made.elf(b"".join(struct.pack("<I", number * 2654435761 % 2**32) for number in range(300_000)) * 8)
    payload = run(argv, data=kernel).stdout
    size = b"" if compression is Compression.GZIP else struct.pack("<I", len(kernel))
    assert extract.vmlinux(made.bzimage(payload + size)) == kernel


def test_file_sees_the_same_kernel(tmp_path: Path) -> None:
    need("file")
    image = tmp_path / "vmlinuz"
    image.write_bytes(made.bzimage(made.packed(Compression.GZIP, made.elf())))
    info = identify(image.read_bytes())
    assert f"bzImage, version {info.banner}" in run(["file", image]).text


def test_readelf_sees_the_same_note(tmp_path: Path) -> None:
    need("readelf")
    kernel = tmp_path / "vmlinux"
    for notes in ([], [made.PVH_NOTE]):
        kernel.write_bytes(made.elf(notes=notes))
        seen = run(["readelf", "-n", kernel]).text
        assert ("Xen" in seen and "0x00000012" in seen) is (identify(kernel.read_bytes()).format == "pvh")


def test_modinfo_sees_the_same_module(tmp_path: Path) -> None:
    need("modinfo")
    file = tmp_path / "virtio_blk.ko"
    fields = ["alias=virtio:d2v*", "alias=blk", "softdep=pre: crc32c"]
    file.write_bytes(made.module("virtio_blk", depends=["virtio", "virtio_ring"], fields=fields))
    info = ModuleInfo.parse(file.read_bytes())

    def modinfo(field: str) -> list[str]:
        return run(["modinfo", "-F", field, file]).text.splitlines()

    assert modinfo("vermagic") == [info.vermagic]
    assert modinfo("depends") == [",".join(info.depends)]
    assert modinfo("alias") == list(info.aliases)
    assert modinfo("softdep") == list(info.softdeps)


def test_modinfo_sees_the_same_signature(tmp_path: Path) -> None:
    """A module signed as scripts/sign-file of Linux does it."""
    need("modinfo", "openssl")
    file, key, certificate = (tmp_path / name for name in ("zram.ko", "key.pem", "certificate.pem"))
    file.write_bytes(made.module("zram"))
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=somebody"]
    run([*request, "-keyout", key, "-out", certificate])
    sign = ["openssl", "cms", "-sign", "-binary", "-outform", "DER", "-nocerts", "-noattr", "-md", "sha256"]
    signature = run([*sign, "-signer", certificate, "-inkey", key, "-in", file]).stdout
    record = struct.pack(">BBBBB3xI", 0, 0, 2, 0, 0, len(signature))
    file.write_bytes(made.module("zram") + signature + record + MARK)
    assert run(["modinfo", "-F", "sig_id", file]).text.strip() == "PKCS#7"
    assert run(["modinfo", "-F", "signer", file]).text.strip() == "somebody"
    info = ModuleInfo.parse(file.read_bytes())
    assert info.signature == Signature(Kind.PKCS7, 0, 0, 0, 0, len(signature))
