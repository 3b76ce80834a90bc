import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.catalog.versions import Version, VersionRange
from bootworthy.errors import UsageError

# Semantic Versioning 2.0.0, section 11, with its own example, and the field's looser ways to write versions.
RISING = [
    "0.1.0-alpha.7", "0.1.0-alpha.9", "0.1.0-alpha.10", "v0.1.0", "0.4", "0.7.0", "0.10", "1.0.0-alpha",
    "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1", "5.10.77",
    "10.0.2", "2026.09.21",
]  # fmt: skip


def test_versions_rise() -> None:
    versions = [Version(text) for text in RISING]
    assert all(low < high for low, high in itertools.pairwise(versions))
    assert len(set(versions)) == len(RISING)


@pytest.mark.parametrize(("one", "other"), [("1", "1.0.0"), ("v1.2", "1.2"), ("1.2+build", "1.2"), ("01.2", "1.2")])
def test_the_same_version_written_otherwise(one: str, other: str) -> None:
    assert Version(one) == Version(other)
    assert hash(Version(one)) == hash(Version(other))


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        (">0.7.0", ["0.7.1", "1"], ["0.7", "0.6", "0.7.0-rc.1"]),
        (">=7.2, <11", ["7.2", "10.0.2"], ["11", "7.1.9", "11.0.0"]),
        ("1.4", ["1.4.0"], ["1.4.1"]),
        ("!=1.4,<=2", ["1.5", "2.0"], ["1.4", "2.0.1"]),
    ],
)
def test_ranges(text: str, inside: list[str], outside: list[str]) -> None:
    one = VersionRange.parse(text)
    assert str(one) == text
    assert [version for version in inside + outside if one.contains(version)] == inside


@pytest.mark.parametrize("text", ["", ",", ">", ">x", "1..2", "latest", "> =1", ">1,", "1.2.", "=>1"])
def test_what_is_no_range(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        VersionRange.parse(text)
    assert caught.value.code == "version.bad"


parts = st.lists(st.integers(0, 10**6), min_size=1, max_size=5)


@given(parts, parts)
def test_the_order_is_that_of_the_numbers(one: list[int], other: list[int]) -> None:
    width = max(len(one), len(other))
    wide = [numbers + [0] * (width - len(numbers)) for numbers in (one, other)]
    left, right = Version(".".join(map(str, one))), Version(".".join(map(str, other)))
    assert (left < right, left == right) == (wide[0] < wide[1], wide[0] == wide[1])
