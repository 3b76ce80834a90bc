"""One mechanism for "a new X is one new file": a lazy scan of a room's folder, and entry points for third parties.

A module of the package that has the named attribute is an entry; its name is the module's, with `-` for `_`
(`qemu_microvm.py` is `qemu-microvm`). Somebody else's package adds one with an entry point of the group
`bootworthy.<room>` that points to the object itself.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from typing import Any, TypeVar, overload

from bootworthy.errors import HostError, InternalError

T = TypeVar("T")


@overload
def scan(package: str, attribute: str) -> dict[str, Any]: ...


@overload
def scan(package: str, attribute: str, kind: type[T]) -> dict[str, T]: ...


def scan(package: str, attribute: str, kind: type[Any] = object) -> dict[str, Any]:
    """Every entry of a room: name to object, ours by module name first, then third parties' by theirs.

    Modules whose name begins with `_`, and those without the attribute, are no entries. The scan runs once.

    Raises:
        HostError: `plugin.broken` for an entry point that does not load or is no `kind`,
            `plugin.duplicate` for one that takes a name that is in use.
        InternalError: `registry.kind`, when a module of ours holds something else than a `kind`.
    """
    found = dict(_scan(package, attribute))
    for name, (value, origin) in found.items():
        if isinstance(value, kind):
            continue
        if origin is None:
            raise InternalError("registry.kind", f"{attribute} of {package}.{name} is no {kind.__name__}")
        raise HostError("plugin.broken", f"the entry point {name!r} is no {kind.__name__}", where=origin)
    return {name: value for name, (value, _) in found.items()}


def find(package: str, attribute: str, name: str) -> Any | None:
    """One entry of a room by its name; None when it has no such entry. One of ours is loaded without the others.

    Raises:
        HostError: as `scan`, for a name that is none of ours.
    """
    module = name.replace("-", "_")
    if "_" not in name and module in _modules(package):
        value = getattr(importlib.import_module(f"{package}.{module}"), attribute, None)
        if value is not None:
            return value
    return scan(package, attribute).get(name)


@functools.cache
def _scan(package: str, attribute: str) -> dict[str, tuple[Any, str | None]]:
    found = _own(package, attribute)
    for name, value, origin in _theirs(f"bootworthy.{package.rpartition('.')[2]}"):
        if name in found:
            raise HostError(
                "plugin.duplicate", f"the entry point {name!r} takes a name that is in use", where=origin,
                hint="uninstall the package that brings it, or have it choose another name",
            )  # fmt: skip
        found[name] = (value, origin)
    return found


def _own(package: str, attribute: str) -> dict[str, tuple[Any, str | None]]:
    modules = ((name, importlib.import_module(f"{package}.{name}")) for name in _modules(package))
    return {
        name.replace("_", "-"): (getattr(module, attribute), None)
        for name, module in modules
        if hasattr(module, attribute)
    }


def _modules(package: str) -> list[str]:
    """The modules of a room that may be entries, sorted."""
    folder = importlib.import_module(package).__path__
    return sorted(module.name for module in pkgutil.iter_modules(folder) if not module.name.startswith("_"))


def _theirs(group: str) -> list[tuple[str, Any, str]]:
    from importlib.metadata import entry_points  # noqa: PLC0415  (slow to import, and seldom needed)

    loaded = []
    for point in sorted(entry_points(group=group), key=lambda point: (point.name, point.value)):
        origin = f"{point.dist.name if point.dist else 'unknown package'} ({group}: {point.value})"
        try:
            loaded.append((point.name, point.load(), origin))
        except Exception as error:
            raise HostError(
                "plugin.broken", f"the entry point {point.name!r} does not load: {error}", where=origin,
                hint="repair or uninstall the package that brings it",
            ) from error  # fmt: skip
    return loaded
