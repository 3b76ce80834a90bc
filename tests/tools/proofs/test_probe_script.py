"""The probe's shell functions, run by the real busybox on this host; nothing of the host is changed."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bootworthy.proofs import probe
from bootworthy.proofs.frames import Decoder, Message
from tests.needs import need

TOKEN = "0123456789abcdef"


@pytest.fixture(autouse=True)
def _busybox() -> None:
    need("busybox")


def run(commands: str, *words: bytes | str) -> bytes:
    """What commands print that follow the functions of the probe."""
    script = probe.script().decode()
    settings_begin, functions_begin = script.index("for word in"), script.index("uptime_seconds()")
    functions = script[:settings_begin] + script[functions_begin : script.index("started=$(")]
    busybox = shutil.which("busybox")
    assert busybox is not None
    program = f"{functions}\ntoken={TOKEN}\n{commands}\n"
    done = subprocess.run([busybox, "sh", "-c", program, "probe", *words], capture_output=True, check=True)
    assert done.stderr == b""
    return done.stdout


no_nul = st.binary(max_size=60).map(lambda data: data.replace(b"\0", b"x"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(no_nul)
def test_any_text_becomes_a_json_string(data: bytes) -> None:
    plain = bytes(32 if byte < 32 or byte == 127 else byte for byte in data)
    found = json.loads(run('string "$1"', data).decode(errors="replace"))
    assert found.rstrip() == plain.decode(errors="replace").rstrip()


def test_long_text_is_cut() -> None:
    assert len(json.loads(run('string "$1"', "x" * 5000))) == 2000


def test_lines_become_a_list() -> None:
    assert json.loads(run(r"""printf 'a "b"\n\nc\\d\nmore\n' | strings 3""")) == ['a "b"', "", "c\\d"]
    assert json.loads(run("strings 3 </dev/null")) == []


@pytest.mark.parametrize("size", [1, 191, 192, 193, 5000])
def test_its_frames_are_what_the_host_reads(size: int) -> None:
    data = ('ab\\c"d é' * size)[:size].encode()
    assert Decoder(TOKEN).feed(run('frames report "$1"', data)) == [Message("report", data)]


def test_it_chooses_modules_that_need_no_other_and_no_hardware(tmp_path: Path) -> None:
    (tmp_path / "modules.dep").write_text(
        "kernel/drivers/net/virtio_net.ko:\n"
        "kernel/fs/nls/nls_utf8.ko.xz:\n"
        "kernel/lib/needs.ko: kernel/lib/crc-itu-t.ko\n"
        "kernel/lib/crc-itu-t.ko:\n"
        "kernel/crypto/crc32_generic.ko.zst:\n"
    )
    found = run('candidates "$1"', str(tmp_path)).split()
    assert found == [b"kernel/lib/crc-itu-t.ko", b"kernel/crypto/crc32_generic.ko.zst", b"kernel/fs/nls/nls_utf8.ko.xz"]


def test_where_something_can_be_written(tmp_path: Path) -> None:
    assert run('boolean writable "$1"; boolean writable "$1/none"', str(tmp_path)) == b"truefalse"
    assert list(tmp_path.iterdir()) == []


def test_facts_of_this_host_are_json() -> None:
    root = json.loads(run("root_filesystem").decode(errors="replace"))
    assert root["bytes"] >= root["free"] >= 0
    assert isinstance(json.loads(run("os_release")), dict)


def test_it_says_nothing_without_a_token() -> None:
    busybox = shutil.which("busybox")
    assert busybox is not None
    assert "bootworthy.token=" not in Path("/proc/cmdline").read_text()
    done = subprocess.run([busybox, "sh"], input=probe.script(), capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")
