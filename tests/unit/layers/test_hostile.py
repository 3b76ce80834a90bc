"""Archives that were mangled: an error of ours or a sound tree, never anything else. `make fuzz` looks for more."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import hostile
from tests.mangled import mangled
from tests.seeds import SEEDS


@pytest.mark.parametrize("name", SEEDS)
def test_what_is_not_mangled_is_read(name: str) -> None:
    tree = hostile.check(SEEDS[name])
    assert tree is not None
    assert tree.root.children


@given(data=st.data())
@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_mangled_is_refused_or_sound(data: st.DataObject) -> None:
    seeds = list(SEEDS.values())
    lower, upper = data.draw(st.sampled_from(seeds)), data.draw(mangled(seeds))
    hostile.check(lower, upper)


@given(data=st.data())
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
def test_where_the_standard_library_reads_a_mangled_archive_so_do_we(data: st.DataObject) -> None:
    hostile.compare(data.draw(mangled(list(SEEDS.values()))))
