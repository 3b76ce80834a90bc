"""The matrix for programs: `bootworthy.matrix/1`, described by `schema.json` beside this file."""

from __future__ import annotations

import json
from importlib import resources

from bootworthy.matrix.format import Format, Look
from bootworthy.matrix.model import Matrix, Tile

SCHEMA = "bootworthy.matrix/1"


def document(matrix: Matrix) -> dict[str, object]:
    """The matrix as JSON data."""
    return {"schema": SCHEMA, "catalog": matrix.catalog, "cells": [_cell(tile) for tile in matrix.tiles.values()]}


def _cell(tile: Tile) -> dict[str, object]:
    cell, attempt = tile.cell, tile.attempt
    return {
        "cell": cell.name,
        "system": cell.system.name,
        "kernel": cell.kernel.name,
        "machine": cell.machine.name,
        "support": cell.support.value,
        "standing": tile.status.standing.value,
        "images": dict(tile.images),
        "digests": dict(tile.digests),
        "evidence": None if attempt is None else {"digest": attempt.digest, **attempt.document},
        "attempts": {"healthy": tile.status.healthy, "total": tile.status.total},
    }


def schema() -> dict[str, object]:
    """The JSON Schema (draft 2020-12) of the document."""
    text = resources.files("bootworthy.matrix").joinpath("schema.json").read_text(encoding="utf-8")
    loaded: dict[str, object] = json.loads(text)
    return loaded


def render(matrix: Matrix, _look: Look) -> str:
    """The document, indented."""
    text = json.dumps(document(matrix), indent=2, ensure_ascii=False) + "\n"
    # Half a surrogate pair is no UTF-8; `\\udXXX` is how JSON writes it (RFC 8259, section 7).
    return text.encode(errors="backslashreplace").decode()


FORMAT = Format(title="JSON for programs", suffix=".json", render=render)
