"""`bootworthy check`: would it boot there, and if not, why."""

from __future__ import annotations

import click

from bootworthy.checks.run import refuse
from bootworthy.cli import options, output
from bootworthy.cli.images import Wanted, wanted
from bootworthy.cli.session import Session
from bootworthy.proofs.checked import Checked
from bootworthy.vocabulary import Finding


@click.command("check", short_help="Would it boot there, and if not, why")
@wanted
@options.as_json
def COMMAND(wanted: Wanted, *, as_json: bool) -> None:  # noqa: N802
    """Look at images without booting them; leaves with 1 when one would not boot on its machine."""
    here = Session.begin()
    checked = Checked(here.paths.cache / "checks")
    found: list[tuple[str, tuple[Finding, ...]]] = []
    with output.progress() as progress:
        for target in wanted.targets(here.workshop(progress)):
            name = target.cell.name if target.cell else f"{target.facts.vmm} {target.architecture}"
            found.append((name, checked.check(target)))
    if as_json:
        cells = [{"cell": name, "findings": [finding.as_json() for finding in findings]} for name, findings in found]
        output.document({"schema": "bootworthy.checks/1", "checked": cells})
    else:
        for name, findings in found:
            output.result(f"{name}: {_said(findings)}")
    refuse(finding for _, findings in found for finding in findings)


def _said(findings: tuple[Finding, ...]) -> str:
    if not findings:
        return "nothing stands in its way"
    lines = [
        f"  {each.severity}: {each.where}: {each.message} [{each.id}]\n    why: {each.why}\n    remedy: {each.remedy}"
        for each in findings
    ]
    return "\n".join(["", *lines])
