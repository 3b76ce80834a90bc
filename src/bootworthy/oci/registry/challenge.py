"""What a registry asks for with 401: the header `WWW-Authenticate` (RFC 9110, sections 11.2 to 11.6.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_LONGEST = 8192
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105  (RFC 9110's word, no secret)
_SCHEME = re.compile(rf"({_TOKEN})(?= |,|$)")
_PARAMETER = re.compile(rf'({_TOKEN})[ \t]*=[ \t]*(?:({_TOKEN})|"((?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\[\t\x20-\x7e])*)")')
_TOKEN68 = re.compile(r"[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))")
_GAP = re.compile(r"[ \t]*")
_COMMAS = re.compile(r"[ \t]*(?:,[ \t]*)+")


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way in which a registry lets itself be convinced."""

    scheme: str
    """Lower-case: `bearer`, `basic`."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Names are lower-case."""


def parse(header: str) -> tuple[Challenge, ...]:
    """Every challenge of a header, in its order; several headers are joined by commas first.

    Raises:
        ValueError: the header cannot be read; nothing in it is guessed.
    """
    if len(header) > _LONGEST:
        raise ValueError(f"longer than {_LONGEST} characters")
    found: list[Challenge] = []
    at = _skip(_COMMAS, header, _skip(_GAP, header, 0))
    while at < len(header):
        scheme = _SCHEME.match(header, at)
        if scheme is None:
            raise ValueError(f"no scheme at character {at + 1}")
        parameters, at = _parameters(header, _skip(_GAP, header, scheme.end()))
        found.append(Challenge(scheme[1].lower(), parameters))
    return tuple(found)


def _parameters(header: str, at: int) -> tuple[dict[str, str], int]:
    """The parameters of one challenge, and where the next challenge begins."""
    parameters: dict[str, str] = {}
    token68 = _TOKEN68.match(header, at)
    if token68 is not None and at < len(header) and not _PARAMETER.match(header, at):
        return parameters, _after(header, token68.end())
    while parameter := _PARAMETER.match(header, at):
        name, word, quoted = parameter.groups()
        if name.lower() in parameters:
            raise ValueError(f"parameter {name[:40]!r} is there twice")
        parameters[name.lower()] = word if word is not None else re.sub(r"\\(.)", r"\1", quoted)
        at = _after(header, parameter.end())
    if not parameters and at < len(header) and header[at] != ",":
        raise ValueError(f"neither a parameter nor a comma at character {at + 1}")
    return parameters, _skip(_COMMAS, header, at)


def _after(header: str, at: int) -> int:
    """Where the next thing of a list begins."""
    end = _skip(_COMMAS, header, at)
    if end == at and _skip(_GAP, header, at) < len(header):
        raise ValueError(f"no comma at character {at + 1}")
    return end if end > at else len(header)


def _skip(pattern: re.Pattern[str], header: str, at: int) -> int:
    found = pattern.match(header, at)
    return at if found is None else found.end()
