from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.catalog.conditions import met, said
from bootworthy.catalog.entries import When
from bootworthy.catalog.versions import VersionRange

NEW = When(versions={"capmvm": VersionRange.parse(">0.7.0"), "flintlock": VersionRange.parse(">0.4.0")})
OLD = When(
    any_of=(
        When(versions={"capmvm": VersionRange.parse("<=0.7.0")}),
        When(versions={"flintlock": VersionRange.parse("<=0.4.0")}),
    )
)
PICKY = When(versions={"a": VersionRange.parse("1")}, any_of=(NEW, When(versions={"b": VersionRange.parse("2")})))


@pytest.mark.parametrize(
    ("versions", "new", "old"),
    [
        ({}, None, None), ({"capmvm": "0.7.0"}, False, True), ({"capmvm": "0.8.0"}, None, None),
        ({"flintlock": "0.4.0"}, False, True), ({"capmvm": "0.8.0", "flintlock": "0.5.0"}, True, False),
        ({"capmvm": "0.8.0", "flintlock": "0.4.0"}, False, True), ({"other": "1"}, None, None),
    ],
)  # fmt: skip
def test_what_is_so_with_some_versions(versions: dict[str, str], new: bool | None, old: bool | None) -> None:
    assert (met(NEW, versions), met(OLD, versions)) == (new, old)


def test_all_of_it_must_be_so() -> None:
    both = When(all_of=(NEW, OLD))
    assert met(both, {"capmvm": "0.8.0", "flintlock": "0.5.0"}) is False
    assert met(PICKY, {"a": "1", "b": "2"}) is True
    assert met(PICKY, {"a": "1"}) is None
    assert met(PICKY, {"a": "3", "b": "2"}) is False


def test_how_it_is_said() -> None:
    assert said(NEW) == "capmvm >0.7.0 and flintlock >0.4.0"
    assert said(OLD) == "capmvm <=0.7.0 or flintlock <=0.4.0"
    assert said(PICKY) == "a 1 and ((capmvm >0.7.0 and flintlock >0.4.0) or b 2)"


VERSIONS = st.sampled_from(["0.4.0", "0.5.0", "0.7.0", "0.8.0"])


@given(VERSIONS, VERSIONS)
def test_the_old_and_the_new_leave_nothing_between_them(capmvm: str, flintlock: str) -> None:
    versions = {"capmvm": capmvm, "flintlock": flintlock}
    assert met(NEW, versions) is not met(OLD, versions)


@given(VERSIONS, st.booleans())
def test_what_is_known_is_not_unsaid_by_more(one: str, first: bool) -> None:
    name, other = ("capmvm", "flintlock") if first else ("flintlock", "capmvm")
    for when in (NEW, OLD, PICKY):
        known = met(when, {name: one})
        assert known is None or all(met(when, {name: one, other: more}) is known for more in ("0.4.0", "9"))
