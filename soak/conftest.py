"""The homes of the tests, for the long ones too."""

from tests.conftest import built, home

__all__ = ["built", "home"]
