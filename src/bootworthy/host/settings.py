"""Settings of this machine: `settings.toml` in the configuration folder; a `BOOTWORTHY_*` variable wins.

[mirrors]
debian = "http://mirror.example/archive"     # or BOOTWORTHY_MIRROR_DEBIAN

[registries]
insecure = ["registry.lan:5000"]              # or BOOTWORTHY_REGISTRIES_INSECURE, with commas
ca = "/etc/ssl/company.pem"                   # or BOOTWORTHY_REGISTRIES_CA

[registries.mirrors]
"registry.example" = "mirror.lan:5000/copy"   # or BOOTWORTHY_REGISTRIES_MIRRORS=HOST=MIRROR, with commas

How much a layer may inflate to is a variable alone: BOOTWORTHY_LAYER_LIMIT, 64G without it.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bootworthy.errors import DocumentError, Problem

LAYER_LIMIT = "BOOTWORTHY_LAYER_LIMIT"
INSECURE = "BOOTWORTHY_REGISTRIES_INSECURE"
CA = "BOOTWORTHY_REGISTRIES_CA"
MIRRORS = "BOOTWORTHY_REGISTRIES_MIRRORS"
_TABLES = ("mirrors", "registries")
_KEYS = ("ca", "insecure", "mirrors")
_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?", re.ASCII)
_PATH = re.compile(r"(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*", re.ASCII)
_INFLATED = 64 << 30
"""Four times the largest disk that is known to be shipped in a layer."""
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """How registries may be spoken to."""

    insecure: tuple[str, ...] = ()
    """Hosts, with `:port` where it is not 80, that may be spoken to by plain http; loopback always may."""
    ca: Path | None = None
    """Certificates in PEM of authorities to trust beside those of the system."""
    mirrors: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Registry to the place, HOST or HOST/PATH, that its images are fetched from in its stead."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a person set on this machine."""

    mirrors: Mapping[str, str] = field(default_factory=dict)
    """Distribution name to the address of its mirror; a distribution that is not here uses its tool's own choice."""
    registries: RegistrySettings = field(default_factory=RegistrySettings)

    @classmethod
    def load(cls, folder: Path, environ: Mapping[str, str] | None = None) -> Settings:
        """Read `settings.toml` of a folder, if there is one.

        Raises:
            DocumentError: `settings.bad`, with every mistake.
        """
        env = os.environ if environ is None else environ
        most_inflated(env)  # a mistake in it is said before anything is begun
        path = folder / "settings.toml"
        written = _read(path) if path.is_file() else cls()
        prefix = "BOOTWORTHY_MIRROR_"
        own = {name.removeprefix(prefix).lower(): value for name, value in env.items() if name.startswith(prefix)}
        return cls({**written.mirrors, **own}, _registries(written.registries, env))


def most_inflated(environ: Mapping[str, str] | None = None) -> int:
    """Bytes that a compressed layer may inflate to on this machine.

    Raises:
        DocumentError: `settings.bad`.
    """
    text = (os.environ if environ is None else environ).get(LAYER_LIMIT, "")
    if not text:
        return _INFLATED
    found = re.fullmatch(r"([1-9]\d{0,17})([KMGT]?)", text)
    if found is None:
        hint = "a whole number with K, M, G or T behind it, as 256G"
        raise _bad([Problem("settings.type", f"{text[:40]!r} is no size", LAYER_LIMIT, hint=hint)])
    return int(found[1]) * _UNITS[found[2]]


def _read(path: Path) -> Settings:
    try:
        document = tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _bad([Problem("settings.syntax", str(error), str(path))]) from error
    problems = [_unknown(path, name, name, _TABLES) for name in document if name not in _TABLES]
    mirrors = document.get("mirrors", {})
    for name, value in mirrors.items() if isinstance(mirrors, dict) else [("mirrors", mirrors)]:
        if not isinstance(value, str):
            problems.append(Problem("settings.type", "an address is a string", str(path), f"mirrors.{name}"))
    registries = document.get("registries", {})
    if not isinstance(registries, dict):
        problems.append(Problem("settings.type", "must be a table", str(path), "registries"))
        registries = {}
    problems += [_unknown(path, f"registries.{name}", name, _KEYS) for name in registries if name not in _KEYS]
    insecure, ca = registries.get("insecure", []), registries.get("ca")
    if isinstance(insecure, list):
        problems += [_no_host(value, str(path), "registries.insecure") for value in insecure if not _is_host(value)]
    else:
        problems.append(Problem("settings.type", "must be a list of hosts", str(path), "registries.insecure"))
    if ca is not None and not isinstance(ca, str):
        problems.append(Problem("settings.type", "a path is a string", str(path), "registries.ca"))
    places = registries.get("mirrors", {})
    for name, value in places.items() if isinstance(places, dict) else [("", None)]:
        if not _is_host(name) or not _is_place(value):
            problems.append(_no_mirror(name, value, str(path), f"registries.mirrors.{name}".rstrip(".")))
    if problems:
        raise _bad(problems)
    authority = path.parent / ca if ca else None
    return Settings(dict(mirrors), RegistrySettings(tuple(insecure), authority, dict(places)))


def _registries(written: RegistrySettings, env: Mapping[str, str]) -> RegistrySettings:
    """How registries may be spoken to; a variable goes before what is written."""
    insecure = written.insecure
    if INSECURE in env:
        insecure = tuple(filter(None, re.split(r"[\s,]+", env[INSECURE])))
        wrong = [_no_host(value, INSECURE, "") for value in insecure if not _is_host(value)]
        if wrong:
            raise _bad(wrong)
    mirrors = written.mirrors
    if MIRRORS in env:
        pairs = [each.partition("=") for each in filter(None, re.split(r"[\s,]+", env[MIRRORS]))]
        mirrors = {name: place for name, _, place in pairs}
        wrong = [
            _no_mirror(name, place, MIRRORS, "")
            for name, place in mirrors.items()
            if not _is_host(name) or not _is_place(place)
        ]
        if wrong:
            raise _bad(wrong)
    return RegistrySettings(insecure, Path(env[CA]).absolute() if env.get(CA) else written.ca, mirrors)


def _is_host(value: object) -> bool:
    return isinstance(value, str) and _HOST.fullmatch(value) is not None


def _is_place(value: object) -> bool:
    """Whether it is HOST or HOST/PATH, as stands before the repository in a reference."""
    if not isinstance(value, str):
        return False
    host, slash, path = value.partition("/")
    return _is_host(host) and _PATH.fullmatch(slash + path) is not None


def _no_mirror(name: str, value: object, where: str, path: str) -> Problem:
    hint = "a registry and the place to fetch from: registry.example and mirror.lan:5000/copy; no https://"
    return Problem("settings.type", f"{name[:80]!r} to {str(value)[:80]!r} is no mirror", where, path, hint)


def _no_host(value: object, where: str, path: str) -> Problem:
    hint = "a host and its port, as in registry.lan:5000; no https:// and no path"
    return Problem("settings.type", f"{str(value)[:80]!r} is no host", where, path, hint)


def _unknown(path: Path, dotted: str, name: str, known: tuple[str, ...]) -> Problem:
    kind = "key" if "." in dotted else "table"
    return Problem("settings.unknown-key", f"unknown {kind} {name!r}", str(path), dotted, f"known: {', '.join(known)}")


def _bad(problems: list[Problem]) -> DocumentError:
    return DocumentError("settings.bad", "the settings cannot be used", problems)
