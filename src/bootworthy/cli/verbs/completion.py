"""`bootworthy completion`: the script that makes a shell complete verbs, options and values."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from bootworthy.cli import output


@click.command("completion", short_help="A script for your shell")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def COMMAND(ctx: click.Context, shell: str) -> None:  # noqa: N802
    """Print the completion script of a shell.

    \b
    bash: bootworthy completion bash > ~/.local/share/bash-completion/completions/bootworthy
    zsh:  bootworthy completion zsh > "${fpath[1]}/_bootworthy"
    fish: bootworthy completion fish > ~/.config/fish/completions/bootworthy.fish
    """
    made = get_completion_class(shell)
    assert made is not None
    output.result(made(ctx.find_root().command, {}, "bootworthy", "_BOOTWORTHY_COMPLETE").source())
