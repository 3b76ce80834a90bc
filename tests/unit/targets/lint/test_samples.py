"""The samples of the founding page, and a whole cluster as people write one."""

from __future__ import annotations

import json
from datetime import date

from bootworthy.targets.lint.consumers import Asked
from bootworthy.targets.lint.detection import machines
from bootworthy.targets.lint.documents import read_text
from bootworthy.targets.lint.fixes import fixed
from bootworthy.targets.lint.machine import Kind
from bootworthy.targets.lint.run import run

ASKED = Asked(at=date(2026, 1, 1))
SPEC = """\
{
    "root_volume": {
        "id": "root",
        "is_read_only": false,
        "source": {
          "container_source": OS_IMAGE
        }
    },
    "kernel": {
      "image": KERNEL_IMAGE,
      "filename": "boot/vmlinux", # make sure this matches where you left the kernel binary
      "add_network_config": true
    },
    "additional_volumes": [{
        "id": "modules",
        "is_read_only": false,
        "mount_point": "/lib/modules/VERSION", # ensure this version matches the kernel and modules version
        "source": {
          "container_source": MODULES_IMAGE
        }
    }]
}
"""
TEMPLATE = """\
...
---
apiVersion: infrastructure.cluster.x-k8s.io/v1alpha1
kind: MicrovmMachineTemplate
spec:
  template:
    spec:
      kernel:
        filename: boot/vmlinux # make sure this matches where you left the kernel binary
        image: KERNEL_IMAGE
      volumes:
      - id: modules
        image: MODULES_IMAGE
        mountPoint: /lib/modules/VERSION # ensure this version matches the kernel and modules version
      rootVolume:
        id: root
        image: OS_IMAGE
...
"""
CLUSTER = """\
apiVersion: cluster.x-k8s.io/v1beta1
kind: Cluster
metadata: {name: lm}
---
apiVersion: infrastructure.cluster.x-k8s.io/v1alpha1
kind: MicrovmCluster
metadata: {name: lm}
spec: {placement: {staticPool: {hosts: [{endpoint: "127.0.0.1:9090", controlplaneAllowed: true}]}}}
---
""" + TEMPLATE.removeprefix("...\n---\n").removesuffix("...\n")


def test_the_spec_is_read_linted_and_made_json() -> None:
    source = read_text("spec.json", SPEC)
    assert [machine.kind for machine in machines(source)] == [Kind.SPEC]
    spelling = [source.where(fault.span) for fault in run(source, ASKED) if fault.rule.id == "LM-050"]
    assert spelling == ["spec.json:6:31", "spec.json:10:16", "spec.json:11:34", "spec.json:17:47", "spec.json:19:31"]
    mended, _ = fixed(source, ASKED)
    made = json.loads(mended.text)
    assert made["root_volume"]["source"] == {"container_source": "OS_IMAGE"}
    assert mended.text.count("\n") == SPEC.count("\n")
    assert {fault.rule.id for fault in run(mended, ASKED)} == {"LM-016", "LM-019", "LM-026"}


def test_the_template_is_read_and_linted_and_has_nothing_to_fix() -> None:
    source = read_text("template.yaml", TEMPLATE)
    assert [machine.kind for machine in machines(source)] == [Kind.TEMPLATE]
    names = {source.written(fault.span) for fault in run(source, ASKED) if fault.rule.id == "LM-026"}
    assert names == {"OS_IMAGE", "KERNEL_IMAGE", "MODULES_IMAGE"}
    assert fixed(source, ASKED) == (source, ())


def test_other_resources_of_a_cluster_are_passed_over() -> None:
    source = read_text("cluster.yaml", CLUSTER)
    assert len(source.documents) == 3
    assert [machine.title for machine in machines(source)] == ["MicrovmMachineTemplate"]
    assert [source.mark(machine.span.start).line for machine in machines(source)] == [15]
