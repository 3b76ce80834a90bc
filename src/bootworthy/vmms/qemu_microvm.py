"""QEMU's `microvm` machine type.

Source: QEMU documentation, system/i386/microvm; the command line as qemu-system-x86_64(1) has it.
"""

from __future__ import annotations

import re
from pathlib import Path

from bootworthy.errors import HostError
from bootworthy.host import processes
from bootworthy.host.tools import Tool
from bootworthy.machines.facts import MachineFacts
from bootworthy.machines.qemu_microvm import FACTS
from bootworthy.vmms import clock
from bootworthy.vmms.plan import Drive, LaunchPlan
from bootworthy.vocabulary import Accelerator, Finding, Severity

_VERSION = re.compile(r"QEMU emulator version (\d+(?:\.\d+)+)")
_OLDEST_FIT = (8,)
_PATCHES_ITSELF = (6, 12)
_LOADER = re.compile(r"linux kernel|load kernel|loading .*kernel|PVH|initrd|ram disk", re.IGNORECASE)
"""What QEMU's loader (hw/i386/x86-common.c) speaks of when it cannot use what it was given."""


class QemuMicrovm:
    """The `qemu-microvm` VMM."""

    @property
    def facts(self) -> MachineFacts:
        """What it takes and gives."""
        return FACTS

    @property
    def tool(self) -> Tool:
        """The program itself."""
        return Tool("qemu-system-x86_64", "qemu-system-x86", "run a VM")

    def version(self, binary: Path) -> str:
        """Its version: `10.0.2`.

        Raises:
            HostError: `vmm.version`, when the program does not say.
        """
        done = processes.run([binary, "--version"], timeout=30, check=False)
        return parse_version(done.text, str(binary))

    def fitness(self, version: str, kernel_release: str | None, accelerator: Accelerator) -> list[Finding]:
        """QEMU before 8 corrupts kernels of 6.12 and later under TCG."""
        linux = f"Linux {kernel_release}" if kernel_release else "new kernels"
        unfit = accelerator is Accelerator.TCG and _numbers(version) < _OLDEST_FIT
        release = _numbers(kernel_release or "")
        if not unfit or (release and release < _PATCHES_ITSELF):
            return []
        return [
            Finding(
                id="vmm.unfit-version",
                severity=Severity.ERROR if release else Severity.WARNING,
                where=f"qemu-system-x86_64 {version}",
                message=f"QEMU {version} is not fit for {linux} without KVM",
                why="under TCG, QEMU before 8 corrupts a kernel that patches its own code while it runs: about one boot"
                " in six of a 6.12 kernel dies with 7.2, none in fourteen with 10.0",
                remedy="install QEMU 8 or later (Debian 12: apt-get install -t bookworm-backports qemu-system-x86)",
                source="measured with QEMU 7.2 and 10.0 under TCG",
            )
        ]

    def clock(self, accelerator: Accelerator) -> tuple[str, ...]:
        """Under TCG the guest is told how fast its counter is.

        Calibration against the emulated timer hung in two of five boots with ACPI and two vCPUs. QEMU does not say
        that the counter is constant, so without `tsc=reliable` a guest with two vCPUs falls back to counting ticks.
        """
        if accelerator is not Accelerator.TCG:
            return ()
        khz = clock.counter_khz()
        words = [f"tsc_early_khz={khz}"] if khz else []
        return (*words, "tsc=reliable") if words and clock.synchronised() else tuple(words)

    def argv(self, plan: LaunchPlan, binary: Path, *, interactive: bool = False) -> list[str]:
        """The command that runs a plan with the guest's console on standard output (and input, if interactive)."""
        argv = [str(binary), "-M", "microvm,acpi=on,rtc=on", *_accelerator(plan.accelerator)]
        # With ACPI on, QEMU's own choice is SeaBIOS, which has the initrd of an ELF kernel written over the tables.
        argv += ["-bios", "qboot.rom"]
        argv += ["-smp", str(plan.vcpus), "-m", str(plan.memory_mib)]
        argv += ["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"]
        signals = "off" if interactive else "on"
        argv += ["-chardev", f"stdio,id=console,signal={signals}", "-serial", "chardev:console"]
        argv += ["-kernel", str(plan.kernel)]
        if plan.initrd is not None:
            argv += ["-initrd", str(plan.initrd)]
        argv += ["-append", " ".join(plan.arguments)]
        for drive in plan.drives:
            argv += _drive(drive)
        for number, nic in enumerate(plan.nics):
            argv += ["-netdev", f"user,id=net{number},restrict=on"]
            argv += ["-device", f"virtio-net-device,netdev=net{number},mac={nic.mac}"]
        # Without it a guest that makes SSH host keys waits until it has gathered enough randomness.
        argv += ["-object", "rng-random,id=entropy,filename=/dev/urandom", "-device", "virtio-rng-device,rng=entropy"]
        return argv

    def blames_image(self, words: str) -> bool:
        """Whether what QEMU said before it gave up is about the image rather than about this host."""
        return _LOADER.search(words) is not None


VMM = QemuMicrovm()


def parse_version(text: str, where: str) -> str:
    """The version in what `qemu-system-x86_64 --version` prints.

    Raises:
        HostError: `vmm.version`.
    """
    match = _VERSION.search(text)
    if match is None:
        raise HostError(
            "vmm.version", "this program does not say which QEMU it is", where=where,
            hint="run it with --version, and install QEMU again if it fails: apt-get install qemu-system-x86",
        )  # fmt: skip
    return match[1]


def _numbers(version: str) -> tuple[int, ...]:
    match = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in match[0].split(".")) if match else ()


def _accelerator(accelerator: Accelerator) -> list[str]:
    if accelerator is Accelerator.KVM:
        return ["-accel", "kvm", "-cpu", "host"]
    return ["-accel", "tcg,thread=multi", "-cpu", "max"]


def _drive(drive: Drive) -> list[str]:
    name = drive.role.value
    path = str(drive.path).replace(",", ",,")
    block = f"id={name},file={path},format={drive.format},if=none"
    if drive.read_only:
        block += ",readonly=on"
    if drive.volatile and not drive.read_only:
        block += ",snapshot=on"
    return ["-drive", block, "-device", f"virtio-blk-device,drive={name},serial={name}"]
