"""Console."""

from __future__ import annotations

from tests.check_cases import Case, of

CASES = {
    "cmdline.console": Case(
        breaks=of(vmm="firecracker", command_line=("console=hvc0", "root=/dev/vda")),
        keeps=of(vmm="cloud-hypervisor", command_line=("console=hvc0", "root=/dev/vda")),
    )
}
