"""The source of Debian's kernel, without most of it, and its real configurations: what Kconfig is held against."""

from __future__ import annotations

import lzma
from dataclasses import dataclass
from pathlib import Path

from bootworthy.host.processes import run
from bootworthy.kernels.config import Config
from bootworthy.kernels.kconfig import Symbols, symbols
from bootworthy.vocabulary import Architecture

SERIES = "6.1"
_PACKAGES = [f"linux-source-{SERIES}", f"linux-config-{SERIES}"]
_NEEDED = ["*/Kconfig*", "*/Makefile*", "*/scripts", "*/include/linux/compiler-version.h"]


@dataclass(frozen=True)
class KernelSource:
    """Kconfig files, and what `make olddefconfig` takes beside them."""

    root: Path
    configs: Path

    @classmethod
    def fetch(cls, folder: Path) -> KernelSource:
        """Get it from the archive that this machine's apt uses, unless it is in the folder."""
        source = cls(folder / "source", folder / "configs")
        if (source.root / "complete").is_file():
            return source
        source.root.mkdir(parents=True, exist_ok=True)
        work = folder / "packages"
        work.mkdir(exist_ok=True)
        done = run(["apt-get", "download", "-qq", *_PACKAGES], cwd=work, check=False, timeout=600)
        if done.status != 0:
            run(["apt-get", "update", "-qq"], timeout=600)
            run(["apt-get", "download", "-qq", *_PACKAGES], cwd=work, timeout=600)
        for package in work.glob("*.deb"):
            run(["dpkg-deb", "--extract", package, work / "root"], timeout=600)
            package.unlink()
        (work / "root/usr/src" / _PACKAGES[1]).rename(source.configs)
        archive = work / "root/usr/src" / f"{_PACKAGES[0]}.tar.xz"
        run(["tar", "-xf", archive, "-C", source.root, "--strip-components=1", "--wildcards", *_NEEDED], timeout=1200)
        archive.unlink()
        (source.root / "complete").touch()
        return source

    def symbols(self, architecture: Architecture) -> Symbols:
        """As we read it."""
        return symbols(self.root, architecture)

    def config(self, flavour: str) -> Config:
        """The configuration that Debian builds a flavour of amd64 with: what `make olddefconfig` wrote there."""
        packed = self.configs / f"config.amd64_none_{flavour}.xz"
        return Config.parse(lzma.decompress(packed.read_bytes()).decode(), where=packed.name)

    def make(self, output: Path, architecture: Architecture, target: str, wanted: str) -> Config:
        """What the kernel's own Kconfig makes of `wanted`, by a target as `allnoconfig`."""
        asked = output / "asked"
        asked.write_text(wanted)
        words = {
            Architecture.X86_64: ["ARCH=x86_64"],
            Architecture.AARCH64: ["ARCH=arm64", "CROSS_COMPILE=aarch64-linux-gnu-"],
        }[architecture]
        env = {"KCONFIG_ALLCONFIG": str(asked)}
        run(["make", "-s", *words, f"O={output}", target], cwd=self.root, env=env, timeout=600)
        return Config.parse((output / ".config").read_text(), where="the outcome")
