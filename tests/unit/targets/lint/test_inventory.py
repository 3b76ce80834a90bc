"""One table of what many manifests run, and what of it nobody mends any more."""

from __future__ import annotations

import json
from datetime import date

import pytest

from bootworthy.oci.reference import Reference
from bootworthy.targets.lint import inventory, lifetimes
from bootworthy.targets.lint.documents import read_text
from tests import lint_cases
from tests.lint_cases import OWNER

IGNITE = """\
apiVersion: ignite.weave.works/v1alpha4
kind: VM
metadata: {name: old}
spec:
  image: {oci: "weaveworks/ignite-ubuntu:20.04"}
  kernel: {oci: "weaveworks/ignite-kernel:5.4.157"}
"""


def test_a_row_for_each_microvm() -> None:
    sources = [
        read_text("a.yaml", f"x: 1\n---\n{IGNITE}"),
        read_text("b.json", json.dumps(lint_cases.spec(), indent=1)),
    ]
    one, two = inventory.rows(sources)
    assert one.cells(date(2025, 6, 1)) == (
        "a.yaml:7", "VM old", "weaveworks/ignite-kernel:5.4.157", "weaveworks/ignite-ubuntu:20.04",
        "Ubuntu 20.04 since 2025-05",
    )  # fmt: skip
    assert [each.what for each in one.past(date(2026, 1, 1))] == ["Linux 5.4", "Ubuntu 20.04"]
    assert two.where == "b.json:2"
    assert [each.what for each in two.past(date(2026, 1, 1))] == ["Ubuntu 20.04", "Kubernetes 1.30"]
    assert two.past(date(2025, 5, 31)) == ()
    assert [each.what for each in two.past(date(2025, 7, 15))] == ["Ubuntu 20.04"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (f"{OWNER}/capmvm-kubernetes:1.23.5", {"Ubuntu 20.04": "2025-05", "Kubernetes 1.23": "2023-02-28"}),
        (f"{OWNER}/capmvm-k8s-ubuntu-22.04:1.30.14", {"Ubuntu 22.04": "2027-04", "Kubernetes 1.30": "2025-07-15"}),
        (f"{OWNER}/ubuntu:24.04", {"Ubuntu 24.04": "2029-04"}),
        ("docker.io/library/debian:12", {}),
        (f"{OWNER}/capmvm-k8s-os:latest", {"Ubuntu 20.04": "2025-05"}),
    ],
)
def test_what_the_name_of_a_root_tells(name: str, told: dict[str, str]) -> None:
    assert {each.what: each.until for each in lifetimes.of_root(Reference.parse(name))} == told


def test_firecracker_has_promises_of_its_own() -> None:
    image = Reference.parse(f"{OWNER}/kernel-bin:5.10.77")
    assert [each.until for each in lifetimes.of_kernel(image, "firecracker")] == ["2026-12", "2024-01-31"]
    assert [each.until for each in lifetimes.of_kernel(image, "cloudhypervisor")] == ["2026-12"]
    assert list(lifetimes.of_kernel(Reference.parse("a/b:main"), "firecracker")) == []


def test_a_variable_or_nothing_is_no_image() -> None:
    made = lint_cases.changed(
        lint_cases.template(), ("spec/template/spec/kernel/image", "${K}"), ("spec/template/spec/rootVolume", None)
    )
    (row,) = inventory.rows([read_text("t.yaml", json.dumps(made))])
    assert row.cells(date(2026, 1, 1))[2:] == ("-", "-", "-")
