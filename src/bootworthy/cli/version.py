"""What we call ourselves in records."""

from __future__ import annotations

from importlib.metadata import version

TOOL = f"bootworthy {version('bootworthy')}"
