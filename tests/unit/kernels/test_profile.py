from __future__ import annotations

import importlib.resources
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.errors import BuildError, NotFoundError
from bootworthy.kernels import profile
from bootworthy.kernels.config import Config
from bootworthy.vocabulary import Architecture

X86, ARM = Architecture.X86_64, Architecture.AARCH64
TEXT = """\
title = "A test"
sources = ["this file"]
[symbols]
NET = {is = "y", why = "Networks."}
VETH = {is = "m", why = "Cables."}
RT = {is = "n", why = "Trouble."}
REDIRECT = {is = "m", or = ["IP_REDIRECT"], why = "One of both."}
PVH = {is = "y", on = "x86_64", why = "Entry."}
OLD = {is = "y", until = "6.2", why = "Gone."}
NEW = {is = "y", since = "6.10", why = "Not yet."}
KVM = [{is = "m", on = "x86_64", why = "May be."}, {is = "y", on = "aarch64", why = "Must be."}]
"""
TEST = profile.parse("test", TEXT)
MEETING = {"NET": "y", "VETH": "y", "IP_REDIRECT": "m", "PVH": "y", "OLD": "y", "KVM": "m"}


def documents() -> dict[str, dict[str, Any]]:
    folder = importlib.resources.files("bootworthy.kernels") / "profiles"
    return {name: tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8")) for name in profile.known()}


def test_every_profile_that_was_promised_is_there() -> None:
    assert profile.known() == (
        "cloud-hypervisor", "containers", "ebpf", "firecracker", "gpu", "kubernetes", "microvm", "nested-kvm",
        "systemd", "verity", "wireguard",
    )  # fmt: skip


@pytest.mark.parametrize("name", profile.known())
def test_the_files_are_as_they_should_be(name: str) -> None:
    document = documents()[name]
    assert document.keys() - {"includes"} == {"title", "sources", "symbols"}
    assert document["sources"]
    assert set(document.get("includes", ())) <= set(profile.known())
    for symbol, cases in document["symbols"].items():
        for case in cases if isinstance(cases, list) else [cases]:
            assert re.fullmatch(r"[A-Z0-9_]+", symbol)
            assert case.keys() <= {"is", "why", "on", "or", "since", "until"}, symbol
            assert case["is"] in {"y", "m", "n"}, symbol
            assert re.fullmatch(r"\S.*\.", case["why"]), symbol
            assert case.get("on", "x86_64") in set(Architecture), symbol
            assert all(re.fullmatch(r"\d+\.\d+", case[key]) for key in ("since", "until") if key in case), symbol
    assert profile.load(name).title == document["title"]


def test_the_page_says_what_each_is_for() -> None:
    page = (Path(__file__).parents[3] / "docs/kernels.md").read_text()
    assert [f"| `{name}` | {profile.load(name).title} |" in page for name in profile.known()] == [True] * 11


@pytest.mark.parametrize("architecture", Architecture)
@pytest.mark.parametrize("release", ["5.10.1", "6.1.192", "6.12.117", "6.18"])
def test_all_profiles_together_contradict_each_other_nowhere(architecture: Architecture, release: str) -> None:
    every = profile.wanted(profile.known(), architecture, release)
    assert every["VIRTIO_BLK"].value == "y"
    assert profile.BASE not in {want.profile for want in every.values()}


def test_an_unknown_profile_names_the_nearest() -> None:
    with pytest.raises(NotFoundError) as error:
        profile.load("kubernets")
    assert error.value.code == "kernel.unknown-profile"
    assert (error.value.hint or "").startswith("did you mean kubernetes?")
    with pytest.raises(NotFoundError, match=r"'\.\./profile'"):
        profile.load("../profile")


def test_a_profile_has_what_it_includes() -> None:
    kubernetes, containers = profile.load("kubernetes"), profile.load("containers")
    assert set(containers.wants) <= set(kubernetes.wants)
    assert {want.profile for want in kubernetes.wants} == {"kubernetes", "containers"}


def test_a_kernel_that_meets_it() -> None:
    report = profile.judge(TEST, Config(MEETING), X86, "6.1.192")
    assert report.met
    assert [str(want) for want in report.fulfilled] == [
        "KVM=m", "NET=y", "OLD=y", "PVH=y", "REDIRECT=m", "RT=n", "VETH=m",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "lack"),
    [
        ({"NET": "m"}, ("NET=y", "m")), ({"VETH": "n"}, ("VETH=m", "n")), ({"RT": "y"}, ("RT=n", "y")),
        ({"RT": "m"}, ("RT=n", "m")), ({"IP_REDIRECT": "n"}, ("REDIRECT=m", None)), ({"PVH": "7"}, ("PVH=y", "7")),
        ({"OLD": "n"}, ("OLD=y", "n")), ({"KVM": "n"}, ("KVM=m", "n")),
    ],
)  # fmt: skip
def test_a_kernel_that_lacks_something(change: dict[str, str], lack: tuple[str, str | None]) -> None:
    report = profile.judge(TEST, Config({**MEETING, **change}), X86, "6.1.192")
    assert not report.met
    assert [(str(each.want), each.found) for each in report.lacking] == [lack]


def test_what_is_about_other_kernels_is_not_asked() -> None:
    asked = {
        (architecture, release): {want.symbol for want in TEST.wants if want.applies(architecture, release)}
        for architecture in Architecture
        for release in ("6.1.192", "6.2.0-rc1", "6.10", "6.9.99", None, "unknown")
    }
    always = {"NET", "VETH", "RT", "REDIRECT", "KVM"}
    assert asked[X86, "6.1.192"] == always | {"PVH", "OLD"}
    assert asked[ARM, "6.1.192"] == always | {"OLD"}
    assert asked[X86, "6.2.0-rc1"] == asked[X86, "6.9.99"] == always | {"PVH"}
    assert asked[X86, "6.10"] == always | {"PVH", "NEW"}
    assert asked[X86, None] == asked[X86, "unknown"] == always | {"PVH"}


def test_the_value_may_depend_on_the_architecture() -> None:
    assert profile.merge([TEST], X86, "6.1")["KVM"].value == "m"
    assert profile.merge([TEST], ARM, "6.1")["KVM"].value == "y"


def test_the_stronger_want_counts() -> None:
    other = profile.parse("other", TEXT.replace('VETH = {is = "m"', 'VETH = {is = "y"'))
    for order in ([TEST, other], [other, TEST]):
        assert str(profile.merge(order, X86, "6.1")["VETH"]) == "VETH=y"
        assert profile.merge(order, X86, "6.1")["VETH"].profile == "other"


def test_contradictions_are_named_all_at_once() -> None:
    other = profile.parse("other", TEXT.replace('is = "n"', 'is = "y"').replace('NET = {is = "y"', 'NET = {is = "n"'))
    with pytest.raises(BuildError) as error:
        profile.merge([TEST, other], X86, "6.1")
    assert error.value.code == "kernel.profile-conflict"
    assert "NET=y is what test wants, and NET=n what other wants" in error.value.message
    assert "RT=y is what other wants, and RT=n what test wants" in error.value.message


def test_the_base_gives_way_and_is_not_weakened() -> None:
    base = Config({"NET": "n", "VETH": "y", "RT": "y", "OTHER": "m", "OFF": "n", "HZ": "250", "KVM": "m"})
    merged = profile.merge([TEST], X86, "6.1", base=base)
    assert {symbol: (want.value, want.profile) for symbol, want in merged.items()} == {
        "KVM": ("m", "test"), "NET": ("y", "test"), "OFF": ("n", profile.BASE), "OLD": ("y", "test"),
        "OTHER": ("m", profile.BASE), "PVH": ("y", "test"), "REDIRECT": ("m", "test"), "RT": ("n", "test"),
        "VETH": ("y", profile.BASE),
    }  # fmt: skip


def test_a_fragment_is_lines_of_a_configuration() -> None:
    text = profile.fragment(profile.merge([TEST], ARM, "6.10"))
    assert text.splitlines() == [
        "CONFIG_KVM=y", "CONFIG_NET=y", "CONFIG_NEW=y", "CONFIG_REDIRECT=m", "# CONFIG_RT is not set", "CONFIG_VETH=m",
    ]  # fmt: skip


@given(st.lists(st.sampled_from(profile.known()), unique=True), st.sampled_from(Architecture))
def test_a_kernel_with_the_fragment_meets_the_profiles(names: list[str], architecture: Architecture) -> None:
    config = Config.parse(profile.fragment(profile.wanted(names, architecture, "6.1.192")))
    assert all(profile.judge(profile.load(name), config, architecture, "6.1.192").met for name in names)
