from __future__ import annotations

from pathlib import Path

from bootworthy.builders import superseded
from bootworthy.builders.record import Recipe
from bootworthy.builders.workshop import REPOSITORY, Build, Made, Workshop
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from bootworthy.vocabulary import Architecture, Role
from tests.oci_images import put_small


def built(workshop: Workshop, revision: int, subject: str = "system x") -> str:
    recipe = Recipe(
        subject=subject, kind="small", revision=revision, architecture=Architecture.X86_64, inputs={}, tools={}
    )
    made = Made(images={Role.ROOT: put_small(workshop.store, f"{subject} {revision}")})
    Build(recipe=recipe, make=lambda: made).obtain(workshop)
    return f"{REPOSITORY}:{recipe.key[:32]}-root"


def test_builds_that_newer_ones_replaced(tmp_path: Path) -> None:
    workshop = Workshop(Store(tmp_path / "store"), tmp_path / "cache")
    first, other = built(workshop, 1), built(workshop, 1, "system y")
    assert superseded.names(workshop.store, workshop.records) == ()
    second = built(workshop, 2)
    assert [str(name) for name in superseded.names(workshop.store, workshop.records)] == [first]
    workshop.store.tag(Reference.parse("localhost/own:1"), put_small(workshop.store, "own"))
    assert {image.name for image in workshop.store.images()} == {first, second, other, "localhost/own:1"}
    next((tmp_path / "cache/builds/newest").iterdir()).write_text("{")
    assert len(superseded.names(workshop.store, workshop.records)) == 2


def test_the_name_of_a_build_goes_with_the_last_other(tmp_path: Path) -> None:
    workshop = Workshop(Store(tmp_path / "store"), tmp_path / "cache")
    kept = Reference.parse(built(workshop, 1))
    image = workshop.store.resolve(kept)
    one, two = (Reference.parse(f"localhost/{name}:1") for name in ("one", "two"))
    workshop.store.tag(one, image)
    assert superseded.only_name(workshop.store, one) == (kept,)
    workshop.store.tag(two, image)
    assert superseded.only_name(workshop.store, one) == ()
    assert superseded.only_name(workshop.store, kept) == ()
