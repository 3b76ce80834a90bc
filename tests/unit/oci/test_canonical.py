from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.oci.canonical import canonical_json

_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(_TEXT, inner),
    max_leaves=20,
)


@given(_JSON)
def test_what_is_written_is_read_back(value: object) -> None:
    assert json.loads(canonical_json(value)) == value


@given(st.dictionaries(_TEXT, _JSON, min_size=2), st.randoms())
def test_the_order_of_keys_changes_nothing(value: dict[str, object], chance: random.Random) -> None:
    names = list(value)
    chance.shuffle(names)
    assert canonical_json({name: value[name] for name in names}) == canonical_json(value)


def test_the_form() -> None:
    assert (
        canonical_json({"b": [1, True, None], "ä": "ö/\n", "a": {}})
        == '{"a":{},"b":[1,true,null],"ä":"ö/\\n"}'.encode()
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800"])
def test_what_json_cannot_say_is_refused(value: object) -> None:
    with pytest.raises(ValueError):
        canonical_json([value])


def test_other_objects_are_refused() -> None:
    with pytest.raises(TypeError):
        canonical_json({"path": object()})
