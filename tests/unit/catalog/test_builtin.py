from pathlib import Path

import pytest

from bootworthy import catalog
from bootworthy.catalog.loading import builtin_names
from bootworthy.vocabulary import Architecture, Support


@pytest.mark.parametrize("name", builtin_names())
def test_every_built_in_catalog_loads(name: str, tmp_path: Path) -> None:
    loaded = catalog.load(f"builtin:{name}", tmp_path)
    assert loaded.name == name
    assert loaded.cells
    assert (loaded.source, loaded.folder) == (f"builtin:{name}", None)


def test_what_bootworthy_promises(tmp_path: Path) -> None:
    loaded = catalog.load(None, tmp_path)
    machines = ["qemu-microvm-x86_64", "firecracker-x86_64", "cloud-hypervisor-x86_64"]
    pairs = ["debian-12/debian-6.1", "debian-13/debian-6.12"]
    assert [cell.name for cell in loaded.cells] == [f"{pair}/{machine}" for pair in pairs for machine in machines]
    assert {cell.support for cell in loaded.cells} == {Support.SUPPORTED}
    assert loaded.registry == "localhost/bootworthy"
    assert max(loaded.machines.values(), key=lambda machine: machine.prefer).vmm == "firecracker"
    kernel = loaded.kernels["debian-6.12"].package
    assert kernel
    assert kernel.release == "trixie"
    assert kernel.for_architecture(Architecture.X86_64).name == "linux-image-cloud-amd64"
    assert kernel.for_architecture(Architecture.AARCH64).name == "linux-image-cloud-arm64"
