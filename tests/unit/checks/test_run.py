from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bootworthy.checks import rule
from bootworthy.checks.rule import Rule
from bootworthy.checks.run import ordered, refuse, run
from bootworthy.errors import RefusedError
from bootworthy.layers.node import Kind, Node
from bootworthy.machines.facts import known as vmms
from bootworthy.vocabulary import Finding, Severity
from tests import check_trees as make
from tests.check_trees import Entry, File, Link


def finding(id_: str, severity: Severity = Severity.ERROR, where: str = "r@d: /x") -> Finding:
    return Finding(id_, severity, where, f"{id_} is wrong", "why", f"mend {id_}")


def rules() -> list[Rule]:
    return [rule for check in rule.known().values() for rule in check.rules]


def test_what_is_right_is_silent(tmp_path: Path) -> None:
    subject = make.subject(tmp_path, root_=make.root(), kernel_=make.kernel(), modules_=make.modules())
    assert run(subject) == ()


def test_what_is_wrong_everywhere_is_all_said_errors_first(tmp_path: Path) -> None:
    subject = make.subject(
        tmp_path, root_={"etc/machine-id": File(b"0123")}, kernel_=make.kernel(data=make.vmlinux(pvh=False)),
        modules_=make.modules(release="5.4", below="lib/modules/5.4"),
    )  # fmt: skip
    assert [finding.id for finding in run(subject)] == [
        "init.missing", "kernel.format", "kernel.release-mismatch", "modules.nested", "identity.machine-id",
    ]  # fmt: skip


def test_findings_are_ordered_by_severity_id_and_place() -> None:
    findings = [
        finding("a", Severity.NOTE), finding("b", Severity.WARNING), finding("d", where="2"), finding("d", where="1"),
        finding("c"),
    ]  # fmt: skip
    assert [(it.id, it.where) for it in ordered(findings)] == [
        ("c", "r@d: /x"), ("d", "1"), ("d", "2"), ("b", "r@d: /x"), ("a", "r@d: /x"),
    ]  # fmt: skip


def test_warnings_and_notes_do_not_refuse() -> None:
    refuse([])
    refuse([finding("a", Severity.WARNING), finding("b", Severity.NOTE)])


@pytest.mark.parametrize(("count", "also"), [(1, "[a0]"), (2, "(and 1 more error)"), (4, "(and 3 more errors)")])
def test_an_error_refuses_with_its_remedy(count: int, also: str) -> None:
    findings = [finding("w", Severity.WARNING), *(finding(f"a{number}") for number in reversed(range(count)))]
    with pytest.raises(RefusedError) as caught:
        refuse(findings)
    error = caught.value
    assert (error.code, error.where, error.hint, error.exit_status) == ("check.failed", "r@d: /x", "mend a0", 1)
    assert error.message.startswith("this would not boot: a0 is wrong [a0]")
    assert error.message.endswith(also)


def test_a_warning_refuses_when_it_is_asked_for() -> None:
    findings = [finding("w1", Severity.WARNING), finding("n", Severity.NOTE), finding("w2", Severity.WARNING)]
    with pytest.raises(RefusedError) as caught:
        refuse(findings, strict=True)
    assert caught.value.message == "no warning is allowed here: w1 is wrong [w1] (and 1 more warning)"
    refuse([finding("n", Severity.NOTE)], strict=True)
    with pytest.raises(RefusedError, match="this would not boot: e is wrong"):
        refuse([*findings, finding("e")], strict=True)


def test_what_several_cells_share_counts_once() -> None:
    with pytest.raises(RefusedError) as caught:
        refuse([finding("a"), finding("a")])
    assert "more" not in caught.value.message


def test_every_family_is_found() -> None:
    assert set(rule.known()) >= {"architecture", "drivers", "format", "identity", "init", "release"}


def test_ids_are_dotted_and_one_rules_own() -> None:
    ids = [rule.id for rule in rules()]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z-]+\.[a-z-]+", id_) for id_ in ids)


PATHS = [
    "sbin/init", "sbin", "bin", "boot", "boot/vmlinux", f"boot/config-{make.RELEASE}", "modules.dep", "lib", "etc",
    "modules.builtin", "kernel/a.ko", f"usr/lib/modules/{make.RELEASE}/modules.dep", "etc/machine-id", "etc/shadow",
    "etc/ssh/ssh_host_rsa_key", "usr/sbin/sshd", "bin/sh", "lib64/ld-linux-x86-64.so.2", "usr/lib/systemd/systemd",
]  # fmt: skip
CONTENTS = [
    make.program(), make.vmlinux(), make.image(), make.bzimage(), make.module("a"), make.CONFIG.encode(), make.FAR,
    b"kernel/a.ko:\n../../etc/shadow:\n", b"#!/sbin/init\n", b"#!/bin/sh\n", b"root::0\n", b"",
]  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    content = bytearray(draw(st.sampled_from(CONTENTS)))
    for _ in range(draw(st.integers(0, 4))):
        if content:
            at = draw(st.integers(0, min(len(content), 600) - 1))
            content[at : at + 8] = draw(st.binary(max_size=8) | st.just(b"\xff" * 8))
    return bytes(content)


ENTRIES: st.SearchStrategy[Entry] = (
    damaged().map(lambda content: File(content, 0o755))
    | st.sampled_from([name.encode() for name in PATHS] + [b"/", b"..", b"/proc/self/exe"]).map(Link)
    | st.none()
    | st.builds(lambda: Node(Kind.FILE, 0o755, size=1 << 62))
    | st.sampled_from([Kind.FIFO, Kind.CHARACTER, Kind.SOCKET]).map(lambda kind: Node(kind, 0o755))
)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(
    images=st.lists(st.none() | st.dictionaries(st.sampled_from(PATHS), ENTRIES, max_size=8), min_size=3, max_size=3),
    vmm=st.sampled_from(sorted(vmms())), initrd=st.booleans(),
)  # fmt: skip
def test_no_image_makes_a_check_fail(
    tmp_path: Path, images: list[dict[str, Entry] | None], vmm: str, initrd: bool
) -> None:
    root, kernel, modules = images
    subject = make.subject(tmp_path, root_=root, kernel_=kernel, modules_=modules, vmm=vmm, initrd=initrd)
    for it in run(subject):
        assert it.id in {rule.id for rule in rules()}
        assert f"{it.where}{it.message}{it.why}{it.remedy}".isprintable()
