"""The kernel's own build: configured, compiled and installed into a folder, with nothing of this machine in it.

Source: Documentation/kbuild/{kbuild,kconfig,reproducible-builds}.rst of Linux.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bootworthy.builders import toolchain
from bootworthy.builders.kernel_request import Request
from bootworthy.builders.kernel_tree import KernelTree
from bootworthy.builders.toolchain import Toolchain
from bootworthy.errors import BuildError
from bootworthy.host import files, processes
from bootworthy.kernels import drift
from bootworthy.kernels.config import Config
from bootworthy.vocabulary import Architecture

_NOBODY = "bootworthy"
_TOP = "/usr/src/linux"
"""What paths in debug information begin with."""
_SHOWN = 40
_IMAGES = {Architecture.X86_64: "vmlinux", Architecture.AARCH64: "Image"}


@dataclass(frozen=True, slots=True)
class KernelMake:
    """`make` in the source of a kernel."""

    tree: KernelTree
    chain: Toolchain
    log: Path
    """Where it writes what it says; the file stays when it failed."""

    @property
    def environment(self) -> Mapping[str, str]:
        """What would else be the time, the user, the machine, a counter, a path, or the state of a git repository."""
        mapped = f"-ffile-prefix-map={self.tree.root}={_TOP}"
        return {
            "KBUILD_BUILD_TIMESTAMP": _date(self.tree.epoch), "KBUILD_BUILD_USER": _NOBODY,
            "KBUILD_BUILD_HOST": _NOBODY, "KBUILD_BUILD_VERSION": "1", "KCFLAGS": mapped, "KAFLAGS": mapped,
            "LOCALVERSION": "",
            "LC_ALL": "C", "SOURCE_DATE_EPOCH": str(self.tree.epoch),
        }  # fmt: skip

    def configure(self, request: Request) -> Config:
        """Have the kernel's build decide what a request leaves open, and hold the outcome against the request.

        Raises:
            BuildError: `kernel.config-drift`, with every symbol that is not as it was asked for; `kernel.make`.
        """
        asked = self.tree.root / "asked.config"
        files.write(asked, request.text.encode())
        self.build(request.target, extra={"KCONFIG_ALLCONFIG": str(asked)})
        text = self.config_file.read_text(errors="replace")
        config = Config.parse(text, where=self.config_file.name)
        architecture = self.chain.architecture
        found = drift.differences(request.wanted, config, self.tree.root, architecture)
        refused = [each for each in found if request.refuses(each, config)]
        drift.refuse(refused, f"Linux {self.tree.version} ({architecture})")
        return config

    def compile(self) -> None:
        """Compile the kernel and its modules.

        Raises:
            BuildError: `kernel.make`, with the last lines that it said.
        """
        self.build(_IMAGES[self.chain.architecture], "modules")

    @property
    def config_file(self) -> Path:
        """The configuration."""
        return self.tree.root / ".config"

    def release(self) -> str:
        """What `uname -r` will say."""
        return (self.tree.root / "include/config/kernel.release").read_text().strip()

    def kernel(self, folder: Path) -> bytes:
        """The kernel in the form every VMM takes, without symbols that only a debugger reads.

        Raises:
            BuildError: objcopy failed.
        """
        if self.chain.architecture is Architecture.AARCH64:
            return (self.tree.root / "arch/arm64/boot/Image").read_bytes()
        stripped = folder / "vmlinux"
        objcopy, vmlinux = self.chain.program("objcopy"), self.tree.root / "vmlinux"
        processes.run([objcopy, "--strip-all", "--remove-section=.comment", vmlinux, stripped], timeout=600)
        return stripped.read_bytes()

    def install_modules(self, folder: Path) -> Path:
        """Install the modules below a folder; the folder of their release.

        Raises:
            BuildError: `kernel.make`.
        """
        self.build("modules_install", extra={"INSTALL_MOD_PATH": str(folder), "INSTALL_MOD_STRIP": "1"})
        return folder / "lib" / "modules" / self.release()

    def build(self, *targets: str, extra: Mapping[str, str] | None = None) -> None:
        """Make targets, with more in the environment if `extra` says so.

        Raises:
            BuildError: `kernel.make`, with the last lines that it said.
        """
        argv = ["make", f"-j{toolchain.processors()}", *self.chain.words, *targets]
        env = {**self.environment, **(extra or {})}
        with files.writing(self.log):
            self.log.parent.mkdir(parents=True, exist_ok=True)
            with (
                self.log.open("ab") as log,
                processes.spawn(argv, env=env, cwd=self.tree.root, stdout=log, starts_others=True) as child,
            ):
                status = child.wait()
        if status != 0:
            raise self._failed(targets, status)

    def _failed(self, targets: tuple[str, ...], status: int) -> BuildError:
        lines = self.log.read_text(errors="replace").splitlines()
        told = "\n".join(lines[-_SHOWN:])
        return BuildError(
            "kernel.make", f"make {' '.join(targets)} ended with {processes.ending(status)}:\n{told}",
            where=f"Linux {self.tree.version} ({self.chain.architecture})",
            hint=f"all that it said is in {self.log}",
        )  # fmt: skip


def _date(epoch: int) -> str:
    """A time as date(1) shows it."""
    text = time.asctime(time.gmtime(epoch))
    return f"{text[:-5]} UTC {text[-4:]}"
