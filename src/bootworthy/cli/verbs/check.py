"""`bootworthy check`: would it boot there, and if not, why."""

from __future__ import annotations

import sys

import click

from bootworthy.checks import rule
from bootworthy.checks.reports import format as formats
from bootworthy.checks.reports.format import Look
from bootworthy.checks.reports.report import Looked, Report
from bootworthy.checks.run import refuse
from bootworthy.cli import output
from bootworthy.cli.asking import Asked, asked
from bootworthy.cli.images import Wanted, wanted
from bootworthy.cli.session import Session
from bootworthy.cli.version import TOOL
from bootworthy.errors import RefusedError
from bootworthy.proofs.checked import Checked
from bootworthy.proofs.target import Target
from bootworthy.vocabulary import Finding, Role


@click.command("check", short_help="Would it boot there, and if not, why")
@wanted
@asked
@click.option("--format", "shape", default="text", show_default=True, help="text, json, sarif or junit.")
@click.option("--json", "shape", flag_value="json", help="Short for --format json.")
@click.option("--strict", is_flag=True, help="Leave with 1 for warnings, too.")
@click.option("--rules", "only_rules", is_flag=True, help="List the rules; look at nothing.")
def COMMAND(wanted: Wanted, asked: Asked, *, shape: str, strict: bool, only_rules: bool) -> None:  # noqa: N802
    """Look at images without booting them; leaves with 1 when one would not boot on its machine."""
    here = Session.begin()
    if only_rules:
        _list(shape)
        return
    form = formats.find(shape)
    checked = Checked(here.paths.cache / "checks")
    with output.progress() as progress:
        targets = (asked.about(target) for target in wanted.targets(here.workshop(progress)))
        looked = tuple(_looked(wanted, target, checked.check(target)) for target in targets)
    report = Report(looked=looked, families=rule.known(), tool=TOOL, at=asked.at, strict=strict)
    output.result(form.render(report, Look(colour=output.coloured(sys.stdout))))
    _leave(report, shape)


def _looked(wanted: Wanted, target: Target, findings: tuple[Finding, ...]) -> Looked:
    machine = wanted.named.machine or f"{target.facts.vmm}-{target.architecture}"
    return Looked(
        name=target.cell.name if target.cell else f"{target.images[Role.ROOT].name} on {machine}",
        vmm=target.facts.vmm, architecture=target.architecture, findings=findings,
        images={role.value: part.name for role in target.images if (part := target.subject.part(role)) is not None},
    )  # fmt: skip


def _leave(report: Report, shape: str) -> None:
    """Nothing, when everything would boot.

    Raises:
        RefusedError: `check.failed`; where people have not read the findings, with the first.
    """
    bad = sum(report.refused(each) for each in report.looked)
    if bad and shape == "text":
        raise RefusedError(
            "check.failed", f"{bad} of {len(report.looked)} refused", hint="do what stands above as remedy"
        )
    refuse((finding for each in report.looked for finding in each.findings), strict=report.strict)


def _list(shape: str) -> None:
    """Every rule, those of other packages, too.

    Raises:
        click.UsageError: in a format that is for what was found.
    """
    families = rule.known().values()
    if shape == "json":
        rules = [{"family": check.title, **each.as_json()} for check in families for each in check.rules]
        output.document({"schema": "bootworthy.check-rules/1", "rules": rules})
    elif shape == "text":
        for check in families:
            output.result(check.title)
            for each in check.rules:
                output.result(f"  {each.id}: {each.severity}: {each.title}")
    else:
        raise click.UsageError(f"--rules has no {shape}; it is text or json")
