"""`bootworthy doctor`: what this host can do, and what to install for the rest."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from bootworthy.cli import options, output
from bootworthy.cli.session import Session
from bootworthy.cli.text import size, table
from bootworthy.errors import BootworthyError, HostError
from bootworthy.host import tools
from bootworthy.host.tools import Tool
from bootworthy.machines import facts as machines
from bootworthy.vmms import accelerator, vmm
from bootworthy.vocabulary import Accelerator, Architecture

_NEEDED = (tools.MMDEBSTRAP, tools.DEPMOD, tools.DPKG_DEB, tools.UNSHARE)
_LITTLE = 4 << 30


@dataclass(frozen=True, slots=True)
class _Row:
    what: str
    state: str
    """`ok`, `missing`, `unfit` or `note`."""
    detail: str
    hint: str = ""

    def as_json(self) -> dict[str, str]:
        return {"what": self.what, "state": self.state, "detail": self.detail, "hint": self.hint}


@click.command("doctor", short_help="What this host can do, and what to install for the rest")
@options.as_json
def COMMAND(*, as_json: bool) -> None:  # noqa: N802
    """Say what this machine can do; leaves with 7 when something that building or proving needs is missing."""
    here = Session.begin()
    rows = [*map(_tool, _NEEDED), _namespaces(), *_vmms(), _kvm(), *_folders(here)]
    if as_json:
        output.document({"schema": "bootworthy.doctor/1", "checks": [row.as_json() for row in rows]})
    else:
        shown = [(row.what, row.state, row.detail + (f" ({row.hint})" if row.hint else "")) for row in rows]
        output.result(table(("WHAT", "STATE", "DETAIL"), shown))
    wrong = [row.what for row in rows if row.state in {"missing", "unfit"}]
    if wrong:
        raise HostError("doctor.incomplete", f"this machine lacks: {', '.join(wrong)}", hint="see the list for each")


def _tool(tool: Tool) -> _Row:
    found = tool.find()
    if found is None:
        return _Row(tool.name, "missing", f"needed to {tool.reason}", f"apt-get install {tool.package}")
    return _Row(tool.name, "ok", str(found))


def _namespaces() -> _Row:
    if os.getuid() == 0:
        return _Row("building", "ok", "as root")
    user = Path("/etc/subuid")
    lines = user.read_text().splitlines() if user.is_file() else []
    names = {os.environ.get("USER", ""), str(os.getuid())}
    if shutil.which("newuidmap") and any(line.split(":")[0] in names for line in lines):
        return _Row("building", "ok", "in a user namespace")
    hint = "apt-get install uidmap, and lines for you in /etc/subuid and /etc/subgid"
    return _Row("building", "missing", "bootstrapping needs root or user namespaces", hint)


def _vmms() -> Iterator[_Row]:
    launchable = vmm.known()
    for name in machines.known():
        if name not in launchable:
            yield _Row(name, "note", "its cells are built and checked here, not booted")
            continue
        found = launchable[name]
        binary = found.tool.find()
        if binary is None:
            yield _Row(name, "missing", f"needed to {found.tool.reason}", f"apt-get install {found.tool.package}")
            continue
        try:
            version = found.version(binary)
        except BootworthyError as error:
            yield _Row(name, "unfit", str(error), error.hint or "")
            continue
        unfit = found.fitness(version, None, Accelerator.TCG)
        if unfit:
            yield _Row(name, "unfit", f"{version} at {binary}: {unfit[0].message}", unfit[0].remedy)
        else:
            yield _Row(name, "ok", f"{version} at {binary}")


def _kvm() -> _Row:
    obstacle = accelerator.unavailable(Architecture.native())
    if obstacle is not None:
        return _Row("KVM", "note", f"guests are emulated (TCG): {obstacle}")
    return _Row("KVM", "note", "/dev/kvm may be used; whether guests run under it shows when the first one is proved")


def _folders(here: Session) -> Iterator[_Row]:
    for what, folder in (("store", here.paths.store), ("cache", here.paths.cache), ("state", here.paths.state)):
        there = next(parent for parent in (folder, *folder.parents) if parent.exists())
        if not os.access(there, os.W_OK):
            yield _Row(what, "unfit", f"{folder} cannot be written", "move it with its BOOTWORTHY_ variable")
            continue
        free = shutil.disk_usage(there).free
        state = "note" if free < _LITTLE else "ok"
        yield _Row(what, state, f"{folder}, {size(free)} free")
