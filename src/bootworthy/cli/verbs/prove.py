"""`bootworthy prove`: build what is missing, check, boot, record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import click

from bootworthy.cli import launching, options, output
from bootworthy.cli.images import Wanted, wanted
from bootworthy.cli.session import Session
from bootworthy.cli.version import TOOL
from bootworthy.errors import HostError, RefusedError
from bootworthy.host.progress import Progress
from bootworthy.proofs import prepare
from bootworthy.proofs.checked import Checked
from bootworthy.proofs.evidence import Evidence, EvidenceStore
from bootworthy.proofs.prove import plan, prove
from bootworthy.proofs.target import Target
from bootworthy.vocabulary import Accelerator, Finding, Severity, Verdict, errors


@dataclass(frozen=True, slots=True, kw_only=True)
class _Result:
    """What came of one target."""

    name: str
    findings: tuple[Finding, ...]
    evidence: Evidence | None = None
    plan: dict[str, object] | None = None
    why_not: str = ""
    """Why it was not booted."""

    @property
    def good(self) -> bool:
        return self.plan is not None or (self.evidence is not None and self.evidence.verdict is Verdict.HEALTHY)

    @property
    def bad(self) -> bool:
        return bool(errors(self.findings)) or (self.evidence is not None and not self.good)


@click.command("prove", short_help="Build what is missing, check, boot, record")
@wanted
@click.option("--plan", "only_plan", is_flag=True, help="Print the launch plan; boot nothing.")
@click.option("--deadline", type=float, metavar="SECONDS", help="How long a guest may take until it is healthy.")
@options.as_json
def COMMAND(wanted: Wanted, *, only_plan: bool, deadline: float | None, as_json: bool) -> None:  # noqa: N802
    """Boot each chosen cell in its VMM and record what was seen; leaves with 1 unless all that booted were healthy."""
    here = Session.begin()
    results: list[_Result] = []
    with output.progress() as progress:
        for target in wanted.targets(here.workshop(progress)):
            if deadline is not None:
                target = replace(target, deadline=deadline)  # noqa: PLW2901
            result = _one(here, wanted, target, progress, only_plan=only_plan)
            results.append(result)
            if not as_json:
                output.log("\n".join(_lines(result)))
    if as_json:
        output.document({"schema": "bootworthy.proofs/1", "proofs": [_document(result) for result in results]})
    elif only_plan:
        for result in results:
            output.document(result.plan)
    _leave(results)


def _one(here: Session, wanted: Wanted, target: Target, progress: Progress, *, only_plan: bool) -> _Result:
    name = target.cell.name if target.cell else " + ".join(image.name for image in target.images.values())
    findings = Checked(here.paths.cache / "checks").check(target)
    if errors(findings):
        return _Result(name=name, findings=findings, why_not="a check failed")
    launcher = launching.launcher(target)
    if launcher is None:
        return _Result(name=name, findings=findings, why_not=f"{target.facts.vmm} cannot be launched from here")
    request = prepare.request(target, Accelerator.TCG, findings, again=wanted.again("prove", target), tool=TOOL)
    choice = launching.accelerator(target, request, launcher)
    request = replace(request, accelerator=choice.accelerator)
    if only_plan:
        return _Result(name=name, findings=findings, plan=plan(request, launcher.vmm).as_json())
    progress.note(f"{name}: {choice.accelerator.upper()}, {choice.reason}")
    evidence = prove(request, launcher, EvidenceStore(here.paths.state), progress=progress)
    return _Result(name=name, findings=findings, evidence=evidence)


def _lines(result: _Result) -> Iterator[str]:
    for finding in result.findings:
        if finding.severity is not Severity.NOTE:
            yield f"{finding.severity}: {finding.where}: {finding.message} [{finding.id}]\n  hint: {finding.remedy}"
    if result.evidence is None:
        if result.why_not:
            yield f"{result.name}: checked, not booted: {result.why_not}"
        return
    seen = result.evidence
    times = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in seen.times.items())
    yield f"{result.name}: {seen.verdict} in {seen.vmm} {seen.version} under {seen.accelerator.upper()} ({times})"
    if seen.verdict is not Verdict.HEALTHY:
        yield from (f"  {line}" for line in dict.fromkeys((seen.ending, *seen.reasons)))
        last = seen.document.get("last_lines")
        yield from (f"  | {line}" for line in (last if isinstance(last, list) else [])[-8:])
    yield f"  evidence {seen.digest}"


def _document(result: _Result) -> dict[str, object]:
    return {
        "name": result.name, "findings": [finding.as_json() for finding in result.findings],
        "plan": result.plan, "why-not-booted": result.why_not or None,
        "digest": result.evidence.digest if result.evidence else None,
        "evidence": dict(result.evidence.document) if result.evidence else None,
    }  # fmt: skip


def _leave(results: list[_Result]) -> None:
    bad = [result for result in results if result.bad]
    if bad:
        names = ", ".join(result.name for result in bad)
        digests = [result.evidence.digest for result in bad if result.evidence is not None]
        raise RefusedError(
            "prove.unhealthy", f"{len(bad)} of {len(results)} were not proved healthy: {names}",
            hint=f"all of what it said: bootworthy evidence {digests[0]} --console" if digests
            else "do what the failed checks say above",
        )  # fmt: skip
    if not any(result.good for result in results):
        raise HostError(
            "prove.nothing-launched", "nothing was booted: none of these can be launched from here",
            hint="see what this machine can do: bootworthy doctor",
        )  # fmt: skip
