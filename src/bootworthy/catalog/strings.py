"""The strings of a catalog file: how each is checked, with the error that says what to write instead."""

from __future__ import annotations

import datetime
import difflib
import re
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from bootworthy.catalog.versions import VersionRange
from bootworthy.errors import UsageError
from bootworthy.vocabulary import Architecture, Role

NAME = r"[a-z0-9]+(?:[._-][a-z0-9]+)*"
LONGEST_NAME = 63
_DATE = r"[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?"
MEMORY = r"([1-9][0-9]{0,6}) ?(MiB|GiB)"
_URL = r"https?://[!-~]+"
_REFERENCE = r"[A-Za-z0-9$][A-Za-z0-9._:/@+${}-]*"


def wrong(code: str, message: str, hint: str = "") -> PydanticCustomError:
    """The error for a value that has the right type and is wrong all the same."""
    # pydantic fills in {names} itself, and would stumble over braces in what the person wrote.
    return PydanticCustomError(code, "{message}", {"message": message, "hint": hint})


def matching(pattern: str, code: str, what: str, hint: str = "") -> Callable[[str], str]:
    """A check that a whole text has a pattern."""
    compiled = re.compile(pattern, re.ASCII)

    def check(text: str) -> str:
        if not compiled.fullmatch(text):
            raise wrong(code, f"{text!r} is no {what}", hint)
        return text

    return check


def _name(text: str) -> str:
    if len(text) > LONGEST_NAME:
        raise wrong("catalog.bad-name", f"the name {text!r} has {len(text)} characters; {LONGEST_NAME} are the most")
    if not re.fullmatch(NAME, text):
        hint = "lower case letters and digits, with single `.`, `_` or `-` between them"
        raise wrong("catalog.bad-name", f"{text!r} is no name", hint)
    return text


def _pattern(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9._*?\[\]!-]+", text):
        raise wrong("catalog.bad-name", f"{text!r} is no name and no glob of names", "as in debian-12, or debian-*")
    return text


def _date(text: str) -> str:
    try:
        if not re.fullmatch(_DATE, text):
            raise ValueError(text)
        datetime.date.fromisoformat(f"{text}-01-01"[:10])
    except ValueError:
        message, hint = f"{text!r} is no date", 'write "2028", "2028-06" or "2028-06-30"'
        raise wrong("catalog.value", message, hint) from None
    return text


def _range(text: str) -> str:
    try:
        VersionRange.parse(text)
    except UsageError as error:
        raise wrong("catalog.value", error.message, error.hint or "") from error
    return text


def relative(text: str) -> str:
    """A path that stays below the folder of the catalog."""
    if not text or text.startswith("/") or ".." in text.split("/"):
        hint = "name a file below the folder of the catalog"
        raise wrong("catalog.value", f"the path {text!r} leaves the folder of the catalog", hint)
    return text


def _images(images: dict[str, str]) -> dict[str, str]:
    seen: set[str] = set()
    roles = [role.value for role in Role]
    for key in images:
        for role in key.split("+"):
            if role not in roles:
                raise wrong("catalog.value", f"{key!r} is no role", f"one of {', '.join(roles)}; joined as root+kernel")
            if role in seen:
                raise wrong("catalog.value", f"two images here have the role {role}")
            seen.add(role)
    return images


def unique(items: list[Any]) -> list[Any]:
    """A list in which nothing stands twice."""
    for index, item in enumerate(items):
        if item in items[:index]:
            raise wrong("catalog.value", f"{item!s} stands here twice")
    return items


def _architecture(text: object) -> object:
    try:
        return Architecture.parse(text) if isinstance(text, str) else text
    except UsageError as error:
        raise wrong("catalog.value", error.message, error.hint or "") from error


def one_of(kind: type[StrEnum]) -> BeforeValidator:
    """One of a closed vocabulary, or the nearest word of it in the error."""

    def choose(text: object) -> object:
        if not isinstance(text, str) or text in list(kind):
            return kind(text) if isinstance(text, str) else text
        near = difflib.get_close_matches(text, list(kind), 1)
        hint = f"did you mean {near[0]}?" if near else f"one of {', '.join(kind)}"
        raise wrong("catalog.value", f"{text!r} is none of the words that may stand here", hint)

    return BeforeValidator(choose)


def shaped(pattern: str, **more: Any) -> WithJsonSchema:
    """What the JSON Schema says of a string."""
    return WithJsonSchema({"type": "string", "pattern": f"^(?:{pattern})$", **more})


Name = Annotated[str, AfterValidator(_name), shaped(r"[a-z0-9](?:[a-z0-9._-]|\$\{[a-z-]+\})*|\$\{.*")]
Pattern = Annotated[str, AfterValidator(_pattern), WithJsonSchema({"type": "string"})]
Date = Annotated[str, AfterValidator(_date), shaped(_DATE)]
Range = Annotated[str, AfterValidator(_range)]
Reference = Annotated[
    str, AfterValidator(matching(_REFERENCE, "catalog.value", "image reference", "as in docker.io/library/debian:12"))
]
Images = Annotated[dict[str, Reference], AfterValidator(_images)]
Word = Annotated[str, AfterValidator(matching(r"[A-Za-z0-9$][A-Za-z0-9.+_:~${}-]*", "catalog.value", "single word"))]
Url = Annotated[
    str, AfterValidator(matching(_URL, "catalog.value", "address", "as in https://example.com/linux-6.1.tar.xz"))
]
Sha256 = Annotated[
    str,
    AfterValidator(matching(r"[0-9a-f]{64}", "catalog.value", "SHA-256 digest", "64 digits of 0-9a-f")),
    shaped(r"[0-9a-f]{64}|.*\$\{.*"),
]
Arch = Annotated[Architecture, BeforeValidator(_architecture)]
Architectures = Annotated[list[Arch], Field(min_length=1), AfterValidator(unique)]
