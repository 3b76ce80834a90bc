"""What a verb loads: nothing that only other verbs need, because that is what its user waits for."""

import json
import sys
from pathlib import Path

from bootworthy.host.processes import run
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from tests.oci_images import put_small

PROGRAM = """
import json, sys
from bootworthy.cli.main import run
status = run(sys.argv[1:])
print(json.dumps(sorted(sys.modules)))
sys.exit(status)
"""
OTHERS = (
    "bootworthy.builders", "bootworthy.bundles", "bootworthy.catalog", "bootworthy.filesystems.erofs",
    "bootworthy.oci.archives", "bootworthy.oci.registry.repository", "bootworthy.oci.transfer.pull",
    "bootworthy.proofs", "email", "importlib.metadata", "pydantic", "ssl", "tarfile", "urllib3",
)  # fmt: skip


def test_a_conversion_loads_only_what_it_needs(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    store.tag(Reference.parse("localhost/small:1"), put_small(store))
    command = ["convert", f"oci:{tmp_path / 'store'}", "-o", str(tmp_path / "out")]
    env = {"BOOTWORTHY_CACHE": str(tmp_path / "cache"), "PYTHONPATH": ":".join(sys.path)}
    done = run([sys.executable, "-c", PROGRAM, *command], env=env, timeout=60.0)
    loaded = json.loads(done.stdout.splitlines()[-1])
    assert "bootworthy.filesystems.ext4.write" in loaded
    assert [name for name in loaded if name.startswith(OTHERS)] == []
