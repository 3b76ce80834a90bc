"""The facts of the three founding pages, as data; and the pages themselves where somebody has them."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

NAMES = ("slicer", "liquid-metal", "kairos")
PAGES = "BOOTWORTHY_FOUNDING_PAGES"
"""Names a folder with the pages as text files."""
_HEADINGS = {
    "slicer": "# Images for Slicer MicroVMs", "liquid-metal": "title: MicroVM kernel and OS",
    "kairos": 'title: "Image support matrix"',
}  # fmt: skip
_REFERENCE = re.compile(r"(?:ghcr|quay)\.io/[A-Za-z0-9._/-]+(?::[A-Za-z0-9._-]+)?")


def facts(name: str) -> dict[str, Any]:
    """What a page states."""
    text = (Path(__file__).parent / "data" / "founding" / f"{name}.json").read_text()
    found: dict[str, Any] = json.loads(text)
    return found


def references(name: str) -> set[str]:
    """Every reference of a page; what it names no version of has none, or X.X.X."""
    said = facts(name)
    if name == "slicer":
        return {reference for row in said["cells"].values() for reference in row.values() if reference}
    if name == "kairos":
        return {row[variant] for row in said["flavors"] for variant in ("core", "standard")} | set(said["named"])
    tags = {"root": said["kubernetes"], "kernel": said["kernels"], "modules": said["kernels"]}
    found = {f"{repository}:X.X.X" for repository in said["legacy"].values()}
    for part in ("supported", "experimental"):
        found |= {f"{repository}:{tag}" for role, repository in said[part].items() for tag in tags[role]}
    return {f"{said['registry']}/{each}" for each in found}


def page(name: str) -> str | None:
    """The page itself, if its folder is known here."""
    folder = os.environ.get(PAGES)
    if not folder:
        return None
    texts = [path.read_text() for path in sorted(Path(folder).iterdir()) if path.is_file()]
    return next(text for text in texts if _HEADINGS[name] in text)


def named(text: str) -> set[str]:
    """Every reference in the text of a page."""
    found = {each.rstrip(".").replace("quay.io/repository/", "quay.io/") for each in _REFERENCE.findall(text)}
    return found - {"quay.io/luet/base"}
