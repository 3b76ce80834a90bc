from __future__ import annotations

import base64
import json
import shlex
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from ruamel.yaml import YAML

from bootworthy.catalog.versions import Version
from bootworthy.oci.reference import Reference
from bootworthy.targets.lint import run as lint
from bootworthy.targets.lint.consumers import Asked
from bootworthy.targets.lint.detection import machines
from bootworthy.targets.lint.documents import read_text
from bootworthy.targets.written import as_json, as_yaml
from bootworthy.vocabulary import Severity
from tests import golden
from tests.json_schema import faults

FILES = sorted(path.name for path in golden.FOLDER.glob("*.*") if path.name != "index.json")
JSON = [name for name in FILES if name.endswith(".json")]
YAMLS = [name for name in FILES if name.endswith(".yaml")]
SCHEMAS = {
    "flintlock": "flintlock", "flintlock-http": "flintlock", "hammertime": "flintlock", "firecracker": "firecracker",
    "cloud-hypervisor-api": "cloud-hypervisor",
}  # fmt: skip


def text(name: str) -> str:
    return (golden.FOLDER / name).read_text()


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len({key for key, _ in pairs}) == len(pairs), "a key is there twice"
    return dict(pairs)


def specs(name: str) -> list[dict[str, Any]]:
    """The machines that a document describes, in whatever words."""
    if name.endswith(".json"):
        document = json.loads(text(name))
        return [document.get("microvm", document)]
    objects = [each for each in YAML(typ="safe").load_all(text(name)) if each["kind"] == "MicrovmMachineTemplate"]
    return [each["spec"]["template"]["spec"] for each in objects]


def test_every_case_says_what_it_said() -> None:
    made = golden.everything()
    assert sorted(made) == sorted(path.name for path in golden.FOLDER.iterdir()), "python -m tests.golden"
    assert {name for name, said in made.items() if said != text(name)} == set(), "python -m tests.golden"


@pytest.mark.parametrize("name", JSON)
def test_json_has_its_schema_and_one_spelling(name: str) -> None:
    document = json.loads(text(name), object_pairs_hook=unique)
    inner = document["microvm"] if name.startswith("flintlock.") else document
    assert faults(inner, SCHEMAS[name.partition(".")[0]]) == []
    assert as_json(document) == text(name)


@pytest.mark.parametrize("name", YAMLS)
def test_yaml_has_its_schema_and_one_spelling(name: str) -> None:
    documents = list(YAML(typ="safe").load_all(text(name)))
    assert as_yaml(documents) == text(name)
    if name.startswith("ignite"):
        assert faults(documents[0], "ignite") == []
    for spec in specs(name):
        assert faults(spec, "machine-template") == []


@pytest.mark.parametrize("name", [name for name in YAMLS if name.startswith("capmvm.")])
def test_a_cluster_refers_to_what_it_has(name: str) -> None:
    documents = list(YAML(typ="safe").load_all(text(name)))
    there = {(each["kind"], each["metadata"]["name"]) for each in documents}
    assert len(there) == len(documents) == 7

    def references(value: Any) -> list[tuple[str, str]]:
        if isinstance(value, list):
            return [each for item in value for each in references(item)]
        if not isinstance(value, dict):
            return []
        own = [(value["kind"], value["name"])] if {"kind", "name"} <= value.keys() else []
        return own + [each for item in value.values() for each in references(item)]

    named = [each for document in documents for each in references(document)]
    assert len(named) == 5
    assert set(named) <= there


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith(("flintlock", "hammertime"))])
def test_metadata_is_base64_of_what_cloud_init_reads(name: str) -> None:
    (spec,) = specs(name)
    said = {key: base64.b64decode(value, validate=True).decode() for key, value in spec["metadata"].items()}
    assert YAML(typ="safe").load(said["meta-data"]) == {"instance-id": "default/node", "local-hostname": "node"}
    assert len(json.dumps(said)) < 51200
    if "vendor-data" in said:
        assert said["vendor-data"].startswith("#cloud-config\n")
        assert all(len(each) == 6 for each in YAML(typ="safe").load(said["vendor-data"])["mounts"])


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".sh")])
def test_shell_words_come_apart_as_they_were(name: str) -> None:
    words = shlex.split(text(name))
    if name.startswith("capmvm-env"):
        values = dict(word.split("=", 1) for word in words if word != "export")
        assert all(Reference.parse(value).digest for key, value in values.items() if key.endswith("IMAGE"))
        assert values["KUBERNETES_VERSION"] == "v1.23.5"
    else:
        line = words[words.index("--cmdline" if name.startswith("cloud") else "-append") + 1]
        assert line.startswith("console=ttyS0 panic=-1 root=")
        disks = [word for word in words if "ext4" in word]
        assert len(disks) == (2 if "ram-disk" in name else 1)
        if name.startswith("cloud"):
            assert all(("image_type=raw" in word) == ("51" in name) for word in disks)


def test_what_an_old_consumer_cannot_run_is_refused() -> None:
    index = json.loads(text("index.json"))
    said = {
        case: {where: each for where, each in found.items() if each.startswith("emit.")}
        for case, found in index.items()
    }
    assert said["flintlock split"] == {f"flintlock=0.{minor}": "emit.legacy-images" for minor in range(1, 5)}
    assert said["flintlock legacy"] == {}
    assert said["flintlock cloud"] == {f"flintlock=0.{minor}": "emit.vmm" for minor in range(1, 6)}
    assert set(said["flintlock-http legacy"]) == {f"flintlock=0.{minor}" for minor in range(1, 5)}
    assert said["capmvm split"]["capmvm=0.7 flintlock=0.11"] == "emit.legacy-images"
    assert said["capmvm legacy"]["capmvm=0.10 flintlock=0.4"] == "emit.pair"
    assert "capmvm=0.8 flintlock=0.5" not in said["capmvm split"]
    assert set(said["capmvm-env newer"].values()) == {"emit.template", "emit.legacy-images"}
    assert set(said["ignite split"].values()) == {"emit.kernel-image"}


def test_the_schemas_find_what_is_wrong() -> None:
    (spec,) = specs("flintlock.split.0.6.json")
    wrong = [
        {**spec, "memoryInMb": 1}, {**spec, "interfaces": []}, {**spec, "vcpu": "2"}, {**spec, "vcpu": True},
        {**spec, "root_volume": [spec["root_volume"]]}, {key: spec[key] for key in spec if key != "kernel"},
        {**spec, "interfaces": [{"device_id": "eth0", "type": 1}]}, {**spec, "memory_in_mb": 512},
        {**spec, "kernel": {**spec["kernel"], "image": "kernel-bin:5.10.77"}},
    ]  # fmt: skip
    assert [len(faults(each, "flintlock")) for each in wrong] == [1] * len(wrong)


def asked_of(name: str) -> Iterator[Asked]:
    """The versions that a document was written for, at the edges of their ranges."""
    what, guest, _ = name.split(".", 2)
    index = json.loads(text("index.json"))
    labels = [label for label, said in index[f"{what} {guest}"].items() if said == name]
    for label in (labels[0], labels[-1]):
        pairs = dict(each.split("=") for each in label.split())
        yield Asked(at=date(2026, 1, 1), versions={name: Version(version) for name, version in pairs.items()})


LINTED = [name for name in FILES if name.startswith(("flintlock", "hammertime", "capmvm.", "capmvm-template"))]


@pytest.mark.parametrize("name", LINTED)
def test_no_rule_of_ours_finds_an_error_in_what_we_write(name: str) -> None:
    source = read_text(name, text(name))
    assert len(machines(source)) == len(specs(name))
    for asked in asked_of(name):
        faults_ = lint.run(source, asked)
        assert [str(fault) for fault in faults_ if fault.severity is Severity.ERROR] == []
