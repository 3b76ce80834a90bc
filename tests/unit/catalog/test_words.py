from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.catalog.entries import Kernel, KernelPackage
from bootworthy.catalog.words import called, release, within, words

KNOWN = {
    "ubuntu-22.04": ("Ubuntu 22.04", "ubuntu", "ubuntu 22.04"),
    "ubuntu-20-lts-core": ("Ubuntu 20 LTS, core", "ubuntu", "ubuntu 20.04"),
    "alpine-ubuntu": ("Alpine Linux (kernel of ubuntu)", "alpine", "alpine"),
    "rocky-9": ("Rocky Linux 9", "rocky", "rocky 9"),
    "plain": ("", "", ""),
}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("ubuntu-22.04", {"ubuntu-22.04"}), ("Ubuntu 22.04", {"ubuntu-22.04"}), ("UBUNTU_22.04", {"ubuntu-22.04"}),
        ("ubuntu22.04", {"ubuntu-22.04"}), ("ubuntu 22", {"ubuntu-22.04"}), ("ubuntu-2", set()),
        ("ubuntu 20.04", {"ubuntu-20-lts-core"}), ("core ubuntu", {"ubuntu-20-lts-core"}),
        ("ubuntu", {"ubuntu-22.04", "ubuntu-20-lts-core"}), ("alpine", {"alpine-ubuntu"}),
        ("linux ubuntu", {"alpine-ubuntu"}), ("Rocky Linux 9", {"rocky-9"}), ("rocky9", {"rocky-9"}),
        ("9", {"rocky-9"}), ("debian", set()), ("", set()), ("-", set()), ("plain", {"plain"}),
    ],
)  # fmt: skip
def test_what_people_mean(text: str, names: set[str]) -> None:
    assert called(text, KNOWN) == names


@given(st.dictionaries(st.from_regex(r"[a-z0-9]+([._-][a-z0-9]+)*", fullmatch=True), st.tuples(st.text()), min_size=1))
def test_a_name_means_itself(known: dict[str, tuple[str]]) -> None:
    assert all(name in called(name, known) for name in known)


@given(st.text(), st.dictionaries(st.text(), st.tuples(st.text())))
def test_anything_can_be_asked(text: str, known: dict[str, tuple[str]]) -> None:
    assert called(text, known) <= set(known)


def test_words() -> None:
    assert words("Ubuntu 22.04 LTS, v1.2 (x86_64)") == ("ubuntu", "22.04", "lts", "1.2", "x86", "64")


@pytest.mark.parametrize(
    ("asked", "found", "so"),
    [("5.10", "5.10.77", True), ("5.1", "5.10.77", False), ("5.10.77", "5.10", False), ("a", "a.b", False)],
)
def test_a_version_within_another(asked: str, found: str, so: bool) -> None:
    assert within(asked, found) is so


@pytest.mark.parametrize(
    ("kernel", "found"),
    [
        (Kernel(name="k", release="5.10.77"), "5.10.77"), (Kernel(name="debian-6.1"), "6.1"),
        (Kernel(name="own", package=KernelPackage("debian", "bookworm", "linux-image-6.1.0-18")), "6.1.0"),
        (Kernel(name="linux-legacy", images={"kernel": "example.com/k:1.2.3"}), None),
    ],
)  # fmt: skip
def test_the_release_of_a_kernel(kernel: Kernel, found: str | None) -> None:
    assert release(kernel) == found
