"""`bootworthy resolve`: the images to use, or a refusal with the nearest that would do."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import click

from bootworthy.catalog.asked import understood
from bootworthy.catalog.needs import Needs
from bootworthy.catalog.refusal import Refusal
from bootworthy.catalog.resolve import Resolution, resolve
from bootworthy.cli import options, output, session
from bootworthy.cli.looking import columns
from bootworthy.errors import UsageError

_SCHEMA = "bootworthy.resolve/1"
_SHOWN = 8


@click.command("resolve", short_help="The images to use, or why there are none")
@options.catalog
@click.option("--system", default="", metavar="NAME", help="ubuntu-22.04, 'Ubuntu 22.04', ubuntu.")
@click.option("--arch", default="", metavar="ARCH", help="x86_64, aarch64, amd64 or arm64.")
@click.option("--vmm", default="", metavar="VMM", help="firecracker, cloud-hypervisor, qemu-microvm.")
@click.option("--machine", default="", metavar="NAME", help="A machine of the catalog: rpi4, 'Raspberry Pi 4'.")
@click.option("--needs", "provides", multiple=True, metavar="THING", help="What must be there: pci, live-layering.")
@click.option("--kubernetes", default="", metavar="VERSION", help="1.23, 1.23.5.")
@click.option("--variant", default="", metavar="NAME", help="core, standard.")
@click.option("--kernel", default="", metavar="VERSION", help="5.10, 5.10.77, or a kernel of the catalog.")
@click.option("--with", "versions", multiple=True, metavar="NAME=VERSION", help="Who uses it: capmvm=0.7.0.")
@click.option("--set", "values", multiple=True, metavar="NAME=VALUE", help="Fill ${NAME} in references.")
@click.option(
    "--at", type=click.DateTime(formats=["%Y-%m-%d"]), metavar="DATE", help="As of this day, YYYY-MM-DD, not today."
)
@options.as_json
def COMMAND(  # noqa: N802, PLR0913  (an option for each need)
    *, catalog: str | None, system: str, arch: str, vmm: str, machine: str, provides: tuple[str, ...], kubernetes: str,
    variant: str, kernel: str, versions: tuple[str, ...], values: tuple[str, ...], at: datetime | None, as_json: bool,
) -> None:  # fmt: skip
    """Find the one set of images that meets all needs, say why, and what else would do.

    Where nothing does, it leaves with 1, names the needs that are at odds and the nearest cells that fit.
    """
    opened = session.open_catalog(catalog)
    day = at.date() if at is not None else datetime.now(UTC).date()
    asked = Needs(
        system=system, vmm=vmm, machine=machine, provides=provides, kubernetes=kubernetes, variant=variant,
        kernel=kernel, versions=_pairs("--with", versions), values=_pairs("--set", values),
    )  # fmt: skip
    needs = understood(asked, opened, arch)
    found = resolve(opened, needs, day)
    if as_json:
        again = [*(["-c", catalog] if catalog else []), *(["--at", day.isoformat()] if at else [])]
        head = {"schema": _SCHEMA, "catalog": opened.name, "at": day.isoformat(), "needs": needs.as_json()}
        output.document({**head, **_answer(found, ["bootworthy", "resolve", *again])})
    if isinstance(found, Refusal):
        raise found.error()
    if not as_json:
        output.result(_text(found))


def _pairs(option: str, texts: Iterable[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not (name and separator and value):
            raise UsageError("resolve.bad-pair", f"{option} {text!r} is no pair", hint="write NAME=VALUE: capmvm=0.7.0")
        if name in pairs:
            raise UsageError("resolve.twice", f"{option} names {name} twice", hint="say it once")
        pairs[name] = value
    return pairs


def _text(found: Resolution) -> str:
    sources = _Sources()
    width = max(len(reason.what) for reason in found.why)
    why = [f"  {reason.what.ljust(width)}  {reason.why}{sources.mark(reason.source)}" for reason in found.why]
    warnings = [f"  {caution.message}{sources.mark(caution.source)}" for caution in found.cautions]
    others = [f"  {other.cell.name}: {other.why}" for other in found.others[:_SHOWN]]
    if len(found.others) > _SHOWN:
        others.append(f"  and {len(found.others) - _SHOWN} more; --json has them all")
    parts = [[columns([("cell", found.cell.name), *found.images.items()])]]
    sections = (("why", why), ("warnings", warnings), ("also fits", others), ("sources", sources.lines()))
    parts += ([f"{head}:", *lines] for head, lines in sections if lines)
    return "\n\n".join("\n".join(part) for part in parts)


class _Sources:
    """Each source is written out once."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def mark(self, source: str) -> str:
        """` [1]`, and nothing where there is no source."""
        return f" [{self._numbers.setdefault(source, len(self._numbers) + 1)}]" if source else ""

    def lines(self) -> list[str]:
        """What the numbers mean."""
        return [f"  [{number}] {source}" for source, number in self._numbers.items()]


def _answer(found: Resolution | Refusal, command: list[str]) -> dict[str, object]:
    if isinstance(found, Refusal):
        return {"resolved": None, "refused": _refused(found, command)}
    return {"resolved": _resolved(found), "refused": None}


def _resolved(found: Resolution) -> Mapping[str, object]:
    cell = found.cell
    return {
        "cell": cell.name, "system": cell.system.name, "kernel": cell.kernel.name, "machine": cell.machine.name,
        "vmm": cell.machine.vmm, "architecture": cell.architecture.value, "support": cell.support.value,
        "images": dict(found.images), "why": [reason.as_json() for reason in found.why],
        "warnings": [caution.as_json() for caution in found.cautions],
        "others": [{"cell": other.cell.name, "why": other.why} for other in found.others],
    }  # fmt: skip


def _refused(found: Refusal, command: list[str]) -> Mapping[str, object]:
    error = found.error()
    return {
        "code": error.code, "message": found.message, "conflict": list(found.conflict), "note": found.note,
        "withheld": [
            {"cell": cell.name, "support": cell.support.value, "source": cell.source} for cell in found.withheld
        ],
        "nearest": [
            {
                "cell": each.cell.name, "source": each.cell.source,
                "changes": [change.instead for change in each.changes],
                "command": shlex.join([*command, *each.needs.arguments()]),
            }
            for each in found.nearest
        ],
    }  # fmt: skip
