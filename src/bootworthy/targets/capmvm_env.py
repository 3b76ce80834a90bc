"""The variables that CAPMVM's own cluster templates take, for `clusterctl generate cluster`.

These templates say by themselves where the kernel is in its image, and where the modules go: images for which that is
wrong are refused. Source: templates/cluster-template*.yaml of CAPMVM, v0.8.0 to v0.10.1.
"""

from __future__ import annotations

import shlex

from bootworthy.targets import limits
from bootworthy.targets.consumer import CAPMVM, FLINTLOCK, Versions
from bootworthy.targets.guest import Guest, Layout
from bootworthy.targets.target import Document, ImageTarget, refused

_KERNEL_FILE = "boot/vmlinux"
_RELEASE = "5.10.77"
_OWN = "bootworthy emit capmvm writes a manifest that fits these images"


def render(guest: Guest, versions: Versions) -> Document:
    """Lines for a POSIX shell.

    Raises:
        RefusedError: `emit.template`; as `limits.flintlock`.
    """
    _refuse(guest, versions)
    assert guest.modules is not None
    values = {
        "MVM_ROOT_IMAGE": guest.root, "MVM_KERNEL_IMAGE": guest.kernel,
        "MVM_KERNEL_MODULES_IMAGE": guest.modules.image,
    }  # fmt: skip
    if guest.kubernetes is not None:
        values = {"KUBERNETES_VERSION": f"v{guest.kubernetes.removeprefix('v')}", **values}
    text = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items())
    return Document(text, tuple(_notes(guest, versions)))


def _refuse(guest: Guest, versions: Versions) -> None:
    limits.flintlock(guest, versions)
    capmvm = versions["capmvm"].text
    wrong = None
    if not versions.since("capmvm", "0.8.0"):
        wrong = "have no variable for modules"
    elif guest.modules is None:
        wrong = "mount a modules volume, and these images have none"
    elif guest.kernel_file != _KERNEL_FILE:
        wrong = f"look for {_KERNEL_FILE}, and this kernel is {guest.kernel_file}"
    elif guest.release != _RELEASE:
        wrong = f"mount modules on /lib/modules/{_RELEASE}, and this kernel looks into {guest.modules_folder}"
    elif guest.initrd is not None:
        wrong = "give no initial RAM disk, and this kernel needs one"
    elif guest.vmm != "firecracker":
        wrong = "name no provider, so that Flintlock takes its own, as a rule Firecracker"
    if wrong is not None:
        raise refused("template", f"the cluster templates of CAPMVM {capmvm} {wrong}", _OWN)


def _notes(guest: Guest, versions: Versions) -> list[str]:
    found = []
    if guest.modules is not None and guest.modules.layout is Layout.ROOTED:
        found.append(
            f"the guest will not find its modules: they lie under {guest.modules.path} of their image, and the "
            f"templates mount its top on {guest.modules_folder}; {_OWN}"
        )
    if versions.since("flintlock", "0.7.0"):
        found.append(
            "the templates ask for macvtap, which Flintlock 0.7.0 and later refuse on Firecracker: change it to tap"
        )
    return found


TARGET = ImageTarget(title="CAPMVM, variables of clusterctl", consumers=(CAPMVM, FLINTLOCK), render=render)
