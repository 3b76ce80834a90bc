"""What became of the references of a catalog, against registries that a test makes up."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy import catalog as catalogs
from bootworthy.bundles import seen
from bootworthy.bundles.seen import Seen
from bootworthy.bundles.verification import Listed, State, now_seen, verify
from bootworthy.errors import BootworthyError, DocumentError, NetworkError, NotFoundError, RefusedError
from bootworthy.oci.reference import Reference

A, B = (f"sha256:{64 * letter}" for letter in "ab")
DIGESTS = st.sampled_from([A, B])
TAGS = st.text("v1.-img", min_size=1, max_size=6).map(lambda text: f"v{text}")
FIXED, OPEN, DISK = (
    "registry.example/fixed:1", "registry.example/open:${version}", "registry.example/open:${version}.img",
)  # fmt: skip
CATALOG = f"""
bootworthy: 1
name: example
note: ask them
systems:
  one: {{images: {{root: "{FIXED}"}}}}
  two: {{images: {{root: "{OPEN}", disk: "{DISK}"}}}}
  three: {{images: {{root: "registry.example/none:1"}}}}
machines: {{m: {{vmm: firecracker, arch: x86_64}}}}
matrix:
  - {{systems: [one, two], kernels: [embedded], machines: [m], support: supported}}
  - {{systems: [three], kernels: [embedded], machines: [m], support: unavailable}}
"""


class World:
    """What registries have, or the error they answer with."""

    def __init__(self, digest: str | None = None, tags: tuple[str, ...] | None = None) -> None:
        self.digest = digest
        self.tags = tags
        self.error: BootworthyError | None = None

    def resolve(self, reference: Reference) -> str:
        assert str(reference) == FIXED, "a cell that is not offered has nothing to ask after"
        if self.error:
            raise self.error
        if self.digest is None:
            raise NotFoundError("registry.no-image", "not there")
        return self.digest

    def list(self, reference: Reference) -> tuple[str, ...]:
        assert reference.name == "registry.example/open"
        if self.error:
            raise self.error
        if self.tags is None:
            raise NotFoundError("registry.no-repository", "not there")
        return self.tags

    def states(self, before: Seen) -> dict[str, State]:
        loaded = catalogs.load_text(CATALOG, "example.yaml")
        found = verify(loaded, loaded.cells, before, self.resolve, self.list)
        self.found = found
        return {each.reference: each.state for each in found}


def test_each_state() -> None:
    before = Seen({FIXED: A}, {OPEN: ("v1",), DISK: ("v1.img",)})
    world = World(A, ("v1", "v2", "v1.img"))
    assert world.states(Seen()) == {FIXED: State.NEW, OPEN: State.NEW, DISK: State.NEW}
    assert world.states(before) == {FIXED: State.SAME, OPEN: State.SAME, DISK: State.SAME}
    assert [each.tags for each in world.found] == [(), ("v1", "v2"), ("v1.img",)]
    assert World(B, ("v2",)).states(before) == {FIXED: State.MOVED, OPEN: State.GONE, DISK: State.GONE}
    assert World().states(before) == {FIXED: State.GONE, OPEN: State.GONE, DISK: State.GONE}
    assert World().states(Seen()) == dict.fromkeys((FIXED, OPEN, DISK), State.MISSING)
    world.error = NetworkError("registry.unreachable", "no route")
    assert world.states(before) == dict.fromkeys((FIXED, OPEN, DISK), State.UNKNOWN)
    assert now_seen(before, world.found, accept=True) == before


def test_what_is_for_reference_only_asks_nobody() -> None:
    loaded = catalogs.load_text(CATALOG.replace("name: example", "name: example\naccess: reference-only"), "x.yaml")
    with pytest.raises(RefusedError) as caught:
        verify(loaded, loaded.cells, Seen(), World().resolve, World().list)
    assert (caught.value.code, "ask them" in caught.value.message) == ("catalog.reference-only", True)


@given(DIGESTS, DIGESTS, st.lists(TAGS, unique=True), st.lists(TAGS, unique=True), st.booleans())
def test_drift_stays_until_it_is_accepted(one: str, two: str, tags: list[str], later: list[str], accept: bool) -> None:
    first = World(one, tuple(tags))
    first.states(Seen())
    before = now_seen(Seen(), first.found, accept=False)
    world = World(two, tuple(later))
    states = world.states(before)
    after = world.states(now_seen(before, world.found, accept=accept))
    for reference, state in states.items():
        if not state.drifted:
            assert after[reference] is State.SAME
        elif not accept:
            assert after[reference] is state
        else:
            assert after[reference] in {State.SAME, State.MISSING}


@given(st.lists(TAGS))
def test_each_tag_belongs_to_one_pattern_at_most(tags: list[str]) -> None:
    listed = Listed([OPEN, DISK, FIXED])
    plain, disks = listed.fitting(OPEN, tags), listed.fitting(DISK, tags)
    assert {*plain, *disks} == set(tags)
    assert all(tag.endswith(".img") for tag in disks)
    assert not any(tag.endswith(".img") and len(tag) > 4 for tag in plain)


@given(st.dictionaries(st.text(), DIGESTS), st.dictionaries(st.text(), st.lists(st.text(), unique=True)))
def test_what_was_seen_comes_back(digests: dict[str, str], tags: dict[str, list[str]]) -> None:
    import tempfile

    kept = Seen(digests, {name: tuple(sorted(each)) for name, each in tags.items()})
    with tempfile.TemporaryDirectory() as folder:
        path = seen.path_for(Path(folder), "example")
        assert seen.load(path) == Seen()
        seen.save(path, "example", kept)
        first = path.read_bytes()
        assert seen.load(path) == kept
        seen.save(path, "example", seen.load(path))
        assert path.read_bytes() == first


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b'{"schema": "bootworthy.seen/2"}', b"\xff",
    b'{"schema": "bootworthy.seen/1", "digests": {"a": 5}}', b'{"schema": "bootworthy.seen/1", "patterns": [1]}',
])  # fmt: skip
def test_a_record_that_is_none(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(raw)
    with pytest.raises(DocumentError) as caught:
        seen.load(path)
    assert caught.value.code == "seen.invalid"
    assert caught.value.problems[0].hint
