"""The base layer grows the root to its volume at every boot."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bootworthy.builders.workshop import Workshop
from bootworthy.host import processes
from bootworthy.oci.store import Store
from bootworthy.proofs import prepare, target
from bootworthy.proofs.target import Named
from bootworthy.vmms.compose import Bootable, Volume
from bootworthy.vocabulary import Architecture, Role
from tests import odd_layers
from tests.command import Command
from tests.conftest import QEMU
from tests.made_layers import tarred
from tests.needs import need
from tests.shell_guest import ShellGuest

GIB = 2**30
UNIT = """\
[Unit]
After=local-fs.target
DefaultDependencies=no
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'systemctl is-active bootworthy-grow-root.service >/dev/console; \
stat -f -c "the root has %%b blocks of %%S bytes." / >/dev/console; poweroff -f'
"""


def telling(home: Command, reference: str, folder: Path) -> str:
    """A built root with a unit on top that says how large it is, put together by skopeo and umoci."""
    image = f"{folder / 'image'}:telling"
    processes.run(["skopeo", "copy", "--insecure-policy", f"oci:{home.store}:{reference}", f"oci:{image}"])
    units = b"etc/systemd/system"
    layer = tarred(
        [
            odd_layers.member(units + b"/telling.service", UNIT.encode()),
            odd_layers.member(
                units + b"/basic.target.wants/telling.service", kind=tarfile.SYMTYPE, target=b"../telling.service"
            ),
        ]
    )
    (folder / "layer.tar").write_bytes(layer)
    processes.run(["umoci", "raw", "add-layer", "--image", image, folder / "layer.tar"])
    return f"oci:{image}"


def bootable(home: Command, images: Mapping[str, str]) -> Bootable:
    """What a built cell boots."""
    workshop = Workshop(Store(home.store), home.cache)
    references = {Role(role): reference for role, reference in images.items()}
    return prepare.bootable(
        target.of_names(
            workshop, None, Named(references=references, vmm="qemu-microvm", architecture=Architecture.X86_64)
        )
    )


def test_a_root_grows_to_its_volume(
    home: Command, built: dict[str, dict[str, Any]], guest: ShellGuest, tmp_path: Path
) -> None:
    need("skopeo", "umoci", "e2fsck", "dumpe2fs")
    images = built[QEMU[0]]["images"]
    volume = tmp_path / "root.ext4"
    image = telling(home, images["root"], tmp_path)
    home("convert", image, "-o", str(volume), "--size", "1G", "--label", "root")
    with volume.open("r+b") as file:
        file.truncate(5 * GIB)
    with guest.boot(replace(bootable(home, images), root=Volume(path=volume, digest="")), tmp_path) as session:
        said = session.until(b" bytes.")
        session.end()
    assert re.search(r"^active\r?$", said, re.MULTILINE)
    numbers = re.search(r"the root has (\d+) blocks of (\d+) bytes", said)
    assert numbers is not None
    # What the filesystem keeps for itself is not counted.
    assert 4.8 * GIB < int(numbers[1]) * int(numbers[2]) < 5 * GIB
    assert processes.run(["e2fsck", "-fy", volume], check=False).status in {0, 1}
    assert re.search(rf"Block count: +{5 * GIB // 4096}\n", processes.run(["dumpe2fs", "-h", volume]).text)
