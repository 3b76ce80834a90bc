from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bootworthy.checks import identity
from bootworthy.checks.access import CHECK
from bootworthy.vocabulary import Finding, Severity
from tests import check_trees as make
from tests.check_trees import Entry, File, Link

Entries = dict[str, Entry]
SSHD: Entries = {"usr/sbin/sshd": make.program()}
HASH = b"$6$saltsalt$" + b"x" * 86
EMPTY: Entries = {"etc/shadow": File(b"root::19000::::::\nadmin::19000::::::\n")}
PEOPLE: Entries = {
    "etc/passwd": File(
        b"root:x:0:0:root:/root:/bin/sh\nsys:x:3:3::/dev:/usr/sbin/nologin\nadmin:x:1000:1000::/home/admin:/bin/bash\n"
    )
}
CLOUD_INIT: Entries = {"usr/bin/cloud-init": make.program()}


def found(folder: Path, entries: Entries, *, metadata: bool = False, line: tuple[str, ...] = ()) -> list[Finding]:
    subject = make.subject(folder, root_=make.root() | entries)
    return list(CHECK.find(replace(subject, metadata_only=metadata, command_line=line)))


def shadow(text: bytes) -> Entries:
    return PEOPLE | {"etc/shadow": File(text)}


@pytest.mark.parametrize(
    "entries",
    [
        {},
        shadow(b"root:*:19000::::::\nadmin:!:19000::::::\n"),
        shadow(b"root:!" + HASH + b":19000::::::\n"),
        shadow(b"sys:" + HASH + b":19000::::::\n"),
        shadow(b"nobody-knows:" + HASH + b":19000::::::\n"),
        {"etc/passwd": File(b"\n:\nroot\nroot:" + HASH + b":zero:0::/root:/bin/sh\n"), "etc/shadow": Link(b"shadow")},
        SSHD | {"root/.ssh/authorized_keys": File(b"")},
        SSHD | {"root/.ssh/authorized_keys": File(b"# nobody yet\n\n")},
        {"root/.ssh/authorized_keys": File(b"ssh-ed25519 AAAA somebody\n")},
    ],
)
def test_a_root_that_lets_nobody_in_is_silent(tmp_path: Path, entries: Entries) -> None:
    assert found(tmp_path, entries) == []


def test_no_root_is_silent(tmp_path: Path) -> None:
    assert list(CHECK.find(make.subject(tmp_path))) == []


@pytest.mark.parametrize(
    ("entries", "where", "message"),
    [
        (shadow(b"root:" + HASH + b":1::::::\n"), "/etc/shadow", "an account has a password: root"),
        (shadow(b"root:$y$j9T$a$b:1::\nadmin:$1$a$b:1::\n"), "/etc/shadow", "2 accounts have passwords: root, admin"),
        (shadow(b"admin:abJnggxhB/yWI:1::::::\n"), "/etc/shadow", "an account has a password: admin"),
        (
            {"etc/passwd": File(b"root:" + HASH + b":0:0::/root:/bin/sh\n")},
            "/etc/passwd",
            "an account has a password: root",
        ),
    ],
)
def test_a_password_is_a_warning(tmp_path: Path, entries: Entries, where: str, message: str) -> None:
    (finding,) = found(tmp_path, entries)
    assert (finding.id, finding.severity) == ("access.password", Severity.WARNING)
    assert (finding.where, finding.message) == (f"root@sha256:0: {where}", message)


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        (b"PermitEmptyPasswords yes\n", "admin"),
        (b"PermitRootLogin yes\nPermitEmptyPasswords yes\n", "root, admin"),
        (b'permitrootlogin=yes\n\tpermitemptypasswords = "yes" # so be it\n', "root, admin"),
        (b"PermitRootLogin prohibit-password\nPermitEmptyPasswords yes\nPermitRootLogin yes\n", "admin"),
        (b"Include /etc/ssh/sshd_config.d/*.conf\nPermitEmptyPasswords no\n", "admin"),
        (b"Include sshd_config.d/*.conf sshd_config\nPermitEmptyPasswords no\n", "admin"),
        (b"PermitEmptyPasswords no\nInclude /etc/ssh/sshd_config.d/*.conf\n", None),
        (b"PermitEmptyPasswords yes\nPasswordAuthentication no\n", None),
        (b"#PermitEmptyPasswords yes\n", None),
        (b"Match User admin\nPermitEmptyPasswords yes\n", None),
        (b"PermitEmptyPasswords\n", None),
        (b"", None),
    ],
)
def test_empty_passwords_over_ssh_are_those_that_its_settings_let_in(
    tmp_path: Path, settings: bytes, names: str | None
) -> None:
    files: Entries = {
        "etc/ssh/sshd_config": File(settings), "etc/ssh/sshd_config.d/10-x.conf": File(b"PermitEmptyPasswords yes\n"),
    }  # fmt: skip
    findings = found(tmp_path, SSHD | PEOPLE | EMPTY | files)
    assert [finding.id for finding in findings] == ["access.ssh-without-password"] * (names is not None)
    assert names is None or findings[0].message.endswith(f"this is one: {names}")


def test_settings_of_a_vendor_count_where_there_are_no_others(tmp_path: Path) -> None:
    files: Entries = {"usr/etc/ssh/sshd_config": File(b"PermitEmptyPasswords yes\n")}
    assert len(found(tmp_path, SSHD | PEOPLE | EMPTY | files)) == 1
    assert found(tmp_path, PEOPLE | EMPTY | files) == []
    assert found(tmp_path, SSHD | PEOPLE | EMPTY | files | {"etc/ssh/sshd_config": File(b"")}) == []


def test_an_empty_password_of_another_root_counts(tmp_path: Path) -> None:
    entries = SSHD | {"etc/passwd": File(b"root:*:0:0::/root:/bin/sh\ntoor::0:0::/root:/bin/sh\n")}
    (finding,) = identity.CHECK.find(make.subject(tmp_path, root_=make.root() | entries))
    assert (finding.id, finding.message) == ("identity.root-password", "toor has an empty password")


def test_keys_are_looked_for_in_the_homes_of_those_who_log_in(tmp_path: Path) -> None:
    key = File(b"ssh-ed25519 AAAA somebody\n")
    entries: Entries = {
        "home/admin/.ssh/authorized_keys2": key, "dev/.ssh/authorized_keys": key, "root/.ssh/authorized_keys": key,
        "home/gone/.ssh/authorized_keys": key,
    }  # fmt: skip
    findings = found(tmp_path, SSHD | PEOPLE | entries)
    assert {(finding.id, finding.where) for finding in findings} == {
        ("access.authorized-keys", "root@sha256:0: /root/.ssh/authorized_keys"),
        ("access.authorized-keys", "root@sha256:0: /home/admin/.ssh/authorized_keys2"),
    }


def test_keys_are_looked_for_where_sshd_is_told(tmp_path: Path) -> None:
    key = File(b"ssh-ed25519 AAAA somebody\n")
    entries: Entries = {
        "etc/ssh/sshd_config": File(b"AuthorizedKeysFile /etc/ssh/keys/%u keys\n"), "etc/ssh/keys/admin": key,
        "home/admin/keys": key, "root/.ssh/authorized_keys": key,
    }  # fmt: skip
    findings = found(tmp_path, SSHD | PEOPLE | entries)
    assert [finding.where.rpartition(" ")[2] for finding in findings] == ["/etc/ssh/keys/admin", "/home/admin/keys"]


@pytest.mark.parametrize(
    ("entries", "id_"),
    [
        ({}, "access.no-cloud-init"),
        (CLOUD_INIT, None),
        (CLOUD_INIT | {"etc/cloud/cloud-init.disabled": File(b"")}, "access.no-cloud-init"),
        ({"usr/bin/ignition": make.program()}, None),
        (shadow(b"root:" + HASH + b":1::::::\n"), "access.password"),
    ],
)
def test_where_metadata_is_the_only_way_in_something_reads_it(
    tmp_path: Path, entries: Entries, id_: str | None
) -> None:
    assert [finding.id for finding in found(tmp_path, entries, metadata=True)] == ([id_] if id_ else [])


GETTY = b"[Service]\nExecStart=\nExecStart=-/sbin/agetty --autologin root - $TERM\n"


@pytest.mark.parametrize(
    ("entries", "line"),
    [
        ({"etc/cloud/cloud-init.disabled": File(b"")}, ()),
        ({"var/lib/cloud/seed/nocloud/user-data": File(b"#cloud-config\n")}, ()),
        ({}, ("ds=nocloud;s=http://192.0.2.1/",)),
        ({"etc/systemd/system/serial-getty@.service.d/autologin.conf": File(GETTY)}, ()),
        ({"etc/inittab": File(b"ttyS0::respawn:/sbin/agetty --autologin root ttyS0\n")}, ()),
    ],
)
def test_cloud_init_that_does_without_metadata_is_silent(
    tmp_path: Path, entries: Entries, line: tuple[str, ...]
) -> None:
    (finding,) = found(tmp_path, CLOUD_INIT)
    assert (finding.id, finding.severity) == ("access.no-metadata", Severity.NOTE)
    assert found(tmp_path, CLOUD_INIT | entries, line=line) == []


@pytest.mark.parametrize(
    "entries", [{"var/lib/cloud/instances/i-0123": None}, {"var/lib/cloud/instance": Link(b"instances/i-0123")}]
)
def test_what_cloud_init_left_is_a_warning(tmp_path: Path, entries: Entries) -> None:
    (finding,) = identity.CHECK.find(make.subject(tmp_path, root_=make.root() | entries))
    assert finding.id == "identity.cloud-instance"


def test_a_home_of_cloud_init_without_a_machine_is_silent(tmp_path: Path) -> None:
    root = make.root() | {"var/lib/cloud/instances": None, "var/lib/cloud/seed": None}
    assert list(identity.CHECK.find(make.subject(tmp_path, root_=root))) == []
