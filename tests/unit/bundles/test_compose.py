from __future__ import annotations

import itertools
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.bundles.compose import BUNDLE_TYPE, MACHINE, Names, Part, compose, is_bundle, read
from bootworthy.oci import digest as digests
from bootworthy.oci.documents import MANIFEST, PLATFORM, ROLE, Descriptor, Platform, parse_index
from bootworthy.oci.reference import Reference

X86, ARM = Platform("linux", "amd64"), Platform("linux", "arm64", "v8")


def image(text: str) -> Descriptor:
    return Descriptor.of(text.encode(), MANIFEST)


def part(role: str, machine: str = "m", platform: Platform = X86, text: str | None = None) -> Part:
    return Part(role, machine, platform, image(text or f"{role} {platform}"))


def cell(machine: str, platform: Platform = X86) -> list[Part]:
    own = part("initrd", machine, platform, f"initrd {machine}")
    return [*(part(role, machine, platform) for role in ("root", "kernel", "modules")), own]


PARTS = [*cell("a-x86"), *cell("b-x86"), *cell("a-arm", ARM)]


def test_a_bundle_is_what_the_design_says() -> None:
    bundle = compose(PARTS)
    document = json.loads(bundle.index.raw)
    assert document["artifactType"] == "application/vnd.bootworthy.bundle.v1+json" == BUNDLE_TYPE
    assert document["mediaType"] == "application/vnd.oci.image.index.v1+json"
    entries = document["manifests"]
    assert [(each["annotations"][ROLE], each["annotations"].get(PLATFORM)) for each in entries] == [
        ("root", None), ("root", None), ("kernel", "linux/amd64"), ("kernel", "linux/arm64/v8"),
        ("modules", "linux/amd64"), ("modules", "linux/arm64/v8"), ("initrd", "linux/amd64"),
        ("initrd", "linux/amd64"), ("initrd", "linux/arm64/v8"),
    ]  # fmt: skip
    assert [each["platform"] for each in entries[:2]] == [X86.as_json(), ARM.as_json()]
    assert all(each["platform"] == {"os": "unknown", "architecture": "unknown"} for each in entries[2:])
    assert [each["annotations"].get(MACHINE) for each in entries[-3:]] == ["a-x86", "b-x86", "a-arm"]
    assert bundle.index.descriptor.digest == digests.of(bundle.index.raw)
    assert is_bundle(parse_index(bundle.index.raw, where="here"))


def test_members_have_indexes_of_their_own_with_real_platforms() -> None:
    bundle = compose(PARTS)
    assert list(bundle.members) == ["initrd-a-arm", "initrd-a-x86", "initrd-b-x86", "kernel", "modules"]
    kernel = parse_index(bundle.members["kernel"].raw, where="kernel")
    assert [(each.digest, each.platform, each.role) for each in kernel.manifests] == [
        (image("kernel linux/amd64").digest, X86, "kernel"), (image("kernel linux/arm64/v8").digest, ARM, "kernel"),
    ]  # fmt: skip
    assert kernel.artifact_type is None
    initrd = parse_index(bundle.members["initrd-b-x86"].raw, where="initrd")
    assert [each.digest for each in initrd.manifests] == [image("initrd b-x86").digest]


def test_machines_that_share_an_initial_ram_disk() -> None:
    shared = [part("root", "a"), part("initrd", "a", text="same"), part("root", "b"), part("initrd", "b", text="same")]
    bundle = compose(shared)
    entries = parse_index(bundle.index.raw, where="here").manifests
    assert [each.annotations.get(MACHINE) for each in entries] == [None, "a b"]
    assert bundle.members["initrd-a"] == bundle.members["initrd-b"]


def test_machines_that_have_kernels_of_their_own() -> None:
    parts = [part("root", "a"), part("kernel", "a", text="one"), part("root", "b"), part("kernel", "b", text="two")]
    bundle = compose(parts)
    entries = parse_index(bundle.index.raw, where="here").manifests
    assert [each.annotations.get(MACHINE) for each in entries] == [None, "a", "b"]
    assert list(bundle.members) == ["kernel-a", "kernel-b"]


def test_roles_that_one_image_holds() -> None:
    bundle = compose([part("root+kernel"), part("modules+initrd")])
    entries = parse_index(bundle.index.raw, where="here").manifests
    assert [(each.role, each.platform) for each in entries] == [
        ("root+kernel", X86), ("modules+initrd", Platform("unknown", "unknown")),
    ]  # fmt: skip
    assert list(bundle.members) == ["modules-initrd"]


@given(st.integers(0, 2**32))
def test_a_bundle_is_read_as_it_was_composed(seed: int) -> None:
    parts = random.Random(seed).sample(PARTS, random.Random(seed).randrange(1, len(PARTS)))
    bundle = compose([*parts, part("root+kernel", "c", ARM), part("kernel", "d", text="another")])
    assert read(parse_index(bundle.index.raw, where="here")) == bundle
    foreign = parse_index(bundle.index.raw.replace(b'"initrd"', b'"advice"'), where="here")
    assert not any("advice" in suffix for suffix in read(foreign).members)


def test_other_indexes_are_no_bundles() -> None:
    with pytest.raises(ValueError, match="no bundle"):
        read(parse_index(compose(PARTS).members["kernel"].raw, where="here"))


@given(st.integers(0, 2**32))
def test_the_order_in_which_parts_come_does_not_count(seed: int) -> None:
    parts = PARTS * 2
    random.Random(seed).shuffle(parts)
    assert compose(parts) == compose(PARTS)


def test_each_image_makes_another_bundle() -> None:
    every = {compose(PARTS).index.descriptor.digest}
    every |= {compose([*PARTS[:n], *PARTS[n + 1 :]]).index.descriptor.digest for n in range(len(PARTS))}
    # Kernels and roots are the same for two machines: without one of the two, it is in the bundle still.
    assert len(every) == 1 + sum(1 for a in PARTS if sum(a.descriptor == b.descriptor for b in PARTS) == 1)


def test_there_is_no_bundle_without_a_root() -> None:
    with pytest.raises(ValueError, match="root"):
        compose([part("kernel")])


def test_names() -> None:
    names = Names(Reference.parse("registry.example/os/one:k1"))
    assert str(names.fixed("sha256:" + "0123456789abcdef" * 4)) == "registry.example/os/one:k1-0123456789ab"
    assert str(names.member("initrd-fire")) == "registry.example/os/one:k1-initrd-fire"


def test_no_platform_of_a_kernel_is_one_that_somebody_runs() -> None:
    for roles in itertools.combinations(("kernel", "modules", "initrd"), 2):
        entries = parse_index(compose([part("root"), *map(part, roles)]).index.raw, where="here").manifests
        known = [each.role for each in entries if each.platform is not None and each.platform.known]
        assert known == ["root"]
