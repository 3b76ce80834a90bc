"""What people write: the catalog file as pydantic models, one field for each key. The JSON Schema comes from here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    model_validator,
)

from bootworthy.catalog.entries import EMBEDDED, Access
from bootworthy.catalog.strings import (
    MEMORY,
    Arch,
    Architectures,
    Date,
    Images,
    Name,
    Pattern,
    Range,
    Reference,
    Sha256,
    Url,
    Word,
    matching,
    one_of,
    relative,
    shaped,
    unique,
    wrong,
)
from bootworthy.vocabulary import Support


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
    packages: Annotated[list[Word], AfterValidator(unique)] = Field([], description="Installed beside its core")


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
    release: Word | None = Field(None, description="Its release, as the distribution calls it: 22.04")
    rolling: bool = Field(False, description="It follows the newest release, so that its base moves")
    variant: Word | None = Field(None, description="What sets it apart from others of its release: standard")
    init: Word | None = Field(None, description="What is process 1: systemd")
    provides: Annotated[list[Word], AfterValidator(unique)] = Field([], description="What it can do: live-layering")
    software: dict[Name, Word] = Field({}, description="What it brings, by version: {kubernetes: 1.23.5}")
    end_of_life: Date | None = Field(None, description="YYYY, YYYY-MM or YYYY-MM-DD")
    architectures: Architectures | None = Field(None, description="Those it is made for; every one unless given")
    bootstrap: BootstrapFile | None = Field(None, description="Made from a distribution's packages")
    dockerfile: Annotated[str, AfterValidator(relative)] | None = Field(
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


class SourceFile(Strict):
    """Where the source of a kernel is: a distribution's package, or an archive at an address."""

    distribution: Word = Field("debian", description="The distribution")
    release: Word | None = Field(None, description="Its release, as its mirror calls it")
    name: Word | None = Field(None, description="The package that holds the source: linux-source-6.1")
    url: Url | None = Field(None, description="The address of a compressed tar archive")
    sha256: Sha256 | None = Field(None, description="The digest of that archive: 64 hex digits")

    @model_validator(mode="after")
    def _one(self) -> SourceFile:
        package = [value is not None for value in (self.release, self.name)]
        archive = [value is not None for value in (self.url, self.sha256)]
        if (all(package) and not any(archive)) or (all(archive) and not any(package)):
            return self
        message = "a source is a package or an archive, and has all that it needs to be found"
        raise wrong("catalog.value", message, "write {release, name}, or {url, sha256}")


class KernelBuildFile(Strict):
    """A kernel that is compiled here."""

    source: SourceFile = Field(description="Where the source is: {release, name} or {url, sha256}")
    config: Annotated[str, AfterValidator(relative)] = Field(
        "microvm", description="Base configuration: one of ours by its name, or a file, relative to the catalog"
    )
    profiles: Annotated[list[Name], AfterValidator(unique)] = Field(
        [], description="What it must serve as: systemd, containers"
    )


class KernelFile(EntryFile):
    """A kernel release with its configuration, and the modules that belong to it."""

    title: str = Field("", description="Shown in place of the name")
    release: Word | None = Field(None, description="Its release: 5.10.77")
    end_of_life: Date | None = Field(None, description="YYYY, YYYY-MM or YYYY-MM-DD")
    architectures: Architectures | None = Field(None, description="Those it is made for; every one unless given")
    package: PackageFile | None = Field(None, description="Taken from a distribution's package")
    build: KernelBuildFile | None = Field(None, description="Compiled here, from its source")
    images: Images = Field({}, description="Made by others: role to reference")
    tags: str | None = Field(None, description="Tag, or pattern of tags, of images that are given without one")

    @model_validator(mode="after")
    def _one_recipe(self) -> KernelFile:
        _at_most_one("kernel", package=self.package, build=self.build, images=self.images)
        _tags_need_images(self.tags, self.images)
        return self


class GuestFile(Strict):
    """A series of guest kernels that the makers of a machine support."""

    model_config = ConfigDict(alias_generator=dashed)
    series: Annotated[str, AfterValidator(matching(r"[0-9]+\.[0-9]+", "catalog.value", "kernel series", "as 5.10"))] = (
        Field(description="5.10")
    )
    since: Date | None = Field(None, description="From when: YYYY, YYYY-MM or YYYY-MM-DD")
    until: Date | None = Field(None, description="Until when")
    note: str = Field("", description="Shown beside it")
    source: str = Field("", description="Where the facts come from")
    inferred: bool = Field(False, description="Nobody says so; it follows from what somebody says")


class MachineFile(EntryFile):
    """Where an image runs: a VMM or a hardware model, on an architecture."""

    title: str = Field("", description="Shown in place of the name")
    vmm: str | None = Field(None, description="The VMM")
    hardware: str | None = Field(None, description="Or the hardware model")
    arch: Arch = Field(description="The architecture")
    prefer: int = Field(0, ge=-1000, le=1000, description="The highest is chosen where several machines would do")
    provides: Annotated[list[Word], AfterValidator(unique)] = Field([], description="What it has: pci")
    versions: Range | None = Field(None, description="VMM versions a proof counts for")
    memory: Annotated[
        str, AfterValidator(matching(MEMORY, "catalog.value", "amount of memory", "write 512MiB or 2GiB")),
        shaped(MEMORY),
    ] | None = Field(None, description="Memory of a guest, in MiB or GiB; 1GiB unless given")  # fmt: skip
    vcpus: int | None = Field(None, ge=1, le=4096, description="vCPUs of a guest; 2 unless given")
    deadline: int | None = Field(None, ge=1, le=86400, description="Seconds until a boot counts as hung")
    guests: list[GuestFile] = Field([], description="Kernel series that its makers support for guests")

    @model_validator(mode="after")
    def _one_kind(self) -> MachineFile:
        if (self.vmm is None) == (self.hardware is None):
            raise wrong("catalog.missing", "a machine is a VMM or a hardware model", "write `vmm`, or `hardware`")
        return self

    @property
    def kind(self) -> str:
        """The VMM or the hardware model, by the name that its facts have."""
        return self.vmm or self.hardware or ""

    @property
    def memory_mib(self) -> int | None:
        """Memory in MiB."""
        match = re.fullmatch(MEMORY, self.memory) if self.memory else None
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
    support: Annotated[Support, one_of(Support)] = Field(description="What is promised")
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
    access: Annotated[Access, one_of(Access)] = Field(
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
