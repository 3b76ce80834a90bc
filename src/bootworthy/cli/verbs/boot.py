"""`bootworthy boot`: boot it and give me its console."""

from __future__ import annotations

from dataclasses import replace

import click

from bootworthy.checks.run import refuse
from bootworthy.cli import launching, output
from bootworthy.cli.images import Wanted, wanted
from bootworthy.cli.session import Session
from bootworthy.cli.version import TOOL
from bootworthy.errors import HostError
from bootworthy.proofs import access, prepare, prove
from bootworthy.proofs.checked import Checked
from bootworthy.vmms.console import attend
from bootworthy.vocabulary import Accelerator


@click.command("boot", short_help="Boot it and give me its console")
@wanted
@click.option("--plan", "only_plan", is_flag=True, help="Print the launch plan; boot nothing.")
def COMMAND(wanted: Wanted, *, only_plan: bool) -> None:  # noqa: N802
    """Boot one cell with this terminal as its serial console, root logged in; Ctrl-] leaves and ends it.

    The machine writes to a throw-away copy of its root; nothing it does reaches an image.
    """
    here = Session.begin()
    with output.progress() as progress:
        target = wanted.first(here.workshop(progress))
        refuse(Checked(here.paths.cache / "checks").check(target))
        launcher = launching.launcher(target)
        if launcher is None:
            hint = "install the image on the hardware itself" if target.facts.hardware else "run `bootworthy doctor`"
            raise HostError("vmm.not-launchable", f"{target.facts.vmm} cannot be launched from here", hint=hint)
        request = prepare.request(target, Accelerator.TCG, (), again=wanted.again("boot", target), tool=TOOL)
        request = replace(request, bootable=prepare.bootable(target, probed=access.autologin()))
        choice = launching.accelerator(target, request, launcher)
        prove.refuse_unfit(
            launcher.vmm.fitness(launcher.vmm.version(launcher.binary), target.subject.release, choice.accelerator)
        )
    plan = prove.plan(replace(request, accelerator=choice.accelerator), launcher.vmm)
    plan = replace(plan, command_line=prove.without_probe(plan.command_line))
    if only_plan:
        output.document(plan.as_json())
        return
    output.log(f"{choice.accelerator.upper()}: {choice.reason}. Ctrl-] leaves.")
    attend(launcher.vmm.argv(plan, launcher.binary, interactive=True), access.READY)
