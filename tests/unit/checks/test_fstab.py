from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bootworthy.checks.fstab import CHECK, entries
from bootworthy.vocabulary import Finding, Severity
from tests import check_trees as make
from tests.check_cases import of
from tests.check_trees import DISKS, Entry, File

ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE
UUID = "d34db33f-0000-8000-8000-000000000000"


def found(folder: Path, text: str, root: dict[str, Entry] | None = None, **given_: object) -> list[Finding]:
    files = (make.root() if root is None else root) | {"etc/fstab": File(text.encode(errors="surrogateescape"))}
    return list(CHECK.find(of(root_=files, disks=DISKS[:1], **given_)(folder)))


@pytest.mark.parametrize(
    ("line", "severity"),
    [
        ("LABEL=root / ext4 defaults 0 1", None),
        ('LABEL="root" / ext4', None),
        ("/dev/vda / ext4", None),
        (f"UUID={UUID} / ext4", None),
        (f"/dev/disk/by-uuid/{UUID} / ext4", None),
        ("tmpfs /tmp tmpfs", None),
        ("proc /proc proc", None),
        ("/data/a /srv none bind", None),
        ("/swap.img none swap", None),
        ("server:/home /home nfs", None),
        ("//server/a /a cifs", None),
        ("/dev/mapper/vg-data /data xfs", None),
        ("/dev/loop0 /data iso9660", None),
        ("/dev/zram0 none swap", None),
        ("# /dev/sda1 /data ext4", None),
        ("/dev/sda1", None),
        ("/dev/sda1 /data ext4 noauto", None),
        ("/dev/sda1 /data ext4 defaults,x-systemd.automount", None),
        ("/dev/sda1 /data ext4", ERROR),
        ("/dev/vda1 /data ext4 defaults 0 2", ERROR),
        ("/dev/nvme0n1p1 /data ext4", ERROR),
        ("LABEL=UEFI /boot/efi vfat umask=0077 0 1", ERROR),
        ("UUID=ABCD-1234 /boot/efi vfat", ERROR),
        ("PARTUUID=1 /data ext4", ERROR),
        ("PARTLABEL=root /data ext4", ERROR),
        ("/dev/disk/by-label/data /data ext4", ERROR),
        ("/dev/disk/by-partuuid/1 /data ext4", ERROR),
        ("/dev/sda1 /data ext4 defaults,nofail", NOTE),
        ("/dev/sda2 none swap sw", WARNING),
        ("/dev/cdrom /media iso9660 ro", ERROR),
        (r"LABEL=a\040b /data ext4", ERROR),
        ("LABEL=cloudimg-rootfs / ext4 defaults 0 1", WARNING),
    ],
)
def test_each_line_names_a_disk_that_is_there(tmp_path: Path, line: str, severity: Severity | None) -> None:
    findings = found(tmp_path, f"# /etc/fstab\n{line}\n")
    assert [(each.id, each.severity) for each in findings] == ([("fstab.missing-device", severity)] if severity else [])
    assert {each.where for each in findings} <= {"root@sha256:0: /etc/fstab:2"}


def test_it_is_said_what_is_missing(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, "LABEL=a\\040b /my\\040data ext4\n")
    assert finding.message == "LABEL=a b for /my data is no disk of the guest"


def test_an_init_that_does_not_wait_goes_on(tmp_path: Path) -> None:
    root = make.root() | {"usr/sbin/init": make.program()}
    (finding,) = found(tmp_path, "/dev/sda1 /data ext4\n", root)
    assert finding.severity is WARNING
    (finding,) = found(tmp_path, "/dev/sda1 /data ext4\n", command_line=("init=/bin/sh",))
    assert finding.severity is WARNING
    (finding,) = found(tmp_path, "/dev/sda1 /data ext4\n", command_line=("init=/lib/systemd/systemd",))
    assert finding.severity is ERROR


def test_a_uuid_that_nobody_knows_may_be_there(tmp_path: Path) -> None:
    root = make.root() | {"etc/fstab": File(b"UUID=1 /data ext4\n")}
    assert list(CHECK.find(of(root_=root, disks=DISKS)(tmp_path))) == []


def test_no_table_or_no_disks_is_silent(tmp_path: Path) -> None:
    assert list(CHECK.find(of(root_=make.root(), disks=DISKS)(tmp_path))) == []
    table = {"etc/fstab": File(b"/dev/sda1 /data ext4\n")}
    assert list(CHECK.find(of(root_=make.root() | table)(tmp_path))) == []
    assert list(CHECK.find(of(disks=DISKS)(tmp_path))) == []


NAMES = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1)


def escaped(text: str) -> bytes:
    """As fstab(5) wants a name written that has spaces in it."""
    return b"".join(b"\\%03o" % byte if byte in b" \\#" else bytes([byte]) for byte in text.encode())


@given(NAMES, NAMES)
def test_names_are_read_as_they_were_written(device: str, place: str) -> None:
    (entry,) = entries(b"\n  %s\t%s ext4 ro,nofail 0 0" % (escaped(device), escaped(place)))
    assert (entry.number, entry.device, entry.place, entry.kind) == (2, device, place, "ext4")
    assert entry.options == {"ro", "nofail"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=400))
def test_any_bytes_are_read(tmp_path: Path, data: bytes) -> None:
    for finding in found(tmp_path, data.decode(errors="surrogateescape")):
        assert finding.message.isprintable()
