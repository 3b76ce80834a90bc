from __future__ import annotations

from pathlib import Path

import pytest

from bootworthy.builders import apt
from bootworthy.builders.apt import Archive, Package
from bootworthy.errors import BootworthyError, BuildError, HostError, NetworkError, SpaceError
from bootworthy.host.processes import Completed
from bootworthy.vocabulary import Architecture

ARCHIVE = Archive("debian", "bookworm", Architecture.X86_64)
STANZAS = """\
Package: libc6
Version: 2.36-9+deb12u14
Architecture: amd64
Description: GNU C Library
 Package: not this one
SHA256: aa

Package: bash
Source: bash (5.2)
Version: 5.2.15-2
Architecture: amd64
SHA256: bb
"""


def failed(words: str) -> Completed:
    return Completed(("mmdebstrap",), 1, b"", words.encode(), 0.0)


def test_stanzas_are_read_and_sorted() -> None:
    assert apt.parse(STANZAS) == (
        Package("bash", "5.2.15-2", "amd64", "bb"),
        Package("libc6", "2.36-9+deb12u14", "amd64", "aa"),
    )
    assert apt.parse("") == ()


@pytest.mark.parametrize(
    ("words", "kind", "code", "says"),
    [
        ("E: Unable to locate package nonesuch", BuildError, "build.no-package", "nonesuch"),
        ("E: Failed to fetch x  Could not resolve 'x'", NetworkError, "mirror.unreachable", "x"),
        ("dpkg: error: No space left on device", SpaceError, "disk.full", "MiB free"),
        ("E: newuidmap is missing", HostError, "host.no-user-namespace", "newuidmap"),
        ("E: something else", BuildError, "process.failed", "something else"),
    ],
)  # fmt: skip
def test_complaints_become_errors_for_people(
    tmp_path: Path, words: str, kind: type[BootworthyError], code: str, says: str
) -> None:
    error = apt.explain(failed(words), ARCHIVE, tmp_path)
    assert isinstance(error, kind)
    assert error.code == code
    assert says in str(error)


@pytest.mark.parametrize("name", ["", "a b", "$(reboot)", "-oX", "a;b", "A", "`x`", "../x"])
def test_a_package_name_is_never_a_shell_word(name: str) -> None:
    with pytest.raises(BuildError) as caught:
        apt.resolve(ARCHIVE, [name], essential=False)
    assert caught.value.code == "build.bad-package"


def test_the_mirror_is_left_to_mmdebstrap_unless_it_is_set() -> None:
    assert ARCHIVE.argv(target="/dev/null")[-2:] == ["bookworm", "/dev/null"]
    own = Archive("debian", "bookworm", Architecture.AARCH64, "http://mirror.example/archive")
    argv = own.argv(target="/dev/null")
    assert argv[-1] == "http://mirror.example/archive"
    assert "--architectures=arm64" in argv
