"""HTML out of values: whatever is not markup already is escaped, so nothing has to remember to."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import TypeAlias

from bootworthy.matrix._text import harmless


class Html(str):
    """Markup that is safe to put into a page as it is."""

    __slots__ = ()


Child: TypeAlias = "str | Html | None"

_VOID = {"meta", "use", "path", "circle"}


def text(value: Child) -> Html:
    """Escaped text; markup stays what it is, None is nothing."""
    if isinstance(value, Html):
        return value
    return Html(html.escape(harmless(value))) if value is not None else Html()


def el(name: str, /, *children: Child, **attributes: str | None) -> Html:
    """An element. `class_` is `class`, `aria_hidden` is `aria-hidden`; attributes that are None are left out."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(harmless(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Html(f"<{name}{given}/>")
    return Html(f"<{name}{given}>{join(children)}</{name}>")


def join(children: Iterable[Child], between: str = "") -> Html:
    """Children one after the other."""
    return Html(str(text(between)).join(text(child) for child in children))


def preformatted(value: str) -> Html:
    """Text whose line breaks and spaces stand; other control characters are shown as U+FFFD."""
    kept = "".join(char if char in "\n\t" or char.isprintable() else "\ufffd" for char in value)
    return el("pre", el("code", Html(html.escape(kept))))
