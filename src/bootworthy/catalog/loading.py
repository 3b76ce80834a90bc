"""Where a catalog comes from, and the way from its text to a `Catalog`.

Every mistake is reported at once, as one `DocumentError` whose problems stand in file order.
"""

from __future__ import annotations

import difflib
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bootworthy.catalog import conversion, document, expansion, mistakes, references
from bootworthy.catalog.document import Mark, Plain, Report, Tree
from bootworthy.catalog.entries import Catalog
from bootworthy.catalog.mending import mend
from bootworthy.catalog.models import CatalogFile
from bootworthy.errors import HostError, InternalError, NotFoundError

DEFAULT = "bootworthy"
FILE = "bootworthy.yaml"
FORMAT = 1
_BUILTIN = "builtin:"
_ROUNDS = 5


def load(name: str | None, cwd: Path) -> Catalog:
    """The catalog that `-c NAME` means.

    A file by its path (relative to `cwd`), or else a built-in catalog by its name; `builtin:NAME` is always the
    built-in one. Without a name: `bootworthy.yaml` of `cwd`, and without that the built-in `bootworthy`.

    Raises:
        DocumentError: `catalog.invalid`.
        NotFoundError: `catalog.not-found`.
        HostError: `catalog.denied`, `catalog.unreadable`.
    """
    if name is None:
        return _file(FILE, cwd) if (cwd / FILE).is_file() else _builtin(DEFAULT)
    if name.startswith(_BUILTIN):
        return _builtin(name.removeprefix(_BUILTIN))
    if name in builtin_names() and not (cwd / name).is_file():
        return _builtin(name)
    return _file(name, cwd)


def builtin_names() -> list[str]:
    """The catalogs that come with the program."""
    folder = resources.files("bootworthy.catalog") / "builtin"
    return sorted(file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml"))


def load_text(text: str, where: str, folder: Path | None = None) -> Catalog:
    """The catalog that a text holds; `where` names it in messages, `folder` is what its paths are relative to.

    Raises:
        DocumentError: `catalog.invalid`.
    """
    return _load(text.encode("utf-8", "surrogatepass"), where, folder)


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the catalog file, for editors."""
    schema = CatalogFile.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Bootworthy catalog"}


def _file(name: str, cwd: Path) -> Catalog:
    path = cwd / name
    try:
        with path.open("rb") as stream:
            data = stream.read(document.LARGEST + 1)
    except (FileNotFoundError, NotADirectoryError) as error:
        near = difflib.get_close_matches(name, builtin_names(), 1)
        known = f"built in: {', '.join(builtin_names())}"
        raise NotFoundError(
            "catalog.not-found", "no such file, and no built-in catalog of this name", where=name,
            hint=f"did you mean {near[0]}? ({known})" if near else known,
        ) from error  # fmt: skip
    except IsADirectoryError:
        report = Report(name)
        inside = f"name the file in it: {name.rstrip('/')}/{FILE}"
        report.add("catalog.syntax", "this is a folder, not a file", Mark(1, 1), hint=inside)
        report.close()
        raise
    except PermissionError as error:
        raise HostError("catalog.denied", "may not read this file", where=name, hint="check its mode") from error
    except OSError as error:
        raise HostError("catalog.unreadable", f"could not read: {error.strerror}", where=name) from error
    return _load(data, name, path.parent)


def _builtin(name: str) -> Catalog:
    names = builtin_names()
    if name not in names:
        raise NotFoundError(
            "catalog.not-found", f"no built-in catalog is called {name!r}", hint=mistakes.nearest(name, names)
        )
    data = (resources.files("bootworthy.catalog") / "builtin" / f"{name}.yaml").read_bytes()
    return _load(data, _BUILTIN + name, None)


def _load(data: bytes, where: str, folder: Path | None) -> Catalog:
    report = Report(where)
    tree = document.parse(document.decode(data, report), report)
    _require_format(tree, report)
    tree = expansion.expand(tree, report)
    mistakes.note_nulls(tree, report)
    references.check(tree, report)
    file = _validated(tree, report)
    if file is None:
        report.close()
        raise InternalError("catalog.unexplained", "the catalog was refused without a reason", where=where)
    catalog = conversion.convert(file, tree, report, folder)
    report.close()
    return catalog


def _validated(tree: Tree, report: Report) -> CatalogFile | None:
    """The models. Of a file that is wrong, those of the mended file: its further mistakes are to be found too."""
    data = tree.plain()
    for _ in range(_ROUNDS):
        try:
            return CatalogFile.model_validate(data)
        except ValidationError as error:
            found = error.errors(include_url=False)
        mistakes.note(found, tree, CatalogFile, report)
        mend(data, found, tree)
    return None


def _require_format(tree: Tree, report: Report) -> None:
    """Stop at once where the file is not ours, or of another format: its other mistakes would be none."""
    if not isinstance(tree.value, dict):
        report.add("catalog.type", "a catalog is a mapping", tree.mark, hint=f"begin with `bootworthy: {FORMAT}`")
        report.close()
        return
    entry = tree.value.get("bootworthy")
    if entry is None or (isinstance(entry.tree.value, Plain) and entry.tree.value.value == FORMAT):
        return
    found = entry.tree.value
    text = found.text if isinstance(found, Plain) else str(found) if isinstance(found, str) else "this"
    hint = f"write `bootworthy: {FORMAT}`"
    if isinstance(found, Plain) and isinstance(found.value, int) and found.value > FORMAT:
        hint = f"this program reads format {FORMAT}; a newer one reads {text}"
    report.add(
        "catalog.version", f"{text!r} is no format version that is known", entry.tree.mark, path="bootworthy", hint=hint
    )
    report.close()
