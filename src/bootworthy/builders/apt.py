"""Packages of a Debian-like archive, resolved and fetched by apt inside mmdebstrap.

mmdebstrap brings what apt needs to speak to a release that is not this machine's: sources, keyring and signatures
checked. It chooses the mirror; a mirror is a setting (`host.settings`).
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path

from bootworthy.errors import BootworthyError, BuildError, HostError, NetworkError
from bootworthy.host import files, processes, tools
from bootworthy.vocabulary import Architecture

_LIMIT = 1800.0
_UNREACHED = re.compile(
    r"Could not resolve|Temporary failure resolving|Could not connect|Connection (?:timed out|refused|failed)"
    r"|Unable to connect|Failed to fetch|Network is unreachable"
)
_NO_RELEASE = re.compile(r"The repository '(\S+) (\S+) Release' does not have a Release file")
_NOISE = re.compile(r"W: Download is performed unsandboxed|E: apt-get .* failed$|E: mmdebstrap failed to run")
_UNKNOWN = re.compile(r"Unable to locate package (\S+)|Couldn't find any package by (?:glob|regex) '([^']+)'")
_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """One binary package of an archive, named exactly."""

    name: str
    version: str
    architecture: str
    sha256: str

    def as_json(self) -> dict[str, str]:
        """As a build record keeps it."""
        return {"name": self.name, "version": self.version, "architecture": self.architecture, "sha256": self.sha256}

    @classmethod
    def from_json(cls, fields: Mapping[str, str]) -> Package:
        """The reverse of `as_json`."""
        return cls(fields["name"], fields["version"], fields["architecture"], fields["sha256"])


@dataclass(frozen=True, slots=True)
class Archive:
    """Where packages come from."""

    distribution: str
    release: str
    architecture: Architecture
    mirror: str | None = None
    """An address that the user set; None leaves the choice to mmdebstrap."""

    @property
    def essential(self) -> str:
        """The pattern (apt-patterns(7)) of the packages that every system has: mmdebstrap's own choice."""
        release = f"?or(?archive(^{self.release}$),?codename(^{self.release}$))"
        return f"?narrow({release},?architecture({self.architecture.oci}),?essential)"

    def argv(self, *options: str, target: str | Path) -> list[str]:
        """A mmdebstrap command line for this archive; as root, in mount and process namespaces that die with it."""
        program = str(tools.MMDEBSTRAP.require())
        words = [program, f"--architectures={self.architecture.oci}", *options, self.release, str(target)]
        if self.mirror is not None:
            words.append(self.mirror)
        if os.getuid() != 0:
            return words
        unshare = str(tools.UNSHARE.require())
        return [
            unshare,
            "--mount",
            "--propagation=private",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "--",
            *words,
        ]


@dataclass(frozen=True, slots=True)
class Resolved:
    """What an archive offers now."""

    packages: tuple[Package, ...]
    date: int
    """When the archive last changed (`Date` of its newest Release file), in seconds since 1970."""


def resolve(archive: Archive, packages: Sequence[str], *, essential: bool, pattern: str = ".*") -> Resolved:
    """What apt would install now, sorted: the packages with what they depend on, and the essential set if asked; of
    these, the ones whose names match `pattern` (a basic regular expression).

    Raises:
        BuildError: `build.no-package`, `build.mirror`.
        NetworkError: `mirror.unreachable`.
    """
    base = [archive.essential, "apt"] if essential else []
    chosen = f"{_simulate([*base, *_checked(packages)])} | {_EXACT} | {_only(pattern)}"
    script = f"{chosen} > chosen; {_DESCRIBE} < chosen > list; {_DATES} > dates"
    with files.scratch(prefix="bootworthy-apt-") as folder:
        out = _inside(archive, script, folder)
        dates = [parsedate_to_datetime(line) for line in (out / "dates").read_text().splitlines()]
        return Resolved(parse((out / "list").read_text()), max(int(date.timestamp()) for date in dates))


def fetch(archive: Archive, packages: Sequence[str], pattern: str, folder: Path) -> tuple[Package, ...]:
    """Download into `folder/out` the packages whose names match `pattern` (a basic regular expression) among those
    that `packages` depend on, themselves included. The files are `NAME.deb`.

    Raises:
        BuildError, NetworkError: as `resolve`.
    """  # fmt: skip
    chosen = f"{_simulate(_checked(packages))} | {_EXACT} | {_only(pattern)} > chosen"
    load = f"xargs apt-get download -qq < chosen && {_DESCRIBE} < chosen > list"
    name = 'for deb in *.deb; do mv "$deb" "${deb%%_*}.deb"; done'
    out = _inside(archive, f"{chosen} && {load} && {name}", folder)
    return parse((out / "list").read_text())


_EXACT = r"sed -n 's/^Inst \([^ ]*\) \(\[[^]]*\] \)\?(\([^ ]*\) .*/\1=\3/p'"
_DATES = "sed -n 's/^Date: //p' ../var/lib/apt/lists/*InRelease"
_DESCRIBE = "xargs apt-cache show --no-all-versions"


def _simulate(packages: Iterable[str]) -> str:
    return shlex.join(["apt-get", "-s", "-qq", "--no-install-recommends", "install", *packages])


def _only(pattern: str) -> str:
    return f"grep '^\\({pattern}\\)='"


def _checked(packages: Sequence[str]) -> Sequence[str]:
    for name in packages:
        if not _NAME.fullmatch(name):
            raise BuildError("build.bad-package", f"{name!r} is no package name")
    return packages


def parse(text: str) -> tuple[Package, ...]:
    """The stanzas of `apt-cache show` as packages, sorted; Debian Policy 5.3 says what a stanza holds."""
    found = []
    for stanza in text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in stanza.splitlines() if ": " in line and not line.startswith(" "))
        if "Package" in fields:
            found.append(Package(fields["Package"], fields["Version"], fields["Architecture"], fields["SHA256"]))
    return tuple(sorted(set(found)))


def _inside(archive: Archive, script: str, folder: Path) -> Path:
    """Run a shell script with the archive's apt, in an empty root; what it leaves is in `folder/out`, the result."""
    out = folder / "out"
    out.mkdir(parents=True, exist_ok=True)
    enter = 'set -e; export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"; mkdir -p "$1/out"; chmod 755 "$1/out"; cd "$1/out"'
    hooks = [f"--customize-hook={enter}; {script}", f"--customize-hook=sync-out /out {shlex.quote(str(out))}"]
    argv = archive.argv("--variant=custom", "--format=null", *hooks, target="/dev/null")
    call(argv, archive, folder)
    return out


def call(
    argv: Sequence[str], archive: Archive, folder: Path, env: Mapping[str, str] | None = None
) -> processes.Completed:
    """Run mmdebstrap with its working space under `folder`, and turn its complaints into errors for people."""
    place = {"TMPDIR": str(folder)} if os.getuid() == 0 else {}
    done = processes.run(
        argv, env={**place, **(env or {})}, timeout=_LIMIT, check=False, grace=20.0, starts_others=True
    )
    if done.status != 0:
        raise explain(done, archive, folder)
    return done


def explain(done: processes.Completed, archive: Archive, folder: Path) -> BootworthyError:
    """What a failed mmdebstrap means for the person who waits for it."""
    words = (done.stderr + done.stdout).decode(errors="replace")
    lines = [line for line in words.splitlines() if line.startswith(("E:", "W:", "Err:")) and not _NOISE.match(line)]
    told = ("\n".join(lines) or words)[-2000:]
    place = f"{archive.distribution} {archive.release} ({archive.architecture.oci})"
    if "No space left on device" in words:
        return files.full(folder)
    if match := _UNKNOWN.search(words):
        name = match[1] or match[2]
        return BuildError(
            "build.no-package", f"{place} has no package {name}", hint="look at the spelling and the release"
        )
    if match := _NO_RELEASE.search(words):
        return BuildError(
            "build.no-release", f"{match[1]} has no release {match[2]}", where=place,
            hint="look at the spelling of the release, and at the mirror if one is set",
        )  # fmt: skip
    if _UNREACHED.search(words):
        setting = f"BOOTWORTHY_MIRROR_{archive.distribution.upper()}"
        hint = f"look at the network and the proxy, or set a mirror: {setting}=ADDRESS"
        return NetworkError("mirror.unreachable", f"could not fetch packages of {place}:\n{told}", hint=hint)
    if any(word in words for word in ("newuidmap", "subuid", "unable to pick chroot mode")):
        return HostError(
            "host.no-user-namespace", f"mmdebstrap may not use user namespaces here:\n{told}",
            hint="apt-get install uidmap, and add a line for you to /etc/subuid and /etc/subgid; or run as root",
        )  # fmt: skip
    return processes.failed(done)
