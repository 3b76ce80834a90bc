"""`bootworthy catalog verify` at Debian's docker-registry."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bootworthy.oci.store import Store
from tests import published
from tests.command import Command
from tests.registry import docker_registry

CELL = "kubernetes-1.23.5/linux-5.10.77/firecracker-x86_64"
LEGACY = "kubernetes-legacy/linux-legacy/firecracker-x86_64"


def test_at_somebody_elses_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Command.at(tmp_path / "home")
    for name, value in home.env.items():
        monkeypatch.setenv(name, value)
    parts = (
        "kernel-bin:5.10.77",
        "kernel-modules:5.10.77",
        "capmvm-k8s-os:1.23.5",
        ":1.20.4",
        "flintlock-kernel:5.10.77",
    )
    texts = [text for text in published.references("liquid-metal") if text.endswith(parts)]
    assert len(texts) == len(parts)
    with docker_registry(tmp_path / "registry") as registry:
        digests = published.publish(Store(home.store), registry, texts)
        home = home.under(BOOTWORTHY_REGISTRIES_MIRRORS=published.mirrors(registry))

        def verified(status: int, *words: str) -> list[dict[str, Any]]:
            done = home("catalog", "verify", "-c", "liquid-metal", *words, "--json", status=status)
            references: list[dict[str, Any]] = json.loads(done.text)["references"]
            return references

        found = verified(0, CELL)
        assert [each["digest"] for each in found] == [digests[each["reference"]] for each in found]
        assert [each["tags"] for each in verified(0, LEGACY)] == [["5.10.77"], ["1.20.4"]]
        home("push", found[0]["reference"], f"{registry.host}/{found[2]['reference'].partition('/')[2]}")
        assert [each["state"] for each in verified(1, CELL)] == ["same", "same", "moved"]
        assert {each["state"] for each in verified(1)} == {"same", "moved", "missing"}
