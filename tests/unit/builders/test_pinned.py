from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from bootworthy.builders import cells
from bootworthy.builders.apt import Package
from bootworthy.builders.pinned import Held
from bootworthy.builders.record import Recipe
from bootworthy.builders.workshop import Build, Made, Workshop
from bootworthy.catalog.entries import Catalog
from bootworthy.catalog.identity import images_entry_digest
from bootworthy.catalog.pins import Pin, PinnedBuild, PinnedCell, Pins
from bootworthy.errors import BuildError, IntegrityError, NotFoundError, RefusedError
from bootworthy.oci.documents import Descriptor
from bootworthy.oci.reference import Reference
from bootworthy.vocabulary import Architecture, Role
from tests import shelves

LIBC = Package("libc6", "2.36-9", "amd64", "f" * 64)
NEWER = replace(LIBC, version="2.36-10")


def pinned(catalog: Catalog, images: Mapping[str, Descriptor]) -> Catalog:
    cell = catalog.cells[0]
    found = {role: Pin(text, images["initrd-micro" if role == "initrd" else role].digest)
             for role, text in cell.images.items()}  # fmt: skip
    held = PinnedCell(entry=images_entry_digest(cell), kernel_release=None, resolved="then", images=found)
    return replace(catalog, pins=Pins(catalog=catalog.name, cells={cell.name: held}, where="shelf.lock"))


def test_a_reference_that_moved_is_used_as_it_was(tmp_path: Path) -> None:
    workshop = shelves.workshop(tmp_path)
    before = shelves.stock(workshop.store)
    catalog = pinned(shelves.catalog(), before)
    after = shelves.stock(workshop.store, content="newer ")
    locked = cells.obtain(workshop, catalog, catalog.cells[0])
    assert locked.digests["kernel"] == before["kernel"].digest != after["kernel"].digest
    assert cells.present(workshop, catalog, catalog.cells[0]) == locked
    free = cells.obtain(workshop, catalog, catalog.cells[1])
    assert free.digests["kernel"] == after["kernel"].digest


def test_what_is_locked_and_not_here_is_named(tmp_path: Path) -> None:
    one, two = shelves.workshop(tmp_path / "one"), shelves.workshop(tmp_path / "two")
    catalog = pinned(shelves.catalog(), shelves.stock(one.store))
    shelves.stock(two.store, content="newer ")
    with pytest.raises(NotFoundError) as caught:
        cells.obtain(two, catalog, catalog.cells[0])
    pin = catalog.pins.cells[shelves.MICRO].images["kernel"]
    assert caught.value.code == "lock.not-here"
    assert f"{pin.reference}@{pin.digest}" in caught.value.message
    assert caught.value.hint == f"bootworthy pull --locked {shelves.MICRO}"
    assert cells.present(two, catalog, catalog.cells[0]) is None


def test_a_catalog_that_changed(tmp_path: Path) -> None:
    workshop = shelves.workshop(tmp_path)
    locked = pinned(shelves.catalog(), shelves.stock(workshop.store))
    other = shelves.read(shelves.text().replace("k1:1-kernel", "k1:2-kernel"))
    with pytest.raises(RefusedError) as caught:
        cells.obtain(workshop, replace(other, pins=locked.pins), other.cells[0])
    assert (caught.value.code, caught.value.where) == ("lock.differs", "shelf.lock")
    titled = shelves.read(shelves.text().replace("title: One", "title: The one"))
    assert cells.obtain(workshop, replace(titled, pins=locked.pins), titled.cells[0]).digests


def build(workshop: Workshop, text: str, offered: Package) -> Build:
    recipe = Recipe(
        subject="system one", kind="small", revision=1, architecture=Architecture.X86_64, inputs={}, tools={}
    )
    made = lambda: Made(images={Role.ROOT: shelves.put(workshop.store, "root", text)}, packages=(offered,))  # noqa: E731
    return Build(recipe=recipe, make=made, offered=lambda: (offered,))


def held(image: Descriptor) -> Held:
    pins = Pins(
        catalog="shelf", where="shelf.lock",
        builds={"system one x86_64": PinnedBuild(key="0" * 64, packages=(LIBC.as_json(),))},
    )  # fmt: skip
    cell = PinnedCell(
        entry="", kernel_release=None, resolved="", images={"root": Pin("localhost/x/one:k1", image.digest)}
    )
    return Held("one/k1/micro", pins, cell)


def test_a_build_is_made_again_from_what_it_was_made_of(tmp_path: Path) -> None:
    image = shelves.put(shelves.workshop(tmp_path / "one").store, "root", "same")
    workshop = shelves.workshop(tmp_path / "two")
    assert held(image).images(workshop.store, [Role.ROOT]) is None
    built = held(image).build(workshop, [Role.ROOT], build(workshop, "same", LIBC))
    assert built.images[Role.ROOT].digest == image.digest
    assert held(image).images(workshop.store, [Role.ROOT]) == built.images


def test_a_mirror_that_has_other_packages_now(tmp_path: Path) -> None:
    image = shelves.put(shelves.workshop(tmp_path / "one").store, "root", "same")
    workshop = shelves.workshop(tmp_path / "two")
    with pytest.raises(BuildError) as caught:
        held(image).build(workshop, [Role.ROOT], build(workshop, "other", NEWER))
    assert caught.value.code == "lock.package-gone"
    assert "package libc6: 2.36-9 -> 2.36-10" in caught.value.message
    assert workshop.store.images() == ()  # it was said before anything was built


def test_a_build_on_the_way_is_held_too(tmp_path: Path) -> None:
    workshop = shelves.workshop(tmp_path)
    image = shelves.put(workshop.store, "root", "same")
    other = replace(build(workshop, "x", LIBC), offered=None)
    with pytest.raises(BuildError, match="libc6"):
        held(image).build(workshop, [Role.ROOT], other, build(workshop, "y", NEWER))


def test_a_build_that_comes_out_as_another_image(tmp_path: Path) -> None:
    image = shelves.put(shelves.workshop(tmp_path / "one").store, "root", "same")
    workshop = shelves.workshop(tmp_path / "two")
    with pytest.raises(IntegrityError) as caught:
        held(image).build(workshop, [Role.ROOT], build(workshop, "other", LIBC))
    assert caught.value.code == "lock.other-image"
    assert image.digest in caught.value.message


def test_a_locked_image_is_used_whatever_its_recipe_makes_now(tmp_path: Path) -> None:
    workshop = shelves.workshop(tmp_path)
    image = shelves.put(workshop.store, "root", "same")
    workshop.store.tag(Reference.parse("localhost/kept:1"), image)
    build(workshop, "newer", NEWER).obtain(workshop)
    found = held(image).images(workshop.store, [Role.ROOT])
    assert found is not None
    assert found[Role.ROOT].digest == image.digest


def test_a_role_that_the_lock_has_not(tmp_path: Path) -> None:
    workshop = shelves.workshop(tmp_path)
    image = shelves.put(workshop.store, "root", "same")
    with pytest.raises(RefusedError, match="without a modules image"):
        held(image).image(workshop.store, "modules")
