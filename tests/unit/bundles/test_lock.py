from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bootworthy.builders import superseded
from bootworthy.bundles import drift, lock
from bootworthy.bundles.drift import Kind
from bootworthy.catalog.entries import Catalog
from bootworthy.catalog.identity import images_entry_digest
from bootworthy.catalog.pins import PinnedBuild
from bootworthy.errors import NetworkError, NotFoundError, RefusedError, UsageError
from bootworthy.oci.documents import Descriptor
from bootworthy.oci.reference import Reference
from tests import shelves

THEN, NOW = "2026-01-01T00:00:00Z", "2026-02-02T00:00:00Z"


def nobody(reference: Reference) -> Descriptor:
    raise NetworkError("registry.unreachable", f"{reference} was asked for")


def holding(catalog: Catalog, folder: Path, now: str = THEN, *names: str) -> Catalog:
    chosen = [cell for cell in catalog.cells if cell.name in names or not names]
    return replace(catalog, pins=lock.lock(shelves.workshop(folder), catalog, chosen, nobody, now))


def test_what_is_in_the_store_is_locked(tmp_path: Path) -> None:
    images = shelves.stock(shelves.workshop(tmp_path).store)
    locked = holding(shelves.catalog(), tmp_path).pins
    assert locked.catalog == "shelf"
    assert list(locked.cells) == [shelves.FIRE, shelves.MICRO]
    cell = locked.cells[shelves.MICRO]
    assert {role: pin.digest for role, pin in cell.images.items()} == {
        "root": images["root"].digest, "kernel": images["kernel"].digest, "modules": images["modules"].digest,
        "initrd": images["initrd-micro"].digest,
    }  # fmt: skip
    assert cell.images["root"].reference == "published.example/up/one:1"
    assert (cell.kernel_release, cell.resolved) == (shelves.RELEASE, THEN)


def test_a_cell_that_is_as_it_was_keeps_its_date(tmp_path: Path) -> None:
    store = shelves.workshop(tmp_path).store
    shelves.stock(store)
    first = holding(shelves.catalog(), tmp_path)
    assert holding(first, tmp_path, NOW).pins.render() == first.pins.render()
    store.tag(shelves.name("initrd-fire"), shelves.put(store, "initrd", "newer"))
    second = holding(first, tmp_path, NOW).pins
    assert second.cells[shelves.MICRO] == first.pins.cells[shelves.MICRO]
    assert second.cells[shelves.FIRE].resolved == NOW


def test_part_of_a_catalog(tmp_path: Path) -> None:
    shelves.stock(shelves.workshop(tmp_path).store)
    first = holding(shelves.catalog(), tmp_path, THEN, shelves.MICRO)
    assert list(first.pins.cells) == [shelves.MICRO]
    second = holding(first, tmp_path, NOW, shelves.FIRE)
    assert {name: cell.resolved for name, cell in second.pins.cells.items()} == {
        shelves.MICRO: THEN, shelves.FIRE: NOW,
    }  # fmt: skip


def test_what_the_catalog_no_longer_has_goes(tmp_path: Path) -> None:
    shelves.stock(shelves.workshop(tmp_path).store)
    first = holding(shelves.catalog(), tmp_path)
    pins = replace(first.pins, builds={"system zero x86_64": PinnedBuild(key="0", packages=())})
    fewer = shelves.read(shelves.text().replace("support: supported", "support: planned", 1))
    again = holding(replace(fewer, pins=pins), tmp_path, NOW).pins
    assert (list(again.cells), again.builds) == ([shelves.FIRE], {})


def test_what_is_not_in_the_store_is_asked_for(tmp_path: Path) -> None:
    workshop, catalog = shelves.workshop(tmp_path), shelves.catalog()
    images = shelves.stock(shelves.workshop(tmp_path / "up").store)
    asked: list[Reference] = []

    def upstream(reference: Reference) -> Descriptor:
        asked.append(reference)
        return next(images[role] for role in images if shelves.name(role) == reference)

    locked = lock.lock(workshop, catalog, catalog.cells[:1], upstream, THEN)
    assert locked.cells[shelves.MICRO].images["root"].digest == images["root"].digest
    assert locked.cells[shelves.MICRO].kernel_release is None
    assert len(asked) == 4


def test_what_would_have_to_be_built_of_it(tmp_path: Path) -> None:
    text = shelves.text().replace('    images: {initrd: "published.example/up/k1:1-initrd-micro"}\n', "")
    catalog = shelves.read(text)
    images = shelves.stock(shelves.workshop(tmp_path / "up").store)
    with pytest.raises(NotFoundError) as caught:
        lock.lock(shelves.workshop(tmp_path), catalog, catalog.cells[:1], lambda _: images["root"], THEN)
    assert caught.value.code == "lock.not-here"
    assert "kernel, modules, root" in caught.value.message


def test_catalogs_that_are_for_reference_only(tmp_path: Path) -> None:
    shelves.stock(shelves.workshop(tmp_path).store)
    catalog = shelves.read(shelves.text() + "access: reference-only\n")
    with pytest.raises(RefusedError) as caught:
        holding(catalog, tmp_path)
    assert caught.value.code == "catalog.reference-only"


def test_a_pattern_is_no_image(tmp_path: Path) -> None:
    catalog = shelves.read(shelves.text().replace('one:1"}', 'one"}\n    tags: "${version}"'))
    with pytest.raises(UsageError) as caught:
        holding(catalog, tmp_path)
    assert caught.value.code == "lock.pattern"


def test_the_bundles_of_what_is_locked_are_kept(tmp_path: Path) -> None:
    workshop = shelves.workshop(tmp_path)
    shelves.stock(workshop.store)
    catalog = holding(shelves.catalog(), tmp_path)
    (fixed,) = lock.keep(workshop, catalog, catalog.cells)
    free = shelves.catalog()
    workshop.store.tag(shelves.name("kernel"), shelves.put(workshop.store, "kernel", "newer"))
    (newer,) = lock.keep(workshop, holding(free, tmp_path), free.cells)
    assert newer != fixed
    assert fixed not in superseded.names(workshop.store, workshop.records)


def no_bundle(reference: Reference) -> frozenset[str]:
    raise AssertionError(f"the bundle {reference} was asked for, and nothing in it is ours")


def differences(
    catalog: Catalog, folder: Path, upstream: Callable[[Reference], Descriptor], *, whole: bool = True,
    bundled: drift.Bundled = no_bundle,
) -> list[tuple[Kind, str]]:  # fmt: skip
    found = drift.drift(shelves.workshop(folder), catalog, catalog.cells, upstream, bundled, whole=whole, mirrors=False)
    assert all(each.message for each in found)
    return [(each.kind, each.subject) for each in found]


def test_nothing_moved(tmp_path: Path) -> None:
    images = shelves.stock(shelves.workshop(tmp_path).store)
    catalog = holding(shelves.catalog(), tmp_path)
    upstream = {shelves.name(role): image for role, image in images.items()}.__getitem__
    assert differences(catalog, tmp_path, upstream) == []


def test_what_moved_upstream(tmp_path: Path) -> None:
    images = shelves.stock(shelves.workshop(tmp_path).store)
    catalog = holding(shelves.catalog(), tmp_path)
    now = {shelves.name(role): image for role, image in images.items()} | {shelves.name("root"): images["kernel"]}
    asked: list[Reference] = []

    def upstream(reference: Reference) -> Descriptor:
        asked.append(reference)
        return now[reference]

    assert differences(catalog, tmp_path, upstream) == [(Kind.MOVED, "published.example/up/one:1")]
    assert len(asked) == len(set(asked)) == 5
    assert {kind for kind, _ in differences(catalog, tmp_path, nobody)} == {Kind.UNKNOWN}


def building(catalog: Catalog) -> Catalog:
    """The same, locked as before, when root and initial RAM disk are not published but built."""
    cells = tuple(replace(cell, row_images={}, system=replace(cell.system, images={})) for cell in catalog.cells)
    pins = {cell.name: replace(catalog.pins.cells[cell.name], entry=images_entry_digest(cell)) for cell in cells}
    return replace(catalog, cells=cells, pins=replace(catalog.pins, cells=pins))


def test_a_bundle_of_ours_that_moved(tmp_path: Path) -> None:
    images = shelves.stock(shelves.workshop(tmp_path).store)
    catalog = building(holding(shelves.catalog(), tmp_path))
    upstream = {shelves.name(role): image for role, image in images.items()}.__getitem__
    asked: list[str] = []
    has = {images[role].digest for role in ("root", "initrd-micro", "initrd-fire")}

    def bundled(reference: Reference) -> frozenset[str]:
        asked.append(str(reference))
        return frozenset(has)

    assert differences(catalog, tmp_path, upstream, bundled=bundled) == []
    assert asked == [shelves.BUNDLE]
    has.remove(images["initrd-fire"].digest)
    assert differences(catalog, tmp_path, upstream, bundled=bundled) == [(Kind.MOVED, shelves.BUNDLE)]

    def never_pushed(reference: Reference) -> frozenset[str]:
        raise NotFoundError("registry.no-image", f"no {reference}")

    assert differences(catalog, tmp_path, upstream, bundled=never_pushed) == []

    def gone(reference: Reference) -> frozenset[str]:
        raise NetworkError("registry.unreachable", f"no way to {reference}")

    assert differences(catalog, tmp_path, upstream, bundled=gone) == [(Kind.UNKNOWN, shelves.BUNDLE)]
    for registry in (None, "localhost/shelf"):
        assert differences(replace(catalog, registry=registry), tmp_path, upstream) == []


def test_where_locked_images_lie(tmp_path: Path) -> None:
    images = shelves.stock(shelves.workshop(tmp_path).store)
    locked = holding(shelves.catalog(), tmp_path)
    found = lock.published(locked, locked.cells)
    assert {str(name) for name, _ in found} == {
        f"{shelves.name(role)}@{image.digest}" for role, image in images.items()
    }  # fmt: skip
    assert len(found) == len(images)
    ours = building(locked)
    assert {str(name) for name, _ in lock.published(ours, ours.cells)} >= {
        f"{shelves.BUNDLE}@{images['root'].digest}", f"{shelves.BUNDLE}-initrd-fire@{images['initrd-fire'].digest}",
    }  # fmt: skip
    for registry in (None, "localhost/shelf"):
        with pytest.raises(NotFoundError) as caught:
            lock.published(replace(ours, registry=registry), ours.cells)
        assert caught.value.code == "lock.no-registry"
    part = holding(shelves.catalog(), tmp_path, THEN, shelves.MICRO)
    with pytest.raises(NotFoundError) as caught:
        lock.published(part, part.cells)
    assert caught.value.code == "lock.not-locked"


def test_what_the_catalog_changed(tmp_path: Path) -> None:
    images = shelves.stock(shelves.workshop(tmp_path).store)
    catalog = holding(shelves.catalog(), tmp_path, THEN, shelves.MICRO)
    text = shelves.text().replace("k1:1-initrd-micro", "k1:2-initrd-micro")
    other = replace(shelves.read(text), pins=catalog.pins)
    upstream = {shelves.name(role): image for role, image in images.items()}.__getitem__
    assert differences(other, tmp_path, upstream) == [
        (Kind.CATALOG, shelves.MICRO), (Kind.NOT_LOCKED, shelves.FIRE),
    ]  # fmt: skip
    renamed = shelves.read(shelves.text().replace("[micro]", "[small]").replace("  micro:", "  small:"))
    kinds = differences(replace(renamed, pins=catalog.pins), tmp_path, upstream)
    assert (Kind.GONE, shelves.MICRO) in kinds
    assert (Kind.GONE, shelves.MICRO) not in differences(
        replace(renamed, pins=catalog.pins), tmp_path, upstream, whole=False
    )
