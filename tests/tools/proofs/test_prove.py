"""Proofs in real VMs: guests of a few bytes that do what guests do."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bootworthy.errors import HostError
from bootworthy.proofs.evidence import Evidence, EvidenceStore
from bootworthy.proofs.frames import encode
from bootworthy.proofs.prove import Launcher, ProofRequest, plan, prove
from bootworthy.vmms.compose import Bootable, Volume
from bootworthy.vmms.qemu_microvm import VMM
from bootworthy.vocabulary import Accelerator, Architecture, Standing, Verdict
from tests import guests
from tests.groups import alive
from tests.needs import need
from tests.reports import CELL, DIGEST, report_bytes

KERNEL = b"[    0.000000] Linux version 6.1.0-1-cloud-amd64\r\n"


@pytest.fixture(autouse=True)
def _qemu() -> None:
    need("qemu-system-x86_64")


def said(kind: str, data: bytes) -> bytes:
    """A message as a guest says it that learns its token when it runs."""
    return encode("T" * 16, kind, data).replace(b"T" * 16, guests.TOKEN)


HELLO = said("hello", b'{"schema":"bootworthy.hello/1"}')
REPORT = said("report", report_bytes())


def request(folder: Path, kernel: bytes, **changes: object) -> ProofRequest:
    (folder / "kernel").write_bytes(kernel)
    (folder / "root").write_bytes(bytes(1 << 20))
    bootable = Bootable(
        architecture=Architecture.X86_64, kernel=Volume(path=folder / "kernel", digest=DIGEST), initrd=None,
        root=Volume(path=folder / "root", digest=DIGEST),
    )  # fmt: skip
    whole = ProofRequest(
        bootable=bootable, accelerator=Accelerator.TCG, cell=CELL, images={"root": DIGEST}, probe=DIGEST,
        memory_mib=128, deadline=60.0, kernel_release="6.1.0-1-cloud-amd64", again="bootworthy prove",
    )  # fmt: skip
    return replace(whole, **changes)  # type: ignore[arg-type]


def proof(folder: Path, kernel: bytes, **changes: object) -> Evidence:
    store = EvidenceStore(folder / "state")
    found = prove(request(folder, kernel, **changes), Launcher.find(VMM), store)
    assert store.all() == (found,)
    return found


def test_a_healthy_guest(tmp_path: Path) -> None:
    found = proof(tmp_path, guests.elf(KERNEL + HELLO + REPORT))
    assert (found.verdict, found.reached, found.reasons) == (Verdict.HEALTHY, Standing.HEALTHY, ())
    assert set(found.times) == {"kernel", "userspace", "healthy"}
    assert (found.cell, found.vmm, found.accelerator) == (CELL, "qemu-microvm", Accelerator.TCG)
    assert found.document["guest"] == json.loads(report_bytes())
    assert KERNEL in EvidenceStore(tmp_path / "state").console(found)


def test_the_evidence_has_the_plan_that_is_expected(tmp_path: Path) -> None:
    kernel = guests.elf(KERNEL + REPORT)
    assert proof(tmp_path, kernel).plan == plan(request(tmp_path, kernel), VMM).digest()


def test_kernel_messages_in_between(tmp_path: Path) -> None:
    noise = b"[    1.0] random: crng init done\r\n"
    spoilt = HELLO + REPORT[:700] + noise + REPORT[700:]
    assert proof(tmp_path, guests.elf(KERNEL + spoilt + REPORT)).verdict is Verdict.HEALTHY


def test_an_unhealthy_guest(tmp_path: Path) -> None:
    bad = said("report", report_bytes(state="degraded", failed_units=["ssh.service"]))
    found = proof(tmp_path, guests.elf(KERNEL + HELLO + bad))
    assert (found.verdict, found.reached) == (Verdict.UNHEALTHY, Standing.BOOTED)
    assert found.reasons == ("the unit ssh.service failed",)


def test_a_report_with_another_token_counts_for_nothing(tmp_path: Path) -> None:
    other = encode("0123456789abcdef" * 2, "report", report_bytes())
    assert proof(tmp_path, guests.elf(KERNEL + other), deadline=3.0).verdict is Verdict.HUNG


def test_a_guest_that_hangs(tmp_path: Path) -> None:
    found = proof(tmp_path, guests.elf(KERNEL + HELLO), deadline=3.0)
    assert (found.verdict, found.reached) == (Verdict.HUNG, Standing.BOOTED)
    assert "within 3 s" in found.ending


def test_a_guest_that_panics(tmp_path: Path) -> None:
    found = proof(tmp_path, guests.elf(KERNEL + b"Kernel panic - not syncing: no init\r\n", reset=True))
    assert (found.verdict, found.reached) == (Verdict.PANICKED, Standing.STARTED)
    assert found.ending == "kernel panic: no init"


def test_a_guest_that_resets_its_machine(tmp_path: Path) -> None:
    found = proof(tmp_path, guests.elf(KERNEL, reset=True))
    assert (found.verdict, found.reached) == (Verdict.EXITED, Standing.STARTED)


def test_a_kernel_that_the_vmm_refuses(tmp_path: Path) -> None:
    found = proof(tmp_path, guests.elf(KERNEL, note=False))
    assert (found.verdict, found.reached) == (Verdict.EXITED, Standing.CHECKED)
    assert "PVH" in found.ending


def test_the_root_volume_is_never_written(tmp_path: Path) -> None:
    whole = request(tmp_path, guests.elf(KERNEL + REPORT))
    (tmp_path / "root").chmod(0o444)
    argv = VMM.argv(plan(whole, VMM), Path("qemu"))
    assert any("snapshot=on" in word for word in argv if str(tmp_path / "root") in word)


def test_a_fault_of_this_host_is_no_attempt(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path / "state")
    with pytest.raises(HostError) as caught:
        prove(request(tmp_path, guests.elf(KERNEL), memory_mib=2**40), Launcher.find(VMM), store)
    assert caught.value.code == "vmm.failed"
    (tmp_path / "root").unlink()
    with pytest.raises(HostError):
        prove(
            replace(request(tmp_path, guests.elf(KERNEL)), bootable=_without_root(tmp_path)), Launcher.find(VMM), store
        )
    assert store.all() == ()


def _without_root(folder: Path) -> Bootable:
    whole = request(folder, guests.elf(KERNEL)).bootable
    return replace(whole, root=Volume(path=folder / "none", digest=DIGEST))


_INTERRUPTED = """
import sys
from pathlib import Path
from tests.tools.proofs.test_prove import KERNEL, request
from tests import guests
from bootworthy.proofs.evidence import EvidenceStore
from bootworthy.proofs.prove import Launcher, prove
from bootworthy.vmms.qemu_microvm import VMM
class Say:
    def advance(self, amount): pass
class Loud:
    def note(self, message): print(message, flush=True)
    def task(self, title, total=None):
        import contextlib
        return contextlib.nullcontext(Say())
folder = Path(sys.argv[1])
whole = request(folder, guests.elf(KERNEL))
prove(whole, Launcher.find(VMM), EvidenceStore(folder / "state"), progress=Loud())
"""


@contextlib.contextmanager
def proving(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process in the middle of a proof whose guest hangs."""
    command = [sys.executable, "-c", _INTERRUPTED, str(folder)]
    # Its scratch goes there too: what is killed outright cannot tidy up.
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "TMPDIR": str(folder)}) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith(b"kernel")
            yield process
        finally:
            process.kill()


def vm_of(process: subprocess.Popen[bytes]) -> int:
    """The process group of a VM."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return int(children[0])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_proof_that_is_stopped_leaves_no_vm(tmp_path: Path, number: signal.Signals) -> None:
    with proving(tmp_path) as process:
        group = vm_of(process)
        assert alive(group)
        process.send_signal(number)
        process.wait(20)
    for _ in range(100):
        if not alive(group):
            break
        time.sleep(0.05)
    assert alive(group) == []
    kept = EvidenceStore(tmp_path / "state").all()
    assert [one.verdict for one in kept] == ([Verdict.INTERRUPTED] if number is signal.SIGINT else [])


def test_a_vm_that_is_killed_from_outside_is_no_attempt(tmp_path: Path) -> None:
    with proving(tmp_path) as process:
        os.killpg(vm_of(process), signal.SIGKILL)
        assert process.wait(20) != 0
    assert EvidenceStore(tmp_path / "state").all() == ()
