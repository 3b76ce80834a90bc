from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bootworthy.checks.sysctl import CHECK
from bootworthy.vocabulary import Finding, Severity
from tests import check_trees as make
from tests.check_trees import CONFIG, Entry, File, Link

Entries = dict[str, Entry]
BRIDGE = File(b"net.bridge.bridge-nf-call-iptables = 1\n")
FILE = "etc/sysctl.d/99-x.conf"


def found(
    folder: Path, entries: Entries, *, config: str = CONFIG, modules: Entries | None = None,
    line: tuple[str, ...] = (), initrd: Entries | None = None,
) -> list[Finding]:  # fmt: skip
    modules = make.modules(["br_netfilter", "nf_conntrack", "tcp_bbr"]) if modules is None else modules
    subject = make.subject(
        folder, root_=make.root() | entries, kernel_=make.kernel(config), modules_=modules, initrd=initrd or False
    )
    return list(CHECK.find(replace(subject, command_line=line)))


@pytest.mark.parametrize(
    "text",
    [
        b"", b"# net.bridge.x = 1\n; net.bridge.x = 1\n", b"net.ipv4.ip_forward = 1\n", b"-net.bridge.x = 1\n",
        b"net.bridge\n", b"net.bridge.x\n", b"net.ipv4.tcp_congestion_control = cubic\n",
        b"net.ipv4.tcp_congestion_control = bbr\n", b"net.core.default_qdisc = fq_codel\n",
        b"/net.bridge/x = 1\n", b"\xff\xfe\x00 = \xff\n",
    ],
)  # fmt: skip
def test_settings_that_need_nothing_are_silent(tmp_path: Path, text: bytes) -> None:
    assert found(tmp_path, {FILE: File(text)}) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"net.bridge.bridge-nf-call-iptables = 1\nnet.bridge.bridge-nf-call-ip6tables = 1\n",
         "net.bridge.bridge-nf-call-iptables needs the module br_netfilter"),
        (b"net/bridge/bridge-nf-call-iptables=1", "net.bridge.bridge-nf-call-iptables needs the module br_netfilter"),
        (b"net.netfilter.nf_conntrack_max=1", "net.netfilter.nf_conntrack_max needs the module nf_conntrack"),
        (b"net.nf_conntrack_max=1", "net.nf_conntrack_max needs the module nf_conntrack"),
    ],
)  # fmt: skip
def test_a_module_that_nothing_loads_is_a_warning(tmp_path: Path, text: bytes, message: str) -> None:
    (finding,) = found(tmp_path, {FILE: File(text)})
    assert (finding.id, finding.severity) == ("sysctl.module-not-loaded", Severity.WARNING)
    assert finding.message == f"{message}, and nothing in the root loads it before"
    assert finding.where == f"root@sha256:0: /{FILE}"
    assert finding.remedy.startswith("`echo ")


@pytest.mark.parametrize(
    ("entries", "line"),
    [
        ({"etc/modules-load.d/x.conf": File(b"# for containers\noverlay\nbr-netfilter\n")}, ()),
        ({"usr/lib/modules-load.d/x.conf": File(b"br_netfilter\n")}, ()),
        ({"etc/modules": File(b"br_netfilter nf=1\n")}, ()),
        ({}, ("modules-load=overlay,br_netfilter",)),
        ({"etc/udev/rules.d/99-bridge.rules": File(b'ACTION=="add", KERNEL=="br_netfilter", RUN+="sysctl"\n')}, ()),
    ],
)
def test_a_module_that_something_loads_is_silent(tmp_path: Path, entries: Entries, line: tuple[str, ...]) -> None:
    assert found(tmp_path, entries | {FILE: BRIDGE}, line=line) == []


def test_a_module_of_the_initial_ram_disk_is_loaded(tmp_path: Path) -> None:
    assert found(tmp_path, {FILE: BRIDGE}, initrd=make.initrd(make.ram_disk(["br_netfilter"]))) == []


@pytest.mark.parametrize(
    ("config", "modules", "id_"),
    [
        ("CONFIG_BRIDGE_NETFILTER=y\n", make.modules(), None),
        ("CONFIG_BRIDGE_NETFILTER=m\n", make.modules(), "sysctl.module-missing"),
        ("CONFIG_BRIDGE_NETFILTER=m\n", {}, "sysctl.module-missing"),
        ("# CONFIG_BRIDGE_NETFILTER is not set\n", make.modules(), "sysctl.module-missing"),
        ("", make.modules(builtin=["br_netfilter"]), None),
    ],
)
def test_a_module_that_is_not_there_is_a_warning(
    tmp_path: Path, config: str, modules: Entries, id_: str | None
) -> None:
    entries: Entries = {FILE: BRIDGE, "etc/modules-load.d/x.conf": File(b"br_netfilter\n")}
    findings = found(tmp_path, entries, config=CONFIG + config, modules=modules)
    assert [finding.id for finding in findings] == ([id_] if id_ else [])


@pytest.mark.parametrize("text", [b"net.core.default_qdisc = fq\n", b"net.core.default_qdisc=cake"])
def test_what_the_kernel_loads_by_itself_must_be_there(tmp_path: Path, text: bytes) -> None:
    (finding,) = found(tmp_path, {FILE: File(text)})
    assert finding.id == "sysctl.module-missing"


def test_without_a_kernel_nobody_knows(tmp_path: Path) -> None:
    assert list(CHECK.find(make.subject(tmp_path, root_=make.root() | {FILE: BRIDGE}))) == []
    subject = make.subject(tmp_path, root_=make.root() | {FILE: BRIDGE}, kernel_=make.kernel(None))
    assert list(CHECK.find(subject)) == []


@pytest.mark.parametrize(
    ("entries", "where"),
    [
        ({"usr/lib/sysctl.d/50-x.conf": BRIDGE}, "/usr/lib/sysctl.d/50-x.conf"),
        ({"etc/sysctl.conf": BRIDGE}, "/etc/sysctl.conf"),
        ({"usr/lib/sysctl.d/50-x.conf": BRIDGE, "etc/sysctl.d/50-x.conf": Link(b"/dev/null")}, None),
        ({"usr/lib/sysctl.d/50-x.conf": BRIDGE, "etc/sysctl.d/50-x.conf": File(b"")}, None),
        ({"usr/lib/sysctl.d/50-x.conf": BRIDGE, "etc/sysctl.d/60-x.conf": BRIDGE}, "/etc/sysctl.d/60-x.conf"),
        ({"usr/lib/sysctl.d/70-x.conf": BRIDGE, "etc/sysctl.d/60-x.conf": BRIDGE}, "/usr/lib/sysctl.d/70-x.conf"),
        ({"etc/sysctl.d/x.conf.bak": BRIDGE}, None),
        ({"etc/sysctl.d/x.conf": Link(b"x.conf"), "etc/modules": None}, None),
    ],
)
def test_the_setting_that_counts_is_named(tmp_path: Path, entries: Entries, where: str | None) -> None:
    assert [finding.where for finding in found(tmp_path, entries)] == ([f"root@sha256:0: {where}"] if where else [])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.lists(st.sampled_from([b"net", b"bridge", b".", b"/", b"-", b"=", b"1", b"\n", b"\xff", b" ", b"#"])))
def test_any_text_is_findings_or_none(tmp_path: Path, words: list[bytes]) -> None:
    assert all(finding.message.isprintable() for finding in found(tmp_path, {FILE: File(b"".join(words))}))
