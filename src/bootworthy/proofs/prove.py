"""One proof: launch the probed images, watch, judge, record."""

from __future__ import annotations

import platform
import secrets
import shutil
import signal
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from bootworthy.errors import HostError
from bootworthy.host import files, processes, tools
from bootworthy.host.progress import QUIET, Progress
from bootworthy.proofs.evidence import SCHEMA, Evidence, EvidenceStore
from bootworthy.proofs.health import Expectations, judge
from bootworthy.proofs.watch import Outcome, Watch
from bootworthy.vmms.accelerator import processor
from bootworthy.vmms.compose import Bootable, compose
from bootworthy.vmms.launch import Running, launch
from bootworthy.vmms.plan import TOKEN, WAIT, LaunchPlan
from bootworthy.vmms.vmm import Vmm
from bootworthy.vocabulary import Accelerator, Architecture, Finding, errors

_TICK = 0.25
_LEAST_FREE = 32 * 2**20
_KILLED = {-signal.SIGKILL, -signal.SIGTERM}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofRequest:
    """What to boot, and what it is proof of. Files and digests come from the caller; nothing is built here."""

    bootable: Bootable
    """`bootable.root` is the volume that has the probe's layer."""
    accelerator: Accelerator
    cell: str | None = None
    images: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Role, or roles joined with `+`, to the digest of the published image."""
    published_root: str | None = None
    """Digest of the root volume as it is published, without the probe."""
    probe: str | None = None
    catalog_entry: str | None = None
    kernel_release: str | None = None
    checks: tuple[Finding, ...] = ()
    """What the checks said that need no boot."""
    vcpus: int | None = None
    memory_mib: int | None = None
    deadline: float | None = None
    """Seconds; None for what the accelerator is given."""
    words: tuple[str, ...] = ()
    """More words for the kernel command line."""
    tool: str = "bootworthy"
    """What records this, with its version."""
    again: str = ""
    """The command that runs this proof again."""

    @property
    def seconds(self) -> float:
        """How long the guest may take until its report."""
        return self.deadline if self.deadline is not None else self.accelerator.deadline


@dataclass(frozen=True, slots=True, kw_only=True)
class Launcher:
    """The VMM that a proof runs on, and its program on this host."""

    vmm: Vmm
    binary: Path

    @classmethod
    def find(cls, vmm: Vmm) -> Launcher:
        """The VMM with the program that this host has.

        Raises:
            HostError: `tool.missing`.
        """
        return cls(vmm=vmm, binary=vmm.tool.require())


def plan(request: ProofRequest, vmm: Vmm, token: str = "0" * 32) -> LaunchPlan:
    """The launch plan of a proof. Its digest does not depend on the token.

    Raises:
        NotFoundError: `machine.no-architecture`.
    """
    # The guest stops waiting before we do, so that one that never gets ready can still say what it waits for.
    patience = max(1, int(request.seconds * 0.8))
    composed = compose(
        vmm.facts,
        request.bootable,
        accelerator=request.accelerator,
        clock=vmm.clock(request.accelerator),
        vcpus=request.vcpus,
        memory_mib=request.memory_mib,
        words=(*request.words, f"{TOKEN}{token}", f"{WAIT}{patience}"),
    )
    return replace(composed, drives=tuple(replace(drive, volatile=not drive.read_only) for drive in composed.drives))


def prove(request: ProofRequest, launcher: Launcher, store: EvidenceStore, *, progress: Progress = QUIET) -> Evidence:
    """Boot the request's images once, and keep what was seen. The guest and all its processes are gone afterwards.

    A guest that dies is recorded as it died, and never tried again here. KeyboardInterrupt is recorded too, and
    raised again.

    Raises:
        HostError: a fault of this host: no VMM, an unfit one (`vmm.unfit`), one that does not start (`vmm.failed`)
            or was killed from outside (`vmm.killed`). Nothing is recorded.
        SpaceError: `disk.full`. Nothing is recorded.
    """
    version = launcher.vmm.version(launcher.binary)
    findings = launcher.vmm.fitness(version, request.kernel_release, request.accelerator)
    refuse_unfit(findings)
    token = secrets.token_hex(16)
    launched = plan(request, launcher.vmm, token)
    run = _Run(launcher, launched, launcher.vmm.argv(launched, launcher.binary), datetime.now(UTC))
    watch = Watch(token, request.seconds, lambda report: judge(report, _expectations(request, launched)))
    with files.scratch(prefix="bootworthy-proof-") as folder:
        try:
            _boot(run, watch, folder, progress)
        except KeyboardInterrupt:
            watch.interrupt()
            if (folder / "console.log").exists():
                _record(request, run, watch.outcome(), version, (*request.checks, *findings), folder, store)
            raise
        return _record(request, run, watch.outcome(), version, (*request.checks, *findings), folder, store)


def without_probe(words: Iterable[str]) -> tuple[str, ...]:
    """A kernel command line without what only the probe reads."""
    return tuple(word for word in words if not word.startswith((TOKEN, WAIT)))


def refuse_unfit(findings: list[Finding]) -> None:
    """Stop before a boot whose failure would say nothing about the image.

    Raises:
        HostError: `vmm.unfit`.
    """
    for finding in errors(findings):
        raise HostError("vmm.unfit", f"{finding.message}: {finding.why}", where=finding.where, hint=finding.remedy)


@dataclass(frozen=True, slots=True)
class _Run:
    launcher: Launcher
    plan: LaunchPlan
    argv: list[str]
    started: datetime


def _expectations(request: ProofRequest, launched: LaunchPlan) -> Expectations:
    return Expectations(
        architecture=launched.architecture,
        kernel_release=request.kernel_release,
        root_writable=not request.bootable.root_read_only,
        modules=request.bootable.modules is not None,
        network=bool(launched.nics),
    )


def _boot(run: _Run, watch: Watch, folder: Path, progress: Progress) -> None:
    title = f"booting under {run.plan.accelerator.value.upper()}"
    with progress.task(title), launch(run.argv, folder) as running:
        began = time.monotonic()
        stage = watch.stage
        while not watch.done:
            data = running.read(_TICK)
            now = time.monotonic() - began
            if data is None:
                watch.end(_ending(run, watch, running))
            elif data:
                watch.feed(data, now)
            else:
                watch.tick(now)
            _require_room(folder)
            if watch.stage != stage:
                stage = watch.stage
                progress.note(f"{stage} after {now:.1f} s")


def _require_room(folder: Path) -> None:
    """A VM whose disk cannot be written is stopped by its VMM, and would look as if it hung."""
    if shutil.disk_usage(folder).free < _LEAST_FREE:
        raise files.full(folder)


def _ending(run: _Run, watch: Watch, running: Running) -> str:
    """How the VMM ended, in words; raises where that says nothing about the guest."""
    status = running.wait()
    name, said = run.launcher.binary.name, running.said()
    if status in _KILLED:
        raise HostError(
            "vmm.killed", f"{name} was killed from outside ({processes.ending(status)})",
            hint="if memory is short here, give the guest less; then run it again",
        )  # fmt: skip
    if status != 0 and watch.stage == "launched" and not run.launcher.vmm.blames_image(said):
        raise HostError(
            "vmm.failed", f"{name} ended with {processes.ending(status)}: {said or 'it said nothing'}",
            where=" ".join(run.argv[:1]), hint="run `bootworthy doctor`",
        )  # fmt: skip
    if status == 0:
        return "the guest switched itself off or restarted"
    return f"{name} ended with {processes.ending(status)}" + (f" ({said.splitlines()[-1]})" if said else "")


def _record(
    request: ProofRequest,
    run: _Run,
    outcome: Outcome,
    version: str,
    checks: tuple[Finding, ...],
    folder: Path,
    store: EvidenceStore,
) -> Evidence:
    document = {
        **_subject(request, run.plan),
        "vmm": {
            "name": run.plan.vmm,
            "version": version,
            "binary": tools.digest(run.launcher.binary),
            "said": (folder / "vmm.log").read_text(errors="replace")[-4000:] if (folder / "vmm.log").exists() else "",
        },
        "host": {
            "accelerator": run.plan.accelerator.value,
            "kernel": platform.release(),
            "cpu": processor(),
            "architecture": Architecture.native().value,
        },
        "plan": run.plan.as_json(),
        "argv": run.argv,
        "times": outcome.times.as_json(),
        "guest": None if outcome.report is None else dict(outcome.report.raw),
        "checks": [finding.as_json() for finding in checks],
        "verdict": outcome.verdict.value,
        "reached": outcome.reached.value,
        "ending": outcome.ending,
        "reasons": list(outcome.reasons),
        "last_lines": list(outcome.last_lines),
        "started": run.started.isoformat(timespec="milliseconds"),
        "tool": request.tool,
        "again": request.again,
    }
    return store.put(document, (folder / "console.log").read_bytes())


def _subject(request: ProofRequest, launched: LaunchPlan) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "cell": request.cell,
        "digests": {
            "catalog_entry": request.catalog_entry,
            "images": dict(request.images),
            "published_root": request.published_root,
            "booted_root": request.bootable.root.digest,
            "probe": request.probe,
            "plan": launched.digest(),
        },
    }
