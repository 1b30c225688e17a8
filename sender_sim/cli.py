"""The `sender-sim` command. Exit codes: 0 the contract was kept, 1 it was broken, 2 the command was misused."""

import sys
from importlib import import_module
from typing import Any, Final

import click

__all__ = ["COMMANDS", "main"]

# Name -> where it is, and its line in --help: a command is imported when it is run, because all of them together take
# twenty times as long as --help does.
COMMANDS: Final = {
    "certs": ("certs:mint_certs", "Mint a development CA, a certificate for localhost and a signing key pair."),
    "check": ("check:check", "Check that an endpoint keeps to the contract, and say what to change where it does not."),
    "compare": (
        "compare:compare",
        "List every difference between a captured request of Kaisa and what would be sent with the same settings.",
    ),
    "console": (
        "console:console",
        "Kaisa's Setup screen in a browser: settings, test requests, calls to place, time to travel.",
    ),
    "demo": (
        "demo:run_demo",
        "Start the receiver over HTTPS and send it a story with everything that happens in real life.",
    ),
    "macro": (
        "macro:macro",
        "Show what a macro sends: its pairs, the fields it uses, and the exact bytes of a sample call.",
    ),
    "run": (
        "run:run",
        "Let made-up calls happen and deliver them, with every rule of the contract, and with what may go wrong.",
    ),
    "scenarios": ("scenarios:scenarios", "List the scenarios; with a NAME, print its file, to copy and change."),
    "send": ("send:send", "Send one event of a made-up call, once."),
    "test-request": (
        "send:test_request",
        "Send one request with sample data, as the button in Kaisa's Setup does (C10).",
    ),
    "up": ("up:up", "Start the receiver and the console, ready to click; Ctrl-C stops both."),
}


class _Commands(dict[str, click.Command]):
    """The commands by name, each imported when it is asked for."""

    def __missing__(self, name: str) -> click.Command:
        module, _, attribute = COMMANDS[name][0].partition(":")
        command: click.Command = getattr(import_module(f"sender_sim.commands.{module}"), attribute)
        return self.setdefault(name, command)


class _Group(click.Group):
    """Commands that are imported when they are needed; settings that cannot be used end in words and exit code 2."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        return self.commands[cmd_name] if cmd_name in COMMANDS else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        listed = {name: click.Command(name, help=text) for name, (_, text) in COMMANDS.items()}
        click.Group(commands=listed).format_commands(ctx, formatter)

    def invoke(self, ctx: click.Context) -> Any:
        from sender_sim.reading import SettingsError  # --help does without

        try:
            return super().invoke(ctx)
        except SettingsError as error:
            for problem in error.problems:
                click.echo(problem, err=True)
            sys.exit(2)


@click.group(cls=_Group, commands=_Commands(), context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kaisa-webhook-kit")
def main() -> None:
    """Send what Kaisa sends, to any endpoint.

    Exit codes: 0 the contract was kept, 1 it was broken, 2 the command was misused, 130 Ctrl-C.
    """
