"""What `sender-sim --help` lists is what there is, and it imports none of it."""

import subprocess
import sys

import click
import pytest

from sender_sim.cli import COMMANDS, main
from tests.unit.sender_sim.conftest import Invoke


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_listed_with_what_it_says_of_itself(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert (command.name, command.get_short_help_str(500)) == (
        name,
        click.Command(name, help=COMMANDS[name][1]).get_short_help_str(500),
    )


def test_help_lists_every_command_in_order(invoke: Invoke) -> None:
    listed = [line.split()[0] for line in invoke("--help").stdout.partition("Commands:\n")[2].splitlines()]
    assert listed == sorted(COMMANDS)


def test_help_imports_no_command_and_nothing_that_one_needs() -> None:
    script = (
        "import sys, sender_sim.cli as cli; cli.main(['--help'], standalone_mode=False); print(sorted(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "'click'" in done.stdout
    assert not [
        name for name in ("aiohttp", "cryptography", "rich", "sender_sim.commands") if f"'{name}'" in done.stdout
    ]
