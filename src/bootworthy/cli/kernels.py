"""Kernels that people name: files and images, and what `kernel report` says of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from bootworthy.checks import kernel_file
from bootworthy.checks.kernel_file import CONFIG_LIMIT, KERNEL_LIMIT
from bootworthy.checks.part import Part
from bootworthy.checks.reading import shown
from bootworthy.cli.text import counted
from bootworthy.errors import BuildError, HostError, NotFoundError, UsageError
from bootworthy.kernels import sight
from bootworthy.kernels.profile import Lack, Report
from bootworthy.kernels.sight import Sight
from bootworthy.vocabulary import Architecture


def is_file(text: str) -> bool:
    """Whether a person named a file rather than an image."""
    return text.startswith(("/", "./", "../")) or Path(text).is_file()


def of_file(path: Path) -> Sight:
    """The kernel in a file, with the configuration in it or beside it; or a configuration alone.

    Raises:
        NotFoundError: `kernel.no-file`.
        HostError: `kernel.denied`.
        BuildError: `kernel.unreadable`, `kernel.architecture`, `kernel.config`, `kernel.too-large`.
    """
    data = _content(path, KERNEL_LIMIT)
    if data is None:
        raise NotFoundError(
            "kernel.no-file", "there is no such file", where=str(path), hint="name a kernel or a .config"
        )
    text = sight.configuration(data)
    if text is not None:
        return sight.of_configuration(text, str(path))

    def beside(release: str | None) -> Iterator[tuple[str, bytes | None]]:
        names = [f"{path.name}.config", *([f"config-{release}"] if release and "/" not in release else []), ".config"]
        for name in names:
            yield str(path.with_name(name)), _content(path.with_name(name), CONFIG_LIMIT)

    return sight.of_kernel(data, str(path), beside)


def of_image(part: Part) -> Sight:
    """The kernel in an image, with the configuration in it or in the image.

    Raises:
        NotFoundError: `kernel.none`, when the image has no kernel.
        BuildError: as `of_file`, and `check.too-large`.
    """
    path = kernel_file.locate(part)
    if path is None:
        raise NotFoundError(
            "kernel.none", "there is no kernel in the image", where=part.name,
            hint="name a kernel image, or a file: a kernel or its .config",
        )  # fmt: skip

    def beside(release: str | None) -> Iterator[tuple[str, bytes | None]]:
        for each in kernel_file.config_paths(part, release):
            yield part.at(each), part.read(each, CONFIG_LIMIT)

    return sight.of_kernel(part.read(path, KERNEL_LIMIT) or b"", part.at(path), beside)


def architecture_of(seen: Sight, asked: Architecture | None) -> Architecture:
    """The architecture of a kernel; `asked` is what the command line says.

    Raises:
        UsageError: `arch.mismatch`, `arch.unknown`.
    """
    if seen.architecture is not None and asked not in {None, seen.architecture}:
        raise UsageError(
            "arch.mismatch", f"it is for {seen.architecture}, and --arch says {asked}", where=seen.where,
            hint="leave --arch out",
        )  # fmt: skip
    found = seen.architecture or asked
    if found is None:
        raise UsageError(
            "arch.unknown", "the configuration does not say for which architecture it is", where=seen.where,
            hint="add --arch x86_64 or --arch aarch64",
        )  # fmt: skip
    return found


def unconfigured(seen: Sight) -> NotFoundError:
    """The error for a kernel whose configuration is nowhere."""
    return NotFoundError(
        "kernel.config-missing", f"its configuration is nowhere; looked for in {', '.join(map(shown, seen.looked))}",
        where=seen.where, hint="give the .config that it was built with, or put it beside it as config-RELEASE",
    )  # fmt: skip


def lines(seen: Sight, architecture: Architecture) -> Iterator[tuple[str, str]]:
    """What a kernel is, for people."""
    info = seen.info
    yield "kernel", shown(seen.where)
    if info is not None:
        yield "format", f"{info.format}, compressed with {info.compression}" if info.compression else str(info.format)
    yield "release", shown(seen.release or "unknown")
    if info is not None and info.banner:
        yield "build", shown(info.banner)
    yield "architecture", str(architecture)
    if seen.config is not None:
        # The image is named above.
        image = seen.where.rpartition(": ")[0]
        place = (seen.config_where or "").removeprefix(f"{image}: ")
        yield "configuration", f"{shown(place)}, {counted(len(seen.config), 'symbol')}"


def verdicts(reports: Sequence[Report]) -> Iterator[tuple[str, str]]:
    """Which profiles a kernel meets, and how much of the others it lacks."""
    met = [report.profile.name for report in reports if report.met]
    if met:
        yield "meets", " ".join(met)
    for report in reports:
        if not report.met:
            of = len(report.lacking) + len(report.fulfilled)
            yield "lacks", f"{report.profile.name}: {len(report.lacking)} of {of}"


def lacking(report: Report) -> str:
    """Everything of a profile that a kernel lacks, and why it is wanted."""
    rows = [(_asked(lack), _found(lack), lack.want.why) for lack in report.lacking]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    found = [f"  {asked.ljust(widths[0])}  {is_.ljust(widths[1])}  {why}" for asked, is_, why in rows]
    return "\n".join([f"{report.profile.name}: {report.profile.title}", *found])


def document(seen: Sight, architecture: Architecture, reports: Iterable[Report]) -> dict[str, object]:
    """What a kernel is and which profiles it meets, for programs."""
    info = seen.info
    config = None if seen.config is None else {"where": seen.config_where, "symbols": len(seen.config)}
    return {
        "schema": "bootworthy.kernel-report/1", "kernel": seen.where, "format": info.format.value if info else None,
        "compression": info.compression.value if info and info.compression else None,
        "release": seen.release, "build": info.banner if info else None, "architecture": architecture.value,
        "configuration": config,
        "profiles": [
            {
                "profile": report.profile.name, "title": report.profile.title, "met": report.met,
                "lacking": [lack.as_json() for lack in report.lacking],
            }
            for report in reports
        ],
    }  # fmt: skip


def _asked(lack: Lack) -> str:
    return " or ".join([str(lack.want), *lack.want.alternatives])


def _found(lack: Lack) -> str:
    return {None: "is not there", "n": "is not set"}.get(lack.found, f"is {shown(lack.found or '')}")


def _content(path: Path, limit: int) -> bytes | None:
    """All of a file, or None when it is not there."""
    try:
        with path.open("rb") as stream:
            data = stream.read(limit + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except IsADirectoryError as error:
        raise UsageError("kernel.folder", "this is a folder", where=str(path), hint="name a file in it") from error
    except OSError as error:
        raise HostError(
            "kernel.denied", f"cannot be read: {error.strerror}", where=str(path), hint="check its mode"
        ) from error
    if len(data) > limit:
        raise BuildError("kernel.too-large", f"more than {limit} bytes make no sense here", where=str(path))
    return data
