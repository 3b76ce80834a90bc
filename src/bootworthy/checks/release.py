"""Kernel and modules belong together: one release, one build, and a layout that is found."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from bootworthy.checks import fstab, modules_folder
from bootworthy.checks.modules_folder import ModulesFolder, Sampled
from bootworthy.checks.reading import shown, told
from bootworthy.checks.rule import Check, Rule
from bootworthy.checks.subject import Subject
from bootworthy.vocabulary import Finding, Severity

_DEP = "modules.dep(5)"
_PLACE = re.compile(r"/+(?:usr/+)?lib/+modules/+([^/]+)/*")

MISMATCH = Rule(
    id="kernel.release-mismatch", severity=Severity.ERROR, title="Kernel and modules are of different releases",
    why="The kernel looks for modules of its own release and refuses those of another: no module loads, and where a "
    "driver of the root is one, it does not boot.",
    remedy="take kernel and modules from one build: one bundle, or two tags of the same release",
    source="include/linux/vermagic.h and kernel/module/version.c of Linux",
)  # fmt: skip
MIXED = Rule(
    id="modules.mixed", severity=Severity.ERROR, title="The modules are of several builds",
    why="A kernel loads only modules that were built with its options; some of these it refuses.",
    remedy="build or pull the modules again, all from one build", source="include/linux/vermagic.h of Linux",
)  # fmt: skip
NESTED = Rule(
    id="modules.nested", severity=Severity.ERROR, title="The modules lie too deep in their image",
    why="The volume is mounted at /usr/lib/modules/RELEASE, and modprobe looks for modules.dep right there.",
    remedy="flatten it: put the content of that folder at the top of the image, so that it has /modules.dep",
    source="the layout of Bootworthy's modules images: modules.dep at the top",
)  # fmt: skip
NO_DEP = Rule(
    id="modules.no-dep", severity=Severity.ERROR, title="There is no modules.dep",
    why="Without it nobody can tell in which order modules are loaded: modprobe finds none.",
    remedy="run `depmod -b FOLDER RELEASE` on the modules before they are packed", source=_DEP,
)  # fmt: skip
UNREADABLE = Rule(
    id="modules.unreadable", severity=Severity.ERROR, title="A module or a list of modules is damaged",
    why="What cannot be read here cannot be loaded there.",
    remedy="build or pull the modules again", source=_DEP,
)  # fmt: skip
INCOMPLETE = Rule(
    id="modules.incomplete", severity=Severity.ERROR, title="modules.dep names modules that are not there",
    why="Whatever needs one of them fails to load.",
    remedy="run depmod again, or take modules and modules.dep from the same package", source=_DEP,
)  # fmt: skip
NO_KERNEL = Rule(
    id="modules.no-kernel", severity=Severity.WARNING, title="The modules cannot be compared with a kernel",
    why="No kernel here says its release, so nobody can tell whether the modules are its own.",
    remedy="name the kernel image that goes with the modules",
)  # fmt: skip

UNLISTED = Rule(
    id="modules.unlisted", severity=Severity.WARNING, title="There are modules that modules.dep does not name",
    why="modprobe loads by modules.dep alone, so it does not find them.",
    remedy="run `depmod -b FOLDER RELEASE` again after modules were added", source=_DEP,
)  # fmt: skip
UNSIGNED = Rule(
    id="modules.unsigned", severity=Severity.ERROR, title="The kernel wants signed modules, and these are not",
    why="It refuses them (`Key was rejected by service`), and where a driver of the root is one, it does not boot.",
    remedy="take the modules that were signed when the kernel was built, and do not strip them",
    source="Documentation/admin-guide/module-signing.rst of Linux",
)  # fmt: skip
UNUSED = Rule(
    id="modules.unused", severity=Severity.WARNING, title="The kernel image brings modules that nobody mounts",
    why="A VMM takes the kernel alone from it, so the guest finds no module.",
    remedy="make them a modules image, flattened so that it has /modules.dep, or copy them into the root",
    source="the layout of Bootworthy's kernel images: /boot alone",
)  # fmt: skip


def find(subject: Subject) -> Iterator[Finding]:
    """Compare the modules with the kernel and with one another."""
    yield from _unused(subject)
    folder = subject.modules_folder
    if folder is None:
        return
    # Modules that lie unused in a root do no harm to a boot; a volume of modules is there to be used.
    severity = Severity.ERROR if subject.modules_are_a_volume else Severity.WARNING
    if subject.modules_are_a_volume and folder.path:
        message = f"the modules are in /{shown(folder.path)}, not at the top of their image"
        yield NESTED.broken(folder.where, message)
    yield from _lists(folder, severity)
    yield from _opened(folder, severity)
    yield from _builds(subject, folder, severity)
    yield from _unsigned(subject, folder, severity)


def _unused(subject: Subject) -> Iterator[Finding]:
    if subject.kernel is None or subject.modules is not None:
        return
    brought = modules_folder.of_root(subject.kernel, subject.release)
    if brought is not None:
        message = f"{len(brought.files)} modules are in the kernel image, and no modules image is named"
        yield UNUSED.broken(brought.where, message)


def _unsigned(subject: Subject, folder: ModulesFolder, severity: Severity) -> Iterator[Finding]:
    config = None if subject.kernel_file is None else subject.kernel_file.config
    if config is None or not config.builtin("MODULE_SIG"):
        return
    told = subject.arguments.last("module.sig_enforce")
    if not (config.builtin("MODULE_SIG_FORCE") or (told is not None and told.on)):
        return
    bare = next((module for module in folder.sample if module.info is not None and not module.info.signed), None)
    if bare is not None:
        how = "CONFIG_MODULE_SIG_FORCE=y" if config.builtin("MODULE_SIG_FORCE") else "module.sig_enforce"
        yield UNSIGNED.broken(bare.where, f"this module is not signed, and the kernel has {how}", severity=severity)


def _lists(folder: ModulesFolder, severity: Severity) -> Iterator[Finding]:
    if folder.fault is not None and folder.fault.code == "kernel.no-modules-dep":
        has = f"there are {len(folder.files)} modules, and no modules.dep" if folder.files else "there are no modules"
        yield NO_DEP.broken(folder.where, has, severity=severity)
        return
    if folder.fault is not None:
        yield UNREADABLE.broken(folder.where, told(folder.fault), severity=severity)
        return
    absent = list(itertools.islice(folder.absent(), 1000))
    if absent:
        some = ", ".join(shown(path) for path in absent[:3]) + (", ..." if len(absent) > 3 else "")
        count = f"{len(absent)} of {len(folder.files)} modules are" if len(absent) > 1 else "a module is"
        yield INCOMPLETE.broken(folder.where, f"{count} not there: {some}", severity=severity)
    unlisted = list(folder.unlisted())
    if unlisted:
        some = ", ".join(shown(path) for path in unlisted[:3]) + (", ..." if len(unlisted) > 3 else "")
        yield UNLISTED.broken(folder.where, f"modules.dep does not name {some}")


def _opened(folder: ModulesFolder, severity: Severity) -> Iterator[Finding]:
    for module in folder.sample:
        if module.fault is not None:
            yield UNREADABLE.broken(
                module.where, f"this module cannot be read: {told(module.fault)}", severity=severity
            )


def _builds(subject: Subject, folder: ModulesFolder, severity: Severity) -> Iterator[Finding]:
    kernel = subject.release
    if kernel is None:
        yield NO_KERNEL.broken(folder.where, "no kernel here says of which release it is")
        return
    said = [module for module in folder.sample if module.info is not None and module.info.vermagic]
    other = next((module for module in said if _release(module) != kernel), None)
    if other is not None:
        built = shown(_release(other))
        yield MISMATCH.broken(other.where, _differ(kernel, f"this module is built for {built}"), severity=severity)
        return
    for release, message in (
        (folder.release, "the modules stand under"), (folder.labelled, "the label of the modules says"),
        (_mounted(subject), "/etc/fstab of the root mounts modules of"),
    ):  # fmt: skip
        if release not in {None, kernel}:
            yield MISMATCH.broken(folder.where, _differ(kernel, f"{message} {shown(release or '')}"), severity=severity)
    odd = next((module for module in said if _magic(module) != _magic(said[0])), None)
    if odd is not None:
        message = f"this module was built as {shown(_magic(odd))!r}, another as {shown(_magic(said[0]))!r}"
        yield MIXED.broken(odd.where, message, severity=severity)


def _mounted(subject: Subject) -> str | None:
    """The release in the place where the root's own table of filesystems mounts modules."""
    table = None if subject.root is None else subject.root.head(fstab.PATH, fstab.LIMIT)
    for entry in fstab.entries(table or b""):
        place = _PLACE.fullmatch(entry.place)
        if place is not None:
            return place[1]
    return None


def _differ(kernel: str, modules: str) -> str:
    return f"the kernel is {shown(kernel)}, and {modules}"


def _magic(module: Sampled) -> str:
    return "" if module.info is None else module.info.vermagic.strip()


def _release(module: Sampled) -> str:
    return "" if module.info is None else module.info.release


CHECK = Check(
    title="Kernel and modules",
    rules=(MISMATCH, MIXED, NESTED, NO_DEP, UNREADABLE, INCOMPLETE, NO_KERNEL, UNLISTED, UNSIGNED, UNUSED), find=find,
)  # fmt: skip
