"""The group of all verbs, each loaded only when it is called."""

from __future__ import annotations

import importlib
import pkgutil

import click

from bootworthy.cli import options

_VERBS = "bootworthy.cli.verbs"


class Verbs(click.Group):
    """Finds verbs by the files in `verbs/`, so that starting is fast and adding one is one file."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  (click's signature)
        """Every verb, by file name."""
        folder = importlib.import_module(_VERBS).__path__
        return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(folder))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one verb."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command = importlib.import_module(f"{_VERBS}.{cmd_name.replace('-', '_')}").COMMAND
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb; a misspelt one names the nearest."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib  # noqa: PLC0415  (only for people who misspell)

            near = difflib.get_close_matches(args[0], self.list_commands(ctx), 1)
            if not near:
                raise
            raise click.UsageError(f"{error.message} Did you mean {near[0]!r}?", ctx) from error


def _version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from importlib.metadata import version  # noqa: PLC0415  (slow to import)

        click.echo(f"bootworthy {version('bootworthy')}")
        ctx.exit()


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Show the version and leave."
)
@click.option("--debug", is_flag=True, expose_value=False, help="Show the Python traceback of a bug.")
@options.progress
def APP() -> None:  # noqa: N802  (the object is what the name is for)
    """Build, prove and ship operating-system images for microVMs and edge machines.

    Results go to standard output, progress to standard error. A SELECTOR names cells of a catalog as
    SYSTEM/KERNEL/MACHINE, each part a glob, parts left out meaning all: debian-12, 'debian-*/*/qemu-*'.
    """
