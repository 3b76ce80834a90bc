"""Archives that were mangled: an error of ours or a sound tree, never anything else. `make fuzz` looks for more."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from tests import hostile
from tests.mangled import MANGLINGS, Mangling
from tests.seeds import SEEDS


@pytest.mark.parametrize("name", SEEDS)
def test_what_is_not_mangled_is_read(name: str) -> None:
    tree = hostile.check(SEEDS[name])
    assert tree is not None
    assert tree.root.children


@given(mangling=MANGLINGS)
@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_mangled_is_refused_or_sound(mangling: Mangling) -> None:
    hostile.check(*mangling.layers(list(SEEDS.values())))


@given(mangling=MANGLINGS)
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
def test_where_the_standard_library_reads_a_mangled_archive_so_do_we(mangling: Mangling) -> None:
    hostile.compare(mangling.layers(list(SEEDS.values()))[1])
