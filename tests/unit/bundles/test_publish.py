from __future__ import annotations

from pathlib import Path

from bootworthy.builders import cells, superseded
from bootworthy.builders.workshop import REPOSITORY, Workshop
from bootworthy.bundles import publish
from bootworthy.bundles.publish import Published
from bootworthy.catalog.entries import Catalog
from bootworthy.oci.documents import BUNDLE
from bootworthy.oci.image import read_document
from bootworthy.oci.layout import Layout
from bootworthy.oci.reference import Reference
from bootworthy.vocabulary import Architecture
from bootworthy.volumes import garbage
from bootworthy.volumes.usage import usage
from tests import shelves


def published(workshop: Workshop, catalog: Catalog) -> Published:
    found = {cell: cells.obtain(workshop, catalog, cell) for cell in catalog.cells}
    (bundle,) = publish.publish(workshop, catalog, found)
    return bundle


def names(workshop: Workshop) -> set[str]:
    return {image.name for image in workshop.store.images()}


def test_a_bundle_has_its_names_in_the_store(tmp_path: Path) -> None:
    workshop, catalog = shelves.workshop(tmp_path), shelves.catalog()
    images = shelves.stock(workshop.store)
    bundle = published(workshop, catalog)
    assert str(bundle.name) == shelves.BUNDLE
    assert str(bundle.fixed) == f"{shelves.BUNDLE}-{bundle.digest[7:19]}"
    assert set(bundle.members) == {"kernel", "modules", "initrd-micro", "initrd-fire"}
    for name in (bundle.name, bundle.fixed):
        assert workshop.store.resolve(name).digest == bundle.digest
        assert workshop.store.image(name, Architecture.X86_64).descriptor.digest == images["root"].digest
    for suffix, name in bundle.members.items():
        assert workshop.store.image(name, Architecture.X86_64).descriptor.digest == images[suffix].digest
    assert bundle.as_json()["digest"] == bundle.digest
    assert published(workshop, catalog) == bundle


def test_one_cell_brings_what_is_here_of_the_others(tmp_path: Path) -> None:
    workshop, catalog = shelves.workshop(tmp_path), shelves.catalog()
    shelves.stock(workshop.store)
    whole = published(workshop, catalog)
    cell = catalog.cells[0]
    images = cells.obtain(workshop, catalog, cell)
    assert publish.publish(workshop, catalog, {cell: images})[0].digest == whole.digest
    workshop.store.untag(shelves.name("initrd-fire"))
    (part,) = publish.publish(workshop, catalog, {cell: images})
    assert set(part.members) == {"kernel", "modules", "initrd-micro"}


def test_bundles_that_lack_something_are_completed(tmp_path: Path) -> None:
    workshop, catalog = shelves.workshop(tmp_path), shelves.catalog()
    shelves.stock(workshop.store)
    found = {cell: cells.obtain(workshop, catalog, cell) for cell in catalog.cells}
    publish.complete(workshop, catalog, found)
    before = workshop.store.resolve(Reference.parse(shelves.BUNDLE))
    publish.complete(workshop, catalog, found)
    assert workshop.store.resolve(Reference.parse(shelves.BUNDLE)) == before
    workshop.store.tag(shelves.name("kernel"), shelves.put(workshop.store, "kernel", "newer"))
    found = {cell: cells.obtain(workshop, catalog, cell) for cell in catalog.cells}
    publish.complete(workshop, catalog, found)
    assert workshop.store.resolve(Reference.parse(shelves.BUNDLE)).digest != before.digest


def test_a_bundle_that_was_damaged_is_made_again(tmp_path: Path) -> None:
    workshop, catalog = shelves.workshop(tmp_path), shelves.catalog()
    shelves.stock(workshop.store)
    bundle = published(workshop, catalog)
    for damaged in (b"{", b"x" * len(workshop.store.read(workshop.store.resolve(bundle.name)))):
        workshop.store.blob_path(bundle.digest).write_bytes(damaged)
        publish.complete(workshop, catalog, {cell: cells.obtain(workshop, catalog, cell) for cell in catalog.cells})
        assert workshop.store.image(bundle.fixed, Architecture.X86_64).role == "root"


def test_what_others_publish_is_joined_only_where_the_catalog_says_where_to(tmp_path: Path) -> None:
    workshop = shelves.workshop(tmp_path)
    shelves.stock(workshop.store)
    text = shelves.text().replace("registry: registry.example/os\n", "")
    catalog = shelves.read(text)
    found = {cell: cells.obtain(workshop, catalog, cell) for cell in catalog.cells}
    assert publish.publish(workshop, catalog, found) == ()


def test_both_architectures_are_in_one(tmp_path: Path) -> None:
    workshop = shelves.workshop(tmp_path)
    text = """\
bootworthy: 1
name: two
registry: registry.example/os
systems: {one: {images: {root+kernel: "published.example/one:1"}}}
machines: {arm: {vmm: cloud-hypervisor, arch: aarch64}, x86: {vmm: cloud-hypervisor, arch: x86_64}}
matrix: [{systems: [one], kernels: [embedded], machines: ["*"], support: supported}]
"""
    catalog = shelves.read(text)
    both = [shelves.put(workshop.store, "root", one.value, one) for one in Architecture]
    workshop.store.tag(Reference.parse("published.example/one:1"), workshop.store.put_index(both))
    bundle = published(workshop, catalog)
    index = read_document(workshop.store, workshop.store.resolve(bundle.name))
    assert [(each.role, str(each.platform)) for each in index.manifests] == [  # type: ignore[union-attr]
        ("root+kernel", "linux/amd64"), ("root+kernel", "linux/arm64"),
    ]  # fmt: skip
    assert bundle.members == {}


def test_names_go_with_their_bundle(tmp_path: Path) -> None:
    workshop, catalog = shelves.workshop(tmp_path), shelves.catalog()
    shelves.stock(workshop.store)
    first = published(workshop, catalog)
    workshop.store.tag(shelves.name("kernel"), shelves.put(workshop.store, "kernel", "newer"))
    workshop.store.untag(shelves.name("initrd-fire"))
    cell = catalog.cells[0]
    (second,) = publish.publish(workshop, catalog, {cell: cells.obtain(workshop, catalog, cell)})
    gone = {str(first.fixed), f"{shelves.BUNDLE}-initrd-fire"}
    assert {str(name) for name in superseded.names(workshop.store, workshop.records)} == gone
    del workshop  # and the lease on all that it has looked at
    later = shelves.workshop(tmp_path)
    replaced = superseded.names(later.store, later.records)
    collected = garbage.collect(later.store, later.cache, replaced=replaced, now=2**33, grace=0)
    assert set(collected.names) == gone
    assert names(later).isdisjoint(gone)
    assert {str(second.fixed), str(second.name), *map(str, second.members.values())} <= names(later)


def test_a_fixed_name_that_was_fetched_stays(tmp_path: Path) -> None:
    workshop, catalog = shelves.workshop(tmp_path), shelves.catalog()
    shelves.stock(workshop.store)
    first = published(workshop, catalog)
    workshop.store.tag(first.fixed, workshop.store.resolve(first.fixed))
    assert all(
        BUNDLE not in entry.annotations
        for entry in Layout(workshop.store.root).index().manifests
        if entry.annotations["org.opencontainers.image.ref.name"] == str(first.fixed)
    )
    workshop.store.tag(shelves.name("kernel"), shelves.put(workshop.store, "kernel", "newer"))
    published(workshop, catalog)
    assert first.fixed not in superseded.names(workshop.store, workshop.records)
    assert workshop.store.resolve(first.fixed).digest == first.digest


def test_taking_a_bundle_away_takes_its_names(tmp_path: Path) -> None:
    workshop, catalog = shelves.workshop(tmp_path), shelves.catalog()
    images = shelves.stock(workshop.store)
    bundle = published(workshop, catalog)
    along = superseded.only_name(workshop.store, bundle.name)
    assert set(along) == {bundle.fixed, *bundle.members.values()}
    other = Reference.parse("localhost/mine:1")
    workshop.store.tag(other, workshop.store.resolve(bundle.name))
    assert superseded.only_name(workshop.store, bundle.name) == ()
    workshop.store.untag(other)
    build = Reference.parse(f"{REPOSITORY}:{'a' * 32}-root")
    workshop.store.tag(build, images["root"])
    assert build not in superseded.only_name(workshop.store, bundle.name)  # its published name has it still
    workshop.store.untag(shelves.name("root"))
    assert build in superseded.only_name(workshop.store, bundle.name)
    assert build not in superseded.only_name(workshop.store, bundle.members["kernel"])


def test_members_are_counted_with_their_bundle(tmp_path: Path) -> None:
    workshop, catalog = shelves.workshop(tmp_path), shelves.catalog()
    images = shelves.stock(workshop.store)
    bundle = published(workshop, catalog)
    for role in shelves.ROLES:  # as builds name them
        workshop.store.tag(Reference.parse(f"{REPOSITORY}:{role}"), images[role])
        workshop.store.untag(shelves.name(role))
    folder, cache = workshop.store.root, workshop.cache
    found = usage(folder, cache, lambda name: name.startswith(f"{REPOSITORY}:"))
    (image,) = found.images
    assert image.names == (str(bundle.name), str(bundle.fixed))
    assert found.total.shared == 0
    assert len(usage(folder, cache).images) == 1 + len(images)
    workshop.store.untag(bundle.name)  # what went with it is counted again until gc takes it
    assert len(usage(folder, cache, lambda name: name.startswith(f"{REPOSITORY}:")).images) == 1 + len(bundle.members)
