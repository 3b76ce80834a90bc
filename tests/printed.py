"""What the program printed when it ran in this process."""

from __future__ import annotations

import json
from typing import Any

import pytest


def said(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The one JSON document on standard output."""
    document = json.loads(capsys.readouterr().out)
    assert isinstance(document, dict)
    return document
