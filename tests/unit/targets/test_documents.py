"""What holds of the documents of any guest."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from bootworthy.catalog.versions import Version
from bootworthy.errors import NotFoundError, RefusedError, UsageError
from bootworthy.machines.facts import facts
from bootworthy.targets import cloud_hypervisor, files, flintlock, mounts, qemu
from bootworthy.targets.consumer import CLOUD_HYPERVISOR, FLINTLOCK, QEMU, versions
from bootworthy.targets.guest import Guest, Layout, Modules, plain_name
from bootworthy.targets.lint import run as lint
from bootworthy.targets.lint.consumers import Asked
from bootworthy.targets.lint.documents import read_text
from bootworthy.targets.target import ImageTarget, find, known
from bootworthy.vocabulary import Architecture, Severity
from tests import golden
from tests.json_schema import faults

VMMS = ["firecracker", "cloud-hypervisor"]
numbers = st.integers(0, 99)
releases = st.builds("{}.{}.{}".format, numbers, numbers, numbers)
references = st.builds(
    "registry.example/{}:{}@sha256:{:064x}".format, st.from_regex(r"[a-z]{1,9}", fullmatch=True), releases,
    st.integers(0, 2**256 - 1),
)  # fmt: skip


@st.composite
def guests(draw: Callable[[st.SearchStrategy[object]], object]) -> Guest:
    release = str(draw(releases))
    layout = draw(st.sampled_from([None, *Layout]))
    path = "/" if layout is Layout.FLAT else f"/lib/modules/{release}"
    modules = Modules(image=str(draw(references)), layout=layout, path=path) if isinstance(layout, Layout) else None
    return Guest(
        name=plain_name(str(draw(st.text(max_size=50)))), vmm=str(draw(st.sampled_from(VMMS))),
        architecture=Architecture.X86_64, vcpus=int(str(draw(st.integers(1, 40)))),
        memory_mib=int(str(draw(st.integers(512, 40000)))), root=str(draw(references)), kernel=str(draw(references)),
        kernel_file=str(draw(st.sampled_from(["boot/vmlinux", "boot/image", "vmlinux.bin"]))), release=release,
        modules=modules, kubernetes=str(draw(releases)) if draw(st.booleans()) else None,
    )  # fmt: skip


@given(guest=guests(), data=st.data())
def test_what_is_written_has_its_schema_or_is_refused(guest: Guest, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["flintlock", "hammertime", "capmvm-template", "capmvm"]))
    target = find(name)
    assert isinstance(target, ImageTarget)
    asked = {each.name: data.draw(st.sampled_from(each.releases)) for each in target.consumers}
    try:
        document = target.render(guest, versions(target.consumers, asked))
    except RefusedError:
        return
    about = Asked(at=date(2026, 1, 1), versions={each: Version(version) for each, version in asked.items()})
    found = lint.run(read_text(f"x.{'yaml' if 'capmvm' in name else 'json'}", document.text), about)
    assert [str(fault) for fault in found if fault.severity is Severity.ERROR] == []
    if name in {"flintlock", "hammertime"}:
        spec = json.loads(document.text)
        assert faults(spec.get("microvm", spec), "flintlock") == []
        assert ("provider" in json.dumps(spec)) == (
            name == "flintlock" and asked["flintlock"] not in {"0.1", "0.2", "0.3", "0.4", "0.5"}
        )
        return
    for each in YAML(typ="safe").load_all(document.text):
        if each["kind"] == "MicrovmMachineTemplate":
            assert faults(each["spec"]["template"]["spec"], "machine-template") == []


@pytest.mark.parametrize("name", ["flintlock", "hammertime", "capmvm", "capmvm-template"])
def test_another_kernel_changes_every_place_that_knows_of_it(name: str) -> None:
    target = find(name)
    assert isinstance(target, ImageTarget)
    old, new = (target.render(golden.GUESTS[each], versions(target.consumers, {})).text for each in ("split", "newer"))
    assert "5.10.77" not in new
    assert new.count("6.1.1") == old.count("5.10.77") > 1


def test_a_template_is_called_by_its_content() -> None:
    def name(guest: Guest) -> str:
        target = find("capmvm-template")
        assert isinstance(target, ImageTarget)
        return str(YAML(typ="safe").load(target.render(guest, versions(target.consumers, {})).text)["metadata"]["name"])

    assert name(golden.SPLIT) == name(replace(golden.SPLIT))
    every = {name(each) for each in golden.GUESTS.values() if each.vmm == "firecracker"}
    assert len(every) == 5
    assert name(replace(golden.SPLIT, memory_mib=4096)) not in every


def test_cloud_hypervisor_finds_modules_behind_its_metadata() -> None:
    assert mounts.in_place(golden.GUESTS["cloud"]) is None
    assert mounts.told(golden.GUESTS["cloud"]) == [["/dev/vdc", "/lib/modules/5.10.77", "auto", "ro,nofail", "0", "0"]]
    assert mounts.told(golden.SPLIT) == []
    aside, bound = mounts.told(golden.GUESTS["rooted"])
    assert aside[:2] == ["/dev/vdb", "/run/bootworthy/modules"]
    assert bound[:2] == ["/run/bootworthy/modules/lib/modules/5.10.77", "/lib/modules/5.10.77"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"vcpus": 3}, "emit.vcpus"), ({"vcpus": 34}, "emit.vcpus"), ({"memory_mib": 512}, "emit.memory"),
        ({"vmm": "qemu-microvm"}, "emit.vmm"),
        ({"vmm": "cloud-hypervisor", "initrd": golden.SPLIT.root, "initrd_file": "boot/initrd"}, "emit.initrd"),
    ],
)  # fmt: skip
def test_flintlock_is_not_given_what_it_cannot_run(change: dict[str, object], code: str) -> None:
    with pytest.raises(RefusedError) as caught:
        flintlock.render(replace(golden.SPLIT, **change), versions([FLINTLOCK], {}))  # type: ignore[arg-type]
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"flintlock": "0.12.0"}, "emit.unknown-version"), ({"flintlock": "0.1x"}, "version.bad"),
        ({"flintlok": "0.9.0"}, "emit.unknown-consumer"), ({"flintlock": "1"}, "emit.unknown-version"),
    ],
)  # fmt: skip
def test_a_version_that_is_not_known_is_refused_with_those_that_are(asked: dict[str, str], code: str) -> None:
    with pytest.raises(UsageError) as caught:
        versions([FLINTLOCK], asked)
    assert caught.value.code == code
    if code == "emit.unknown-version":
        assert "0.11" in str(caught.value.hint)


def test_versions_are_read_as_people_write_them() -> None:
    assert versions([FLINTLOCK], {"flintlock": "v0.10.1"}).since("flintlock", "0.9.0")
    assert not versions([FLINTLOCK], {"flintlock": "0.4.0"}).since("flintlock", "0.5.0")
    assert versions([FLINTLOCK], {}).since("flintlock", "0.11.0")


def test_a_format_that_is_not_there_is_said_with_the_nearest() -> None:
    with pytest.raises(NotFoundError) as caught:
        find("flintlok")
    assert caught.value.hint == "did you mean flintlock?"
    assert set(known()) == {
        "capmvm", "capmvm-env", "capmvm-template", "cloud-hypervisor", "cloud-hypervisor-api", "firecracker",
        "flintlock", "flintlock-http", "hammertime", "ignite", "qemu",
    }  # fmt: skip


def test_ignite_is_given_no_name_without_a_tag() -> None:
    target = find("ignite")
    assert isinstance(target, ImageTarget)
    bare = replace(golden.GUESTS["legacy"], root=f"registry.example/os@{golden.digest(1)}")
    with pytest.raises(RefusedError) as caught:
        target.render(bare, versions(target.consumers, {}))
    assert caught.value.code == "emit.no-tag"


def test_files_that_cannot_be_named_are_refused() -> None:
    made = golden.bootables()["plain"]
    odd = replace(made, root=replace(made.root, path=made.root.path.with_name("a,b")))
    plan = files.plan(facts("cloud-hypervisor"), odd, None, None)
    with pytest.raises(UsageError):
        cloud_hypervisor.render(plan, versions([CLOUD_HYPERVISOR], {}), None)
    with pytest.raises(UsageError):
        qemu.render(files.plan(facts("qemu-microvm"), made, None, None), versions([QEMU], {}), "tap0")
