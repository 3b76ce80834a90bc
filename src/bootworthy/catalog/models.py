"""What people write: the catalog file as pydantic models, one field for each key. The JSON Schema comes from here."""

from __future__ import annotations

import datetime
import difflib
import re
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from bootworthy.catalog.entries import EMBEDDED, Access
from bootworthy.catalog.versions import VersionRange
from bootworthy.errors import UsageError
from bootworthy.vocabulary import Architecture, Role, Support

NAME = r"[a-z0-9]+(?:[._-][a-z0-9]+)*"
LONGEST_NAME = 63
_DATE = r"[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?"
_MEMORY = r"([1-9][0-9]{0,6}) ?(MiB|GiB)"
_REFERENCE = r"[A-Za-z0-9$][A-Za-z0-9._:/@+${}-]*"


def wrong(code: str, message: str, hint: str = "") -> PydanticCustomError:
    """The error for a value that has the right type and is wrong all the same."""
    # pydantic fills in {names} itself, and would stumble over braces in what the person wrote.
    return PydanticCustomError(code, "{message}", {"message": message, "hint": hint})


def _matching(pattern: str, code: str, what: str, hint: str = "") -> Callable[[str], str]:
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


def _relative(text: str) -> str:
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


def _unique(items: list[Any]) -> list[Any]:
    for index, item in enumerate(items):
        if item in items[:index]:
            raise wrong("catalog.value", f"{item!s} stands here twice")
    return items


def _architecture(text: object) -> object:
    try:
        return Architecture.parse(text) if isinstance(text, str) else text
    except UsageError as error:
        raise wrong("catalog.value", error.message, error.hint or "") from error


def _one_of(kind: type[StrEnum]) -> BeforeValidator:
    def choose(text: object) -> object:
        if not isinstance(text, str) or text in list(kind):
            return kind(text) if isinstance(text, str) else text
        near = difflib.get_close_matches(text, list(kind), 1)
        hint = f"did you mean {near[0]}?" if near else f"one of {', '.join(kind)}"
        raise wrong("catalog.value", f"{text!r} is none of the words that may stand here", hint)

    return BeforeValidator(choose)


def _shaped(pattern: str, **more: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^(?:{pattern})$", **more})


Name = Annotated[str, AfterValidator(_name), _shaped(r"[a-z0-9](?:[a-z0-9._-]|\$\{[a-z-]+\})*|\$\{.*")]
Pattern = Annotated[str, AfterValidator(_pattern), WithJsonSchema({"type": "string"})]
Date = Annotated[str, AfterValidator(_date), _shaped(_DATE)]
Range = Annotated[str, AfterValidator(_range)]
Reference = Annotated[
    str, AfterValidator(_matching(_REFERENCE, "catalog.value", "image reference", "as in docker.io/library/debian:12"))
]
Images = Annotated[dict[str, Reference], AfterValidator(_images)]
Word = Annotated[str, AfterValidator(_matching(r"[A-Za-z0-9$][A-Za-z0-9.+_:~${}-]*", "catalog.value", "single word"))]
Arch = Annotated[Architecture, BeforeValidator(_architecture)]
Architectures = Annotated[list[Arch], Field(min_length=1), AfterValidator(_unique)]


class Strict(BaseModel):
    """No key that is not known, no value of another type."""

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=False, frozen=True)


def dashed(name: str) -> str:
    """`end_of_life` as it is written: `end-of-life`."""
    return name.rstrip("_").replace("_", "-")


class WhenFile(BaseModel):
    """Versions of consumers that something holds for: `{capmvm: ">0.7.0"}`; all of it must be so."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)
    __pydantic_extra__: dict[str, Range]
    any: Annotated[list[WhenFile], Field(min_length=1)] | None = None
    all: Annotated[list[WhenFile], Field(min_length=1)] | None = None


class EntryFile(Strict):
    """What any entry may carry."""

    model_config = ConfigDict(alias_generator=dashed)
    note: str = Field("", description="Shown beside the entry")
    source: str = Field("", description="Where the facts come from")
    since: Date | None = Field(None, description="From when it holds: YYYY, YYYY-MM or YYYY-MM-DD")
    until: Date | None = Field(None, description="Until when it holds")
    inferred: bool = Field(False, description="Nobody says so; it follows from what somebody says")
    when: WhenFile | None = Field(None, description="Versions of consumers it holds for")
    for_: dict[str, Annotated[list[str], Field(min_length=1)]] | None = Field(
        None, description="Repeats the entry with each ${name} filled in"
    )


class BootstrapFile(Strict):
    """A root made from a distribution's packages."""

    distribution: Word = Field("debian", description="The distribution")
    release: Word = Field(description="Its release, as its mirror calls it")
    packages: Annotated[list[Word], AfterValidator(_unique)] = Field([], description="Installed beside its core")


class BaseFile(Strict):
    """What a Dockerfile is built on: a system of this catalog by its name, or {image: REF}."""

    system: str | None = None
    image: Reference | None = None

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, value: object) -> object:
        return {"system": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one(self) -> BaseFile:
        if (self.system is None) == (self.image is None):
            raise wrong("catalog.value", "`from` is a system of this catalog, or {image: REF}")
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, core: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Both ways to write it."""
        reference = {"type": "object", "properties": {"image": {"type": "string"}}, "required": ["image"]}
        return {"anyOf": [{"type": "string"}, {**reference, "additionalProperties": False}]}


class SystemFile(EntryFile):
    """An operating system release in one variant."""

    title: str = Field("", description="Shown in place of the name")
    family: Word | None = Field(None, description="The distribution it stems from: debian")
    init: Word | None = Field(None, description="What is process 1: systemd")
    end_of_life: Date | None = Field(None, description="YYYY, YYYY-MM or YYYY-MM-DD")
    architectures: Architectures | None = Field(None, description="Those it is made for; every one unless given")
    bootstrap: BootstrapFile | None = Field(None, description="Made from a distribution's packages")
    dockerfile: Annotated[str, AfterValidator(_relative)] | None = Field(
        None, description="Made with this Dockerfile, on ${BASE}; relative to the catalog"
    )
    from_: BaseFile | None = Field(
        None, description="What the Dockerfile's ${BASE} is: a system of this catalog, or {image: REF}"
    )
    images: Images = Field({}, description="Made by others: role to reference")
    tags: str | None = Field(None, description="Tag, or pattern of tags, of images that are given without one")
    base_layer: bool = Field(True, description="Whether a root that is built here gets the base layer")

    @model_validator(mode="after")
    def _one_recipe(self) -> SystemFile:
        _at_most_one("system", bootstrap=self.bootstrap, dockerfile=self.dockerfile, images=self.images)
        _tags_need_images(self.tags, self.images)
        if self.from_ is not None and self.dockerfile is None:
            raise wrong("catalog.missing", "`from` stands here without `dockerfile`", "name the Dockerfile built on it")
        return self


class PackageFile(Strict):
    """A distribution's own kernel package."""

    distribution: Word = Field("debian", description="The distribution")
    release: Word = Field(description="Its release, as its mirror calls it")
    name: Word = Field(description="The package; ${arch} and ${debian-arch} stand for the architecture")


class KernelFile(EntryFile):
    """A kernel release with its configuration, and the modules that belong to it."""

    title: str = Field("", description="Shown in place of the name")
    end_of_life: Date | None = Field(None, description="YYYY, YYYY-MM or YYYY-MM-DD")
    architectures: Architectures | None = Field(None, description="Those it is made for; every one unless given")
    package: PackageFile | None = Field(None, description="Taken from a distribution's package")
    images: Images = Field({}, description="Made by others: role to reference")
    tags: str | None = Field(None, description="Tag, or pattern of tags, of images that are given without one")

    @model_validator(mode="after")
    def _one_recipe(self) -> KernelFile:
        _at_most_one("kernel", package=self.package, images=self.images)
        _tags_need_images(self.tags, self.images)
        return self


class MachineFile(EntryFile):
    """Where an image runs: a VMM on an architecture."""

    title: str = Field("", description="Shown in place of the name")
    vmm: str = Field(description="The VMM")
    arch: Arch = Field(description="The architecture")
    prefer: int = Field(0, ge=-1000, le=1000, description="The highest is chosen where several machines would do")
    provides: Annotated[list[Word], AfterValidator(_unique)] = Field([], description="What it has: pci")
    versions: Range | None = Field(None, description="VMM versions a proof counts for")
    memory: Annotated[
        str, AfterValidator(_matching(_MEMORY, "catalog.value", "amount of memory", "write 512MiB or 2GiB")),
        _shaped(_MEMORY),
    ] | None = Field(None, description="Memory of a guest, in MiB or GiB; 1GiB unless given")  # fmt: skip
    vcpus: int | None = Field(None, ge=1, le=4096, description="vCPUs of a guest; 2 unless given")
    deadline: int | None = Field(None, ge=1, le=86400, description="Seconds until a boot counts as hung")

    @property
    def memory_mib(self) -> int | None:
        """Memory in MiB."""
        match = re.fullmatch(_MEMORY, self.memory) if self.memory else None
        return int(match[1]) * (1024 if match[2] == "GiB" else 1) if match else None


class RowFile(EntryFile):
    """Systems by kernels by machines, and what is promised for them."""

    systems: Annotated[list[Pattern], Field(min_length=1)] = Field(description="Names or globs of systems")
    kernels: Annotated[list[Pattern], Field(min_length=1)] = Field(
        description=f"Names or globs of kernels, or {EMBEDDED}"
    )
    machines: Annotated[list[Pattern], Field(min_length=1)] = Field(
        description="Names or globs of machines; a glob takes those whose architecture system and kernel have"
    )
    support: Annotated[Support, _one_of(Support)] = Field(description="What is promised")
    images: Images = Field({}, description="References for this row alone")
    tags: str | None = Field(None, description="Tag, or pattern of tags, of images that are given without one")

    @model_validator(mode="after")
    def _whole(self) -> RowFile:
        _tags_need_images(self.tags, self.images)
        return self


def _kernel_names(kernels: dict[str, KernelFile]) -> dict[str, KernelFile]:
    if EMBEDDED in kernels:
        raise wrong("catalog.bad-name", f"the kernel name {EMBEDDED!r} is taken: the root image brings its own kernel")
    return kernels


class CatalogFile(Strict):
    """A Bootworthy catalog."""

    bootworthy: Literal[1] = Field(description="Format version")
    name: Name = Field(description="Name of the catalog")
    title: str = Field("", description="Shown above the matrix")
    note: str = Field("", description="Shown below the matrix")
    registry: Reference | None = Field(None, description="Where bundles are published: HOST/PATH")
    access: Annotated[Access, _one_of(Access)] = Field(
        Access.OPEN, description="`reference-only` refuses to pull what is listed here"
    )
    systems: Annotated[dict[Name, SystemFile], Field(min_length=1)] = Field(description="The systems")
    kernels: Annotated[dict[Name, KernelFile], AfterValidator(_kernel_names)] = Field({}, description="The kernels")
    machines: Annotated[dict[Name, MachineFile], Field(min_length=1)] = Field(description="The machines")
    matrix: Annotated[list[RowFile], Field(min_length=1)] = Field(description="How they combine")


def _at_most_one(what: str, **recipes: object) -> None:
    given = [name for name, value in recipes.items() if value]
    if len(given) > 1:
        message = f"a {what} is made in one way, and here are {_and(given)}"
        raise wrong("catalog.value", message, "keep one of them, or make two entries")


def _tags_need_images(tags: str | None, images: dict[str, str]) -> None:
    if tags is not None and not images:
        raise wrong("catalog.missing", "`tags` stands here without `images`", "name the images that carry these tags")


def _and(words: Iterable[str]) -> str:
    quoted = [f"`{word}`" for word in words]
    return ", ".join(quoted[:-1]) + f" and {quoted[-1]}"
