"""The files that a document names: what a target boots from, put into a folder of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bootworthy.errors import UsageError
from bootworthy.host.progress import Progress
from bootworthy.machines.facts import MachineFacts
from bootworthy.proofs import prepare
from bootworthy.proofs.target import Target as Bootable
from bootworthy.vmms.compose import Bootable as Files
from bootworthy.vmms.compose import Volume, compose
from bootworthy.vmms.plan import LaunchPlan
from bootworthy.vocabulary import Accelerator
from bootworthy.volumes.clone import RAW, clone


def put(target: Bootable, folder: Path, *, force: bool, progress: Progress) -> LaunchPlan:
    """Write kernel, initial RAM disk and volumes into a folder, and compose the plan of a VM that boots from it.

    They are clones: what the VM writes reaches no cache. Paths in the plan begin with `folder` as it was given.

    Raises:
        UsageError: `emit.exists`, when a file is there and `force` is not given.
        NotFoundError, SpaceError, HostError: as `prepare.bootable`.
    """
    return plan(
        target.facts, _put(prepare.bootable(target), folder, progress, force=force), target.vcpus, target.memory_mib
    )


def plan(facts: MachineFacts, files: Files, vcpus: int | None, memory_mib: int | None) -> LaunchPlan:
    """The plan that is written out: under KVM, as VMs run in earnest."""
    return compose(facts, files, accelerator=Accelerator.KVM, vcpus=vcpus, memory_mib=memory_mib)


def _put(files: Files, folder: Path, progress: Progress, *, force: bool) -> Files:
    wanted = {"kernel": files.kernel, "root.ext4": files.root}
    if files.initrd is not None:
        wanted["initrd"] = files.initrd
    if files.modules is not None:
        wanted["modules.ext4"] = files.modules
    there = [name for name in wanted if (folder / name).exists()]
    if there and not force:
        raise UsageError(
            "emit.exists", f"{', '.join(sorted(there))} is there already", where=str(folder),
            hint="name another folder, or add --force to replace",
        )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    made: dict[str, Volume] = {}
    for name, volume in wanted.items():
        out = folder / name
        clone(volume.path, out, formats=RAW, force=force, progress=progress)
        made[name] = replace(volume, path=out)
    return replace(
        files,
        kernel=made["kernel"],
        root=made["root.ext4"],
        initrd=made.get("initrd"),
        modules=made.get("modules.ext4"),
    )
