from __future__ import annotations

from pathlib import Path

import pytest

from bootworthy.checks.identity import CHECK
from bootworthy.vocabulary import Finding, Severity
from tests import check_trees as make
from tests.check_trees import Entry, File, Link

ID = File(b"0123456789abcdef0123456789abcdef\n")
SSHD: dict[str, Entry] = {"usr/sbin/sshd": make.program()}


def found(folder: Path, entries: dict[str, Entry]) -> list[Finding]:
    return list(CHECK.find(make.subject(folder, root_=make.root() | entries)))


@pytest.mark.parametrize(
    "entries",
    [
        {},
        {"etc/machine-id": File(b"uninitialized\n")},
        {"etc/machine-id": None, "etc/ssh": File(b""), "var": File(b"")},
        {"etc/machine-id": Link(b"/etc/machine-id"), "etc/shadow": Link(b"shadow")},
        {"etc/ssh/ssh_host_rsa_key.pub": File(b"ssh-rsa"), "etc/ssh/ssh_host_rsa_key": File(b"")},
        {"etc/shadow": File(b"root::1:0:99999:7:::\n")},
        SSHD
        | {"etc/shadow": File(b"root:*:1::\ndaemon::1\n\n:\n"), "etc/passwd": File(b"root:x:0:0::/root:/bin/sh\n")},
    ],
)
def test_an_image_without_an_identity_is_silent(tmp_path: Path, entries: dict[str, Entry]) -> None:
    assert found(tmp_path, entries) == []


@pytest.mark.parametrize(
    ("entries", "id_", "where"),
    [
        ({"etc/machine-id": ID}, "identity.machine-id", "/etc/machine-id"),
        ({"var/lib/dbus/machine-id": ID}, "identity.machine-id", "/var/lib/dbus/machine-id"),
        ({"etc/ssh/ssh_host_ed25519_key": File(b"key", 0o600)}, "identity.host-keys", "/etc/ssh"),
        ({"var/lib/systemd/random-seed": File(b"\1" * 512)}, "identity.random-seed", "/var/lib/systemd/random-seed"),
        (SSHD | {"etc/shadow": File(b"bin:*:\nroot::1:0:99999:7:::\n")}, "identity.root-password", "/etc/shadow"),
        (SSHD | {"etc/passwd": File(b"root::0:0::/root:/bin/sh\n")}, "identity.root-password", "/etc/passwd"),
    ],
)
def test_what_should_differ_between_machines_is_a_warning(
    tmp_path: Path, entries: dict[str, Entry], id_: str, where: str
) -> None:
    (finding,) = found(tmp_path, entries)
    assert (finding.id, finding.severity) == (id_, Severity.WARNING)
    assert finding.where == f"root@sha256:0: {where}"


def test_one_machine_id_with_two_names_is_one_finding(tmp_path: Path) -> None:
    assert len(found(tmp_path, {"etc/machine-id": ID, "var/lib/dbus/machine-id": Link(b"/etc/machine-id")})) == 1


def test_two_machine_ids_are_two_findings(tmp_path: Path) -> None:
    assert len(found(tmp_path, {"etc/machine-id": ID, "var/lib/dbus/machine-id": File(b"feedbeef")})) == 2


def test_host_keys_are_listed(tmp_path: Path) -> None:
    keys: dict[str, Entry] = {f"etc/ssh/ssh_host_{number}_key": File(b"key") for number in range(9)}
    (finding,) = found(tmp_path, keys)
    assert "ssh_host_0_key, ssh_host_1_key" in finding.message
    assert finding.message.endswith("ssh_host_5_key, ...")


def test_no_root_is_silent(tmp_path: Path) -> None:
    assert list(CHECK.find(make.subject(tmp_path))) == []
