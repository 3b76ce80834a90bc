from __future__ import annotations

from bootworthy.layers.node import Kind
from bootworthy.proofs import probe


def test_the_layer_holds_what_its_unit_runs() -> None:
    files = {file.path: file for file in probe.layer(b"busybox")}
    assert files[b"usr/lib/bootworthy-probe/busybox"].data == b"busybox"
    assert files[b"usr/lib/bootworthy-probe/busybox"].mode == 0o755
    assert files[b"usr/lib/bootworthy-probe/probe.sh"].data == probe.script()
    unit = files[b"usr/lib/systemd/system/bootworthy-probe.service"].data
    assert b"ExecStart=/usr/lib/bootworthy-probe/busybox sh /usr/lib/bootworthy-probe/probe.sh\n" in unit
    link = files[b"usr/lib/systemd/system/sysinit.target.wants/bootworthy-probe.service"]
    assert (link.kind, link.target) == (Kind.SYMLINK, b"../bootworthy-probe.service")


def test_parents_come_first() -> None:
    seen = {b""}
    for file in probe.layer(b""):
        assert file.path.rpartition(b"/")[0] in seen
        seen.add(file.path)


def test_the_digest_is_that_of_every_byte() -> None:
    assert probe.digest(probe.layer(b"a")) == probe.digest(probe.layer(b"a"))
    assert probe.digest(probe.layer(b"a")) != probe.digest(probe.layer(b"b"))
